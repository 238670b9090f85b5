//! `application/x-www-form-urlencoded`, as OAuth writes it (RFC 6749 appendix B).

use zeroize::Zeroizing;

use crate::hex;

/// `text` with everything percent-encoded but what HTML leaves; a space is `+`.
pub(crate) fn encoded(text: &str) -> Zeroizing<String> {
    // Long enough at once, so that no smaller copy of a secret is left behind by growing.
    let mut encoded = Zeroizing::new(String::with_capacity(text.len() * 3));
    for byte in text.bytes() {
        match byte {
            b' ' => encoded.push('+'),
            b'*' | b'-' | b'.' | b'_' => encoded.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
            _ => {
                encoded.push('%');
                encoded.push_str(&hex::encode(&[byte]).to_ascii_uppercase());
            }
        }
    }
    encoded
}

/// `name=value` of each pair.
pub(crate) fn form<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Zeroizing<String> {
    let pairs: Vec<_> =
        pairs.into_iter().map(|(name, value)| (encoded(name), encoded(value))).collect();
    let length = pairs.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
    let mut form = Zeroizing::new(String::with_capacity(length));
    for (name, value) in pairs {
        if !form.is_empty() {
            form.push('&');
        }
        form.push_str(&name);
        form.push('=');
        form.push_str(&value);
    }
    form
}

/// A body that is wiped when its last copy is dropped.
pub(crate) struct Wiped(pub(crate) Zeroizing<String>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc_is_written_as_it_is_there() {
        let text = " %&+\u{a3}\u{20ac}";
        assert_eq!(*encoded(text), "+%25%26%2B%C2%A3%E2%82%AC");
        assert_eq!(*encoded("a:b c/~*-._Z9"), "a%3Ab+c%2F%7E*-._Z9");
        assert_eq!(*form([("a b", "c&d"), ("e", "")]), "a+b=c%26d&e=");
    }
}
