//! What a token must say besides when it is valid.

use std::sync::Arc;

use regex::Regex;
use serde_json::Value;

use crate::claims::is_same;
use crate::jwt::error::JwtError;
use crate::strict_json::plain::{Node, Plain};

/// What the claims must be.
#[derive(Clone, Debug)]
pub(super) struct ClaimRules {
    pub(super) issuer: Box<str>,
    /// One of them must be the token's audience; none: whoever it is for.
    pub(super) audience: Vec<Box<str>>,
    /// The claim, and one of which values it must have.
    pub(super) required: Vec<(Box<str>, Vec<Value>)>,
    pub(super) subject: Option<Regex>,
}

impl ClaimRules {
    /// Whether the token is of our issuer, which is needed to know whether it is ours to judge.
    pub(super) fn check_issuer(&self, claims: &Plain<'_>) -> Result<(), JwtError> {
        match claims.get("iss") {
            Some(Node::Text(issuer)) if **issuer == *self.issuer => Ok(()),
            Some(Node::Text(_)) => Err(JwtError::foreign("iss: it is another issuer's")),
            Some(_) => Err(JwtError::invalid("iss: it is not a text")),
            None => Err(JwtError::invalid("iss: it is missing")),
        }
    }

    /// Whether the rest is as it must be; yields the subject.
    pub(super) fn check(&self, claims: &Plain<'_>) -> Result<Option<Arc<str>>, JwtError> {
        self.check_audience(claims)?;
        for (name, values) in &self.required {
            let value = claims.get(name);
            let value = value.ok_or_else(|| JwtError::invalid(format!("{name}: it is missing")))?;
            let value = value.value();
            if !values.iter().any(|it| is_same(it, &value)) {
                return Err(JwtError::invalid(format!("{name}: it is not what is required")));
            }
        }
        self.subject(claims)
    }

    // RFC 7519 §4.1.3: a text or a list of texts. Whatever else is no audience, asked for or not.
    fn check_audience(&self, claims: &Plain<'_>) -> Result<(), JwtError> {
        let named: &[Node<'_>] = match claims.get("aud") {
            None if self.audience.is_empty() => return Ok(()),
            None => return Err(JwtError::invalid("aud: it is missing")),
            Some(Node::List(list)) => list,
            Some(one) => std::slice::from_ref(one),
        };
        if !named.iter().all(|it| it.text().is_some()) {
            return Err(JwtError::invalid("aud: it is neither a text nor a list of texts"));
        }
        let is_ours = |it: &Node<'_>| self.audience.iter().any(|ours| it.text() == Some(ours));
        if self.audience.is_empty() || named.iter().any(is_ours) {
            return Ok(());
        }
        Err(JwtError::invalid("aud: the token is for others"))
    }

    // It goes into logs, headers and limits: short, and in one line.
    fn subject(&self, claims: &Plain<'_>) -> Result<Option<Arc<str>>, JwtError> {
        let subject = match claims.get("sub") {
            None if self.subject.is_none() => return Ok(None),
            None => return Err(JwtError::invalid("sub: it is missing")),
            Some(Node::Text(subject)) => &**subject,
            Some(_) => return Err(JwtError::invalid("sub: it is not a text")),
        };
        let is_short = (1..=LONGEST_SUBJECT).contains(&subject.len());
        if !is_short || subject.chars().any(char::is_control) {
            return Err(JwtError::invalid("sub: it is not one line of 1 to 256 bytes"));
        }
        match &self.subject {
            Some(pattern) if !pattern.is_match(subject) => {
                Err(JwtError::invalid("sub: the pattern does not match"))
            }
            Some(_) | None => Ok(Some(subject.into())),
        }
    }
}

const LONGEST_SUBJECT: usize = 256;
