//! Credentials that lie beside each other.

use rrcore::{Named, NamedList};

use crate::inbound::credential::Credential;
use crate::inbound::digest::KeyDigest;

/// Some neighbours of a table, which stay together for as long as anybody holds one of them: few enough
/// that little is kept from the table of yesterday, and enough that the counts of all pages fit in a
/// cache.
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

/// So many places has a page.
pub(crate) const PAGE: usize = 1_024;

impl<T> Page<T> {
    pub(crate) fn new(entries: impl Iterator<Item = Option<Entry<T>>>) -> Self {
        Self { entries: entries.collect() }
    }

    pub(crate) fn entry(&self, at: usize) -> Option<&Entry<T>> {
        self.entries.get(at)?.as_ref()
    }

    /// The places that are taken.
    pub(crate) fn places(&self) -> impl Iterator<Item = usize> {
        let all = self.entries.iter().enumerate();
        all.filter(|it| it.1.is_some()).map(|it| it.0)
    }

    /// The credential at a place that is taken.
    ///
    /// # Panics
    /// When it is not: places are given out by [`Table`](crate::inbound::table::Table) only.
    pub(crate) fn credential(&self, at: usize) -> &Credential<T> {
        let Some(entry) = self.entry(at) else { unreachable!("no credential was found here") };
        &entry.credential
    }
}

impl<T: Send + Sync> NamedList for Page<T> {
    fn named(&self, at: usize) -> &dyn Named {
        self.credential(at)
    }
}
