//! What a request is expected to cost, before its response says.

use http::HeaderName;
use http::request::Parts;
use rrcore::BufferedBody;
use rrcore::coding::{Coding, decode};
use rrcore::json::SingularPath;

use super::number::count;
use super::paths::{Goal, Paths, steps};
use super::seek::{Finder, Seeker};

/// What a request is expected to cost.
///
/// A client that names a low number itself gains nothing lasting: what is counted in the end is what
/// the response says. One that names more than all that is left is refused.
#[derive(Clone, Debug)]
#[must_use]
pub struct Estimate {
    source: Source,
    otherwise: u64,
}

#[derive(Clone, Debug)]
enum Source {
    Fixed,
    Header(HeaderName),
    Json(Paths),
}

impl Estimate {
    /// Always `count`.
    pub const fn fixed(count: u64) -> Self {
        Self { source: Source::Fixed, otherwise: count }
    }

    /// The number in the header field `name`, or `otherwise` if there is none. Of several, the largest;
    /// and `otherwise`, where that is more and one of them is no number.
    pub const fn header(name: HeaderName, otherwise: u64) -> Self {
        Self { source: Source::Header(name), otherwise }
    }

    /// The number at `path` in the request's body, or `otherwise` if there is none, or the body has
    /// not been read: see [`BufferedBody`].
    ///
    /// Readers disagree about which of several members of one name counts, so the largest does, however
    /// their names are written, and also where what they are in is there several times; and `otherwise`,
    /// where that is more and one of them has no number.
    pub fn json(path: &SingularPath, otherwise: u64) -> Self {
        let mut paths = Paths::new();
        paths.add(steps(path), Goal { slot: 0, in_streams: false, repeats: false });
        Self { source: Source::Json(paths), otherwise }
    }

    /// What the request with this head is expected to cost.
    pub(crate) fn of(&self, head: &Parts) -> u64 {
        let said = match &self.source {
            Source::Fixed => Said::default(),
            Source::Header(name) => {
                let values = head.headers.get_all(name).iter();
                let mut said = Said::default();
                values.for_each(|it| said.note(count(it.as_bytes().trim_ascii())));
                said
            }
            Source::Json(paths) => in_body(head, paths).unwrap_or_default(),
        };
        said.or(self.otherwise)
    }
}

fn in_body(head: &Parts, paths: &Paths) -> Option<Said> {
    let body = head.extensions.get::<BufferedBody>()?;
    let coding = Coding::of(&head.headers).ok()?;
    let plain = decode(coding, body.data().clone(), MAX_PLAIN).ok()?;
    let mut said = Said::default();
    let mut seeker = Seeker::new();
    seeker.push(paths, &plain, &mut said);
    said.is_doubtful |= seeker.is_cut();
    seeker.finish(paths, &mut said);
    Some(said)
}

/// What a request says that it costs. It may say so several times, and differently: who serves it may
/// go by any of them, so none of them helps who asks.
#[derive(Default)]
struct Said {
    largest: Option<u64>,
    /// It may be read as one that says nothing.
    is_doubtful: bool,
}

impl Said {
    fn note(&mut self, value: Option<u64>) {
        self.largest = self.largest.max(value);
        self.is_doubtful |= value.is_none();
    }

    fn or(&self, otherwise: u64) -> u64 {
        match self.largest {
            Some(largest) if self.is_doubtful => largest.max(otherwise),
            Some(largest) => largest,
            None => otherwise,
        }
    }
}

impl Finder for Said {
    fn found(&mut self, _: Goal, value: Option<u64>) -> bool {
        self.note(value);
        true
    }

    fn missed(&mut self) {
        self.is_doubtful = true;
    }
}

// A body that is larger has its estimate elsewhere.
const MAX_PLAIN: usize = 1 << 20;
