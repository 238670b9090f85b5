//! One guess at a password.

use std::sync::Arc;

use rrcore::Now;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::basic::book::{Book, Slot, choose, is_usable};
use crate::basic::workers::{PairKey, PasswordWorkers};
use crate::inbound::credential::Credential;

/// Somebody shows a user name and a password.
pub(crate) struct Attempt<T> {
    pub(crate) book: Arc<Book<T>>,
    pub(crate) workers: PasswordWorkers,
    pub(crate) username: Zeroizing<String>,
    pub(crate) password: Zeroizing<String>,
    pub(crate) now: Now,
}

/// Whose password it is; `Ok(None)`: nobody's.
pub(crate) type Answer<T> = Result<Option<Arc<Credential<T>>>, Busy>;

/// Nobody could find out, and why, for the operator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Busy(pub(crate) &'static str);

impl<T: Send + Sync + 'static> Attempt<T> {
    /// Waits for a thread, and has it find out.
    pub(crate) async fn run(self) -> Answer<T> {
        let thread = self.workers.thread().await.ok_or(STOPPED)?;
        // Somebody may have found out while this was waiting.
        let remembered =
            recall(&self.book, &self.workers, &self.username, &self.password, self.now);
        if let Some(credential) = remembered.found {
            return Ok(Some(credential));
        }
        let runtime = Handle::try_current().map_err(|_| NO_RUNTIME)?;
        let (tell, told) = oneshot::channel();
        runtime.spawn_blocking(move || {
            // The thread is taken until the work is done, also where nobody waits for it any more;
            // but what nobody waits for is not begun.
            let _thread = thread;
            if !tell.is_closed() {
                // Whoever waited may have gone: then there is nobody to tell.
                drop(tell.send(self.work(&remembered.keys)));
            }
        });
        // A panic, or the end of the runtime, proves nothing.
        told.await.unwrap_or(Err(STOPPED))
    }

    // Every hash is tried, whatever the others say: how long it takes says nothing.
    fn work(&self, keys: &[PairKey]) -> Answer<T> {
        let slots = self.book.slots(&self.username);
        let tried = slots.iter().map(|it| it.hash.try_verify(&self.password));
        let tried: Vec<_> = tried.collect();
        let tried = tried.into_iter().collect::<Result<Vec<_>, _>>().map_err(|_| NO_MEMORY)?;
        let fits = || slots.iter().zip(&tried).filter(|it| *it.1).map(|it| it.0);
        let Some(credential) = choose(fits(), self.now.wall) else { return Ok(None) };
        // One that is refused is not remembered, or it would be told from a wrong one by the time.
        if is_usable(credential, self.now.wall) {
            for ((_, key), _) in slots.iter().zip(keys).zip(&tried).filter(|it| *it.1) {
                self.workers.remember(*key, self.now);
            }
        }
        Ok(Some(Arc::clone(credential)))
    }
}

/// What is known without hashing.
pub(crate) struct Recalled<T> {
    pub(crate) found: Option<Arc<Credential<T>>>,
    /// One for each slot.
    pub(crate) keys: Vec<PairKey>,
}

/// Whether this pair was right a moment ago, and still is by `book`.
pub(crate) fn recall<T>(
    book: &Book<T>,
    workers: &PasswordWorkers,
    username: &str,
    password: &str,
    now: Now,
) -> Recalled<T> {
    let slots = book.slots(username);
    let key = |it: &Slot<T>| workers.key(&it.fingerprint, username, password);
    let keys: Vec<_> = slots.iter().map(key).collect();
    let known = slots.iter().zip(&keys).filter(|it| workers.remembers(it.1, now)).map(|it| it.0);
    let usable = |it: &&Arc<Credential<T>>| is_usable(it, now.wall);
    Recalled { found: choose(known, now.wall).filter(usable).cloned(), keys }
}

const STOPPED: Busy = Busy("password hashing has stopped");
const NO_RUNTIME: Busy = Busy("passwords are hashed by a tokio runtime, and there is none");
const NO_MEMORY: Busy = Busy("there is no memory to hash a password");
