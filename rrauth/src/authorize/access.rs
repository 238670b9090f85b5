//! Whether a caller may, and what it lacks if not.

use std::fmt;

use http::HeaderValue;
use http::header::WWW_AUTHENTICATE;
use rrcore::{Code, Refusal};

use crate::inbound::privileges::Privileges;

/// What [`AuthorizeLayer`](crate::AuthorizeLayer) is told of a caller. A `bool` is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// It may.
    Granted,
    /// It may not: 403 `not-authorized`.
    Denied,
    /// It could with more scopes or other claims: 403 `insufficient-scope`.
    Insufficient(Unmet),
}

impl From<bool> for Access {
    fn from(may: bool) -> Self {
        if may { Self::Granted } else { Self::Denied }
    }
}

impl From<Result<(), Unmet>> for Access {
    fn from(met: Result<(), Unmet>) -> Self {
        met.map_or_else(Self::Insufficient, |()| Self::Granted)
    }
}

/// What a caller must have been granted. Made once, when its configuration arrives.
///
/// ```
/// use rrauth::Requirements;
///
/// let reads = Requirements::none().scope("read");
/// assert!(reads.met_by(None).unwrap_err().to_string().contains("read"));
/// assert!(Requirements::none().met_by(None).is_ok());
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct Requirements {
    scopes: Vec<Box<str>>,
    #[cfg(feature = "claims")]
    claims: Vec<(Box<str>, Vec<serde_json::Value>)>,
}

/// A requirement that is not met: all the scopes that would be needed, or the name of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    scopes: String,
    lacks: String,
}

impl Requirements {
    /// Nothing is required.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// This scope, by the credential or the token, besides those named before.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<Box<str>>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// A token whose claim `name` is one of `values`, or is a list that has one of them.
    #[cfg(feature = "claims")]
    #[must_use]
    pub fn claim(
        mut self,
        name: impl Into<Box<str>>,
        values: impl IntoIterator<Item = serde_json::Value>,
    ) -> Self {
        self.claims.push((name.into(), values.into_iter().collect()));
        self
    }

    /// Whether that is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        #[cfg(feature = "claims")]
        let is_any = self.claims.is_empty();
        #[cfg(not(feature = "claims"))]
        let is_any = true;
        self.scopes.is_empty() && is_any
    }

    /// Whether `grant` is enough: what [`Auth`](crate::Auth) left in the request's extensions.
    ///
    /// # Errors
    /// The first requirement that is not met.
    pub fn met_by(&self, grant: Option<&Privileges>) -> Result<(), Unmet> {
        let has = |scope: &str| grant.is_some_and(|it| it.has_scope(scope));
        if let Some(scope) = self.scopes.iter().find(|it| !has(it)) {
            return Err(self.unmet(format!("the scope {scope}")));
        }
        #[cfg(feature = "claims")]
        for (name, values) in &self.claims {
            let claims = grant.and_then(Privileges::claims);
            if !claims.is_some_and(|it| it.has_one_of(name, values)) {
                return Err(self.unmet(format!("the claim {name}")));
            }
        }
        Ok(())
    }

    fn unmet(&self, lacks: String) -> Unmet {
        Unmet { scopes: self.scopes.join(" "), lacks }
    }
}

impl Unmet {
    /// 403, with a challenge that names the scopes (RFC 6750 §3.1).
    pub fn refusal(&self) -> Refusal {
        let text = match self.scopes.as_str() {
            "" => "Bearer error=\"insufficient_scope\"".to_owned(),
            scopes => format!("Bearer error=\"insufficient_scope\", scope=\"{scopes}\""),
        };
        let refusal = Refusal::new(Code::InsufficientScope).because(self.to_string());
        // Scopes of the embedder's own that no header can hold are left out.
        match HeaderValue::try_from(text) {
            Ok(line) if !self.scopes.contains(['"', '\\']) => {
                refusal.header(WWW_AUTHENTICATE, line)
            }
            Ok(_) | Err(_) => refusal,
        }
    }
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the caller lacks {}", self.lacks)
    }
}

// By hand: what is expected of claims is not for logs.
impl fmt::Debug for Requirements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requirements").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(feature = "claims")]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::claims::Claims;
    use crate::inbound::credential::{Credential, Kind};
    use crate::inbound::proof::Proof;

    #[test]
    fn all_scopes_and_all_claims_are_needed() {
        let needs = Requirements::none().scope("read").scope("write");
        check(&needs, &["read", "write"], &json!({}), None);
        check(&needs, &["read"], &json!({"scope": "write other"}), None);
        check(&needs, &[], &json!({"scp": ["write", "read"]}), None);
        check(&needs, &["write"], &json!({}), Some("the caller lacks the scope read"));
        check(
            &needs,
            &["read"],
            &json!({"scope": "writes"}),
            Some("the caller lacks the scope write"),
        );
        let needs = Requirements::none().claim("tier", [json!("gold"), json!(7)]);
        check(&needs, &[], &json!({"tier": "gold"}), None);
        check(&needs, &[], &json!({"tier": ["tin", "gold"]}), None);
        check(&needs, &[], &json!({"tier": 7}), None);
        for other in
            [json!({}), json!({"tier": "7"}), json!({"tier": [["gold"]]}), json!({"tier": null})]
        {
            check(&needs, &["gold"], &other, Some("the caller lacks the claim tier"));
        }
        check(&needs.scope("a"), &[], &json!({"tier": 7}), Some("the caller lacks the scope a"));
        check(&Requirements::none(), &[], &json!({}), None);
    }

    #[test]
    fn the_challenge_names_what_is_needed_and_no_more_than_a_header_holds() {
        let line = |scope: &str| {
            let unmet = Requirements::none().scope(scope).met_by(None).unwrap_err();
            let response = rrcore::Context::new(&rrcore::Clock::system()).refuse(unmet.refusal());
            response.headers().get("www-authenticate").map(|it| it.to_str().unwrap().to_owned())
        };
        let expected = "Bearer error=\"insufficient_scope\", scope=\"read\"";
        assert_eq!(line("read").as_deref(), Some(expected));
        assert_eq!(line("a\"b"), None);
        assert_eq!(line("a\n"), None);
    }

    #[track_caller]
    fn check(needs: &Requirements, scopes: &[&str], claims: &Value, expected: Option<&str>) {
        let credential = Credential::new("c", "s", Kind::Jwt, ()).scopes(scopes.iter().copied());
        let claims = Claims::new(claims.as_object().unwrap().clone());
        let grant = Privileges::of(&mut Proof::of(Arc::new(credential)).claims(claims));
        let said = needs.met_by(grant.as_ref()).err().map(|it| it.to_string());
        assert_eq!(said.as_deref(), expected, "{needs:?} {scopes:?}");
    }
}
