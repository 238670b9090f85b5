//! Who may read the metrics.

use std::net::SocketAddr;

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::world::World;

#[tokio::test]
async fn who_calls_from_this_machine_reads_them_and_others_show_a_token() {
    let world = World::new().await;
    let token = format!("Bearer {}", world.token);
    for (peer, headers, status) in [
        (Some("127.0.0.1:1"), vec![], 200),
        (Some("127.8.9.1:1"), vec![], 200),
        (Some("[::1]:1"), vec![], 200),
        (Some("[::ffff:127.0.0.1]:1"), vec![], 200),
        (Some("127.0.0.1:1"), vec![("authorization", "Bearer wrong")], 200),
        (Some("10.0.0.1:1"), vec![], 401),
        (Some("[::ffff:10.0.0.1]:1"), vec![], 401),
        (Some("10.0.0.1:1"), vec![("authorization", "Bearer wrong")], 401),
        (Some("10.0.0.1:1"), vec![("authorization", &token)], 200),
        (Some("10.0.0.1:1"), vec![("x-forwarded-for", "127.0.0.1")], 401),
        // Who is not known is not here.
        (None, vec![], 401),
        (None, vec![("authorization", &token)], 200),
        // Nor is who comes through a proxy on this machine.
        (Some("127.0.0.1:1"), vec![("x-forwarded-for", "127.0.0.1")], 401),
        (Some("127.0.0.1:1"), vec![("forwarded", "for=127.0.0.1")], 401),
        (Some("127.0.0.1:1"), vec![("x-real-ip", "127.0.0.1")], 401),
        (Some("127.0.0.1:1"), vec![("x-real-ip", "10.0.0.1"), ("authorization", &token)], 200),
        // Nor a page in somebody's browser.
        (Some("127.0.0.1:1"), vec![("origin", "http://evil.example")], 403),
        (Some("127.0.0.1:1"), vec![("host", "evil.example")], 421),
    ] {
        let (found, text) = read(&world, peer, &headers).await;
        assert_eq!(found.as_u16(), status, "{peer:?} {headers:?}");
        assert_eq!(text.ends_with("# EOF\n"), status == 200, "{text}");
        assert_eq!(text.contains("rrgateway_ready"), status == 200, "{text}");
    }
}

#[tokio::test]
async fn they_are_only_read() {
    let world = World::new().await;
    let answer = world.send("POST", "/metrics", Some(&world.token), &[], Body::empty()).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}

async fn read(world: &World, peer: Option<&str>, headers: &[(&str, &str)]) -> (StatusCode, String) {
    let mut request = Request::builder().uri("/metrics");
    if !headers.iter().any(|it| it.0 == "host") {
        request = request.header("host", "localhost:8081");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::empty()).unwrap();
    if let Some(peer) = peer {
        request.extensions_mut().insert(peer.parse::<SocketAddr>().unwrap());
    }
    let response = world.router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (head.status, String::from_utf8(bytes.to_vec()).unwrap())
}
