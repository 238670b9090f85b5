//! Whose fault it is that there is no response: the client's, the network's or the upstream's.

use std::error::Error;
use std::fmt;
use std::io;

use rrcore::{Code, Refusal, Stage};

use crate::data_plane::body::RequestBodyError;
use crate::model::EgressRefused;

/// Why there is no response.
#[derive(Debug)]
pub enum Failure {
    /// The target's address may not be called.
    EgressRefused(EgressRefused),
    /// The client library gave up.
    Client(hyper_util::client::legacy::Error),
}

impl Failure {
    /// Whether a connection stood, and ended before there was a response.
    pub fn is_broken_off(&self) -> bool {
        let Self::Client(error) = self else { return false };
        let is_early = |it: &hyper::Error| it.is_incomplete_message() || it.is_canceled();
        let is_reset = |it: &io::Error| BROKEN.contains(&it.kind());
        !error.is_connect()
            && find::<RequestBodyError>(error).is_none()
            && (find(error).is_some_and(is_early) || find(error).is_some_and(is_reset))
    }
}

const BROKEN: [io::ErrorKind; 4] = [
    io::ErrorKind::BrokenPipe,
    io::ErrorKind::ConnectionAborted,
    io::ErrorKind::ConnectionReset,
    io::ErrorKind::UnexpectedEof,
];

/// What the caller is told. The reason for the operator names the kind of failure; it never
/// reaches the caller.
pub fn refusal(failure: &Failure) -> Refusal {
    let error = match failure {
        Failure::EgressRefused(why) => {
            return Refusal::new(Code::UpstreamUnreachable).because(why.to_string());
        }
        Failure::Client(error) => error,
    };
    let reason = chain(error);
    if let Some(error) = find::<RequestBodyError>(error) {
        return match error {
            RequestBodyError::TooLarge => Refusal::new(Code::ContentTooLarge),
            RequestBodyError::Stalled => Refusal::new(Code::RequestTimeout),
            RequestBodyError::Client(_) => Refusal::new(Code::MalformedRequest)
                .detail("The request body could not be read.")
                .at(Stage::Hygiene),
        };
    }
    let code = if is_tls(error) {
        Code::UpstreamTls
    } else if error.is_connect() {
        if is_timeout(error) { Code::UpstreamTimeout } else { Code::UpstreamUnreachable }
    } else if find::<hyper::Error>(error).is_some_and(hyper::Error::is_timeout) {
        Code::UpstreamTimeout
    } else {
        // A connection stood; what came over it was no HTTP response, or half of one.
        Code::UpstreamInvalidResponse
    };
    Refusal::new(code).because(reason)
}

fn sources<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |it| below(*it))
}

// An `io::Error` hides what it wraps from `source`.
fn below<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    sources(error).find_map(|it| it.downcast_ref())
}

fn is_tls(error: &(dyn Error + 'static)) -> bool {
    find::<rustls::Error>(error).is_some()
}

fn is_timeout(error: &(dyn Error + 'static)) -> bool {
    sources(error)
        .filter_map(|it| it.downcast_ref::<io::Error>())
        .any(|it| it.kind() == io::ErrorKind::TimedOut)
}

fn chain(error: &(dyn Error + 'static)) -> String {
    let texts: Vec<String> = sources(error).map(ToString::to_string).collect();
    texts.join(": ")
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EgressRefused(why) => why.fmt(f),
            Self::Client(error) => f.write_str(&chain(error)),
        }
    }
}

impl Error for Failure {}
