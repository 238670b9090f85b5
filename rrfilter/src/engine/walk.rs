//! Many filters as one automaton, which is made while documents are walked.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use super::said::Said;
use super::stage::{Stage, Verdict};
use super::state::{Answers, SaidId, Spot, State, StateId};
use super::view::View;
use super::ways::{Ways, start, step};
use crate::paths::{NodeId, Place};

/// What all filters together make of each kind of container that came, and of its values.
///
/// Of states there may be as many as there are sets of nodes, so there is a limit: beyond it, what is
/// said to a value is worked out anew each time, and what is made of a container is held while that is
/// open.
#[derive(Debug)]
pub(super) struct Walk {
    states: Vec<State>,
    // By the digests of their ways.
    known: BTreeMap<u64, StateId>,
    // The first is what was said last that is not remembered.
    saids: Vec<Said>,
    root: Answers,
    // By the numbers of keys: in a container of which state one was met last, and where that led.
    met: Vec<(StateId, Spot)>,
    // Where the next value is.
    spot: Spot,
    name: Vec<u8>,
    nodes: Vec<NodeId>,
    // How much more may be remembered, in words; and, when that is too little, how many states are.
    room: usize,
    full: Option<usize>,
}

impl Walk {
    pub(super) fn new(room: usize) -> Self {
        let mut saids = Vec::with_capacity(16);
        saids.push(Said::default());
        Self {
            states: Vec::with_capacity(8),
            known: BTreeMap::new(),
            saids,
            root: Answers::default(),
            met: Vec::new(),
            spot: Spot::Root,
            name: Vec::new(),
            nodes: Vec::new(),
            room,
            full: None,
        }
    }

    /// Goes to the root of a document.
    pub(super) fn restart(&mut self) {
        self.spot = Spot::Root;
        self.met.clear();
    }

    /// Goes to the member of this name in a container of `state`. In this document, keys of one
    /// number have one name.
    #[inline(always)]
    pub(super) fn member(
        &mut self,
        state: StateId,
        name: &[u8],
        number: Option<NonZeroU16>,
        stages: &[Stage],
    ) {
        let number = number.map_or(usize::MAX, |it| usize::from(it.get()));
        match self.met.get(number) {
            Some((known, spot)) if *known == state => self.spot = *spot,
            _ => self.meet(state, name, number, stages),
        }
    }

    #[inline(never)]
    fn meet(&mut self, id: StateId, name: &[u8], number: usize, stages: &[Stage]) {
        let Some(state) = self.states.get_mut(id) else { return };
        self.spot = state.member(name, stages, self.full.is_none());
        if self.spot == Spot::Named {
            self.name.clear();
            self.name.extend_from_slice(name);
        }
        let stays = self.spot.stays() && self.full.is_none_or(|it| id < it);
        if stays && number < MOST_MET {
            if self.met.len() <= number {
                self.met.resize(number + 1, (StateId::MAX, Spot::Root));
            }
            if let Some(met) = self.met.get_mut(number) {
                *met = (id, self.spot);
            }
        }
    }

    /// Goes to the next element of an array, in which it matters where it is, or not.
    #[inline(always)]
    pub(super) fn element(&mut self, counts: bool) {
        self.spot = if counts { Spot::Element } else { Spot::Unnamed };
    }

    /// What is said to the next value, in a container of `state` and `views`.
    #[inline(always)]
    pub(super) fn say(
        &mut self,
        state: StateId,
        is_container: bool,
        views: &[View],
        stages: &[Stage],
    ) -> Option<&Said> {
        let answers = match (self.spot, self.states.get(state)) {
            (Spot::Root, _) => self.root,
            (spot, Some(state)) => state.answers(spot, views),
            (_, None) => return None,
        };
        let said = match answers.to(is_container) {
            Some(known) => known.get(),
            None => self.work_out(state, is_container, views, stages),
        };
        self.saids.get(said)
    }

    /// A container of `state` is closed.
    #[inline(always)]
    pub(super) fn leave(&mut self, state: StateId) {
        if self.full.is_some_and(|it| state >= it) {
            self.states.truncate(state);
        }
    }

