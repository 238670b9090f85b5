//! Where in a document its reader is.

use super::memo::{Led, Memo};
use super::paths::Group;
use super::table::Cursor;
use crate::short::has_byte;

/// A group of paths, and which of them matter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Active<'p> {
    pub(super) group: &'p Group,
    pub(super) wanted: u32,
}

/// What a name says of what it leads to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Step {
    /// Nothing can be found there or further down.
    pub(super) is_hopeless: bool,
    /// It has a dot in it.
    pub(super) has_dot: bool,
}

/// The path to the value that is being read, as far as each group of paths has followed it.
#[derive(Debug)]
pub(super) struct Place<'p> {
    groups: &'p [Active<'p>],
    here: Vec<Cursor>,
    // For each open container, as many as there are groups: what the names in it are added to.
    inside: Vec<Cursor>,
    // Of one group, in a document that is large.
    memo: Option<Memo>,
    text: Option<Text>,
}

// The path as text, for paths that have no automaton.
#[derive(Debug, Default)]
struct Text {
    path: String,
    inside: Vec<usize>,
}

impl<'p> Place<'p> {
    /// At the root of a document of `length` bytes.
    pub(super) fn new(groups: &'p [Active<'p>], needs_text: bool, length: usize) -> Self {
        let here = groups.iter().map(|it| it.group.start()).collect();
        let memo = (groups.len() == 1 && !needs_text && length >= LARGE).then(Memo::new);
        Self { groups, here, inside: Vec::new(), memo, text: needs_text.then(Text::default) }
    }

    /// At the root of what is read next.
    pub(super) fn restart(&mut self) {
        for (cursor, it) in self.here.iter_mut().zip(self.groups) {
            *cursor = it.group.start();
        }
        if let Some(text) = &mut self.text {
            text.path.clear();
        }
    }

    /// Adds to the path: UTF-8.
    pub(super) fn follow(&mut self, bytes: &[u8]) {
        for (cursor, it) in self.here.iter_mut().zip(self.groups) {
            *cursor = it.group.table().follow(*cursor, bytes);
        }
        if let Some(text) = &mut self.text {
            text.path.push_str(&String::from_utf8_lossy(bytes));
        }
    }

    /// Into the container that is here.
    pub(super) fn enter(&mut self) {
        self.inside.extend_from_slice(&self.here);
        if let Some(Text { path, inside }) = &mut self.text {
            inside.push(path.len());
        }
    }

    /// Out of the innermost container.
    pub(super) fn leave(&mut self) {
        self.inside.truncate(self.inside.len().saturating_sub(self.groups.len()));
        if let Some(text) = &mut self.text {
            text.inside.pop();
        }
    }

    /// To the member of this name in the innermost container.
    pub(super) fn step(&mut self, name: &[u8]) -> Step {
        let (Some(memo), [here], [it]) = (&mut self.memo, &mut *self.here, self.groups) else {
            return Step { is_hopeless: self.step_to(name), has_dot: has_byte(name, b'.') };
        };
        let Some(start) = self.inside.last() else { return Step::default() };
        let Led { to, has_dot } = memo.step(it.group.table(), *start, name);
        *here = to;
        Step { is_hopeless: to.is_hopeless(it.wanted), has_dot }
    }

    /// To the element of this index in the innermost container. Says whether nothing can be found
    /// there or further down.
    pub(super) fn step_to(&mut self, index: &[u8]) -> bool {
        let outer = self.inside.len().saturating_sub(self.groups.len());
        let starts = self.inside.get(outer..).unwrap_or(&[]);
        let mut is_hopeless = self.text.is_none();
        for ((cursor, start), it) in self.here.iter_mut().zip(starts).zip(self.groups) {
            *cursor = it.group.table().follow(*start, index);
            is_hopeless &= cursor.is_hopeless(it.wanted);
        }
        if let Some(Text { path, inside }) = &mut self.text {
            path.truncate(inside.last().copied().unwrap_or_default());
            path.push_str(&String::from_utf8_lossy(index));
        }
        is_hopeless
    }

    /// Whether there is nothing to look at here.
    #[inline]
    pub(super) fn finds_nothing(&self) -> bool {
        self.text.is_none() && self.found().all(|(_, found)| found == 0)
    }

    /// For each group, the paths that matter and are found here.
    pub(super) fn found(&self) -> impl Iterator<Item = (&'p Group, u32)> {
        let all = self.here.iter().zip(self.groups);
        all.map(|(cursor, it)| (it.group, it.group.table().found(*cursor) & it.wanted))
    }

    /// The path, where it was asked for.
    pub(super) fn text(&self) -> Option<&str> {
        self.text.as_ref().map(|it| it.path.as_str())
    }
}

/// From how many bytes on a document is likely to have the same names again and again.
const LARGE: usize = 2 << 10;
