//! Verifies user names and passwords.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use rrcore::Now;
use zeroize::Zeroizing;

use crate::basic::attempt::{Answer, Attempt, Busy, Guess};
use crate::basic::book::{Book, Given};
use crate::basic::error::AccountsError;
use crate::basic::flight::Flights;
use crate::basic::hash::{PasswordHash, is_password};
use crate::basic::workers::PasswordWorkers;
use crate::inbound::credential::Credential;
use crate::inbound::proof::Proof;
use crate::inbound::verify::{PasswordVerifier, Unproved, Verdict};

/// User names and passwords in memory, immutable: build new ones to change them. A handle: clones
/// share it.
///
/// Every guess is the same work, whether there is such a user or not. A user name may have up to
/// four credentials (an old password besides the new one, say); then every guess at any name costs
/// as many hashes, and where hashes were made at different costs, one of each. What was right is
/// known at once for a minute; see [`PasswordWorkers`].
///
/// ```
/// use rrauth::{
///     Accounts, Credential, Kind, PasswordHash, PasswordVerifier, PasswordWorkers, Verdict,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let workers = PasswordWorkers::new()?;
/// let stored = PasswordHash::of("open sesame")?.to_phc();
/// let accounts = Accounts::builder(&workers)
///     .insert("alice", PasswordHash::parse(&stored)?, Credential::new("cred_1", "alice", Kind::Basic, ()))
///     .build()?;
///
/// let now = rrcore::Clock::system().now();
/// let Verdict::Pending(hashing) = accounts.verify("alice", "open sesame", now) else { panic!() };
/// assert_eq!(hashing.await.unwrap().credential.id.as_ref(), "cred_1");
/// // It is known now.
/// assert!(matches!(accounts.verify("alice", "open sesame", now), Verdict::Ready(Ok(_))));
/// # Ok(())
/// # }
/// ```
///
/// # Caveats
///
/// - Needs a tokio runtime with threads to block (any has them); without one nobody can tell, and
///   the caller gets 503. So it does when the queue is full.
/// - User names and passwords are compared as the bytes that were sent (in UTF-8). Nothing is
///   normalised: a client that writes `é` as two characters has another password.
/// - A user name has 1 to 256 bytes, a password 1 to 1,024, neither has control characters (RFC
///   7617 §2). What has not is wrong at once: that says nothing of who there is.
/// - Whoever adds a password at another [cost](crate::PasswordCost) than the others makes every
///   guess, at any name, dearer by one hash: convert them together.
pub struct Accounts<T> {
    book: Arc<Book<T>>,
    workers: PasswordWorkers,
    flights: Arc<Flights<Answer<T>>>,
}

/// Collects [`Accounts`].
#[must_use]
pub struct AccountsBuilder<T> {
    workers: PasswordWorkers,
    // In order, so that an error always names the same one.
    by_name: BTreeMap<Box<str>, Vec<Given<T>>>,
    unusable: Option<AccountsError>,
}

impl<T> Accounts<T> {
    /// Accounts that are still empty, whose passwords `workers` will hash.
    pub fn builder(workers: &PasswordWorkers) -> AccountsBuilder<T> {
        let workers = workers.clone();
        AccountsBuilder { workers, by_name: BTreeMap::new(), unusable: None }
    }

    /// How many user names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.book.len()
    }

    /// Whether there are none: then nothing is hashed, and every pair is
    /// [`Verdict::NotMine`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> AccountsBuilder<T> {
    /// Adds a credential. Of several that one pair proves, the first that is active and has not
    /// expired counts.
    pub fn insert(
        mut self,
        username: impl Into<Box<str>>,
        hash: PasswordHash,
        credential: impl Into<Arc<Credential<T>>>,
    ) -> Self {
        let (username, credential) = (username.into(), credential.into());
        if is_username(&username) {
            self.by_name.entry(username).or_default().push((hash, credential));
        } else {
            let error = AccountsError::UserName { credential: Arc::clone(&credential.id) };
            self.unusable.get_or_insert(error);
        }
        self
    }

    /// The accounts.
    ///
    /// # Errors
    /// [`AccountsError`] for a user name that nobody could show or that more than four credentials
    /// have, and for so many different costs that one guess would be more than eight hashes.
    pub fn build(self) -> Result<Accounts<T>, AccountsError> {
        match self.unusable {
            Some(error) => Err(error),
            None => Ok(Accounts {
                book: Arc::new(Book::new(&self.workers, self.by_name)?),
                workers: self.workers,
                flights: Arc::new(Flights::new()),
            }),
        }
    }
}

