//! Keeps a token at hand: fetches it once, renews it before it expires, replaces it when refused.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use rrcore::Clock;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::client::http_client::HttpClient;
use crate::oauth2::answer;
use crate::oauth2::flight::{Flight, Landing, Outcome, Step};
use crate::oauth2::grant::{Grant, Obtained};
use crate::oauth2::schedule::Schedule;
use crate::outbound::token::{Outlook, Token, TokenFuture, TokenUnavailable, Tokens};

/// Has tokens of one [`Grant`], for [`Injection::token`](crate::Injection::token). Cheap to clone:
/// clones have the same token.
///
/// The first request that needs a token waits for it, and so do those that come meanwhile: one is
/// fetched. It is renewed in the background after 80 % of its life, or 60 s before its end if that
/// is earlier (but not in the first half of its life), by the first request that comes then; the
/// renewal goes on when that request leaves. A token that has expired is never sent. When the token
/// endpoint fails, it is asked again after 1 s, 2 s, 4 s and so on up to a minute; meanwhile the
/// old token is sent while it is valid, and then requests are refused at once.
///
/// ```
/// use std::sync::Arc;
///
/// use rrauth::{HttpClient, Injection, InvalidGrant, OAuth2, Presentation, TokenSource};
///
/// fn upstream_credential(client: Arc<dyn HttpClient>) -> Result<Injection, InvalidGrant> {
///     let grant = OAuth2::new("https://auth.example.com/token", "client_7")
///         .secret("s3cret")
///         .scopes(["read"])
///         .client_credentials()?;
///     let tokens = TokenSource::new(grant, client);
///     Ok(Injection::token(Arc::new(tokens), Presentation::bearer()))
/// }
/// ```
///
/// # Caveats
/// - A source has one token. Make one per credential and revision of its configuration, and keep it
///   while that is in force: what is shared is shared with everybody who has a clone.
/// - It must be used on a tokio runtime, and asks on the one where the token was needed.
/// - An upstream that answers 401 whatever the token causes one more request to the token endpoint
///   every 30 s at most.
#[derive(Clone)]
pub struct TokenSource {
    shared: Arc<Shared>,
}

/// Settles how a [`TokenSource`] behaves: made by [`TokenSource::builder`].
#[must_use]
pub struct TokenSourceBuilder {
    shared: Shared,
}

struct Shared {
    grant: Grant,
    client: Arc<dyn HttpClient>,
    clock: Clock,
    patience: Duration,
    default_life: Duration,
    held: ArcSwapOption<Held>,
    // Nanoseconds on the monotonic clock: the first request from then on begins a renewal.
    renew_at: AtomicU64,
    flight: Mutex<Flight>,
    on_failure: Option<Note>,
}

type Note = Box<dyn Fn(&TokenUnavailable) + Send + Sync>;

struct Held {
    token: Arc<Token>,
    expires_at: Duration,
}

/// Clears the way for the next request, even where the runtime stops this one.
struct UnderWay {
    shared: Arc<Shared>,
    landed: bool,
}

impl TokenSource {
    /// Gets tokens as `grant` says, through `client`, when they are needed.
    #[must_use]
    pub fn new(grant: Grant, client: Arc<dyn HttpClient>) -> Self {
        Self::builder(grant, client).build()
    }

    /// As [`TokenSource::new`], with more to be said.
    pub fn builder(grant: Grant, client: Arc<dyn HttpClient>) -> TokenSourceBuilder {
        let shared = Shared {
            grant,
            client,
            clock: Clock::system(),
            patience: Duration::from_secs(10),
            default_life: Duration::from_secs(300),
            held: ArcSwapOption::empty(),
            renew_at: AtomicU64::new(NEVER),
            flight: Mutex::default(),
            on_failure: None,
        };
        TokenSourceBuilder { shared }
    }
}

