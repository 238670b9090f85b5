//! Credentials that lie beside each other.

use std::cell::Cell;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rrcore::{Named, NamedList};

use crate::inbound::credential::Credential;
use crate::inbound::digest::KeyDigest;

/// Some neighbours of a table, which stay together for as long as anybody holds one of them: few enough
/// that little is kept from the table of yesterday.
pub(crate) struct Page<T> {
    entries: Box<[Option<Entry<T>>]>,
}

// What every request of a caller reads begins on a line of the cache; and on the next one lies what is
// read after that.
#[repr(C, align(64))]
pub(crate) struct Entry<T> {
    pub(crate) digest: KeyDigest,
    pub(crate) credential: Credential<T>,
}

/// By which requests hold a page. Each thread has its own: all callers of a page count there, and would
/// wait for each other.
// On another line of the cache than the counts of the `Arc` around it, and those of the next.
#[repr(align(64))]
pub(crate) struct Hold<T> {
    page: Arc<Page<T>>,
}

/// The pages of one table, one after the other.
pub(crate) struct Pages<T> {
    pages: Box<[Arc<Page<T>>]>,
    // Those of the first page, one for each of some threads, and then of the next.
    holds: Box<[Arc<Hold<T>>]>,
    // A power of two.
    threads: usize,
}

impl<T> Pages<T> {
    /// `slots` places, with those entries that are there.
    pub(crate) fn new(slots: usize, mut entry: impl FnMut(usize) -> Option<Entry<T>>) -> Self {
        let page = |start: usize| {
            let entries = (start..slots.min(start + PAGE)).map(&mut entry).collect();
            Arc::new(Page { entries })
        };
        let pages: Box<[_]> = (0..slots).step_by(PAGE).map(page).collect();
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = cores.next_power_of_two().min(MAX_THREADS);
        let hold = |page: &Arc<_>| Arc::new(Hold { page: Arc::clone(page) });
        let holds = pages.iter().flat_map(|page| (0..threads).map(move |_| hold(page))).collect();
        Self { pages, holds, threads }
    }

    pub(crate) fn entry(&self, slot: usize) -> Option<&Entry<T>> {
        self.pages.get(slot / PAGE)?.entries.get(slot % PAGE)?.as_ref()
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
        let Some(Some(entry)) = self.page.entries.get(at as usize) else {
            unreachable!("no credential was found here")
        };
        &entry.credential
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
