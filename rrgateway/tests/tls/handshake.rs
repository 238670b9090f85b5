//! Who gets through the handshake, and as whom.

use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};
use rrgateway::listen::TlsVersion;
use rustls::ProtocolVersion;
use rustls::version::{TLS12, TLS13};

use crate::world::{Authority, Client, Folder, Listener, Pair, get, hexadecimal};

#[tokio::test]
async fn a_client_without_certificate_is_nobody() {
    let (ours, folder) = ours();
    for settings in [folder.settings(), folder.asking(&Authority::new("theirs"))] {
        let listener = Listener::start(settings);
        check(&listener, &ours.client(None), Some("nobody")).await;
    }
}

#[tokio::test]
async fn a_client_with_a_trusted_certificate_is_known_by_it() {
    let (ours, folder) = ours();
    let theirs = Authority::new("theirs");
    let pair = theirs.issue("agent");
    let listener = Listener::start(folder.asking(&theirs));
    for versions in [&[&TLS12], &[&TLS13]] {
        check(&listener, &ours.client_of(Some(&pair), versions), Some(&shown(&pair))).await;
    }
}

#[tokio::test]
async fn a_bundle_may_name_several_authorities() {
    let (ours, folder) = ours();
    let (first, second) = (Authority::new("first"), Authority::new("second"));
    let bundle = format!("{}\n{}", first.pem(), second.pem());
    let settings = folder.settings().client_ca(folder.write("bundle.pem", &bundle, 0o644));
    let listener = Listener::start(settings);
    for authority in [first, second] {
        let pair = authority.issue("agent");
        check(&listener, &ours.client(Some(&pair)), Some(&shown(&pair))).await;
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_gets_no_connection() {
    let (ours, folder) = ours();
    let theirs = Authority::new("theirs");
    let listener = Listener::start(folder.asking(&theirs));
    // Of the same name, but another key.
    let strangers = Authority::new("theirs").issue("agent");
    let expired = theirs.issue_as("agent", |it| it.not_after = date_time_ymd(2020, 1, 1));
    let early = theirs.issue_as("agent", |it| it.not_before = date_time_ymd(2100, 1, 1));
    let not_for_clients = theirs.issue_as("agent", |it| {
        it.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    for pair in [strangers, expired, early, not_for_clients] {
        for versions in [&[&TLS12], &[&TLS13]] {
            check(&listener, &ours.client_of(Some(&pair), versions), None).await;
        }
    }
    check(&listener, &ours.client(None), Some("nobody")).await;
}

#[tokio::test]
async fn a_listener_that_does_not_ask_learns_nothing() {
    let (ours, folder) = ours();
    let pair = Authority::new("theirs").issue("agent");
    let listener = Listener::start(folder.settings());
    check(&listener, &ours.client(Some(&pair)), Some("nobody")).await;
}

// A session that is taken up again is not verified again.
#[tokio::test]
async fn where_certificates_are_asked_for_each_connection_shows_its_own() {
    let (ours, folder) = ours();
    let theirs = Authority::new("theirs");
    let listener = Listener::start(folder.asking(&theirs));
    for versions in [&[&TLS12], &[&TLS13]] {
        let client = ours.client_of(Some(&theirs.issue("agent")), versions);
        assert_eq!(kinds(&client, &listener).await, [rustls::HandshakeKind::Full; 2]);
    }
    let listener = Listener::start(folder.settings());
    for versions in [&[&TLS12], &[&TLS13]] {
        let [_, second] = kinds(&ours.client_of(None, versions), &listener).await;
        assert_eq!(second, rustls::HandshakeKind::Resumed);
    }
}

#[tokio::test]
async fn the_oldest_version_is_as_configured() {
    let (ours, folder) = ours();
    let listener = Listener::start(folder.settings());
    check(&listener, &ours.client_of(None, &[&TLS12]), Some("nobody")).await;
    check(&listener, &ours.client_of(None, &[&TLS13]), Some("nobody")).await;
    let both = ours.client(None).connect(listener.address).await.unwrap();
    assert_eq!(both.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    let listener = Listener::start(folder.settings().min_version(TlsVersion::V1_3));
    check(&listener, &ours.client_of(None, &[&TLS12]), None).await;
    check(&listener, &ours.client_of(None, &[&TLS13]), Some("nobody")).await;
}

#[tokio::test]
async fn http_1_1_is_all_that_is_spoken() {
    let (ours, folder) = ours();
    let listener = Listener::start(folder.settings());
    let client = ours.client(None);
    check(&listener, &client.clone().speaking(&["h2"]), None).await;
    let stream = client.speaking(&["h2", "http/1.1"]).connect(listener.address).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
}

fn ours() -> (Authority, Folder) {
    let ours = Authority::new("ours");
    let folder = Folder::with(&ours.issue("localhost"));
    (ours, folder)
}

fn shown(pair: &Pair) -> String {
    hexadecimal(&pair.chain()[0])
}

async fn kinds(client: &Client, listener: &Listener) -> [rustls::HandshakeKind; 2] {
    let mut kinds = Vec::new();
    for _ in 0..2 {
        let mut stream = client.connect(listener.address).await.unwrap();
        // What there is to take up again comes with the answer.
        get(&mut stream, "/").await.unwrap();
        kinds.push(stream.get_ref().1.handshake_kind().unwrap());
    }
    kinds.try_into().unwrap()
}

async fn check(listener: &Listener, client: &Client, expected: Option<&str>) {
    let answer = client.get(listener.address, "/").await;
    match expected {
        Some(expected) => {
            let answer = answer.unwrap();
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            assert_eq!(answer.split_once("\r\n\r\n").unwrap().1, expected);
        }
        None => assert!(answer.is_err(), "{answer:?}"),
    }
}
