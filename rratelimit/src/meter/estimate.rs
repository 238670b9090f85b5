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

    /// The number in the header field `name`, or `otherwise` if there is none.
    pub const fn header(name: HeaderName, otherwise: u64) -> Self {
        Self { source: Source::Header(name), otherwise }
    }

    /// The number at `path` in the request's body, or `otherwise` if there is none, or the body has
    /// not been read: see [`BufferedBody`].
    pub fn json(path: &SingularPath, otherwise: u64) -> Self {
        let mut paths = Paths::new();
        paths.add(steps(path), Goal { slot: 0, in_streams: false, repeats: false });
        Self { source: Source::Json(paths), otherwise }
    }

    /// What the request with this head is expected to cost.
    pub(crate) fn of(&self, head: &Parts) -> u64 {
        let said = match &self.source {
            Source::Fixed => None,
            Source::Header(name) => {
                head.headers.get(name).and_then(|it| count(it.as_bytes().trim_ascii()))
            }
            Source::Json(paths) => in_body(head, paths),
        };
        said.unwrap_or(self.otherwise)
    }
}

fn in_body(head: &Parts, paths: &Paths) -> Option<u64> {
    let body = head.extensions.get::<BufferedBody>()?;
    let coding = Coding::of(&head.headers).ok()?;
    let plain = decode(coding, body.data().clone(), MAX_PLAIN).ok()?;
    let mut first = First(None);
    let mut seeker = Seeker::new();
    seeker.push(paths, &plain, &mut first);
    seeker.finish(paths, &mut first);
    first.0
}

struct First(Option<u64>);

impl Finder for First {
    fn found(&mut self, _: Goal, value: Option<u64>) -> bool {
        self.0 = value;
        false
    }
}

// A body that is larger has its estimate elsewhere.
const MAX_PLAIN: usize = 1 << 20;
