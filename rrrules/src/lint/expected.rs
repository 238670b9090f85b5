//! What a rule asks of a path, as far as it can be compared.

use crate::literal::Whole;
use crate::pattern::{Pattern, Presence};
use crate::rule::Rule;

/// A rule with what was found out about its path pattern once.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    pub(super) rule: &'a Rule,
    path: Option<PathPattern<'a>>,
}

#[derive(Debug)]
struct PathPattern<'a> {
    pattern: &'a Pattern,
    presence: Presence,
    /// What it is, where that is plain text.
    plain: Option<Whole>,
    /// Whether what it finds in a text, it finds in every longer one too, unless it needs the end.
    is_stable: bool,
    /// Whether it is found in every path.
    is_everywhere: bool,
}

impl<'a> Expected<'a> {
    pub(super) fn of(rule: &'a Rule) -> Self {
        let path = rule.path.as_ref();
        Self { rule, path: path.map(|(pattern, presence)| PathPattern::of(pattern, *presence)) }
    }

    /// Whether it fits every request.
    pub(super) fn is_nothing(&self) -> bool {
        let Rule { methods, headers, query, body, .. } = self.rule;
        methods.is_any()
            && headers.is_empty()
            && query.is_empty()
            && body.is_empty()
            && self.is_any_path()
    }

    /// Whether every path that `other` takes is one that this takes.
    pub(super) fn takes_paths_of(&self, other: &Self) -> bool {
        if self.is_any_path() {
            return true;
        }
        match (&self.path, &other.path) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(wide), Some(narrow)) => wide.includes(narrow),
        }
    }

    fn is_any_path(&self) -> bool {
        match &self.path {
            None => true,
            Some(path) => path.presence == Presence::Present && path.is_everywhere,
        }
    }
}

impl<'a> PathPattern<'a> {
    fn of(pattern: &'a Pattern, presence: Presence) -> Self {
        let hir = pattern.hir();
        // The boundary of a word depends on what follows.
        let is_stable = !hir.properties().look_set().contains_word();
        let mut new =
            Self { pattern, presence, plain: Whole::of(&hir), is_stable, is_everywhere: false };
        new.is_everywhere = new.is_found_from("/");
        new
    }

    fn includes(&self, narrow: &Self) -> bool {
        match (self.presence, narrow.presence) {
            _ if self.presence == narrow.presence && self.pattern.is_alike(narrow.pattern) => true,
            (Presence::Present, Presence::Present) => self.finds_all(narrow),
            // What the narrow one must not have is more than what the wide one must not.
            (Presence::Absent, Presence::Absent) => narrow.finds_all(self),
            (Presence::Present, Presence::Absent) | (Presence::Absent, Presence::Present) => false,
        }
    }

    /// Whether this is found in each text that `other` is found in.
    fn finds_all(&self, other: &Self) -> bool {
        match &other.plain {
            Some(Whole::Is(text)) => self.pattern.is_match(text),
            Some(Whole::Starts(text)) => self.is_found_from(text),
            None => false,
        }
    }

    // Whether it is found in each text that starts with `start`. What is found in a longer text,
    // and ends before that does, cannot have needed the end.
    fn is_found_from(&self, start: &str) -> bool {
        self.is_stable
            && self.pattern.first_end(&format!("{start}/")).is_some_and(|end| end <= start.len())
    }
}
