//! What most often follows a token, taken at once.

use super::event::{Event, Sink};
use super::structure::Expect;
use super::token::space;

/// Skips the blanks at `at`.
#[inline(always)]
pub(super) fn blanks<S: Sink + ?Sized>(chunk: &[u8], at: usize, sink: &mut S) -> usize {
    let space = space(chunk.get(at..).unwrap_or_default());
    let end = at + space.len();
    sink.event(Event::Space(space), end);
    end
}

/// Goes on to the value of a member, if its colon is at `at`.
#[inline(always)]
pub(super) fn colon<S: Sink + ?Sized>(chunk: &[u8], at: usize, sink: &mut S) -> (usize, Expect) {
    if chunk.get(at) != Some(&b':') {
        return (at, Expect::Colon);
    }
    sink.event(Event::Colon, at + 1);
    (at + 1, Expect::Member)
}

/// Goes on to the next value, if there is a comma at `at`.
#[inline(always)]
pub(super) fn comma<S: Sink + ?Sized>(
    chunk: &[u8],
    at: usize,
    expect: Expect,
    sink: &mut S,
) -> (usize, Expect) {
    let next = match expect {
        Expect::MemberEnd => Expect::Key,
        Expect::ElementEnd => Expect::Element,
        _ => return (at, expect),
    };
    if chunk.get(at) != Some(&b',') {
        return (at, expect);
    }
    sink.event(Event::Comma, at + 1);
    (at + 1, next)
}
