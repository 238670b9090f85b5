//! The checks that are asked for, and what they find.

use std::borrow::Cow;

use rrcore::json::unescape;

use super::check::Known;
use super::inspection::Findings;
use super::not_inspectable::NotInspectable;
use super::paths::{Paths, Slow};
use super::place::{Active, Place};
use crate::pattern::Presence;
use crate::short::has_byte;

/// The checks of one plan that are asked for.
#[derive(Debug)]
pub(super) struct Asked<'p> {
    checks: &'p [Known],
    wanted: &'p [usize],
    // By check: its place among those wanted.
    ranks: Box<[u32]>,
    groups: Vec<Active<'p>>,
    slow: Vec<&'p Slow>,
}

/// Follows a document and notes what the checks find.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    asked: &'a Asked<'a>,
    pub(super) place: Place<'a>,
    pub(super) findings: Findings,
    // How many bytes may still be looked through for paths that have no automaton.
    effort: usize,
    fault: Option<NotInspectable>,
}

/// What a value says.
#[derive(Clone, Copy)]
pub(super) enum Said<'a> {
    /// It holds other values.
    Nothing,
    /// A scalar of JSON, as written.
    Raw(&'a [u8]),
    Text(&'a str),
}

/// What may be made of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// The path has one reading.
    Sure,
    /// It has several.
    Doubtful,
    /// It is not of the document but of the GraphQL in it, for the checks that ask for it.
    Virtual { sure: bool },
}

impl<'p> Asked<'p> {
    pub(super) fn new(
        checks: &'p [Known],
        paths: &'p Paths,
        wanted: &'p [usize],
    ) -> Result<Self, NotInspectable> {
        let mut ranks: Box<[u32]> = vec![NOT_WANTED; checks.len()].into();
        for (rank, id) in (0..).zip(wanted) {
            let (Some(check), Some(slot)) = (checks.get(*id), ranks.get_mut(*id)) else {
                return Err(NotInspectable("unknown check"));
            };
            if check.is_for_graphql && !cfg!(feature = "graphql") {
                return Err(NotInspectable("GraphQL is not supported by this build"));
            }
            *slot = rank;
        }
        let is_wanted = |it: &usize| ranks.get(*it).is_some_and(|it| *it != NOT_WANTED);
        let groups = paths.groups.iter().map(|group| {
            let bits = (0..u32::BITS).filter(|bit| group.checks(*bit).iter().any(is_wanted));
            Active { group, wanted: bits.fold(0, |bits, it| bits | 1 << it) }
        });
        let groups = groups.filter(|it| it.wanted != 0).collect();
        let slow = paths.slow.iter().filter(|it| it.checks.iter().any(is_wanted)).collect();
        Ok(Self { checks, wanted, ranks, groups, slow })
    }

    /// Begins with an empty document, of `length` bytes.
    pub(super) fn judge(&self, length: usize) -> Judge<'_> {
        Judge {
            asked: self,
            place: Place::new(&self.groups, !self.slow.is_empty(), length),
            findings: self.nothing(),
            effort: length.saturating_mul(EFFORT_PER_BYTE).saturating_add(EFFORT),
            fault: None,
        }
    }

    /// What is found in an empty document.
    pub(super) fn nothing(&self) -> Findings {
        Findings::none(self.wanted.len())
    }

    pub(super) fn wants_graphql(&self) -> bool {
        self.wanted.iter().any(|it| self.checks.get(*it).is_some_and(|it| it.is_for_graphql))
    }

    pub(super) fn presences(&self) -> Box<[(usize, Presence)]> {
        let presence = |it: &usize| Some((*it, self.checks.get(*it)?.check.presence));
        self.wanted.iter().filter_map(presence).collect()
    }

    /// The check of this number and its place among those wanted, if it is one of them.
    fn get(&self, check: usize) -> Option<(usize, &'p Known)> {
        let rank = self.ranks.get(check).filter(|it| **it != NOT_WANTED)?;
        Some((*rank as usize, self.checks.get(check)?))
    }
}

