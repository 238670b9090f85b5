//! What somebody has allowed once: the newest refresh token, and that it is stored.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Turns, MutexGuard as Turn};
use tokio::time::{sleep, timeout};
use zeroize::Zeroizing;

use crate::oauth2::invalid::InvalidGrant;
use crate::oauth2::schedule;
use crate::outbound::token::TokenUnavailable;

/// The newest refresh token for what somebody has allowed, for [`OAuth2::refreshing`].
///
/// Servers may give another refresh token with each access token, and may take the use of an old one
/// for theft, which ends the consent. So there is one of these for each consent, and all grants that
/// use it share it: one asks at a time, with what the one before was given.
///
/// Each new refresh token is stored, on a thread that may block, before the access token beside it is
/// used. Where that fails it is tried again after 1 s, 2 s, 4 s and so on up to a minute, and with each
/// new access token.
///
/// ```
/// use std::sync::Arc;
///
/// use rrauth::{Consent, InvalidGrant, OAuth2};
///
/// let store = |new: &str| std::fs::write("/var/lib/gw/sealed", seal(new));
/// # fn seal(new: &str) -> String { new.to_owned() }
/// let consent = Arc::new(Consent::new("1//0eXAMPLE", store)?);
/// let client = OAuth2::new("https://auth.example.com/token", "client_7").secret("s3cret");
/// let grant = client.refreshing(&consent)?;
/// # Ok::<(), InvalidGrant>(())
/// ```
///
/// # Caveats
/// Have [`Consent::settle`] finish before the runtime is dropped: a refresh token that is on its way
/// then is lost, and the consent with it.
///
/// [`OAuth2::refreshing`]: crate::OAuth2::refreshing
pub struct Consent {
    // Held from before a refresh token is sent until its successor is stored.
    turns: Turns<Standing>,
    token: Mutex<Zeroizing<String>>,
    // Whether `token` is not stored.
    unstored: AtomicBool,
    // One writes at a time, and the newest.
    storing: Mutex<()>,
    // Whether somebody is at it.
    trying: AtomicBool,
    store: Box<Store>,
}

type Store = dyn Fn(&str) -> Result<(), Box<dyn Error + Send + Sync>> + Send + Sync;

/// Whether it may still be used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Open,
    Settled,
}

impl Consent {
    /// The refresh token as it was stored last. `store` has to see to it that a new one is sealed and
    /// outlives this process; it may block.
    ///
    /// # Errors
    /// When the refresh token is empty.
    pub fn new<E: Into<Box<dyn Error + Send + Sync>>>(
        refresh_token: impl Into<String>,
        store: impl Fn(&str) -> Result<(), E> + Send + Sync + 'static,
    ) -> Result<Self, InvalidGrant> {
        let token = Zeroizing::new(refresh_token.into());
        if token.is_empty() {
            return Err(InvalidGrant::new("refreshToken", "it is empty"));
        }
        Ok(Self {
            turns: Turns::new(Standing::Open),
            token: Mutex::new(token),
            unstored: AtomicBool::new(false),
            storing: Mutex::default(),
            trying: AtomicBool::new(false),
            store: Box::new(move |new| store(new).map_err(Into::into)),
        })
    }

    /// Waits for the request that is under way, if there is one, and stores what is not stored. From
    /// then on it is not used any more: for the end of a process.
    ///
    /// # Errors
    /// When the newest refresh token could not be stored.
    pub async fn settle(self: &Arc<Self>) -> Result<(), TokenUnavailable> {
        *self.turns.lock().await = Standing::Settled;
        self.write().await
    }

    /// The right to use it, until it is dropped.
    pub(crate) async fn turn(&self) -> Result<Turn<'_, Standing>, TokenUnavailable> {
        let turn = self.turns.lock().await;
        match *turn {
            Standing::Open => Ok(turn),
            Standing::Settled => Err(TokenUnavailable::new("the process is about to end")),
        }
    }

    /// What is to be sent.
    pub(crate) fn newest(&self) -> Zeroizing<String> {
        self.token().clone()
    }

    /// From now on `new` is to be sent.
    pub(crate) fn replace(&self, new: &Zeroizing<String>) {
        let mut token = self.token();
        if *token != *new {
            token.clone_from(new);
            self.unstored.store(true, Ordering::Release);
        }
    }

    /// Stores what is not stored, within `patience`; else goes on trying, and waits no longer.
    pub(crate) async fn keep(self: &Arc<Self>, patience: Duration) {
        if !self.unstored.load(Ordering::Acquire) {
            return;
        }
        let is_stored = matches!(timeout(patience, self.write()).await, Ok(Ok(())));
        if !is_stored && !self.trying.swap(true, Ordering::AcqRel) {
            drop(tokio::spawn(Trying(Arc::clone(self)).run()));
        }
    }

    async fn write(self: &Arc<Self>) -> Result<(), TokenUnavailable> {
        if !self.unstored.load(Ordering::Acquire) {
            return Ok(());
        }
        // A disk makes nobody wait but those who need this token.
        let consent = Arc::clone(self);
        let written = tokio::task::spawn_blocking(move || consent.write_now()).await;
        let written = written.unwrap_or_else(|_| Err("whoever stores it has panicked".into()));
        written.map_err(|it| TokenUnavailable::new(format!("a refresh token is not stored: {it}")))
    }

    fn write_now(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let _turn = self.storing.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.unstored.load(Ordering::Acquire) {
            return Ok(());
        }
        let newest = self.newest();
        (self.store)(&newest)?;
        let token = self.token();
        if *token == newest {
            self.unstored.store(false, Ordering::Release);
        }
        drop(token);
        Ok(())
    }

    fn token(&self) -> MutexGuard<'_, Zeroizing<String>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tries to store until it is stored; whoever comes next begins anew where the runtime stops this.
struct Trying(Arc<Consent>);

impl Trying {
    async fn run(self) {
        for failures in 1.. {
            sleep(schedule::pause(failures)).await;
            if self.0.write().await.is_ok() {
                return;
            }
        }
    }
}

impl Drop for Trying {
    fn drop(&mut self) {
        self.0.trying.store(false, Ordering::Release);
    }
}

impl fmt::Debug for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Consent(…)")
    }
}
