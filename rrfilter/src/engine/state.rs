//! What is known of a kind of container: what filters say to its values.

use std::num::NonZeroUsize;

use smallvec::SmallVec;

use super::stage::Stage;
use super::view::View;
use super::ways::Ways;
use crate::paths::Sieve;

pub(super) type StateId = usize;
/// None is the first: something else is there.
pub(super) type SaidId = NonZeroUsize;

/// What is said to a value, if that is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Answers {
    scalar: Option<SaidId>,
    container: Option<SaidId>,
}

/// A kind of container: those in which the same beginnings of paths are active. What filters say to a
/// value in one is worked out once, and remembered.
#[derive(Debug)]
pub(super) struct State {
    pub(super) ways: Ways,
    sieve: Sieve,
    unnamed: Answers,
    // By name. After the first few, the shortest first.
    members: Vec<(Box<[u8]>, Answers)>,
    elements: Vec<(Class, Answers)>,
    // The indexes at which an element's class changes.
    turns: Option<Vec<u64>>,
}

/// For each filter, how many turns an element is beyond: the same is said to all of a class.
pub(super) type Class = SmallVec<[u32; 4]>;

/// Where in a container a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    /// Nowhere: it is the root.
    Root,
    /// At a place that no step names.
    Unnamed,
    /// At one of the names that are known.
    Known(usize),
    /// At a name that has to be looked up.
    Named,
    /// Somewhere in an array, in which that matters.
    Element,
}

impl Spot {
    /// Whether the same name always leads there. The places of others change as more are known.
    pub(super) const fn stays(self) -> bool {
        match self {
            Self::Unnamed => true,
            Self::Known(at) => at < FEW,
            Self::Root | Self::Named | Self::Element => false,
        }
    }
}

impl Answers {
    /// To a container, or a scalar.
    #[inline(always)]
    pub(super) const fn to(self, is_container: bool) -> Option<SaidId> {
        if is_container { self.container } else { self.scalar }
    }

    pub(super) const fn learn(&mut self, is_container: bool, said: SaidId) {
        let answer = if is_container { &mut self.container } else { &mut self.scalar };
        *answer = Some(said);
    }
}

impl State {
    pub(super) fn new(ways: Ways, stages: &[Stage]) -> Self {
        let sieve = ways.sieve(stages);
        let turns = if sieve.lets_elements() { ways.turns(stages) } else { None };
        let unnamed = Answers::default();
        Self { ways, sieve, unnamed, members: Vec::new(), elements: Vec::new(), turns }
    }

    /// How much memory it takes, in words, before anything is learnt.
    pub(super) fn size(&self) -> usize {
        self.ways.size() + self.turns.as_ref().map_or(0, Vec::len)
    }

    /// Whether it matters where elements are.
    pub(super) const fn counts(&self) -> bool {
        self.sieve.lets_elements()
    }

    /// Where the member of this name is. `learns` if one that is not known may become so.
    pub(super) fn member(&mut self, name: &[u8], stages: &[Stage], learns: bool) -> Spot {
        if self.sieve.lets(name) { self.look_up(name, stages, learns) } else { Spot::Unnamed }
    }

    fn look_up(&mut self, name: &[u8], stages: &[Stage], learns: bool) -> Spot {
        for (at, (known, _)) in self.members.iter().enumerate().take(FEW) {
            if **known == *name {
                return Spot::Known(at);
            }
        }
        self.look_further(name, stages, learns)
    }

    fn look_further(&mut self, name: &[u8], stages: &[Stage], learns: bool) -> Spot {
        let rest = self.members.get(FEW..).unwrap_or_default();
        let order = |it: &[u8]| it.len().cmp(&name.len()).then_with(|| it.cmp(name));
        let found = rest.binary_search_by(|it| order(&it.0));
        if let Ok(at) = found {
            return Spot::Known(FEW + at);
        }
        if !self.ways.name(stages, name) {
            return Spot::Unnamed;
        }
        if !learns {
            return Spot::Named;
        }
        let at = self.members.len().min(FEW + found.unwrap_or_else(|at| at));
        self.members.insert(at, (name.into(), Answers::default()));
        Spot::Known(at)
    }

    /// A name that is known.
    pub(super) fn name(&self, at: usize) -> &[u8] {
        self.members.get(at).map_or(&[], |it| &it.0)
    }

    /// What is said to the value at `spot`, as far as that is known.
    #[inline(always)]
    pub(super) fn answers(&self, spot: Spot, views: &[View]) -> Answers {
        match spot {
            Spot::Unnamed => self.unnamed,
            Spot::Known(at) => match self.members.get(at) {
                Some((_, answers)) => *answers,
                None => Answers::default(),
            },
            Spot::Element => self.element(views),
            Spot::Named | Spot::Root => Answers::default(),
        }
    }

    fn element(&self, views: &[View]) -> Answers {
        let Some(class) = self.class(views) else { return Answers::default() };
        self.elements.iter().find(|it| it.0 == class).map_or(Answers::default(), |it| it.1)
    }

    // Of the next element.
    fn class(&self, views: &[View]) -> Option<Class> {
        let turns = self.turns.as_ref()?;
        let of = |(number, view): (usize, &View)| match self.ways.of(number) {
            Some(_) => turns.partition_point(|it| *it <= view.index) as u32,
            None => 0,
        };
        Some(views.iter().enumerate().map(of).collect())
    }

    /// Remembers what is said to the value at `spot`.
    pub(super) fn learn(&mut self, spot: Spot, is_container: bool, views: &[View], said: SaidId) {
        let answers = match spot {
            Spot::Unnamed => Some(&mut self.unnamed),
            Spot::Known(at) => self.members.get_mut(at).map(|it| &mut it.1),
            Spot::Element => self.slot(views),
            Spot::Named | Spot::Root => None,
        };
        if let Some(answers) = answers {
            answers.learn(is_container, said);
        }
    }

    fn slot(&mut self, views: &[View]) -> Option<&mut Answers> {
        let class = self.class(views)?;
        let known = self.elements.iter().position(|it| it.0 == class);
        let at = known.unwrap_or(self.elements.len());
        if known.is_none() {
            self.elements.push((class, Answers::default()));
        }
        self.elements.get_mut(at).map(|it| &mut it.1)
    }

    /// Whether what is said to the value at `spot` can be remembered.
    pub(super) fn can_learn(&self, spot: Spot) -> bool {
        match spot {
            Spot::Unnamed | Spot::Known(_) => true,
            // To look through many would take longer than to work it out.
            Spot::Element => self.turns.is_some() && self.elements.len() < MOST_CLASSES,
            Spot::Named | Spot::Root => false,
        }
    }
}

const MOST_CLASSES: usize = 16;
const FEW: usize = 8;
