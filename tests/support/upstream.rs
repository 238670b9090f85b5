//! An upstream that answers as a test tells it to.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use rrgateway::listen::{self, Drainer, Limits};

/// A running upstream on a free port of the loopback interface.
pub struct Upstream {
    pub address: SocketAddr,
    _drainer: Drainer,
}

impl Upstream {
    /// Answers each request, its body read whole, with what `answer` makes of it.
    pub fn start<A, F>(answer: A) -> Self
    where
        A: Fn(Request<Bytes>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<Bytes>> + Send + 'static,
    {
        let listener = listen::bind((Ipv4Addr::LOCALHOST, 0).into(), false).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let address = listener.local_addr().unwrap();
        let (drainer, drain) = listen::drain();
        tokio::spawn(listen::accept(listener, Limits::default(), drain, move |_| {
            let answer = answer.clone();
            service_fn(move |request: Request<hyper::body::Incoming>| {
                let answer = answer.clone();
                async move {
                    let (head, body) = request.into_parts();
                    let body = body.collect().await.map(|it| it.to_bytes()).unwrap_or_default();
                    let response = answer(Request::from_parts(head, body)).await;
                    Ok::<_, Infallible>(response.map(Full::new))
                }
            })
        }));
        Self { address, _drainer: drainer }
    }
}
