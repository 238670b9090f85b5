//! Credentials that lie beside each other.

use std::cell::Cell;
use std::num::NonZeroUsize;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use prefetch_index::prefetch_index;
use rrcore::{Named, NamedList};

use crate::inbound::credential::Credential;
use crate::inbound::digest::KeyDigest;

/// Some neighbours of a table, which stay together for as long as anybody holds one of them: few enough
/// that little is kept from the table of yesterday.
type Page<T> = Arc<[Place<T>]>;

// What a request reads of it stands where it begins and where it ends, on two lines of the cache: where
// they are is known before either has been read, so both can be asked for at once.
#[repr(C, align(64))]
struct Place<T> {
    credential: Option<Credential<T>>,
    digest: KeyDigest,
}

/// A place that is taken.
pub(crate) struct Entry<'a, T> {
    pub(crate) digest: &'a KeyDigest,
    pub(crate) credential: &'a Credential<T>,
}

/// By which requests hold a page. Each thread has its own: all callers of a page count there, and would
/// wait for each other.
pub(crate) struct Hold<T> {
    page: Page<T>,
    // The counts of the `Arc` around it and those of the next one are never on one line of the cache.
    _apart: [u64; 12],
}

/// The pages of one table, one after the other.
pub(crate) struct Pages<T> {
    pages: Box<[Page<T>]>,
    // Those of the first page, one for each of some threads, and then of the next.
    holds: Box<[Arc<Hold<T>>]>,
    // A power of two.
    threads: usize,
}

impl<T> Pages<T> {
    /// `slots` places, with those entries that are there.
    pub(crate) fn new(
        slots: usize,
        mut entry: impl FnMut(usize) -> Option<(KeyDigest, Credential<T>)>,
    ) -> Self {
        let mut place = |slot| match entry(slot) {
            Some((digest, credential)) => Place { credential: Some(credential), digest },
            None => Place { credential: None, digest: KeyDigest::from_bytes([0; 32]) },
        };
        let page = |start: usize| (start..slots.min(start + PAGE)).map(&mut place).collect();
        let pages: Box<[Page<T>]> = (0..slots).step_by(PAGE).map(page).collect();
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = cores.next_power_of_two().min(MAX_THREADS);
        let hold = |page: &Page<T>| Arc::new(Hold { page: Arc::clone(page), _apart: [0; 12] });
        let holds = pages.iter().flat_map(|page| (0..threads).map(move |_| hold(page))).collect();
        Self { pages, holds, threads }
    }

    fn place(&self, slot: usize) -> Option<&Place<T>> {
        self.pages.get(slot / PAGE)?.get(slot % PAGE)
    }

    pub(crate) fn entry(&self, slot: usize) -> Option<Entry<'_, T>> {
        let Place { digest, credential } = self.place(slot)?;
        credential.as_ref().map(|credential| Entry { digest, credential })
    }

    /// Asks for what every request reads that finds its credential at `slot`.
    pub(crate) fn prefetch(&self, slot: usize) {
        let Some(place) = self.place(slot) else { return };
        prefetch_index(slice::from_ref(&place.credential), 0);
        prefetch_index(slice::from_ref(&place.digest), 0);
        let Some((hold, _)) = self.hold(slot) else { return };
        prefetch_index(slice::from_ref(&**hold), 0);
    }

    /// What holds the page of `slot`, and where in that page it is.
    pub(crate) fn hold(&self, slot: usize) -> Option<(&Arc<Hold<T>>, u32)> {
        let thread = this_thread() & (self.threads - 1);
        let at = u32::try_from(slot % PAGE).ok()?;
        Some((self.holds.get(slot / PAGE * self.threads + thread)?, at))
    }
}

impl<T> Hold<T> {
    /// The credential at a place that is taken.
    ///
    /// # Panics
    /// When it is not: places are given out by [`Table`](crate::inbound::table::Table) only.
    pub(crate) fn credential(&self, at: u32) -> &Credential<T> {
        let Some(Place { credential: Some(credential), .. }) = self.page.get(at as usize) else {
            unreachable!("no credential was found here")
        };
        credential
    }
}

impl<T: Send + Sync> NamedList for Hold<T> {
    fn named(&self, at: u32) -> &dyn Named {
        self.credential(at)
    }
}

// Threads have numbers in the order in which they ask, so that few who are busy have the same.
fn this_thread() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<usize> = Cell::new(THREADS.fetch_add(1, Ordering::Relaxed));
    }
    NUMBER.get()
}

/// So many places has a page.
pub(crate) const PAGE: usize = 1_024;
// What holds the pages of a million credentials then takes a fiftieth of their room.
const MAX_THREADS: usize = 16;
