//! Containers begin and end.

use super::error::{ErrorKind, Fault};
use super::event::{Event, Sink};
use super::structure::{Expect, Structure};

/// Begins the container whose bracket is at `at`.
#[inline(always)]
pub(super) fn begin<S: Sink + ?Sized>(
    structure: &mut Structure,
    byte: u8,
    at: usize,
    sink: &mut S,
) -> Result<Expect, Fault> {
    if byte == b'{' {
        let expect = structure.begin_object(at)?;
        sink.event(Event::BeginObject, at + 1);
        return Ok(expect);
    }
    let expect = structure.begin_array(at)?;
    sink.event(Event::BeginArray, at + 1);
    Ok(expect)
}

/// Ends one, if it may end here and in this way.
#[inline(always)]
pub(super) fn end<S: Sink + ?Sized>(
    structure: &mut Structure,
    expect: Expect,
    byte: u8,
    at: usize,
    sink: &mut S,
) -> Result<Expect, Fault> {
    match expect {
        Expect::MemberEnd | Expect::KeyOrEnd if byte == b'}' => {
            let expect = structure.end_object();
            sink.event(Event::EndObject, at + 1);
            Ok(expect)
        }
        Expect::ElementOrEnd | Expect::ElementEnd if byte == b']' => {
            let expect = structure.end_array();
            sink.event(Event::EndArray, at + 1);
            Ok(expect)
        }
        Expect::Nothing => Err((at, ErrorKind::Trailing)),
        _ => Err((at, ErrorKind::Unexpected)),
    }
}
