//! The names that came before, in their order: those of the next object are likely the same.

use std::num::NonZeroU16;

/// Of a key that is remembered: the same number, the same name.
pub(super) type Number = Option<NonZeroU16>;

/// A tree of names. Below each are the names that came after it in an object, and those that objects
/// in its value began with.
///
/// No two on the way to a name from the beginning of its object are the same: who finds the next name
/// here need not look for it among those before.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    all: Vec<Name>,
    // As they are written, with their colons, one after the other.
    text: Vec<u8>,
}

/// Where in the tree an object is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    // Its last name; before its first, the one that it is the value of.
    last: Id,
    is_begun: bool,
    // The first of those that may come next.
    next: Id,
}

#[derive(Clone, Copy, Debug)]
struct Name {
    // The first bytes of its text, and which of these there are.
    start: u128,
    mask: u128,
    length: usize,
    from: usize,
    hash: u64,
    // The name before it, and how many there are with it.
    before: Option<Id>,
    count: usize,
    // The first of those that came after it, and of those that came in its value.
    after: Id,
    inside: Id,
    // The next of those that came in the same place.
    other: Id,
}

type Id = u16;

impl Way {
    /// Of an object whose names are not in the tree.
    pub(super) const fn lost() -> Self {
        Self { last: NONE, is_begun: false, next: NONE }
    }

    #[inline(always)]
    pub(super) const fn is_lost(self) -> bool {
        self.last == NONE
    }

    #[inline(always)]
    fn number(self) -> Number {
        NonZeroU16::new(self.last).filter(|_| self.is_begun)
    }
}

impl Names {
    /// The way of an object that begins in the one of `outer`. Where that is lost, it pays to
    /// remember the names of elements only.
    #[inline(always)]
    pub(super) fn inside(&mut self, outer: Way, is_element: bool) -> Way {
        let last = match outer.is_lost() {
            false => outer.last,
            true if is_element => ROOT,
            true => return Way::lost(),
        };
        if self.all.is_empty() {
            self.all.push(Name::root());
        }
        let next = self.all.get(usize::from(last)).map_or(NONE, |it| it.inside);
        Way { last, is_begun: false, next }
    }

    /// Goes to the name that `bytes` begin with, if it is one that came in this place before. Says
    /// how long it is, with its quotes; its colon follows.
    #[inline(always)]
    pub(super) fn follow(&self, way: &mut Way, bytes: &[u8]) -> Option<(usize, Number)> {
        let mut next = self.all.get(usize::from(way.next))?;
        let start = u128::from_le_bytes(*bytes.first_chunk()?);
        while (start ^ next.start) & next.mask != 0
            || next.length > AT_ONCE && !bytes.starts_with(self.text(next))
        {
            way.next = next.other;
            next = self.all.get(usize::from(way.next))?;
        }
        *way = Way { last: way.next, is_begun: true, next: next.after };
        Some((next.length - 1, way.number()))
    }

    /// The same for a name that is written as `raw`.
    pub(super) fn find(&self, way: Way, raw: &[u8]) -> Option<(Way, Number)> {
        let mut each = self.places(way);
        let id = each.find(|it| self.get(*it).is_some_and(|it| self.raw(it) == raw))?;
        let way = Way { last: id, is_begun: true, next: self.get(id)?.after };
        Some((way, way.number()))
    }

    /// Adds a name that none of those before it is. It must mean itself as it is written. `None`
    /// where there is no room for it.
    pub(super) fn add(&mut self, way: Way, raw: &[u8], hash: u64) -> Option<(Way, Number)> {
        let before = way.is_begun.then_some(way.last);
        let count = before.and_then(|it| self.get(it)).map_or(0, |it| it.count) + 1;
        let id = self.all.len();
        let others = self.places(way).count();
        let is_room = raw.len() <= LONGEST && id < MOST && count <= MOST_OF_ONE && others < MANY;
        let id = Id::try_from(id).ok().filter(|_| is_room)?;
        let other = self.first(way).copied()?;
        let from = self.text.len();
        self.text.extend_from_slice(raw);
        self.text.push(b':');
        let name = self.text.get(from..).unwrap_or_default();
        self.all.push(Name { before, count, hash, other, ..Name::of(name, from) });
        *self.first_mut(way)? = id;
        let way = Way { last: id, is_begun: true, next: NONE };
        Some((way, way.number()))
    }

    /// The hashes of the names on the way.
    pub(super) fn hashes(&self, way: Way) -> impl Iterator<Item = u64> {
        let last = way.is_begun.then_some(way.last);
        let names = std::iter::successors(last, |it| self.get(*it)?.before);
        names.filter_map(|it| Some(self.get(it)?.hash))
    }

    // What came next.
    fn places(&self, way: Way) -> impl Iterator<Item = Id> {
        let is_there = |it: &Id| *it != NONE;
        let first = self.first(way).copied().filter(is_there);
        std::iter::successors(first, move |it| Some(self.get(*it)?.other).filter(is_there))
    }

    fn first(&self, way: Way) -> Option<&Id> {
        let name = self.get(way.last)?;
        Some(if way.is_begun { &name.after } else { &name.inside })
    }

    fn first_mut(&mut self, way: Way) -> Option<&mut Id> {
        let name = self.all.get_mut(usize::from(way.last))?;
        Some(if way.is_begun { &mut name.after } else { &mut name.inside })
    }

    fn get(&self, id: Id) -> Option<&Name> {
        self.all.get(usize::from(id))
    }

    fn text(&self, name: &Name) -> &[u8] {
        self.text.get(name.from..).and_then(|it| it.get(..name.length)).unwrap_or_default()
    }

    fn raw(&self, name: &Name) -> &[u8] {
        self.text(name).strip_suffix(b":").unwrap_or_default()
    }
}

impl Name {
    // What the values outside of all known objects are in.
    const fn root() -> Self {
        Self {
            start: 0,
            mask: 0,
            length: 0,
            from: 0,
            hash: 0,
            before: None,
            count: 0,
            after: NONE,
            inside: NONE,
            other: NONE,
        }
    }

    // Written as `text`, which begins there.
    fn of(text: &[u8], from: usize) -> Self {
        let mut start = [0; AT_ONCE];
        start.iter_mut().zip(text).for_each(|(it, byte)| *it = *byte);
        let missing = AT_ONCE.saturating_sub(text.len());
        let mask = u128::MAX >> (u8::BITS as usize * missing);
        let start = u128::from_le_bytes(start);
        Self { start, mask, length: text.len(), from, ..Self::root() }
    }
}

const ROOT: Id = 0;
const NONE: Id = Id::MAX;
const AT_ONCE: usize = size_of::<u128>();
/// As many as have to be remembered of an object before that is done otherwise.
pub(super) const MOST_OF_ONE: usize = 24;
// What is remembered of a document takes up no more than 64 KiB.
const MOST: usize = 512;
const LONGEST: usize = 32;
// More names than this in one place are not those of records.
const MANY: usize = 4;