impl Judge<'_> {
    /// Looks at the value that is here.
    #[inline]
    pub(super) fn look(&mut self, said: Said<'_>, weight: Weight) {
        // Most values.
        if !self.place.finds_nothing() {
            self.look_closely(said, weight);
        }
    }

    fn look_closely(&mut self, said: Said<'_>, weight: Weight) {
        let mut text = Lazy { said, text: None };
        let Self { asked, place, findings, effort, fault } = self;
        let mut meet = |id: usize| {
            let Some((rank, check)) = asked.get(id) else { return };
            if let Err(found) = meet(check, rank, &mut text, weight, findings) {
                fault.get_or_insert(found);
            }
        };
        for (group, mut bits) in place.found() {
            while bits != 0 {
                group.checks(bits.trailing_zeros()).iter().copied().for_each(&mut meet);
                bits &= bits - 1;
            }
        }
        let Some(path) = place.text() else { return };
        for slow in &asked.slow {
            let Some(left) = effort.checked_sub(path.len() + 1) else {
                fault.get_or_insert(NotInspectable("too much work"));
                return;
            };
            *effort = left;
            if slow.pattern.is_match(path) {
                slow.checks.iter().copied().for_each(&mut meet);
            }
        }
    }

    /// Nothing can be said of the document.
    pub(super) fn fault(&mut self, fault: NotInspectable) {
        self.fault.get_or_insert(fault);
    }

    /// What was found since the last time.
    pub(super) fn take(&mut self) -> Result<Findings, NotInspectable> {
        self.fault.map_or(Ok(()), Err)?;
        Ok(std::mem::replace(&mut self.findings, self.asked.nothing()))
    }
}

fn meet(
    Known { check, is_for_graphql }: &Known,
    rank: usize,
    text: &mut Lazy<'_>,
    weight: Weight,
    findings: &mut Findings,
) -> Result<(), NotInspectable> {
    let is_sure = match weight {
        // What a caller calls `graphql` in a document is not what it asks for in GraphQL.
        Weight::Sure => !*is_for_graphql,
        Weight::Doubtful => false,
        Weight::Virtual { sure } if *is_for_graphql => sure,
        Weight::Virtual { .. } => return Ok(()),
    };
    if findings.is_sure(rank) || !is_sure && findings.is_possible(rank) {
        return Ok(());
    }
    let is_wanted = match &check.value {
        None => true,
        Some(value) => text.get()?.is_some_and(|it| value.is_match(it)),
    };
    if is_wanted {
        findings.note(rank, is_sure);
    }
    Ok(())
}

// What a value says, put together when first asked for.
struct Lazy<'a> {
    said: Said<'a>,
    text: Option<Cow<'a, str>>,
}

impl Lazy<'_> {
    fn get(&mut self) -> Result<Option<&str>, NotInspectable> {
        if self.text.is_none() {
            self.text = match self.said {
                Said::Nothing => None,
                Said::Raw(raw) => Some(unescaped(raw)?),
                Said::Text(text) => Some(text.into()),
            };
        }
        Ok(self.text.as_deref())
    }
}

/// What a scalar says. Half a surrogate pair says nothing certain: some servers leave it out.
pub(super) fn unescaped(raw: &[u8]) -> Result<Cow<'_, str>, NotInspectable> {
    // Most say what is written.
    if !has_byte(raw, b'\\') {
        return Ok(unescape(raw));
    }
    if has_half_surrogate(raw) {
        return Err(NotInspectable("half a surrogate pair"));
    }
    Ok(unescape(raw))
}

pub(super) fn has_half_surrogate(raw: &[u8]) -> bool {
    let mut rest = raw;
    while let Some(at) = rest.iter().position(|it| *it == b'\\') {
        let escape = rest.get(at..).unwrap_or_default();
        let used = match unit(escape) {
            None => 2,
            Some(0xd800..0xdc00) => {
                let low = escape.get(UNIT..).and_then(unit);
                if !low.is_some_and(|it| matches!(it, 0xdc00..0xe000)) {
                    return true;
                }
                2 * UNIT
            }
            Some(0xdc00..0xe000) => return true,
            Some(_) => UNIT,
        };
        rest = escape.get(used..).unwrap_or_default();
    }
    false
}

// The `\uXXXX` at the start.
fn unit(escape: &[u8]) -> Option<u32> {
    let digits = escape.strip_prefix(br"\u")?.get(..4)?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

const UNIT: usize = r"\uXXXX".len();
const NOT_WANTED: u32 = u32::MAX;
// How many bytes of paths may be looked through for each byte of a document, and for any.
const EFFORT_PER_BYTE: usize = 64;
const EFFORT: usize = 1 << 20;
