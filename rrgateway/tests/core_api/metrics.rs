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
        let (found, _, text) = read(&world, peer, &headers).await;
        assert_eq!(found.as_u16(), status, "{peer:?} {headers:?}");
        assert_eq!(text.contains("rrgateway_ready"), status == 200, "{text}");
    }
}

#[tokio::test]
async fn whoever_can_read_open_metrics_is_given_them() {
    let world = World::new().await;
    let of_prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
        application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,*/*;q=0.1";
    for (accept, is_open_metrics) in [
        (of_prometheus, true),
        ("Application/OpenMetrics-Text", true),
        ("text/plain;version=0.0.4", false),
        ("*/*", false),
        ("application/openmetrics-text-not", false),
        ("", false),
    ] {
        let (status, kind, text) = read(&world, Some("127.0.0.1:1"), &[("accept", accept)]).await;
        assert_eq!(status, StatusCode::OK);
        let started = if is_open_metrics { "application/openmetrics-text" } else { "text/plain" };
        assert!(kind.starts_with(started), "{accept}: {kind}");
        assert_eq!(text.ends_with("# EOF\n"), is_open_metrics, "{accept}");
        let lost = "rrgateway_audit_records_unwritten";
        let described = if is_open_metrics { lost.to_owned() } else { format!("{lost}_total") };
        assert!(text.contains(&format!("# TYPE {described} counter\n{lost}_total 0\n")), "{text}");
    }
}

#[tokio::test]
async fn they_are_only_read() {
    let world = World::new().await;
    let answer = world.send("POST", "/metrics", Some(&world.token), &[], Body::empty()).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}

async fn read(
    world: &World,
    peer: Option<&str>,
    headers: &[(&str, &str)],
) -> (StatusCode, String, String) {
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
    let kind = head.headers.get("content-type").map_or("", |it| it.to_str().unwrap());
    (head.status, kind.to_owned(), String::from_utf8(bytes.to_vec()).unwrap())
}
