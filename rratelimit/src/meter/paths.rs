//! What is sought in a document: the paths of all meters at once, as a tree.

use rrcore::json::{Segment, SingularPath};

/// A place in documents, on the way to what is sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(usize);

/// What is found at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Goal {
    /// Where its value goes.
    pub(crate) slot: usize,
    /// Whether it counts only in one of many documents on a stream.
    pub(crate) in_streams: bool,
    /// Whether there may be another one later in the same document, which then counts.
    pub(crate) repeats: bool,
}

/// The paths to what is sought.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    places: Vec<Node>,
    longest: usize,
}

#[derive(Clone, Debug, Default)]
struct Node {
    members: Vec<(Box<str>, Place)>,
    elements: Vec<(u64, Place)>,
    every: Option<Place>,
    goals: Vec<Goal>,
}

/// One step down.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'a> {
    Member(&'a str),
    Element(u64),
    EveryElement,
}

impl Paths {
    pub(crate) fn new() -> Self {
        Self { places: vec![Node::default()], longest: 0 }
    }

    pub(crate) const ROOT: Place = Place(0);

    /// How many bytes the longest name takes up as JSON, escaped as wordily as can be.
    pub(crate) const fn longest_name(&self) -> usize {
        self.longest * r"\u0000".len()
    }

    pub(crate) fn add<'a>(&mut self, steps: impl IntoIterator<Item = Step<'a>>, goal: Goal) {
        let end = steps.into_iter().fold(Self::ROOT, |place, step| self.step(place, step));
        if let Some(node) = self.places.get_mut(end.0) {
            node.goals.push(goal);
        }
    }

    fn step(&mut self, from: Place, step: Step<'_>) -> Place {
        let known = match step {
            Step::Member(name) => self.member(from, name.as_bytes()),
            Step::Element(index) => self.node(from).and_then(|it| it.element(index)),
            Step::EveryElement => self.node(from).and_then(|it| it.every),
        };
        if let Some(place) = known {
            return place;
        }
        let place = Place(self.places.len());
        self.places.push(Node::default());
        let Some(node) = self.places.get_mut(from.0) else { return place };
        match step {
            Step::Member(name) => {
                node.members.push((name.into(), place));
                self.longest = self.longest.max(name.len());
            }
            Step::Element(index) => node.elements.push((index, place)),
            Step::EveryElement => node.every = Some(place),
        }
        place
    }

    pub(crate) fn member(&self, of: Place, name: &[u8]) -> Option<Place> {
        let members = self.node(of)?.members.iter();
        members.clone().find(|it| it.0.as_bytes() == name).map(|it| it.1)
    }

    /// An element that is sought by its own index is not also one of every.
    pub(crate) fn element(&self, of: Place, index: u64) -> Option<Place> {
        let node = self.node(of)?;
        node.element(index).or(node.every)
    }

    pub(crate) fn has_members(&self, of: Place) -> bool {
        self.node(of).is_some_and(|it| !it.members.is_empty())
    }

    pub(crate) fn has_elements(&self, of: Place) -> bool {
        self.node(of).is_some_and(|it| !it.elements.is_empty() || it.every.is_some())
    }

    pub(crate) fn goals(&self, at: Place) -> &[Goal] {
        self.node(at).map_or(&[], |it| &it.goals)
    }

    fn node(&self, at: Place) -> Option<&Node> {
        self.places.get(at.0)
    }
}

impl Node {
    fn element(&self, index: u64) -> Option<Place> {
        self.elements.iter().find(|it| it.0 == index).map(|it| it.1)
    }
}

/// The steps of a path that people write.
pub(crate) fn steps(path: &SingularPath) -> impl Iterator<Item = Step<'_>> + Clone {
    path.segments().iter().map(|it| match it {
        Segment::Name(name) => Step::Member(name),
        Segment::Index(index) => Step::Element(*index),
    })
}
