//! A document that is fetched in the background, and read without waiting.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use rrcore::Now;

use crate::client::http_client::HttpClient;
use crate::remote::document::Document;
use crate::remote::endpoint::{self, InvalidEndpoint};
use crate::remote::error::RemoteUnavailable;
use crate::remote::fetching::{Attempt, Shared};
use crate::remote::freshness::Freshness;
use crate::remote::record::Wish;
use crate::remote::source::Source;

/// A document behind a URL, such as the keys of an issuer: fetched when it is first needed, fetched
/// again before it is old, and kept while its server is down.
///
/// Reading it takes no lock and waits for nothing, but while there is no document. A fetch runs on
/// the tokio runtime of whoever needed it first; there is one at a time, however many wait for it,
/// and it goes on if they give up. It fails unless the answer is a plain `200` in time, within the
/// size, that the parser accepts; then the old document stays.
///
/// ```
/// use std::sync::Arc;
///
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use rrauth::{Freshness, Reading, Remote, ServiceClient};
/// use rrcore::Clock;
///
/// # tokio_test::block_on(async {
/// // In place of an HTTP client:
/// let client = ServiceClient::new(tower::service_fn(async |_: Request<Full<Bytes>>| {
///     Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::from("42")))
/// }));
/// let parse = |bytes: &[u8]| str::from_utf8(bytes).unwrap_or("").parse::<u32>();
/// let url = "https://issuer.example/answer".parse().unwrap();
/// let remote = Remote::new(Arc::new(client), url, Freshness::new(), parse).unwrap();
///
/// let now = Clock::system().now();
/// let Reading::Pending(first) = remote.read(now, |_| ()) else { panic!("nothing is known yet") };
/// assert_eq!(*first.await.unwrap(), 42);
/// assert!(matches!(remote.read(now, |document| **document + 1), Reading::Ready(43)));
/// # });
/// ```
///
/// # Caveats
/// The runtime must keep time ([`enable_time`](tokio::runtime::Builder::enable_time)).
///
/// It is fetched again when it is read, not by a timer: a document that nobody reads is not kept up
/// to date, and whoever reads it then waits for the newest, unless its server is known to be down.
pub struct Remote<T: Send + Sync + 'static> {
    shared: Arc<Shared<T>>,
}

/// What comes of reading a [`Remote`].
pub enum Reading<R, T> {
    /// What the reader made of the document.
    Ready(R),
    /// The document is on its way. Dropping this gives up waiting, not the fetch.
    Pending(RemoteFuture<T>),
    /// There is none, and it is too early to ask again.
    Unavailable(RemoteUnavailable),
}

/// The wait for a document: at most as long as a fetch may take.
pub type RemoteFuture<T> =
    Pin<Box<dyn Future<Output = Result<Document<T>, RemoteUnavailable>> + Send>>;

/// How a [`Remote`] is, for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteState {
    /// The time since the document was asked for; `None`: there is none.
    pub age: Option<Duration>,
    /// Whether it is within its lifetime.
    pub fresh: bool,
    /// Whether it is served at all: there is one, and it is not too old.
    pub usable: bool,
    /// Whether a fetch is on its way.
    pub fetching: bool,
    /// How many fetches have begun.
    pub fetches: u64,
    /// How many have failed since the last that did not.
    pub failures: u32,
    /// Why the last one failed that did, however long ago.
    pub last_error: Option<String>,
}

impl<T: Send + Sync + 'static> Remote<T> {
    /// A document at `url`, of which `parse` makes a `T`. Nothing is fetched yet.
    ///
    /// # Errors
    /// When `url` is not an absolute one of `https`, or of `http` where
    /// [`allow_plaintext`](Freshness::allow_plaintext) says so.
    pub fn new<E: fmt::Display>(
        client: Arc<dyn HttpClient>,
        url: Uri,
        freshness: Freshness,
        parse: impl Fn(&[u8]) -> Result<T, E> + Send + Sync + 'static,
    ) -> Result<Self, InvalidEndpoint> {
        let url = endpoint::checked(url, freshness.plaintext)?;
        let parse = Box::new(move |it: &[u8]| parse(it).map_err(|error| error.to_string()));
        let shared = Shared::new(Source { client, url, freshness, parse });
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Reads the document, at this time.
    pub fn read<R>(&self, now: Now, reader: impl FnOnce(&Document<T>) -> R) -> Reading<R, T> {
        let shared = &self.shared;
        if shared.is_served(now)
            && let Some(document) = shared.current().as_ref()
            && shared.is_usable(document, now)
        {
            if shared.is_due(now) {
                // Whatever comes of it, there is a document.
                let _ = shared.attempt(Wish::Due, now);
            }
            return Reading::Ready(reader(document));
        }
        match shared.attempt(Wish::Due, now) {
            Attempt::Running(ended) => {
                Reading::Pending(Box::pin(Arc::clone(shared).wait(ended, now)))
            }
            // A fetch may have ended since.
            Attempt::None(error) => match shared.current().as_ref() {
                Some(it) if shared.is_usable(it, now) => Reading::Ready(reader(it)),
                Some(_) | None => Reading::Unavailable(error),
            },
        }
    }

    /// A newer document than this one, which does not have what is needed. `None`: there is none, and
    /// it is too early to ask.
    #[must_use]
    pub fn newer(&self, than: &Document<T>, now: Now) -> Option<RemoteFuture<T>> {
        let newer = |it: &Document<T>| it.serial > than.serial && self.shared.is_usable(it, now);
        if let Some(newer) = self.shared.current().as_ref().filter(|it| newer(it)) {
            return Some(Box::pin(std::future::ready(Ok(newer.clone()))));
        }
        let cool_down = self.shared.source().freshness.cool_down;
        match self.shared.attempt(Wish::Early { cool_down }, now) {
            Attempt::Running(ended) => Some(Box::pin(Arc::clone(&self.shared).wait(ended, now))),
            Attempt::None(_) => None,
        }
    }

    /// The document as it is held now, if it may still be used. Fetches nothing.
    #[must_use]
    pub fn held(&self, now: Now) -> Option<Document<T>> {
        self.shared.current().as_ref().filter(|it| self.shared.is_usable(it, now)).cloned()
    }

    /// Whether its server answered the last time it was asked, as far as that is known.
    #[cfg(feature = "jwks")]
    #[must_use]
    pub(crate) fn answers(&self) -> bool {
        self.shared.record().failures == 0
    }

    /// How it is, at this time.
    #[must_use]
    pub fn state(&self, now: Now) -> RemoteState {
        let current = self.shared.current();
        let document = current.as_ref();
        let record = self.shared.record();
        RemoteState {
            age: document.map(|it| it.age(now)),
            fresh: document.is_some_and(|it| it.is_fresh(now)),
            usable: document.is_some_and(|it| self.shared.is_usable(it, now)),
            fetching: record.is_running(),
            fetches: record.fetches,
            failures: record.failures,
            last_error: record.last_error.clone(),
        }
    }
}

impl<T: Send + Sync + 'static> Drop for Remote<T> {
    fn drop(&mut self) {
        // Not under the lock: a fetch that is given up takes it.
        let task = self.shared.record().give_up();
        if let Some(task) = task {
            task.abort();
        }
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for Remote<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the query of the URL, which may be a secret, and without the document.
        let url = &self.shared.source().url;
        f.debug_struct("Remote").field("host", &url.host()).finish_non_exhaustive()
    }
}

impl<R, T> fmt::Debug for Reading<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready(_) => "Ready(…)",
            Self::Pending(_) => "Pending(…)",
            Self::Unavailable(_) => "Unavailable(…)",
        })
    }
}
