//! Where a document comes from, and what it must look like.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING};
use http::{HeaderValue, Request, Response, Uri};
use sha2::{Digest, Sha256};

use crate::client::http_client::HttpClient;
use crate::remote::document::Document;
use crate::remote::exchange::exchange;
use crate::remote::freshness::Freshness;

/// Makes a document of bytes, or says what is wrong with them.
pub(crate) type Parse<T> = Box<dyn Fn(&[u8]) -> Result<T, String> + Send + Sync>;

pub(crate) struct Source<T> {
    pub(crate) client: Arc<dyn HttpClient>,
    pub(crate) url: Uri,
    pub(crate) freshness: Freshness,
    pub(crate) parse: Parse<T>,
}

impl<T> Source<T> {
    /// Asks for the document. The times and the number of the fetch are for the caller to fill in.
    pub(crate) async fn fetch(&self, old: Option<&Document<T>>) -> Result<Document<T>, String> {
        let Freshness { limit, timeout, .. } = self.freshness;
        let answer = exchange(&*self.client, self.request(), limit, timeout).await;
        self.read(&answer.map_err(|error| error.to_string())?, old)
    }

    // No conditional request: a document is small, and its validators would have to be trusted.
    fn request(&self) -> Request<Bytes> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = self.url.clone();
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, */*;q=0.5"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        request
    }

    fn read(
        &self,
        answer: &Response<Bytes>,
        old: Option<&Document<T>>,
    ) -> Result<Document<T>, String> {
        let digest = Sha256::digest(answer.body()).into();
        // The same value, too: whoever caches by it need not forget.
        let value = match old.filter(|it| it.digest == digest) {
            Some(same) => Arc::clone(&same.value),
            None => Arc::new((self.parse)(answer.body())?),
        };
        let lifetime = self.freshness.lifetime_of(answer.headers());
        Ok(Document { value, digest, lifetime, fetched: Default::default(), serial: 0 })
    }
}
