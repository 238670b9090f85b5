//! Builds a policy, and refuses one that cannot be meant.

use std::time::Duration;

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use crate::jwt::algorithm::JwtAlgorithm;
use crate::jwt::claim_rules::ClaimRules;
use crate::jwt::curves;
use crate::jwt::error::InvalidJwtPolicy;
use crate::jwt::policy::JwtPolicy;
use crate::jwt::provider;

/// Builds a [`JwtPolicy`].
#[derive(Clone, Debug)]
pub struct JwtPolicyBuilder {
    issuer: String,
    audience: Option<Vec<String>>,
    algorithms: Vec<JwtAlgorithm>,
    types: Option<Vec<String>>,
    leeway: Duration,
    required: Vec<(String, Vec<Value>)>,
    subject_pattern: Option<String>,
    max_lifetime: Option<Duration>,
}

impl JwtPolicy {
    /// A policy for tokens whose `iss` is exactly this.
    #[must_use]
    pub fn builder(issuer: impl Into<String>) -> JwtPolicyBuilder {
        JwtPolicyBuilder {
            issuer: issuer.into(),
            audience: None,
            algorithms: Vec::new(),
            types: None,
            leeway: Duration::from_secs(60),
            required: Vec::new(),
            subject_pattern: None,
            max_lifetime: None,
        }
    }
}

impl JwtPolicyBuilder {
    /// The algorithms that tokens may be signed with; required. Symmetric and public-key algorithms
    /// exclude each other.
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = JwtAlgorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// One of these must be in the token's `aud`. Not said: any `aud`, or none.
    #[must_use]
    pub fn audience<S: Into<String>>(mut self, audience: impl IntoIterator<Item = S>) -> Self {
        self.audience = Some(audience.into_iter().map(Into::into).collect());
        self
    }

    /// How wrong the issuer's clock may be against ours: 60 s unless said, an hour at most.
    #[must_use]
    pub const fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// The token must have the claim `name` with exactly one of `values`: texts, numbers or booleans.
    /// A list in the token is none of its elements, and `1.0` is not `1`.
    #[must_use]
    pub fn required_claim<V: Into<Value>>(
        mut self,
        name: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.required.push((name.into(), values.into_iter().map(Into::into).collect()));
        self
    }

    /// The token must have a `sub` in which this regular expression (in the syntax of the `regex`
    /// crate) is found: anywhere, unless it is anchored by `^` and `$`.
    #[must_use]
    pub fn subject_pattern(mut self, pattern: impl Into<String>) -> Self {
        self.subject_pattern = Some(pattern.into());
        self
    }

    /// The token must have an `iat`, and its `exp` must be no later than this after it.
    #[must_use]
    pub fn max_lifetime(mut self, longest: impl Into<Option<Duration>>) -> Self {
        self.max_lifetime = longest.into();
        self
    }

    /// The token must have one of these as its `typ`, such as `at+jwt` (RFC 9068); case does not count,
    /// nor `application/` before it. Not said: `JWT`, `at+jwt` or none.
    #[must_use]
    pub fn types<S: Into<String>>(mut self, types: impl IntoIterator<Item = S>) -> Self {
        self.types = Some(types.into_iter().map(Into::into).collect());
        self
    }