impl TokenSourceBuilder {
    /// Times tokens by this clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.shared.clock = clock;
        self
    }

    /// How long the token endpoint may take, and a request may wait for a token: 10 s unless told.
    pub const fn timeout(mut self, patience: Duration) -> Self {
        self.shared.patience = patience;
        self
    }

    /// How long a token lives where its answer does not say: 5 minutes unless told.
    pub const fn default_lifetime(mut self, life: Duration) -> Self {
        self.shared.default_life = life;
        self
    }

    /// Tells the operator of each failure, also while the old token is still sent. Called on the
    /// runtime that asked: note it, and do not wait.
    pub fn on_failure(mut self, note: impl Fn(&TokenUnavailable) + Send + Sync + 'static) -> Self {
        self.shared.on_failure = Some(Box::new(note));
        self
    }

    /// The source. It asks for nothing before it is used.
    #[must_use]
    pub fn build(self) -> TokenSource {
        TokenSource { shared: Arc::new(self.shared) }
    }
}

impl Tokens for TokenSource {
    fn current(&self) -> Option<Arc<Token>> {
        let shared = &self.shared;
        let now = shared.clock.monotonic();
        let token = shared.valid(now)?;
        if shared.is_due(now) {
            // Whoever else is here may have been faster.
            drop(shared.ask(|flight| match shared.is_due(now) {
                true => Ok(flight.step(now)),
                false => Err(Arc::clone(&token)),
            }));
        }
        Some(token)
    }

    fn fetch(&self) -> TokenFuture {
        let shared = &self.shared;
        let now = shared.clock.monotonic();
        let landing = shared.ask(|flight| match shared.valid(now) {
            Some(token) => Err(token),
            None => Ok(flight.step(now)),
        });
        wait(landing, shared.patience)
    }

    fn replace(&self, refused: &Arc<Token>) -> TokenFuture {
        let shared = &self.shared;
        let now = shared.clock.monotonic();
        let landing = shared.ask(|flight| match shared.valid(now) {
            Some(token) if !same(&token, refused) => Err(token),
            Some(_) | None => Ok(flight.forced(now)),
        });
        let (replaced, refused) = (wait(landing, shared.patience), Arc::clone(refused));
        Box::pin(async move {
            let token = replaced.await?;
            match same(&token, &refused) {
                true => Err(TokenUnavailable::new("the token endpoint gave the same token again")),
                false => Ok(token),
            }
        })
    }

    fn outlook(&self) -> Outlook {
        let now = self.shared.clock.monotonic();
        if self.shared.valid(now).is_some() {
            return Outlook::AtHand;
        }
        match self.shared.flight().failure(now) {
            Some(failure) => Outlook::Unavailable(failure.clone()),
            None => Outlook::ToBeFetched,
        }
    }
}

impl Shared {
    fn valid(&self, now: Duration) -> Option<Arc<Token>> {
        let held = self.held.load();
        held.as_ref().filter(|it| now < it.expires_at).map(|it| Arc::clone(&it.token))
    }

    fn flight(&self) -> MutexGuard<'_, Flight> {
        self.flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_due(&self, now: Duration) -> bool {
        nanoseconds(now) >= self.renew_at.load(Ordering::Relaxed)
    }

    /// Where the outcome will be, or the outcome. `step` decides under the lock, so that of those who
    /// need a token only the first asks for one.
    fn ask(
        self: &Arc<Self>,
        step: impl FnOnce(&mut Flight) -> Result<Step, Arc<Token>>,
    ) -> Result<Landing, Outcome> {
        let Ok(runtime) = Handle::try_current() else {
            return Err(Err(TokenUnavailable::new("tokens are fetched on a tokio runtime only")));
        };
        let mut flight = self.flight();
        let step = step(&mut flight);
        if let Ok(Step::Start(..)) = &step {
            self.renew_at.store(NEVER, Ordering::Relaxed);
        }
        // A runtime that is about to stop drops what it is given, which takes the lock.
        drop(flight);
        match step {
            Ok(Step::Start(sender, landing)) => {
                let under_way = UnderWay { shared: Arc::clone(self), landed: false };
                drop(runtime.spawn(under_way.run(sender)));
                Ok(landing)
            }
            Ok(Step::Join(landing)) => Ok(landing),
            Ok(Step::Fail(failure)) => Err(Err(failure)),
            Err(token) => Err(Ok(token)),
        }
    }

