//! The forms that alternative names may have.

use crate::mtls::error::InvalidCertificate;

/// A URI in a certificate.
#[derive(Debug)]
pub(crate) enum AlternativeName {
    /// It identifies a workload (SPIFFE-ID §2).
    Spiffe(Box<str>),
    /// Any other.
    Plain(Box<str>),
}

/// A host name in lower case. Wildcards are kept as they are: they stand for nothing here.
pub(crate) fn dns(text: &str) -> Result<Box<str>, InvalidCertificate> {
    if is_host(text) { Ok(text.to_ascii_lowercase().into()) } else { Err(BAD_DNS) }
}

/// An address (RFC 5321 §4.1.2, without quotes), its domain in lower case.
pub(crate) fn email(text: &str) -> Result<Box<str>, InvalidCertificate> {
    let (local, domain) = text.split_once('@').ok_or(BAD_EMAIL)?;
    // RFC 5322 §3.2.3 `atext`, and dots; without `=`, by which a subject is known.
    let fits = |it: u8| it.is_ascii_alphanumeric() || b".!#$%&'*+-/?^_`{|}~".contains(&it);
    let is_local = (1..=MAX_LOCAL).contains(&local.len()) && local.bytes().all(fits);
    if is_local && is_host(domain) {
        Ok(format!("{local}@{}", domain.to_ascii_lowercase()).into())
    } else {
        Err(BAD_EMAIL)
    }
}

/// A URI as it is written.
pub(crate) fn uri(text: &str) -> Result<AlternativeName, InvalidCertificate> {
    let (scheme, rest) = text.split_once(':').ok_or(BAD_URI)?;
    // RFC 3986 §3.1.
    let fits = |it: u8| it.is_ascii_alphanumeric() || b"+-.".contains(&it);
    let is_scheme = scheme.starts_with(|it: char| it.is_ascii_alphabetic());
    let is_visible = text.bytes().all(|it| it.is_ascii_graphic());
    if !is_scheme || !scheme.bytes().all(fits) || !is_visible || text.len() > MAX_URI {
        return Err(BAD_URI);
    }
    if !scheme.eq_ignore_ascii_case("spiffe") {
        return Ok(AlternativeName::Plain(text.into()));
    }
    let is_lower = scheme.bytes().all(|it| it.is_ascii_lowercase());
    match rest.strip_prefix("//").filter(|it| is_lower && is_workload(it)) {
        Some(_) => Ok(AlternativeName::Spiffe(text.into())),
        None => Err(BAD_SPIFFE),
    }
}

// A trust domain, and at least one segment: the trust domain alone is an authority, no workload
// (X509-SVID §3.2 and §5.2).
fn is_workload(text: &str) -> bool {
    let Some((domain, path)) = text.split_once('/') else { return false };
    let in_domain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b".-_".contains(&it);
    let in_segment = |it: u8| it.is_ascii_alphanumeric() || b".-_".contains(&it);
    let is_segment = |it: &str| !matches!(it, "" | "." | "..") && it.bytes().all(in_segment);
    (1..=MAX_TRUST_DOMAIN).contains(&domain.len())
        && domain.bytes().all(in_domain)
        && path.split('/').all(is_segment)
}

fn is_host(text: &str) -> bool {
    let fits = |it: u8| it.is_ascii_alphanumeric() || b"-._*".contains(&it);
    (1..=MAX_HOST).contains(&text.len()) && text.bytes().all(fits)
}

// RFC 1035 §2.3.4; RFC 5321 §4.5.3.1.1; SPIFFE-ID §2.3 (both).
const MAX_HOST: usize = 253;
const MAX_LOCAL: usize = 64;
const MAX_URI: usize = 2048;
const MAX_TRUST_DOMAIN: usize = 255;
const BAD_DNS: InvalidCertificate = InvalidCertificate("a DNS name in it is malformed");
const BAD_EMAIL: InvalidCertificate = InvalidCertificate("an e-mail address in it is malformed");
const BAD_URI: InvalidCertificate = InvalidCertificate("a URI in it is malformed");
const BAD_SPIFFE: InvalidCertificate = InvalidCertificate("its SPIFFE id is malformed");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dns_name_is_a_host_in_lower_case() {
        check(dns, "Build.Example.COM", Ok("build.example.com"));
        check(dns, "*.example.com", Ok("*.example.com"));
        check(dns, &"a".repeat(253), Ok(&"a".repeat(253)));
        let long = "a".repeat(254);
        for bad in ["", "a\0b", "a b", "a@b", "a:b", "a=b", "a/b", "é", "a\n", &long] {
            check(dns, bad, Err(BAD_DNS));
        }
    }

    #[test]
    fn an_email_address_has_one_at_and_no_quotes() {
        check(email, "Alice+x@Example.COM", Ok("Alice+x@example.com"));
        for bad in
            ["", "@", "a@", "@b", "a@b@c", "\"a b\"@c", "a:b@c", "CN=a@b", "a\0@b", "a@b\0", "é@b"]
        {
            check(email, bad, Err(BAD_EMAIL));
        }
        check(email, &format!("{}@b", "a".repeat(65)), Err(BAD_EMAIL));
    }

    #[test]
    fn a_spiffe_id_is_a_workload_in_a_trust_domain() {
        check_uri("spiffe://example.org/ns/prod/sa/build", Ok(true));
        check_uri("spiffe://a_b-c.1/A.b-c_9", Ok(true));
        check_uri("https://example.com/?a=b#c", Ok(false));
        check_uri("urn:uuid:1", Ok(false));
        for bad in ["", "a", ":a", "1a:b", "a b:c", "a:b c", "a:\0", "a:é", "/a:b"] {
            check_uri(bad, Err(BAD_URI));
        }
        for bad in [
            "spiffe:",
            "spiffe://",
            "spiffe://example.org",
            "spiffe://example.org/",
            "spiffe:///a",
            "spiffe:/example.org/a",
            "SPIFFE://example.org/a",
            "spiffe://Example.org/a",
            "spiffe://user@example.org/a",
            "spiffe://example.org:1/a",
            "spiffe://example.org/a/",
            "spiffe://example.org//a",
            "spiffe://example.org/a/../b",
            "spiffe://example.org/./b",
            "spiffe://example.org/%61",
            "spiffe://example.org/a?b",
            "spiffe://example.org/a#b",
            "spiffe:example.org/a",
        ] {
            check_uri(bad, Err(BAD_SPIFFE));
        }
        let long = |length: usize| format!("spiffe://a/{}", "b".repeat(length - 11));
        check_uri(&long(2048), Ok(true));
        check_uri(&long(2049), Err(BAD_URI));
        check_uri(&format!("spiffe://{}/a", "b".repeat(256)), Err(BAD_SPIFFE));
    }

    type Read = fn(&str) -> Result<Box<str>, InvalidCertificate>;

    #[track_caller]
    fn check(read: Read, text: &str, expected: Result<&str, InvalidCertificate>) {
        assert_eq!(read(text).as_deref().map_err(|it| *it), expected, "{text:?}");
    }

    // Whether it is a SPIFFE id.
    #[track_caller]
    fn check_uri(text: &str, expected: Result<bool, InvalidCertificate>) {
        let seen = uri(text).map(|it| match it {
            AlternativeName::Spiffe(id) => (id, true),
            AlternativeName::Plain(uri) => (uri, false),
        });
        assert_eq!(seen, expected.map(|it| (text.into(), it)), "{text:?}");
    }
}
