//! What a verified token says of its bearer.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};

/// The claims of a token that has been verified (RFC 7519 §4, RFC 7662 §2.2). A handle: clones share
/// them.
///
/// [`Auth`](crate::Auth) leaves them in the request's extensions, in its [`Proof`](crate::Proof).
/// Prints the names of the claims and no value.
///
/// ```
/// use rrauth::Claims;
/// use serde_json::json;
///
/// let claims = Claims::new(json!({"sub": "alice", "scope": "read write"}).as_object().unwrap().clone());
/// assert_eq!(claims.text("sub"), Some("alice"));
/// assert!(claims.scopes().eq(["read", "write"]));
/// ```
#[derive(Clone)]
pub struct Claims {
    inner: Arc<Inner>,
}

struct Inner {
    // Most tokens are only verified, and nobody asks what else they say: read when somebody does.
    members: OnceLock<Map<String, Value>>,
    #[cfg(feature = "jwt")]
    text: Vec<u8>,
}

impl Claims {
    /// Claims that somebody else has verified.
    #[must_use]
    pub fn new(members: Map<String, Value>) -> Self {
        let members = OnceLock::from(members);
        Self {
            inner: Arc::new(Inner {
                members,
                #[cfg(feature = "jwt")]
                text: Vec::new(),
            }),
        }
    }

    /// What `text` says: an object that has been read strictly.
    #[cfg(feature = "jwt")]
    pub(crate) fn written(text: Vec<u8>) -> Self {
        Self { inner: Arc::new(Inner { members: OnceLock::new(), text }) }
    }

    /// The claim called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members().get(name)
    }

    /// The claim called `name`, if it is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// Whether the claim `name` is one of `values`, or is a list that has one of them.
    #[must_use]
    pub fn has_one_of(&self, name: &str, values: &[Value]) -> bool {
        match self.get(name) {
            None => false,
            Some(Value::Array(list)) => list.iter().any(|it| values.contains(it)),
            Some(value) => values.contains(value),
        }
    }

    /// What the token grants: the words of `scope` (RFC 8693 §4.2, RFC 7662 §2.2) and of `scp`, each
    /// a text or a list of texts. Anything else grants nothing.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        ["scope", "scp"].into_iter().filter_map(|it| self.get(it)).flat_map(words)
    }

    fn members(&self) -> &Map<String, Value> {
        #[cfg(feature = "jwt")]
        let text = &self.inner.text;
        // It can be read, in the same way: it was. Nobody is granted anything by an object without
        // members.
        #[cfg(feature = "jwt")]
        let read = || crate::strict_json::object(text).unwrap_or_default();
        #[cfg(not(feature = "jwt"))]
        let read = Map::new;
        self.inner.members.get_or_init(read)
    }
}

fn words(value: &Value) -> impl Iterator<Item = &str> {
    let (one, many) = match value {
        Value::String(text) => (Some(text.as_str()), &[][..]),
        Value::Array(list) => (None, list.as_slice()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => (None, &[][..]),
    };
    let split = one.into_iter().flat_map(|it| it.split(' '));
    split.chain(many.iter().filter_map(Value::as_str)).filter(|it| !it.is_empty())
}

impl PartialEq for Claims {
    fn eq(&self, other: &Self) -> bool {
        self.members() == other.members()
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Claims").field(&self.members().keys().collect::<Vec<_>>()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn scopes_are_words_or_lists_of_words_and_nothing_else() {
        check(&json!({"scope": "a b"}), &["a", "b"]);
        check(&json!({"scope": " a  b "}), &["a", "b"]);
        check(&json!({"scp": ["a", "b"]}), &["a", "b"]);
        check(&json!({"scope": "a", "scp": "b"}), &["a", "b"]);
        check(&json!({"scp": ["a", 7, ["b"], null]}), &["a"]);
        for nothing in [json!({}), json!({"scope": 7}), json!({"scp": {"a": 1}})] {
            check(&nothing, &[]);
        }
    }

    #[test]
    fn debug_shows_names_only() {
        let claims = claims(&json!({"email": "canary"}));
        assert_eq!(format!("{claims:?}"), "Claims([\"email\"])");
    }

    #[cfg(feature = "jwt")]
    #[test]
    fn what_is_written_is_what_was_read() {
        let said = json!({"sub": "al\"ice", "scp": ["a"], "more": {"a": [1, -1.5, null]}});
        let written = Claims::written(said.to_string().into_bytes());
        let shared = written.clone();
        assert_eq!(written.text("sub"), Some("al\"ice"));
        assert_eq!((&written, shared), (&claims(&said), claims(&said)));
    }

    #[track_caller]
    fn check(members: &Value, expected: &[&str]) {
        assert_eq!(claims(members).scopes().collect::<Vec<_>>(), expected, "{members}");
    }

    fn claims(members: &Value) -> Claims {
        Claims::new(members.as_object().unwrap().clone())
    }
}
