//! Decides about a request that is only described.

use http::Request;
use rrcore::{Context, Refusal};

use crate::inbound::index::Index;
use crate::inbound::judge::{Rejection, holds, suits};
use crate::inbound::layer::AuthLayer;
use crate::inbound::privileges::{Privileges, leave};
use crate::inbound::proof::Proof;
use crate::inbound::shared::SharedCredential;

/// What becomes of a described request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuthExplained<T> {
    /// The credential that is meant, also where it is refused; `None` where nobody has it.
    pub credential: Option<SharedCredential<T>>,
    /// What the answer would be; `None` where the caller is let in.
    pub refusal: Option<Refusal>,
}

impl<T: Clone + Send + Sync + 'static> AuthLayer<Index<T>> {
    /// Decides about a request that is only described, by what it shows. The same code decides about
    /// requests.
    ///
    /// As in the service, what is shown is taken off `request`, and what depends on the caller is
    /// left in its extensions; here also where the credential is refused. Nothing is counted, and
    /// nobody is called: where a verifier would have to wait, the answer is `auth-unavailable`.
    #[must_use]
    pub fn explain<B>(&self, context: &Context, request: &mut Request<B>) -> AuthExplained<T> {
        let settings = self.settings();
        let mut shown = None;
        let proved = match (settings.take(request, &mut shown, |_| ()), &shown) {
            (Err(rejection), _) => settings.strip(request).and(Err(rejection)),
            (Ok(()), None) => settings.verifiers.vouched(request.extensions(), context.now()),
            (Ok(()), Some(shown)) => match self.source().get().share(shown.digest()) {
                Some(credential) => suits(shown.way, &credential).map(|()| Proof::of(credential)),
                None => settings.verifiers.known(shown, context.now()),
            },
        };
        self.explained(context, request, proved)
    }

    /// Decides about a request that is taken to show `credential`; `None` stands for one that does
    /// not exist.
    #[must_use]
    pub fn explain_as<B>(
        &self,
        context: &Context,
        request: &mut Request<B>,
        credential: Option<SharedCredential<T>>,
    ) -> AuthExplained<T> {
        // What else it shows does not count, but goes no further either.
        let stripped = self.settings().strip(request);
        let proof = credential.map(Proof::of).ok_or_else(Rejection::unknown);
        self.explained(context, request, stripped.and(proof))
    }

    fn explained<B>(
        &self,
        context: &Context,
        request: &mut Request<B>,
        proved: Result<Proof<T>, Rejection>,
    ) -> AuthExplained<T> {
        let wall = context.now().wall;
        let (proof, judged) = match proved {
            Ok(proof) => {
                let judged = holds(&proof, wall);
                (Some(proof), judged)
            }
            Err(rejection) => (None, Err(rejection)),
        };
        let proof = proof.map(|mut it| {
            let (caller, privileges) = (it.credential.caller.clone(), Privileges::of(&mut it));
            leave(caller, privileges, request.extensions_mut());
            it
        });
        let refusal = judged.err().map(|it| self.settings().challenge.answer(it).0);
        AuthExplained { credential: proof.map(|it| it.credential), refusal }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbound::credential::{Credential, Kind};
    use std::time::Duration;

    use rrcore::ManualClock;

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
        check(None, Some("no, key"), Err(("credential-invalid", None)));
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
        let by_id = id.map(|id| index.credentials().find(|it| &*it.id == id));
        let layer = AuthLayer::new(index);
        let mut request = Request::new(());
        if let Some(key) = key {
            request.headers_mut().insert("x-api-key", key.parse().unwrap());
        }
        let context = Context::new(&ManualClock::starting_at(Duration::from_secs(2)).clock());
        let explained = match by_id {
            Some(credential) => layer.explain_as(&context, &mut request, credential),
            None => layer.explain(&context, &mut request),
        };
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
