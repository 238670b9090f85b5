//! What a verified token says of its bearer.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde_json::{Map, Number, Value};

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

    /// Whether the claim `name` is one of `values`, or is a list that has one of them. A number is
    /// the same however it is spelt; of those beyond 2^53 only integers of 64 bits can be told apart,
    /// and the others are none of the `values`.
    #[must_use]
    pub fn has_one_of(&self, name: &str, values: &[Value]) -> bool {
        match self.get(name) {
            None => false,
            Some(Value::Array(list)) => list.iter().any(|it| is_among(it, values)),
            Some(value) => is_among(value, values),
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

fn is_among(value: &Value, values: &[Value]) -> bool {
    values.iter().any(|it| is_same(it, value))
}

/// Whether two values are one. Numbers are by what they are worth, where that is known.
pub(crate) fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (whole(one), whole(other)) {
            (Some(one), Some(other)) => one == other,
            (None, None) => part(one).is_some_and(|it| part(other) == Some(it)),
            (Some(_), None) | (None, Some(_)) => false,
        },
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let is_there = |(name, it)| other.get(name).is_some_and(|other| is_same(it, other));
            one.len() == other.len() && one.iter().all(is_there)
        }
        (one, other) => one == other,
    }
}

// What is spelt as an integer of 64 bits, or as a fraction that is one and exact.
fn whole(number: &Number) -> Option<i128> {
    let integer = number.as_u64().map(i128::from).or_else(|| number.as_i64().map(i128::from));
    integer.or_else(|| {
        let it = number.as_f64().filter(|it| it.fract() == 0.0 && it.abs() <= EXACT)?;
        #[expect(clippy::cast_possible_truncation, reason = "it is an integer of 54 bits")]
        Some(it as i128)
    })
}

// What lies between two integers.
fn part(number: &Number) -> Option<f64> {
    number.as_f64().filter(|it| it.fract() != 0.0)
}

// 2^53: beyond it, neighbours are one.
const EXACT: f64 = 9_007_199_254_740_992.0;

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
    fn numbers_are_one_by_their_worth() {
        for (required, said) in [
            ("2", "2.0"),
            ("2.0", "2"),
            ("2", "2e0"),
            ("0", "-0"),
            ("-0.0", "0"),
            ("20", "2E1"),
            ("0.5", "5e-1"),
            ("18446744073709551615", "18446744073709551615"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("[1, 2.0]", "[1.0, 2]"),
            (r#"{"a": 1}"#, r#"{"a": 1.0}"#),
        ] {
            same(required, said, true);
        }
        for (required, said) in [
            ("2", "2.5"),
            ("2.5", "2"),
            ("2", "-2"),
            ("2", "\"2\""),
            ("1", "true"),
            ("9007199254740993", "9007199254740992"),
            ("9007199254740993", "9007199254740993.0"),
            ("100000000000000000001", "100000000000000000000"),
            ("18446744073709551616", "18446744073709551617"),
            ("18446744073709551615", "1.8446744073709552e19"),
            ("1e300", "1e300"),
            ("[1, 2]", "[1]"),
            (r#"{"a": 1}"#, r#"{"b": 1}"#),
        ] {
            same(required, said, false);
        }
    }

    #[track_caller]
    fn same(required: &str, said: &str, expected: bool) {
        let read = |text| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(is_same(&read(required), &read(said)), expected, "{required} {said}");
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
