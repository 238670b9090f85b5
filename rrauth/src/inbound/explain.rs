//! Decides about a request that is only described.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use rrcore::Refusal;

use crate::inbound::credential::Credential;
use crate::inbound::index::Index;
use crate::inbound::judge::{Rejection, holds, judge, unknown};
use crate::inbound::layer::AuthLayer;

/// What becomes of a described request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuthExplained<T> {
    /// The credential that is meant, also where it is refused; `None` where nobody has it.
    pub credential: Option<Arc<Credential<T>>>,
    /// What the answer would be; `None` where the caller is let in.
    pub refusal: Option<Refusal>,
}

impl<T: Clone + Send + Sync + 'static> AuthLayer<Index<T>> {
    /// Decides, at `wall` time, about a request that is only described: for the credential called
    /// `id`, whose secret it is taken to show, or without one for what it does show. The same code
    /// decides about requests.
    ///
    /// As in the service, what is shown is taken off `request`, and what depends on the caller is
    /// left in its extensions; here also where the credential is refused.
    ///
    /// Looks at every credential to find `id`: not for the path of requests.
    #[must_use]
    pub fn explain<B>(
        &self,
        request: &mut Request<B>,
        id: Option<&str>,
        wall: Duration,
    ) -> AuthExplained<T> {
        let (credential, judged) = match id {
            Some(id) => self.named(request, id, wall),
            None => self.shown(request, wall),
        };
        if let Some(credential) = &credential {
            request.extensions_mut().insert(credential.caller.clone());
        }
        let refusal = judged.err().map(|it| self.settings().challenge.answer(it).0);
        AuthExplained { credential, refusal }
    }

    fn named<B>(&self, request: &mut Request<B>, id: &str, wall: Duration) -> Judged<T> {
        // What else it shows does not count, but goes no further either.
        let stripped = self.settings().strip(request);
        let source = self.source().get();
        let found = source.credentials().find(|it| &*it.id == id).cloned();
        let judged = found.as_deref().ok_or_else(unknown).and_then(|it| holds(it, wall).map(drop));
        (found, stripped.and(judged))
    }

    fn shown<B>(&self, request: &mut Request<B>, wall: Duration) -> Judged<T> {
        let shown = match self.settings().take(request) {
            Ok(shown) => shown,
            Err(rejection) => return (None, Err(rejection)),
        };
        let found = self.source().get().find(&shown.digest).cloned();
        let judged = judge(shown.way, found.as_deref(), wall).map(drop);
        (found, judged)
    }
}

type Judged<T> = (Option<Arc<Credential<T>>>, Result<(), Rejection>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbound::credential::Kind;
    use crate::inbound::digest::KeyDigest;

    #[test]
    fn a_named_credential_is_judged_as_if_its_secret_were_shown() {
        check(Some("good"), None, Ok("good"));
        check(Some("good"), Some("no-such-key"), Ok("good"));
        check(Some("off"), None, Err(("credential-invalid", Some("off"))));
        check(Some("old"), None, Err(("credential-expired", Some("old"))));
        check(Some("nobody"), None, Err(("credential-invalid", None)));
        check(None, None, Err(("credential-missing", None)));
        check(None, Some("secret-of-good"), Ok("good"));
        check(None, Some("secret-of-old"), Err(("credential-expired", Some("old"))));
        check(None, Some("no-such-key"), Err(("credential-invalid", None)));
    }

    // The outcome: who is let in, or the code and who was meant.
    #[track_caller]
    fn check(id: Option<&str>, key: Option<&str>, expected: Result<&str, (&str, Option<&str>)>) {
        let credential = |id: &'static str| Credential::new(id, id, Kind::ApiKey, id);
        let digest = |id: &str| KeyDigest::of(format!("secret-of-{id}"));
        let index = Index::builder()
            .insert(digest("good"), credential("good"))
            .insert(digest("off"), credential("off").active(false))
            .insert(digest("old"), credential("old").expires_at(Duration::from_secs(1)))
            .build();
        let layer = AuthLayer::new(index);
        let mut request = Request::new(());
        if let Some(key) = key {
            request.headers_mut().insert("x-api-key", key.parse().unwrap());
        }
        let explained = layer.explain(&mut request, id, Duration::from_secs(2));
        let meant = explained.credential.as_ref().map(|it| &*it.id);
        let seen = match &explained.refusal {
            None => Ok(meant.unwrap()),
            Some(refusal) => Err((refusal.code().as_str(), meant)),
        };
        assert_eq!(seen, expected, "{id:?} {key:?}");
        assert_eq!(request.extensions().get::<&str>().copied(), meant);
        assert!(request.headers().is_empty(), "what was shown goes no further");
    }
}
