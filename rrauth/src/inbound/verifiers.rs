//! What one layer asks beside its index.

use std::fmt;
use std::sync::Arc;

use http::Extensions;
use rrcore::{ClientAddress, Context, Now};

use crate::failures::FailureLimit;
use crate::inbound::judge::Rejection;
use crate::inbound::proof::Proof;
use crate::inbound::shown::{Secret, Shown};
use crate::inbound::verify::{
    ConnectionVerifier, LATER, PasswordVerifier, TokenVerifier, Verdict, VerdictFuture,
};

/// The verifiers of one layer; usually none.
pub(crate) struct Verifiers<T> {
    tokens: Vec<Arc<dyn TokenVerifier<T>>>,
    passwords: Option<Arc<dyn PasswordVerifier<T>>>,
    connection: Option<Arc<dyn ConnectionVerifier<T>>>,
    failures: Option<Arc<dyn FailureLimit>>,
}

/// What came of asking.
pub(crate) enum Asked<T> {
    Known(Result<Proof<T>, Rejection>),
    Waiting(VerdictFuture<T>),
}

impl<T> Verifiers<T> {
    pub(crate) const fn none() -> Self {
        Self { tokens: Vec::new(), passwords: None, connection: None, failures: None }
    }

    pub(crate) fn tokens(&mut self, verifier: Arc<dyn TokenVerifier<T>>) {
        self.tokens.push(verifier);
    }

    pub(crate) fn passwords(&mut self, verifier: Arc<dyn PasswordVerifier<T>>) {
        self.passwords = Some(verifier);
    }

    pub(crate) fn connection(&mut self, verifier: Arc<dyn ConnectionVerifier<T>>) {
        self.connection = Some(verifier);
    }

    pub(crate) fn failures(&mut self, limit: Arc<dyn FailureLimit>) {
        self.failures = Some(limit);
    }

    pub(crate) const fn counts_failures(&self) -> bool {
        self.failures.is_some()
    }

    /// Whether the client may try.
    pub(crate) fn admit(&self, context: &Context) -> Result<(), Rejection> {
        match (&self.failures, context.address()) {
            (Some(limit), Some(client)) => {
                limit.admit(client, context.now()).map_err(Rejection::TooOften)
            }
            (None, _) | (_, None) => Ok(()),
        }
    }

    /// Counts `rejection`, if it is a failure.
    pub(crate) fn count(&self, context: &Context, rejection: &Rejection) {
        let Rejection::Invalid(_) = rejection else { return };
        if let (Some(limit), Some(client)) = (&self.failures, context.address()) {
            limit.failed(client, context.now());
        }
    }

    /// Asks about what is shown and not in the index.
    pub(crate) fn ask(&self, context: &Context, shown: &Shown) -> Asked<T>
    where
        T: 'static,
    {
        let now = context.now();
        match &shown.secret {
            Secret::Key(_) => {}
            Secret::Token(token) => {
                let token = token.shown();
                for verifier in &self.tokens {
                    if let Some(asked) = told(verifier.verify_shown(token, now)) {
                        return asked;
                    }
                }
            }
            Secret::Pair { username, password, .. } => {
                let said = self.passwords.as_ref().map(|it| it.verify(username, password, now));
                match said.and_then(told) {
                    Some(Asked::Waiting(wait)) => return self.counting(context, wait),
                    Some(known) => return known,
                    None => {}
                }
            }
        }
        Asked::Known(Err(Rejection::unknown()))
    }

    // `wait`, counted as a failure where nobody waits to its end.
    fn counting(&self, context: &Context, wait: VerdictFuture<T>) -> Asked<T>
    where
        T: 'static,
    {
        let (Some(limit), Some(client)) = (&self.failures, context.address()) else {
            return Asked::Waiting(wait);
        };
        let limit = Arc::clone(limit);
        let mut unheard = Unheard { limit, client, now: context.now(), is_heard: false };
        Asked::Waiting(Box::pin(async move {
            let said = wait.await;
            unheard.hear();
            said
        }))
    }

    /// What is known already of what is shown and not in the index. Calls nobody.
    pub(crate) fn known(&self, shown: &Shown, now: Now) -> Result<Proof<T>, Rejection> {
        let later = || Err(Rejection::Unavailable(LATER.to_owned()));
        match &shown.secret {
            // A slow hash.
            Secret::Pair { .. } if self.passwords.is_some() => later(),
            Secret::Key(_) | Secret::Pair { .. } => Err(Rejection::unknown()),
            Secret::Token(token) => {
                let token = token.shown();
                for verifier in &self.tokens {
                    match verifier.known(token, now) {
                        Verdict::NotMine => {}
                        Verdict::Ready(said) => return said.map_err(Rejection::from),
                        Verdict::Pending(_) => return later(),
                    }
                }
                Err(Rejection::unknown())
            }
        }
    }

    /// Asks about a request that shows nothing.
    pub(crate) fn vouched(&self, extensions: &Extensions, now: Now) -> Result<Proof<T>, Rejection> {
        match self.connection.as_ref().and_then(|it| it.verify(extensions, now)) {
            Some(said) => said.map_err(Rejection::from),
            None => Err(Rejection::Missing),
        }
    }
}

/// A guess that is being checked. Who goes away before it is has guessed all the same: else a guesser
/// would keep all who hash busy, and be told by how soon a second try is answered.
struct Unheard {
    limit: Arc<dyn FailureLimit>,
    client: ClientAddress,
    now: Now,
    is_heard: bool,
}

impl Unheard {
    const fn hear(&mut self) {
        self.is_heard = true;
    }
}

impl Drop for Unheard {
    fn drop(&mut self) {
        if !self.is_heard {
            self.limit.failed(self.client, self.now);
        }
    }
}

fn told<T>(verdict: Verdict<T>) -> Option<Asked<T>> {
    match verdict {
        Verdict::NotMine => None,
        Verdict::Ready(said) => Some(Asked::Known(said.map_err(Rejection::from))),
        Verdict::Pending(wait) => Some(Asked::Waiting(wait)),
    }
}

// By hand: `T` need not be `Clone`, and nothing in here is for logs.
impl<T> Clone for Verifiers<T> {
    fn clone(&self) -> Self {
        Self {
            tokens: self.tokens.clone(),
            passwords: self.passwords.clone(),
            connection: self.connection.clone(),
            failures: self.failures.clone(),
        }
    }
}

impl<T> fmt::Debug for Verifiers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifiers")
            .field("tokens", &self.tokens.len())
            .field("passwords", &self.passwords.is_some())
            .field("connection", &self.connection.is_some())
            .field("failures", &self.failures.is_some())
            .finish()
    }
}