    /// The policy.
    ///
    /// # Errors
    /// Says which field cannot be meant; or that `jsonwebtoken` has no back end, or two:
    /// enable exactly one of its features, or install a `CryptoProvider` before.
    pub fn build(self) -> Result<JwtPolicy, InvalidJwtPolicy> {
        check_texts("issuer", std::slice::from_ref(&self.issuer))?;
        check_algorithms(&self.algorithms)?;
        if let Some(audience) = &self.audience {
            check_texts("audience", audience)?;
        }
        if let Some(types) = &self.types {
            check_texts("types", types)?;
        }
        if self.leeway > LONGEST_LEEWAY {
            return Err(InvalidJwtPolicy::new("leeway", "it is more than an hour"));
        }
        if self.max_lifetime.is_some_and(|it| it.is_zero()) {
            return Err(InvalidJwtPolicy::new("max_lifetime", "it is zero"));
        }
        check_required(&self.required)?;
        let subject = self.subject_pattern.as_deref().map(compile).transpose()?;
        provider::check()?;
        let audience = self.audience.unwrap_or_default().into_iter().map(Into::into).collect();
        let required = self.required.into_iter().map(|(name, it)| (name.into(), it)).collect();
        let rules = ClaimRules { issuer: self.issuer.into(), audience, required, subject };
        Ok(JwtPolicy {
            algorithms: self.algorithms,
            types: self.types,
            leeway: self.leeway,
            max_lifetime: self.max_lifetime,
            rules,
        })
    }
}

fn check_texts(field: &'static str, texts: &[String]) -> Result<(), InvalidJwtPolicy> {
    let problem = if texts.is_empty() {
        "the list is empty"
    } else if texts.len() > MOST {
        "there are more than 64"
    } else if texts.iter().any(String::is_empty) {
        "a text is empty"
    } else if texts.iter().any(|it| it.len() > LONGEST_TEXT) {
        "a text is longer than 1,024 bytes"
    } else if texts.iter().any(|it| it.chars().any(char::is_control)) {
        "a text has a control character"
    } else {
        return Ok(());
    };
    Err(InvalidJwtPolicy::new(field, problem))
}

// A public key in the place of a secret would be one that everybody knows.
fn check_algorithms(algorithms: &[JwtAlgorithm]) -> Result<(), InvalidJwtPolicy> {
    let symmetric = algorithms.iter().filter(|it| it.is_symmetric()).count();
    let problem = if algorithms.is_empty() {
        "none is allowed"
    } else if symmetric != 0 && symmetric != algorithms.len() {
        "symmetric and public-key algorithms exclude each other"
    } else if algorithms.contains(&JwtAlgorithm::Es512) && !curves::HAS_P521 {
        "ES512 takes the feature es512 of rrauth"
    } else {
        return Ok(());
    };
    Err(InvalidJwtPolicy::new("algorithms", problem))
}

fn check_required(required: &[(String, Vec<Value>)]) -> Result<(), InvalidJwtPolicy> {
    let refuse = |problem| Err(InvalidJwtPolicy::new("required_claim", problem));
    if required.len() > MOST {
        return refuse("there are more than 64");
    }
    for (index, (name, values)) in required.iter().enumerate() {
        check_texts("required_claim", std::slice::from_ref(name))?;
        if required.iter().skip(index + 1).any(|(other, _)| other == name) {
            return refuse("a claim is named twice");
        }
        if values.is_empty() || values.len() > MOST {
            return refuse("a claim has no values to be one of, or more than 64");
        }
        if values.iter().any(|it| it.is_null() || it.is_array() || it.is_object()) {
            return refuse("a value is neither a text nor a number nor a boolean");
        }
    }
    Ok(())
}

fn compile(pattern: &str) -> Result<Regex, InvalidJwtPolicy> {
    let refuse = |problem: String| InvalidJwtPolicy::new("subject_pattern", problem);
    if pattern.len() > LONGEST_TEXT {
        return Err(refuse("it is longer than 1,024 bytes".to_owned()));
    }
    let mut builder = RegexBuilder::new(pattern);
    builder.size_limit(LARGEST_REGEX).dfa_size_limit(LARGEST_REGEX).nest_limit(DEEPEST_REGEX);
    builder.build().map_err(|error| refuse(error.to_string()))
}

const LONGEST_LEEWAY: Duration = Duration::from_secs(3_600);
const LONGEST_TEXT: usize = 1_024;
const MOST: usize = 64;
const LARGEST_REGEX: usize = 1 << 20;
const DEEPEST_REGEX: u32 = 50;