    // Which of `saids` it is then.
    #[cold]
    fn work_out(
        &mut self,
        state: StateId,
        is_container: bool,
        views: &[View],
        stages: &[Stage],
    ) -> usize {
        let (mut said, ways) = self.judge(state, is_container, views, stages);
        if said.looks() {
            let inside = self.state(ways, stages);
            said.counts = self.states.get(inside).is_some_and(State::counts);
            said.inside = Some(inside);
        }
        let can_learn = match self.spot {
            Spot::Root => true,
            spot => self.states.get(state).is_some_and(|it| it.can_learn(spot)),
        };
        let size = SAID + said.verdicts.len() + self.name_length(state);
        let id = SaidId::new(self.saids.len()).filter(|_| can_learn && self.takes(size));
        let Some(id) = id else {
            if let Some(last) = self.saids.first_mut() {
                *last = said;
            }
            return 0;
        };
        self.saids.push(said);
        match (self.spot, self.states.get_mut(state)) {
            (Spot::Root, _) => self.root.learn(is_container, id),
            (spot, Some(state)) => state.learn(spot, is_container, views, id),
            (_, None) => {}
        }
        id.get()
    }

    // In words, of the name of the next value, if it has one that is remembered.
    fn name_length(&self, state: StateId) -> usize {
        match (self.spot, self.states.get(state)) {
            (Spot::Known(at), Some(state)) => state.name(at).len() / size_of::<usize>(),
            _ => 0,
        }
    }

    fn judge(
        &mut self,
        state: StateId,
        mut is_container: bool,
        views: &[View],
        stages: &[Stage],
    ) -> (Said, Ways) {
        let (mut said, mut ways) = (Said::nothing(), Ways::default());
        let around = self.states.get(state);
        for (number, stage) in stages.iter().enumerate() {
            self.nodes.clear();
            let paths = stage.filter.paths();
            let nodes = around.and_then(|it| it.ways.of(number));
            let is_root = self.spot == Spot::Root;
            let sees = is_root || around.is_some_and(|it| it.ways.sees(number));
            let verdict = match nodes {
                _ if said.is_dropped || !sees => Verdict::Unseen,
                _ if is_root => stage.judge(start(paths, &mut self.nodes), is_container),
                None => Verdict::Pass,
                Some(from) => {
                    let place = match (self.spot, around) {
                        (Spot::Known(at), Some(state)) => Place::Member(state.name(at)),
                        (Spot::Named, _) => Place::Member(&self.name),
                        (Spot::Element, _) => {
                            views.get(number).map_or(Place::Unnamed, |it| Place::Element(it.index))
                        }
                        _ => Place::Unnamed,
                    };
                    let found = step(paths, from, place, &mut self.nodes);
                    stage.judge(found, is_container && !self.nodes.is_empty())
                }
            };
            is_container &= !matches!(verdict, Verdict::Replace(_));
            said.add(stage, verdict);
            if said.alive > number {
                ways.add(verdict, &self.nodes);
            }
        }
        (said, ways)
    }

    // The state of a container with these ways.
    fn state(&mut self, ways: Ways, stages: &[Stage]) -> StateId {
        let digest = ways.digest();
        let known = self.known.get(&digest).copied();
        let is_same = |it: &StateId| self.states.get(*it).is_some_and(|it| it.ways == ways);
        if let Some(known) = known.filter(is_same) {
            return known;
        }
        let (id, state) = (self.states.len(), State::new(ways, stages));
        if self.takes(STATE + state.size()) {
            self.known.insert(digest, id);
        }
        self.states.push(state);
        id
    }

    // Whether so many words more may be remembered. Once they may not, none ever are.
    fn takes(&mut self, words: usize) -> bool {
        if self.full.is_some() {
            return false;
        }
        match self.room.checked_sub(words) {
            Some(left) => self.room = left,
            None => self.full = Some(self.states.len()),
        }
        self.full.is_none()
    }

    #[cfg(test)]
    pub(super) fn learnt(&self) -> usize {
        self.states.len()
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.nodes.capacity() + self.states.iter().map(|it| it.ways.capacity()).sum::<usize>()
    }
}

/// 128 KiB on a 64-bit machine: far more than most filters come to.
pub(super) const ROOM: usize = 1 << 14;

// What these take up, without what is counted by itself.
const STATE: usize = 40;
const SAID: usize = 24;
const MOST_MET: usize = 512;