    async fn obtain(&self) -> Result<(Obtained, Schedule), TokenUnavailable> {
        let failed =
            |why: &str| TokenUnavailable::new(format!("token endpoint {}: {why}", self.grant.host));
        let consent = self.grant.obtain.consent();
        let turn = match consent {
            Some(consent) => Some(consent.turn().await?),
            None => None,
        };
        let asked = self.clock.now();
        let answer = self.client.send(self.grant.obtain.request(), answer::LONGEST);
        let answer = timeout(self.patience, answer).await;
        let answer = answer.map_err(|_| failed("it did not answer in time"))?;
        let answer = answer.map_err(|error| failed(&error.to_string()))?;
        let obtained = self.grant.obtain.read(&answer, asked).map_err(|why| failed(&why));
        if let Some(consent) = consent {
            // Also where there is no token: a new refresh token may be all that was given.
            consent.keep(self.patience).await;
        }
        drop(turn);
        let obtained = obtained?;
        let life = obtained.life.unwrap_or(self.default_life);
        // From when it was asked for: it cannot have been issued earlier, and clocks that disagree
        // do not matter.
        let schedule = Schedule::new(asked.monotonic, life);
        match self.clock.monotonic() < schedule.expires_at {
            true => Ok((obtained, schedule)),
            false => Err(failed("the token has expired already")),
        }
    }
}

impl UnderWay {
    async fn run(mut self, sender: watch::Sender<Option<Outcome>>) {
        let obtained = self.shared.obtain().await;
        if let (Err(failure), Some(note)) = (&obtained, &self.shared.on_failure) {
            note(failure);
        }
        let outcome = self.land(obtained);
        // Those who wait look there even when nobody does.
        sender.send_replace(Some(outcome));
    }

    fn land(&mut self, obtained: Result<(Obtained, Schedule), TokenUnavailable>) -> Outcome {
        let shared = &self.shared;
        let mut flight = shared.flight();
        self.landed = true;
        match obtained {
            Ok((Obtained { token, .. }, Schedule { renew_at, expires_at })) => {
                let token = Arc::new(token);
                let held = Held { token: Arc::clone(&token), expires_at };
                shared.held.store(Some(Arc::new(held)));
                shared.renew_at.store(nanoseconds(renew_at), Ordering::Relaxed);
                flight.landed();
                Ok(token)
            }
            Err(failure) => {
                let retry_at = flight.failed(failure.clone(), shared.clock.monotonic());
                shared.renew_at.store(nanoseconds(retry_at), Ordering::Relaxed);
                Err(failure)
            }
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if !self.landed {
            drop(self.land(Err(TokenUnavailable::new("the request for a token was broken off"))));
        }
    }
}

fn wait(landing: Result<Landing, Outcome>, patience: Duration) -> TokenFuture {
    Box::pin(async move {
        let mut landing = match landing {
            Ok(landing) => landing,
            Err(known) => return known,
        };
        let landed = timeout(patience, landing.wait_for(Option::is_some)).await;
        match landed {
            Ok(Ok(outcome)) => outcome.clone().unwrap_or_else(|| Err(broken_off())),
            Ok(Err(_)) => Err(broken_off()),
            Err(_) => Err(TokenUnavailable::new("waited too long for a token")),
        }
    })
}

fn broken_off() -> TokenUnavailable {
    TokenUnavailable::new("the request for a token was broken off")
}

fn same(one: &Arc<Token>, other: &Arc<Token>) -> bool {
    Arc::ptr_eq(one, other) || one.text() == other.text()
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(NEVER)
}

const NEVER: u64 = u64::MAX;

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource").field("grant", &self.shared.grant).finish_non_exhaustive()
    }
}

impl fmt::Debug for TokenSourceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSourceBuilder")
            .field("grant", &self.shared.grant)
            .finish_non_exhaustive()
    }
}
