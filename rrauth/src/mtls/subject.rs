//! A distinguished name as text (RFC 4514).

use x509_parser::asn1_rs::ToDer;
use x509_parser::der_parser::asn1_rs::Tag;
use x509_parser::x509::{AttributeTypeAndValue, RelativeDistinguishedName, X509Name};

use crate::hex;
use crate::mtls::error::InvalidCertificate;

/// The name, last part first (§2.1); two different names are never written the same.
pub(crate) fn written(name: &X509Name<'_>) -> Result<Box<str>, InvalidCertificate> {
    if name.iter_attributes().count() > MAX_ATTRIBUTES {
        return Err(TOO_LONG);
    }
    let parts: Vec<_> = name.iter_rdn().map(part).collect::<Result<_, _>>()?;
    let text = parts.into_iter().rev().collect::<Vec<_>>().join(",");
    if text.len() > MAX_TEXT { Err(TOO_LONG) } else { Ok(text.into()) }
}

// §2.2.
fn part(part: &RelativeDistinguishedName<'_>) -> Result<String, InvalidCertificate> {
    let attributes: Vec<_> = part.iter().map(attribute).collect::<Result<_, _>>()?;
    Ok(attributes.join("+"))
}

// §2.3 and §2.4: a value that has no text, or whose type has no name, is written as its DER.
fn attribute(attribute: &AttributeTypeAndValue<'_>) -> Result<String, InvalidCertificate> {
    let oid = attribute.attr_type().to_id_string();
    let name = NAMES.iter().find(|it| it.0 == oid).map(|it| it.1);
    match (name, text(attribute)?) {
        (Some(name), Some(text)) => Ok(format!("{name}={}", escaped(&text)?)),
        (name, _) => {
            let der = attribute.attr_value().to_der_vec().map_err(|_| UNREADABLE)?;
            Ok(format!("{}=#{}", name.unwrap_or(&oid), hex::encode(&der)))
        }
    }
}

// `None`: its alphabet is anybody's guess (TeletexString), or it is no string at all.
fn text(attribute: &AttributeTypeAndValue<'_>) -> Result<Option<String>, InvalidCertificate> {
    let value = attribute.attr_value();
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::NumericString => {
            let text = attribute.as_str().map_err(|_| UNREADABLE)?;
            Ok(Some(text.to_owned()))
        }
        Tag::BmpString => {
            let text = value.as_bmpstring().map_err(|_| UNREADABLE)?;
            Ok(Some(text.string()))
        }
        _ => Ok(None),
    }
}

// §2.4.
fn escaped(text: &str) -> Result<String, InvalidCertificate> {
    let mut escaped = String::with_capacity(text.len());
    let last = text.chars().count().saturating_sub(1);
    for (at, char) in text.chars().enumerate() {
        match char {
            // It could be written, but no honest name has one, and some readers end there.
            it if it.is_control() => return Err(CONTROL),
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => escaped.extend(['\\', char]),
            ' ' if at == 0 || at == last => escaped.extend(['\\', char]),
            '#' if at == 0 => escaped.extend(['\\', char]),
            char => escaped.push(char),
        }
    }
    Ok(escaped)
}

// RFC 4514 §3, RFC 4519 §2 and, for the last, IANA's registry of LDAP descriptors.
const NAMES: [(&str, &str); 20] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.12", "title"),
    ("2.5.4.13", "description"),
    ("2.5.4.15", "businessCategory"),
    ("2.5.4.17", "postalCode"),
    ("2.5.4.42", "givenName"),
    ("2.5.4.43", "initials"),
    ("2.5.4.46", "dnQualifier"),
    ("2.5.4.97", "organizationIdentifier"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];
const MAX_ATTRIBUTES: usize = 64;
const MAX_TEXT: usize = 4096;
const TOO_LONG: InvalidCertificate = InvalidCertificate("its subject is too long");
const UNREADABLE: InvalidCertificate = InvalidCertificate("its subject cannot be read");
const CONTROL: InvalidCertificate = InvalidCertificate("its subject has a control character");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_would_end_a_value_is_escaped() {
        check("Steve Kille", Ok("Steve Kille"));
        check("Sue, Grabbit and Runn", Ok(r"Sue\, Grabbit and Runn"));
        check("James \"Jim\" Smith; III", Ok(r#"James \"Jim\" Smith\; III"#));
        check(r"a\b<c>d+e", Ok(r"a\\b\<c\>d\+e"));
        check("#a#", Ok(r"\#a#"));
        check(" a b ", Ok(r"\ a b\ "));
        check(" ", Ok(r"\ "));
        check("Lučić", Ok("Lučić"));
        check("a=b", Ok("a=b"));
        check("", Ok(""));
        for bad in ["a\0", "a\r\nb", "\u{7f}", "\u{85}"] {
            check(bad, Err(CONTROL));
        }
    }

    proptest! {
        #[test]
        fn a_value_cannot_pretend_to_be_two(text in "\\PC{0,30}") {
            let escaped = escaped(&text).unwrap();
            let mut chars = escaped.chars();
            let mut read = String::new();
            while let Some(char) = chars.next() {
                prop_assert!(!",+;<>\"".contains(char));
                read.push(if char == '\\' { chars.next().unwrap() } else { char });
            }
            prop_assert_eq!(read, text);
        }
    }

    #[track_caller]
    fn check(text: &str, expected: Result<&str, InvalidCertificate>) {
        assert_eq!(escaped(text).as_deref().map_err(|it| *it), expected, "{text:?}");
    }
}
