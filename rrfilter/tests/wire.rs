//! A transfer that breaks off, as a client sees it.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header::CONTENT_TYPE;
use rrfilter::FilterLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[tokio::test]
async fn an_error_that_is_found_late_leaves_no_last_chunk() {
    for (end, is_whole) in [("{}]", true), ("{}] 078-05-1120", false), ("078-05-1120", false)] {
        let rows = r#"{"id":1,"ssn":"078-05-1120"},"#.repeat(5000);
        let document = format!("[{rows}{end}");
        let handler = move || async move {
            let pieces: Vec<_> =
                document.as_bytes().chunks(8000).map(Bytes::copy_from_slice).collect();
            // The server gets to write between two of them.
            let pieces = stream::iter(pieces).then(|it| async {
                tokio::task::yield_now().await;
                Ok::<_, std::io::Error>(it)
            });
            ([(CONTENT_TYPE, "application/json")], Body::from_stream(pieces))
        };
        let app =
            Router::new().route("/", get(handler)).layer(FilterLayer::retain(["$[*].id"]).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, app).await });

        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        // A reset is a way to break off, too.
        let _ = client.read_to_end(&mut answer).await;
        server.abort();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{end}");
        assert!(answer.contains("transfer-encoding: chunked") && answer.contains(r#"{"id":1}"#));
        assert_eq!(answer.ends_with("\r\n0\r\n\r\n"), is_whole, "{end}");
        assert!(!answer.contains("078-05-1120"), "{end}");
    }
}
