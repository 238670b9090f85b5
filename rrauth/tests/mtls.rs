//! Client certificates: what is read of them, and whose credential they prove.

#![cfg(test)]

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use rcgen::string::{BmpString, Ia5String};
use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue, KeyPair, SanType,
};
use rrauth::{CertificateRule, ClientCertificate, ClientCertificates, Credential, Kind};
use rrcore::Now;

#[test]
fn a_certificate_is_read_as_openssl_made_it() {
    let certificate = ClientCertificate::from_der(&made_by_openssl()).unwrap();
    // `openssl x509 -nameopt RFC2253,-esc_msb,utf8`, which turns the parts of a part round too.
    assert_eq!(
        certificate.subject(),
        r#"CN=Lučić+emailAddress=a@b.example,serialNumber=7,OU=\ "Q" #1\ ,O=Isode\, Limited,C=GB,DC=example,DC=com"#
            .replace('"', "\\\"")
    );
    assert_eq!(
        certificate.fingerprint_hex(),
        "6cfc0ee5ec327c005e7f56c0fb05c6056a152cf2b6c60caad8cb18f8e470342b"
    );
    assert_eq!(certificate.not_after(), Duration::from_secs(4948932327));
    // The address is none of the names that count.
    assert_eq!(certificate.alternative_names().count(), 0);
    assert!(certificate.names().eq([certificate.subject()]));
}

#[test]
fn a_holder_is_called_by_the_best_kind_of_name_there_is() {
    check_names(&[uri("spiffe://a.example/b"), dns("x.example")], &["spiffe://a.example/b"]);
    check_names(&[dns("X.example"), uri("spiffe://a.example/b")], &["spiffe://a.example/b"]);
    check_names(
        &[dns("X.example"), email("A@B.example"), uri("https://c.example")],
        &["x.example", "A@b.example", "https://c.example"],
    );
    check_names(&[SanType::IpAddress([192, 0, 2, 1].into())], &["O=Org,CN=name"]);
    check_names(&[], &["O=Org,CN=name"]);
}

#[test]
fn names_that_cannot_be_trusted_are_refused() {
    check_refused(&[dns("a.example\0.evil.example")], "DNS name");
    check_refused(&[dns("spiffe://a.example/b")], "DNS name");
    check_refused(&[dns("")], "DNS name");
    check_refused(&[dns("fine.example"), dns("a\nb")], "DNS name");
    check_refused(&[email("a\0@b")], "e-mail");
    check_refused(&[email("CN=a@b")], "e-mail");
    check_refused(&[uri("\u{7f}")], "URI");
    check_refused(&[uri("spiffe://a.example")], "SPIFFE");
    check_refused(&[uri("spiffe://a.example/b"), uri("spiffe://a.example/c")], "another URI");
    check_refused(&[uri("https://a.example/"), uri("spiffe://a.example/b")], "another URI");
    check_refused(&vec![dns("a"); 257], "256");
}

#[test]
fn a_subject_with_a_control_character_or_without_end_is_refused() {
    check_subject(&[(DnType::CommonName, "a\0b".into())], Err("control"));
    check_subject(&[(DnType::CommonName, "a\r\nCN=b".into())], Err("control"));
    check_subject(&[(DnType::CommonName, "a".repeat(5_000).into())], Err("too long"));
    check_subject(&[], Ok(""));
    check_subject(&[(DnType::CommonName, "a,O=b".into())], Ok(r"CN=a\,O=b"));
    let wide = DnValue::BmpString(BmpString::try_from("Ü").unwrap());
    check_subject(&[(DnType::CommonName, wide)], Ok("CN=Ü"));
    // Without a name for the type, its DER: UTF8String, one byte, `x`.
    check_subject(&[(DnType::CustomDnType(vec![1, 2, 3]), "x".into())], Ok("1.2.3=#0c0178"));
}

#[test]
fn a_certificate_without_names_is_nobodys() {
    let certificate = certificate(&[], &[]);
    assert_eq!(certificate.names().count(), 0);
    assert!(find(&[("", "a"), (".*", "b")], &certificate, 0).is_none());
}

#[test]
fn alternative_names_that_are_twice_there_or_broken_are_refused() {
    let fine = [0x30, 0x03, 0x82, 0x01, b'a'];
    let san = |content: &[u8]| CustomExtension::from_oid_content(&[2, 5, 29, 17], content.to_vec());
    let made = |extensions: Vec<CustomExtension>| {
        let mut params = CertificateParams::default();
        params.custom_extensions = extensions;
        ClientCertificate::from_der(&der(&params)).map(|it| it.names().collect::<String>())
    };
    assert_eq!(made(vec![san(&fine)]).as_deref(), Ok("a"));
    assert!(made(vec![san(&fine), san(&fine)]).is_err());
    for broken in [&[][..], &[0x30], &[0x30, 0x09, 0x82, 0x01, b'a'], b"\x30\x03\x82\x01\xff"] {
        assert!(made(vec![san(broken)]).is_err(), "{broken:?}");
    }
}

