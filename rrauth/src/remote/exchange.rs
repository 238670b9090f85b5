//! One call, of which only a plain `200` in time is an answer.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::{Request, Response, StatusCode};

use crate::client::http_client::HttpClient;

/// Why a call brought nothing. For the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// Nobody answered, or not whole.
    Unreachable(String),
    /// In so many milliseconds.
    TooSlow(u128),
    /// Anything but 200: a redirect, which is not followed, or an error.
    Status(StatusCode),
    /// Compressed, though nobody asked for it: an answer of few bytes could be huge.
    Encoded,
}

/// Sends `request`, and gives up after `timeout` in all.
pub(crate) async fn exchange(
    client: &dyn HttpClient,
    request: Request<Bytes>,
    limit: usize,
    timeout: Duration,
) -> Result<Response<Bytes>, NoAnswer> {
    let answer = tokio::time::timeout(timeout, client.send(request, limit)).await;
    let answer = answer.map_err(|_| NoAnswer::TooSlow(timeout.as_millis()))?;
    let answer = answer.map_err(|error| NoAnswer::Unreachable(error.to_string()))?;
    if answer.status() != StatusCode::OK {
        return Err(NoAnswer::Status(answer.status()));
    }
    if answer.headers().get_all(CONTENT_ENCODING).iter().any(|it| it != "identity") {
        return Err(NoAnswer::Encoded);
    }
    // Whatever the client is: what it was told to read is all there may be.
    if answer.body().len() > limit {
        return Err(NoAnswer::Unreachable(format!("the answer is longer than {limit} bytes")));
    }
    Ok(answer)
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(reason) => f.write_str(reason),
            Self::TooSlow(limit) => write!(f, "no answer within {limit} ms"),
            Self::Status(status) => write!(f, "the answer is {}, not 200", status.as_u16()),
            Self::Encoded => f.write_str("the answer is compressed"),
        }
    }
}
