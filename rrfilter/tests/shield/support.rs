//! An upstream that was sent a secret, and answers with what a test says.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{Error, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::BodyExt;
use rrcore::coding::{Coding, Encoder};
use rrcore::{Clock, InjectedSecret};
use rrfilter::{EchoShieldLayer, ShieldedBody};
use tower::{Service, ServiceBuilder, ServiceExt};

/// A body in pieces, which may break off.
#[derive(Debug, Default)]
pub(crate) struct Pieces(pub(crate) VecDeque<Result<Frame<Bytes>, Error>>);

pub(crate) type Shielded = ShieldedBody<Pieces>;

impl Pieces {
    pub(crate) fn of<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let frame = |it| Ok(Frame::data(Bytes::copy_from_slice(it)));
        Self(pieces.into_iter().map(frame).collect())
    }

    pub(crate) fn trailers(mut self, trailers: HeaderMap) -> Self {
        self.0.push_back(Ok(Frame::trailers(trailers)));
        self
    }

    pub(crate) fn broken(mut self) -> Self {
        self.0.push_back(Err(Error::other("broken")));
        self
    }
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Poll::Ready(self.0.pop_front())
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        let data = self.0.iter().flatten().filter_map(Frame::data_ref);
        http_body::SizeHint::with_exact(data.map(|it| it.len() as u64).sum())
    }
}

/// What becomes of `response` where `secrets` went upstream.
pub(crate) async fn through(
    secrets: &[InjectedSecret],
    request: Request<()>,
    response: Response<Pieces>,
) -> Response<Shielded> {
    let upstream = ServiceBuilder::new().layer(EchoShieldLayer::new());
    upstream.service(answering(secrets.to_vec(), response)).oneshot(request).await.unwrap()
}

/// An upstream that was sent `secrets`, and answers with `response`, once.
pub(crate) fn answering<B>(
    secrets: Vec<InjectedSecret>,
    response: Response<B>,
) -> impl Service<Request<()>, Response = Response<B>, Error = Infallible, Future: Unpin> {
    let mut response = Some(response);
    tower::service_fn(move |mut request: Request<()>| {
        let context = rrcore::Context::of(request.extensions_mut(), &Clock::system());
        secrets.iter().for_each(|it| context.add_injected(it.clone()));
        std::future::ready(Ok(response.take().unwrap()))
    })
}

pub(crate) fn secrets(secrets: &[&str]) -> Vec<InjectedSecret> {
    secrets.iter().map(|it| InjectedSecret::new(it.as_bytes().to_vec())).collect()
}

pub(crate) async fn data(response: Response<Shielded>) -> Vec<u8> {
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

pub(crate) fn coded(coding: &str, text: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
        "zstd" => zstd::encode_all(text, 1).unwrap(),
        "br" => {
            let mut encoder = Encoder::new(Coding::Brotli).unwrap();
            let mut out = Vec::new();
            encoder.push(text, &mut out);
            encoder.finish(&mut out);
            out
        }
        _ => text.to_vec(),
    }
}