impl<T: Send + Sync + 'static> PasswordVerifier<T> for Accounts<T> {
    fn verify(&self, username: &str, password: &str, now: Now) -> Verdict<T> {
        if self.is_empty() {
            return Verdict::NotMine;
        }
        if !is_username(username) || !is_password(password) {
            return Verdict::Ready(Err(wrong()));
        }
        let guess = Guess::new(&self.book, &self.workers, (username, password), now);
        if let Some(credential) = guess.recall(&self.book, &self.workers) {
            return Verdict::Ready(Ok(Proof::of(credential)));
        }
        // There is at least one key: somebody has an account.
        let flight = guess.key().and_then(|key| self.flights.join(key, || self.workers.place()));
        let Some(flight) = flight else {
            return Verdict::Ready(Err(unavailable(FULL)));
        };
        let attempt = Attempt {
            book: Arc::clone(&self.book),
            workers: self.workers.clone(),
            guess,
            password: Zeroizing::new(password.to_owned()),
        };
        Verdict::Pending(Box::pin(async move {
            match flight.answer.get_or_init(|| attempt.run()).await {
                Ok(Some(credential)) => Ok(Proof::of(Arc::clone(credential))),
                Ok(None) => Err(wrong()),
                Err(busy) => Err(unavailable(*busy)),
            }
        }))
    }
}

fn is_username(text: &str) -> bool {
    (1..=MAX_USERNAME).contains(&text.len()) && !text.chars().any(|it| it == ':' || it.is_control())
}

fn wrong() -> Unproved {
    Unproved::Invalid("the user name or the password is wrong".to_owned())
}

fn unavailable(Busy(reason): Busy) -> Unproved {
    Unproved::Unavailable(reason.to_owned())
}

// By hand: it is shared, so `T` need not be `Clone` or `Debug`; user names are not for logs.
impl<T> Clone for Accounts<T> {
    fn clone(&self) -> Self {
        let (book, flights) = (Arc::clone(&self.book), Arc::clone(&self.flights));
        Self { book, workers: self.workers.clone(), flights }
    }
}

impl<T> fmt::Debug for Accounts<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for AccountsBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountsBuilder").field("len", &self.by_name.len()).finish_non_exhaustive()
    }
}

const MAX_USERNAME: usize = 256;
const FULL: Busy = Busy("too many passwords are waiting to be hashed");

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::time::Duration;

    use tokio_test::task::spawn;

    use super::*;
    use crate::basic::cost::PasswordCost;
    use crate::inbound::credential::Kind;
    use crate::inbound::verify::VerdictFuture;

    #[tokio::test]
    async fn when_the_first_to_ask_gives_up_the_second_still_learns() {
        let accounts = accounts();
        let busy = accounts.workers.thread().await;
        let mut first = spawn(pending(&accounts, "sesame"));
        let mut second = spawn(pending(&accounts, "sesame"));
        assert!(first.poll().is_pending() && second.poll().is_pending());
        drop(first);
        drop(busy);
        assert_eq!(&*second.await.unwrap().credential.id, "a");
        assert_eq!(accounts.flights.len(), 0);
    }

    #[tokio::test]
    async fn whoever_gives_up_in_the_queue_leaves_place_and_thread_to_others() {
        let accounts = accounts();
        let busy = accounts.workers.thread().await;
        let mut waiting = spawn(pending(&accounts, "wrong"));
        assert!(waiting.poll().is_pending());
        assert!(accounts.workers.place().is_none(), "the one place is taken");
        drop(waiting);
        assert!(accounts.workers.place().is_some());
        assert_eq!(accounts.flights.len(), 0);
        drop(busy);
        assert_eq!(&*pending(&accounts, "sesame").await.unwrap().credential.id, "a");
    }

    #[tokio::test]
    async fn the_password_of_somebody_else_proves_nothing() {
        let accounts = accounts();
        // Known already or not: with one account, every name is tried against its hash.
        for _ in 0..2 {
            for name in ["bob", "Alice", "alic", "alice ", "\u{0}"] {
                let now = Now { monotonic: Duration::ZERO, wall: Duration::ZERO };
                let verdict = match accounts.verify(name, "sesame", now) {
                    Verdict::Pending(hashing) => hashing.await,
                    Verdict::Ready(known) => known,
                    Verdict::NotMine => panic!("{name}"),
                };
                assert!(matches!(verdict, Err(Unproved::Invalid(_))), "{name}: {verdict:?}");
            }
            assert_eq!(&*known_or_hashed(&accounts).await, "a");
        }
    }

    async fn known_or_hashed(accounts: &Accounts<()>) -> Box<str> {
        let now = Now { monotonic: Duration::ZERO, wall: Duration::ZERO };
        let proof = match accounts.verify("alice", "sesame", now) {
            Verdict::Pending(hashing) => hashing.await.unwrap(),
            Verdict::Ready(known) => known.unwrap(),
            Verdict::NotMine => panic!("somebody has an account"),
        };
        (*proof.credential.id).into()
    }

    // One thread and no queue.
    fn accounts() -> Accounts<()> {
        let builder = PasswordWorkers::builder().threads(NonZeroUsize::MIN).queue(0);
        let cost = PasswordCost::new(8, 1, 1).unwrap();
        let hash = PasswordHash::with_cost("sesame", cost).unwrap();
        let credential = Credential::new("a", "alice", Kind::Basic, ());
        let start = Accounts::builder(&builder.build().unwrap());
        start.insert("alice", hash, credential).build().unwrap()
    }

    #[track_caller]
    fn pending(accounts: &Accounts<()>, password: &str) -> VerdictFuture<()> {
        let now = Now { monotonic: Duration::ZERO, wall: Duration::ZERO };
        match accounts.verify("alice", password, now) {
            Verdict::Pending(hashing) => hashing,
            other => panic!("{other:?}"),
        }
    }
}