#[test]
fn a_pattern_must_match_the_whole_name() {
    let one = certificate(&[uri("spiffe://a.example/build")], &[]);
    check_pattern(r"spiffe://a\.example/build", &one, true);
    check_pattern(r"spiffe://a\.example/.*", &one, true);
    check_pattern(r"^spiffe://a\.example/build$", &one, true);
    check_pattern(r"spiffe://a\.example/(test|build)", &one, true);
    check_pattern(r"spiffe://a\.example/bui|spiffe://a\.example/build", &one, true);
    check_pattern(r"(?i)SPIFFE://A\.EXAMPLE/BUILD", &one, true);
    check_pattern(r"spiffe://a\.example/buil", &one, false);
    check_pattern("a.example", &one, false);
    check_pattern("", &one, false);
    check_pattern("x|spiffe:", &one, false);
    check_pattern("(?m)^spiffe", &one, false);
}

#[test]
fn a_pattern_that_breaks_out_or_blows_up_is_refused() {
    check_bad_pattern("a)|(?:b", "unopened group");
    check_bad_pattern("(", "unclosed group");
    check_bad_pattern("(?x)a # ", "unclosed group");
    check_bad_pattern("a{1000}{1000}", "exceeds size limit");
    check_bad_pattern(&format!("{}{}", "(".repeat(99), ")".repeat(99)), "nest");
    check_bad_pattern(&"a".repeat(5_000), "4 KiB");
    check_bad_pattern(r"(a)\1", "backreferences");
}

#[test]
fn the_first_usable_credential_that_matches_counts() {
    let known = certificate(&[dns("a.example"), dns("b.example")], &[]);
    let found = |rules: &[(&str, &str)]| find(rules, &known, 0);
    let expected = |id: &str, name: &str| Some((id.to_owned(), name.to_owned()));
    assert_eq!(found(&[("c.*", "1"), ("b.*", "2"), ("a.*", "3")]), expected("2", "b.example"));
    assert_eq!(found(&[(".*", "1")]), expected("1", "a.example"));
    assert_eq!(found(&[(".*", "off"), ("b.*", "2")]), expected("2", "b.example"));
    assert_eq!(found(&[("b.*", "old"), (".*", "2")]), expected("2", "a.example"));
    assert_eq!(found(&[("b.*", "off"), (".*", "old")]), expected("off", "b.example"));
    assert_eq!(found(&[]), None);
}

#[test]
fn a_certificate_that_has_ended_proves_nothing() {
    let certificate = ClientCertificate::from_der(&made_by_openssl()).unwrap();
    let rules = [(".*", "1")];
    assert!(find(&rules, &certificate, 4948932327 - 1).is_some());
    assert!(find(&rules, &certificate, 4948932327).is_none());
    assert!(find(&rules, &certificate, u64::MAX).is_none());
}

#[test]
fn nothing_of_the_holder_is_printed() {
    let certificate = certificate(&[dns("canary.example")], &[]);
    let rules = rules(&[("canary.*", "1")]);
    let printed = format!("{certificate:?} {:?} {rules:?}", rules.find(&certificate, at(0)));
    assert!(!printed.contains("canary"), "{printed}");
}

proptest! {
    #[test]
    fn garbage_is_no_certificate(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(ClientCertificate::from_der(&bytes).is_err());
    }

    #[test]
    fn a_damaged_certificate_is_refused_or_still_clear(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        end in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = made_by_openssl();
        let place = at.index(bytes.len());
        bytes[place] = byte;
        let whole = bytes.len();
        bytes.truncate(end.map_or(whole, |it| it.index(whole)));
        let is_whole = bytes.len() == whole;
        if let Ok(certificate) = ClientCertificate::from_der(&bytes) {
            prop_assert!(is_whole);
            prop_assert!(!certificate.names().any(|it| it.contains(char::is_control)));
        }
    }
}

#[test]
fn what_stands_behind_a_certificate_is_no_part_of_it() {
    let mut bytes = made_by_openssl();
    bytes.push(0);
    ClientCertificate::from_der(&bytes).unwrap_err();
    bytes.resize(65 * 1024, 0);
    ClientCertificate::from_der(&bytes).unwrap_err();
}

#[track_caller]
fn check_names(alternative: &[SanType], expected: &[&str]) {
    // The last part comes first.
    let subject = [(DnType::CommonName, "name".into()), (DnType::OrganizationName, "Org".into())];
    let certificate = certificate(alternative, &subject);
    assert_eq!(certificate.names().collect::<Vec<_>>(), expected);
}

