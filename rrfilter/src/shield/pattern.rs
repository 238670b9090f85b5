//! A secret, compiled: where in text it may be, and what its forms are.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use rrcore::{Context, InjectedSecret};

use super::escape::INTRODUCERS;
use super::factors::Factors;
use super::form::{Form, Forms};
use super::opening::Openings;

/// What is looked for on behalf of one secret. Made once per secret; prints nothing of it.
///
/// Its forms and their factors are wiped when it goes, as the secret is. Of the openings that the
/// search is made of, the first characters of each form, copies stay in memory that is freed.
pub(super) struct Pattern {
    forms: Vec<Form>,
    // Which forms a byte may begin, at their first unit and at the next, in any way.
    firsts: Table,
    seconds: Table,
    // Only bodies of some length need them.
    openings: OnceLock<Openings>,
    // Only those with escapes.
    factors: OnceLock<Arc<Factors>>,
    shortest: usize,
}

/// The secrets of one request, compiled. There is one at least.
#[derive(Clone, Debug)]
pub(super) struct Patterns {
    all: Arc<[Arc<Pattern>]>,
}

/// Which forms a byte may be part of, in one place.
pub(super) struct Table([Forms; 256]);

impl Pattern {
    pub(super) fn new(secret: &[u8]) -> Self {
        let forms = if too_short(secret) { Vec::new() } else { Form::all(secret) };
        let firsts = Table::of_units(&forms, 0);
        let seconds = Table::of_units(&forms, 1);
        // One character of text is at least a byte, in any form.
        let shortest = std::str::from_utf8(secret).map_or(secret.len(), |it| it.chars().count());
        let (openings, factors) = (OnceLock::new(), OnceLock::new());
        Self { forms, firsts, seconds, openings, factors, shortest }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// No text that is shorter holds the secret.
    pub(super) const fn shortest(&self) -> usize {
        self.shortest
    }

    pub(super) fn form(&self, index: usize) -> Option<&Form> {
        self.forms.get(index)
    }

    pub(super) fn openings(&self) -> &Openings {
        self.openings.get_or_init(|| Openings::new(&self.forms))
    }

    pub(super) fn factors(&self) -> &Arc<Factors> {
        self.factors.get_or_init(|| Arc::new(Factors::new(&self.forms)))
    }

    /// The forms of which the beginning of `text` may be the beginning.
    pub(super) fn begun_by(&self, text: &[u8]) -> Forms {
        // A unit is one byte, unless that is an escape's or beyond ASCII.
        match text {
            [] => 0,
            [byte, next, ..] if byte.is_ascii() && !INTRODUCERS.contains(byte) => {
                self.firsts.of(*byte) & self.seconds.of(*next)
            }
            [byte, ..] => self.firsts.of(*byte),
        }
    }
}

impl Table {
    // What a unit of each form may begin with, or a line break before it.
    fn of_units(forms: &[Form], unit: usize) -> Self {
        let mut table = Self::empty();
        for (index, form) in forms.iter().enumerate() {
            form.beginnings(unit).for_each(|byte| table.add(byte, index));
        }
        table
    }

    pub(super) const fn empty() -> Self {
        Self([0; 256])
    }

    pub(super) fn add(&mut self, byte: u8, form: usize) {
        if let Some(entry) = self.0.get_mut(usize::from(byte)) {
            *entry |= 1 << form;
        }
    }

    pub(super) fn of(&self, byte: u8) -> Forms {
        self.0.get(usize::from(byte)).copied().unwrap_or_default()
    }
}

impl Patterns {
    /// Those that are looked for in the response to the request of `context`.
    pub(super) fn of(context: &Context) -> Option<Self> {
        let compiled = |it: &InjectedSecret| it.derived(Pattern::new);
        let injected = context.injected();
        let all = injected.iter().map(compiled).filter(|it| !it.is_empty());
        let all: Arc<[_]> = all.collect();
        (!all.is_empty()).then_some(Self { all })
    }

    /// The name of a header with the secrets in it masked, if there are any. Names have lost their
    /// case on the way.
    pub(super) fn in_name(&self, name: &str) -> Option<String> {
        if self.all.iter().all(|it| name.len() < it.shortest()) {
            return None;
        }
        let mut masked = name.as_bytes().to_vec();
        for form in self.all.iter().flat_map(|it| &it.forms) {
            form.mask_any_case(&mut masked);
        }
        let masked = String::from_utf8(masked).ok()?;
        (masked != name).then_some(masked)
    }
}

impl Deref for Patterns {
    type Target = [Arc<Pattern>];

    fn deref(&self) -> &Self::Target {
        &self.all
    }
}

/// Whether the shield leaves `secret` alone, because text that has nothing to do with it may well
/// hold it: it is shorter than eight bytes.
///
/// Say so to whoever stores such a secret.
#[must_use]
pub const fn too_short(secret: &[u8]) -> bool {
    secret.len() < SHORTEST
}

const SHORTEST: usize = 8;

#[cfg(test)]
impl Patterns {
    pub(super) fn new(secrets: &[&str]) -> Self {
        Self { all: secrets.iter().map(|it| Arc::new(Pattern::new(it.as_bytes()))).collect() }
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pattern").finish_non_exhaustive()
    }
}
