//! A connection that has turned into a WebSocket: from here on bytes pass both ways, and the stages
//! have said what they had to say.
//!
//! What goes on as before: the request's place in its concurrency limit, its record, the listener's
//! count of connections, and the watch over the credential that opened it. The echo shield masks the
//! injected secret in what the upstream sends.

mod relay;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, Request, Response};
use http_body_util::{Either, Empty};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use rrfilter::FrameShield;

use self::relay::Relay;
use crate::data_plane::exchange::Exchange;
use crate::data_plane::record::Recorded;
use crate::data_plane::upstream::Switched;
use crate::listen::Sequel;

/// The body of what leaves: that of a response, or of one that only says that a tunnel begins.
pub type Outgoing = Either<Recorded, Empty<Bytes>>;

/// The caller's end of a connection that may turn into a WebSocket.
#[derive(Debug)]
pub struct Passage {
    client: OnUpgrade,
    sequel: Sequel,
}

impl Passage {
    /// That of a request with an `Upgrade`.
    pub fn of(request: &mut Request<Incoming>) -> Option<Self> {
        let sequel = request.extensions_mut().remove::<Sequel>()?;
        Some(Self { client: hyper::upgrade::on(request), sequel })
    }
}

/// Joins both ends, where `response` says that the upstream has changed its protocol.
pub fn open(
    passage: Option<Passage>,
    exchange: &Exchange,
    mut response: Response<Recorded>,
) -> Response<Outgoing> {
    let switched = response.extensions_mut().remove::<Switched>();
    let (Some(Passage { client, sequel }), Some(Switched { upstream })) = (passage, switched)
    else {
        return response.map(Either::Left);
    };
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    let (head, recorded) = response.into_parts();
    if let Some(proxy) = exchange.notes().proxy.clone() {
        let shield = proxy.echo_shield.then(|| FrameShield::of(exchange.context())).flatten();
        let relay = Relay {
            recorded,
            shield,
            idle: proxy.target.timeouts.idle,
            progress: Arc::clone(exchange.progress()),
        };
        sequel.set(relay.run(client, upstream));
    }
    Response::from_parts(head, Either::Right(Empty::new()))
}