#[track_caller]
fn check_refused(alternative: &[SanType], expected: &str) {
    let error = read(alternative, &[]).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[track_caller]
fn check_subject(subject: &[(DnType, DnValue)], expected: Result<&str, &str>) {
    match (read(&[], subject), expected) {
        (Ok(certificate), expected) => assert_eq!(Ok(certificate.subject()), expected),
        (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
        (Err(error), Ok(_)) => panic!("{error}"),
    }
}

#[track_caller]
fn check_pattern(pattern: &str, certificate: &ClientCertificate, expected: bool) {
    assert_eq!(find(&[(pattern, "1")], certificate, 0).is_some(), expected, "{pattern}");
}

#[track_caller]
fn check_bad_pattern(pattern: &str, expected: &str) {
    let credential = Credential::new("1", "s", Kind::Mtls, ());
    let error = CertificateRule::new(pattern, credential).unwrap_err().to_string();
    assert!(error.contains(expected) && !error.contains('\n'), "{error}");
}

// The credential that is found, and the name by which.
fn find(
    named: &[(&str, &str)],
    certificate: &ClientCertificate,
    wall: u64,
) -> Option<(String, String)> {
    let proof = rules(named).find(certificate, at(wall))?;
    assert_eq!(proof.expires_at, Some(certificate.not_after()));
    Some((proof.credential.id.to_string(), proof.subject.unwrap().to_string()))
}

fn rules(rules: &[(&str, &str)]) -> ClientCertificates<()> {
    let rule = |(pattern, id): &(&str, &str)| {
        let end = (*id == "old").then_some(Duration::ZERO);
        let credential = Credential::new(*id, "s", Kind::Mtls, ()).active(*id != "off");
        CertificateRule::new(pattern, credential.expires_at(end)).unwrap()
    };
    ClientCertificates::new(rules.iter().map(rule))
}

#[track_caller]
fn certificate(alternative: &[SanType], subject: &[(DnType, DnValue)]) -> ClientCertificate {
    read(alternative, subject).unwrap()
}

fn read(
    alternative: &[SanType],
    subject: &[(DnType, DnValue)],
) -> Result<ClientCertificate, rrauth::InvalidCertificate> {
    let mut params = CertificateParams::default();
    params.subject_alt_names = alternative.to_vec();
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in subject {
        params.distinguished_name.push(kind.clone(), value.clone());
    }
    ClientCertificate::from_der(&der(&params))
}

fn der(params: &CertificateParams) -> Vec<u8> {
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().der().to_vec()
}

fn dns(text: &str) -> SanType {
    SanType::DnsName(ia5(text))
}

fn email(text: &str) -> SanType {
    SanType::Rfc822Name(ia5(text))
}

fn uri(text: &str) -> SanType {
    SanType::URI(ia5(text))
}

fn ia5(text: &str) -> Ia5String {
    Ia5String::try_from(text).unwrap()
}

fn at(wall: u64) -> Now {
    Now { monotonic: Duration::ZERO, wall: Duration::from_secs(wall) }
}

fn made_by_openssl() -> Vec<u8> {
    STANDARD.decode(MADE_BY_OPENSSL).unwrap()
}

// openssl 3 `req -x509 -newkey ed25519 -utf8 -addext subjectAltName=IP:192.0.2.1 -subj
// '/DC=com/DC=example/C=GB/O=Isode\, Limited/OU= "Q" #1 /serialNumber=7/CN=Lučić+emailAddress=a@b.example'`
const MADE_BY_OPENSSL: &str = "\
    MIICaDCCAhqgAwIBAgIUS2Kd3DBgsY8HTCvbhXNJjgfhaCowBQYDK2VwMIGfMRMwEQYKCZImiZPyLGQBGRYDY29tMR\
    cwFQYKCZImiZPyLGQBGRYHZXhhbXBsZTELMAkGA1UEBhMCR0IxFzAVBgNVBAoMDklzb2RlLCBMaW1pdGVkMREwDwYD\
    VQQLDAggIlEiICMxIDEKMAgGA1UEBRMBNzEqMA4GA1UEAwwHTHXEjWnEhzAYBgkqhkiG9w0BCQEWC2FAYi5leGFtcG\
    xlMCAXDTI2MTEyMjA3MjUyN1oYDzIxMjYxMDI5MDcyNTI3WjCBnzETMBEGCgmSJomT8ixkARkWA2NvbTEXMBUGCgmS\
    JomT8ixkARkWB2V4YW1wbGUxCzAJBgNVBAYTAkdCMRcwFQYDVQQKDA5Jc29kZSwgTGltaXRlZDERMA8GA1UECwwIIC\
    JRIiAjMSAxCjAIBgNVBAUTATcxKjAOBgNVBAMMB0x1xI1pxIcwGAYJKoZIhvcNAQkBFgthQGIuZXhhbXBsZTAqMAUG\
    AytlcAMhAHReCrzVjFFIG4KjHHmj22+PkEpLmTChXah8UHRjosvCo2QwYjAdBgNVHQ4EFgQUf6KGxgz9OjLg6lVJ2M\
    sUesxIdVswHwYDVR0jBBgwFoAUf6KGxgz9OjLg6lVJ2MsUesxIdVswDwYDVR0TAQH/BAUwAwEB/zAPBgNVHREECDAG\
    hwTAAAIBMAUGAytlcANBABhQlF1EsSxM2kMVvMoUvTNMcDAYMi8O8IB14pTSB80sIwgfh5Pm0xjsMYv6nq2TJyC/Lr\
    ty81EvzAQo6DdvHQ4=";
