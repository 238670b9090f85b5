//! One guess at a password.

use std::sync::Arc;

use rrcore::Now;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::basic::book::{Book, Entry, Slot, choose, is_usable};
use crate::basic::workers::{PairKey, PasswordWorkers};
use crate::inbound::credential::Credential;

/// Somebody shows a user name and a password, to the accounts of one book.
pub(crate) struct Guess {
    entry: Entry,
    // One for each slot of the entry.
    keys: Vec<PairKey>,
    now: Now,
}

/// A guess that has to be hashed.
pub(crate) struct Attempt<T> {
    pub(crate) book: Arc<Book<T>>,
    pub(crate) workers: PasswordWorkers,
    pub(crate) guess: Guess,
    pub(crate) password: Zeroizing<String>,
}

/// Whose password it is; `Ok(None)`: nobody's.
pub(crate) type Answer<T> = Result<Option<Arc<Credential<T>>>, Busy>;

/// Nobody could find out, and why, for the operator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Busy(pub(crate) &'static str);

impl Guess {
    pub(crate) fn new<T>(
        book: &Book<T>,
        workers: &PasswordWorkers,
        (username, password): (&str, &str),
        now: Now,
    ) -> Self {
        let entry = book.entry(workers, username);
        let key = |it: &Slot<T>| workers.key(&it.fingerprint, username, password);
        let keys = book.slots(entry).iter().map(key).collect();
        Self { entry, keys, now }
    }

    /// What stands for it: the same for who shows the same.
    pub(crate) fn key(&self) -> Option<PairKey> {
        self.keys.first().copied()
    }

    /// Who was found to have shown this a moment ago, and still may.
    pub(crate) fn recall<T>(
        &self,
        book: &Book<T>,
        workers: &PasswordWorkers,
    ) -> Option<Arc<Credential<T>>> {
        let known = self.slots(book).filter(|it| workers.remembers(it.1, self.now));
        let found = choose(known.map(|it| it.0), self.now.wall);
        found.filter(|it| self.entry.is_own && is_usable(it, self.now.wall)).cloned()
    }

    fn slots<'a, T>(
        &'a self,
        book: &'a Book<T>,
    ) -> impl Iterator<Item = (&'a Slot<T>, &'a PairKey)> {
        book.slots(self.entry).iter().zip(&self.keys)
    }
}

impl<T: Send + Sync + 'static> Attempt<T> {
    /// Waits for a thread, and has it find out.
    pub(crate) async fn run(self) -> Answer<T> {
        let thread = self.workers.thread().await.ok_or(STOPPED)?;
        // Somebody may have found out while this was waiting.
        if let Some(credential) = self.guess.recall(&self.book, &self.workers) {
            return Ok(Some(credential));
        }
        let runtime = Handle::try_current().map_err(|_| NO_RUNTIME)?;
        let (tell, told) = oneshot::channel();
        runtime.spawn_blocking(move || {
            // The thread is taken until the work is done, also where nobody waits for it any more;
            // but what nobody waits for is not begun.
            let _thread = thread;
            if !tell.is_closed() {
                let (answer, fits) = self.work();
                // Whoever waited may have gone: then there is nobody to tell, and who shows the same
                // again is told no sooner.
                if !tell.is_closed() {
                    fits.into_iter().for_each(|it| self.workers.remember(it, self.guess.now));
                }
                drop(tell.send(answer));
            }
        });
        // A panic, or the end of the runtime, proves nothing.
        told.await.unwrap_or(Err(STOPPED))
    }

    // Every hash is tried, whatever the others say: how long it takes says nothing. With what to
    // remember of it.
    fn work(&self) -> (Answer<T>, Vec<PairKey>) {
        let (is_own, wall) = (self.guess.entry.is_own, self.guess.now.wall);
        let slots = || self.guess.slots(&self.book);
        let tried: Vec<_> = slots().map(|it| it.0.hash.try_verify(&self.password)).collect();
        let Ok(tried) = tried.into_iter().collect::<Result<Vec<_>, _>>() else {
            return (Err(NO_MEMORY), Vec::new());
        };
        let fits = || slots().zip(&tried).filter(|it| is_own & *it.1).map(|it| it.0);
        let found = choose(fits().map(|it| it.0), wall);
        // One that is refused is not remembered, or it would be told from a wrong one by the time.
        let known = found.is_some_and(|it| is_usable(it, wall));
        let keys = fits().filter(|_| known).map(|it| *it.1).collect();
        (Ok(found.cloned()), keys)
    }
}

const STOPPED: Busy = Busy("password hashing has stopped");
const NO_RUNTIME: Busy = Busy("passwords are hashed by a tokio runtime, and there is none");
const NO_MEMORY: Busy = Busy("there is no memory to hash a password");
