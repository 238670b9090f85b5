//! What a step of a JSONPath query finds.

/// A step (the RFC's segment) from each value found so far to some of the values in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Step {
    /// Also from each value inside of those, however deep: `..`.
    pub deep: bool,
    /// Each finds some of a value's children; together they find what any of them does.
    pub selectors: Vec<Selector>,
}

/// The step to the children that one selector finds.
impl From<Selector> for Step {
    fn from(selector: Selector) -> Self {
        Self { deep: false, selectors: vec![selector] }
    }
}

/// Finds some of a value's children.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Selector {
    /// The member of this name: `.name`, `['name']`, `["name"]`.
    Name(Box<str>),
    /// The array element at this index, counted from 0: `[7]`.
    Index(u64),
    /// Some array elements: `[1:7:2]`.
    Slice(Slice),
    /// Every member or element: `.*`, `[*]`.
    Wildcard,
}

/// Array elements from `start` up to, but without, `end`; of those the first, and each that is
/// `step` further on. A `step` of 0 finds none (RFC 9535 §2.3.4.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slice {
    /// Counted from 0.
    pub start: u64,
    /// `None` is the end of the array.
    pub end: Option<u64>,
    /// 1 unless told.
    pub step: u64,
}

impl Slice {
    /// Whether it finds the element at `index`.
    #[must_use]
    pub fn contains(&self, index: u64) -> bool {
        let from_start = index.checked_sub(self.start);
        let is_hit = from_start.and_then(|it| it.checked_rem(self.step)) == Some(0);
        is_hit && self.end.is_none_or(|it| index < it)
    }
}
