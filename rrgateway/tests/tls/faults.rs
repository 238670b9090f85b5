//! Clients that do not speak TLS, or not to the end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rrgateway::listen::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::world::{Authority, BOUND, Folder, Listener};

const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_client_that_stalls_is_cut_off_and_holds_up_nobody() {
    let (ours, folder) = ours();
    // One that is not timed out while the test runs.
    let patient = Listener::start(folder.settings().handshake_timeout(BOUND * 10));
    let mut stalled = Vec::new();
    for part in [&b""[..], &hello(3)[..20], b"\x16"] {
        let mut stream = TcpStream::connect(patient.address).await.unwrap();
        stream.write_all(part).await.unwrap();
        stalled.push(stream);
    }
    assert!(ours.client(None).get(patient.address, "/").await.is_ok());

    let strict = Listener::start(folder.settings().handshake_timeout(SHORT));
    for part in [&b""[..], &hello(3)[..20]] {
        assert_eq!(left_over(strict.address, part).await, b"");
    }
}

#[tokio::test]
async fn what_stalls_gives_its_place_back() {
    let (ours, folder) = ours();
    let limits = Limits { connections: Arc::new(Semaphore::new(1)), ..Limits::default() };
    let settings = folder.settings().handshake_timeout(SHORT);
    let listener = Listener::start_with(settings, limits);
    let _stalled = TcpStream::connect(listener.address).await.unwrap();
    // Waits in the kernel until the place is free.
    assert!(ours.client(None).get(listener.address, "/").await.is_ok());
}

#[tokio::test]
async fn what_is_not_tls_is_refused_at_once() {
    let (ours, folder) = ours();
    let listener = Listener::start(folder.settings().handshake_timeout(BOUND * 10));
    let mut noise = [0; 4096];
    (0..).zip(&mut noise).for_each(|(at, it): (u32, _)| *it = (at * 251 % 256) as u8);
    let long = [&b"\x16\x03\x01\xff\xff"[..], &[0; 200]].concat();
    let http = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for garbage in [&noise[..], &long, http] {
        let answer = left_over(listener.address, garbage).await;
        assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    }
    assert!(ours.client(None).get(listener.address, "/").await.is_ok());
    // All but the one that the loop holds for the next connection.
    let places = listener.limits.connections.acquire_many(9_999);
    assert!(tokio::time::timeout(BOUND, places).await.is_ok());
}

#[tokio::test]
async fn old_versions_are_refused_by_name() {
    let (_, folder) = ours();
    let listener = Listener::start(folder.settings());
    for minor in [0, 1, 2] {
        let answer = left_over(listener.address, &hello(minor)).await;
        // RFC 8446 §6: a fatal alert, protocol_version.
        assert_eq!((answer[0], &answer[3..]), (21, &[0, 2, 2, 70][..]), "SSL 3.{minor}");
    }
    // It is the version that is at fault: the same greeting of TLS 1.2 is answered.
    let answer = first(listener.address, &hello(3)).await;
    assert_eq!(answer, 22);
}

#[tokio::test]
async fn draining_finishes_requests_and_gives_up_handshakes() {
    let (ours, folder) = ours();
    let listener = Listener::start(folder.settings().handshake_timeout(BOUND * 10));
    let client = ours.client(None);
    let mut busy = client.connect(listener.address).await.unwrap();
    busy.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n").await.unwrap();
    let mut stalled = TcpStream::connect(listener.address).await.unwrap();
    // Both have been accepted: places are taken in order, and this one has been served.
    assert!(client.get(listener.address, "/").await.is_ok());

    let draining = tokio::spawn(listener.drainer.finish(BOUND));
    let mut nothing = Vec::new();
    let given_up = tokio::time::timeout(BOUND, stalled.read_to_end(&mut nothing)).await;
    assert!(given_up.is_ok() && nothing.is_empty());
    busy.write_all(b"\r\n").await.unwrap();
    let mut answer = String::new();
    let reading = tokio::time::timeout(BOUND, busy.read_to_string(&mut answer)).await;
    reading.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(draining.await.unwrap());
}

fn ours() -> (Authority, Folder) {
    let ours = Authority::new("ours");
    let folder = Folder::with(&ours.issue("localhost"));
    (ours, folder)
}

// A greeting of version 3.`minor`, where 3 is TLS 1.2 (RFC 5246 §7.4.1.2).
fn hello(minor: u8) -> Vec<u8> {
    let extensions = [
        // supported_groups: secp256r1, x25519
        &[0, 10, 0, 6, 0, 4, 0, 23, 0, 29][..],
        // ec_point_formats: uncompressed
        &[0, 11, 0, 2, 1, 0],
        // signature_algorithms: ecdsa_secp256r1_sha256
        &[0, 13, 0, 4, 0, 2, 4, 3],
    ]
    .concat();
    // ECDHE-ECDSA with AES-128-GCM and, for the old, with AES-128-CBC.
    let suites = [0xc0, 0x2b, 0xc0, 0x09];
    let mut body = vec![3, minor];
    body.extend([7; 32]);
    body.push(0);
    body.extend([0, suites.len() as u8]);
    body.extend(suites);
    body.extend([1, 0]);
    body.extend([0, extensions.len() as u8]);
    body.extend(extensions);
    let mut record = vec![22, 3, minor.min(1), 0, body.len() as u8 + 4, 1, 0, 0, body.len() as u8];
    record.extend(body);
    record
}

// What the listener says to `sent` until it closes the connection.
async fn left_over(address: SocketAddr, sent: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(sent).await.unwrap();
    let mut answer = Vec::new();
    let reading = tokio::time::timeout(BOUND, stream.read_to_end(&mut answer)).await;
    // Closed with something unread, it is a reset.
    _ = reading.expect("the connection to be closed");
    answer
}

async fn first(address: SocketAddr, sent: &[u8]) -> u8 {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(sent).await.unwrap();
    tokio::time::timeout(BOUND, stream.read_u8()).await.expect("an answer").unwrap()
}
