//! One attempt to read text as a form, from one place on, as far as there is text.

use std::ops::Range;

use smallvec::{SmallVec, smallvec};

use super::form::{Form, State};

/// Text that may turn out to be the secret.
pub(super) struct Run {
    /// Where in the text it begins.
    pub(super) start: usize,
    /// Which form of which secret it would be.
    pub(super) form: FormId,
    // Usually one. Several where text can be read in several ways; none twice.
    states: SmallVec<[State; 2]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FormId {
    pub(super) pattern: usize,
    pub(super) form: usize,
}

impl Run {
    pub(super) fn new(start: usize, form: FormId, state: State) -> Self {
        Self { start, form, states: smallvec![state] }
    }

    /// Reads on, and gives what has been read whole. The answer is whether more text may be more of
    /// it.
    ///
    /// The states that lag behind go first. As each step is a step on in the text, none is met twice,
    /// however many ways there are to read: time is linear in text and form.
    pub(super) fn advance(
        &mut self,
        form: &Form,
        text: &[u8],
        found: &mut impl FnMut(Range<usize>),
    ) -> bool {
        let mut waiting = SmallVec::new();
        while let Some(state) = take_first(&mut self.states) {
            if state.unit == form.units() {
                found(self.start..state.at);
            } else if form.read(text, state, &mut |next| add(&mut self.states, next)) {
                add(&mut waiting, state);
            }
        }
        self.states = waiting;
        !self.states.is_empty()
    }

    /// Lets `cut` bytes go from the beginning of the text, all of them before this.
    pub(super) fn shift(&mut self, cut: usize) {
        self.start -= cut;
        for state in &mut self.states {
            state.at -= cut;
        }
    }
}

/// Whether text from `from` on can be read as the units of `form` before its anchor, so that the
/// anchor is at `anchor`.
pub(super) fn leads_to(form: &Form, text: &[u8], from: usize, anchor: usize) -> Option<State> {
    let mut states: SmallVec<[State; 2]> = smallvec![State::new(0, from)];
    while let Some(state) = take_first(&mut states) {
        if state.at == anchor && state.unit == form.anchor() {
            return Some(state);
        }
        if state.at < anchor && state.unit <= form.anchor() {
            form.read(text, state, &mut |next| add(&mut states, next));
        }
    }
    None
}

fn take_first(states: &mut SmallVec<[State; 2]>) -> Option<State> {
    let first = states.iter().enumerate().min_by_key(|(_, it)| it.at)?.0;
    Some(states.swap_remove(first))
}

fn add(states: &mut SmallVec<[State; 2]>, state: State) {
    if !states.contains(&state) {
        states.push(state);
    }
}
