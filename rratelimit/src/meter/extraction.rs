//! Where a response says what it cost.

use http::HeaderName;
use rrcore::json::{Segment, SingularPath};

use super::paths::{Goal, Paths, Step, steps};

/// Where a response says what it cost.
///
/// In its body, that is JSON (whatever its type says, as long as it is none of the next two), the
/// last of the numbers in an event stream (`text/event-stream`), or that in lines of JSON
/// (`application/x-ndjson` and the like). Of several members of one name, the first counts, and in
/// streams the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extraction {
    source: Source,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Header(HeaderName),
    Json(SingularPath),
    Tokens(Tokens),
}

/// Which tokens of a language model count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tokens {
    /// Those that it has read and those that it has written.
    Total,
    /// Those that it has read, from a cache or not.
    Input,
    /// Those that it has written, in thought or aloud.
    Output,
}

/// How what was found adds up, by slot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Formula {
    /// If this is found, it is the value, and outside of streams nothing else is of interest.
    pub(crate) whole: Option<usize>,
    /// Otherwise, the sum of these.
    pub(crate) parts: Vec<usize>,
}

impl Extraction {
    /// The header field of this name; if there is none, the trailer field.
    #[must_use]
    pub const fn header(name: HeaderName) -> Self {
        Self { source: Source::Header(name) }
    }

    /// The number at `path` in the body. In an event stream, a path that starts with `$.usage` is
    /// also found inside of `$.message` and `$.response`, where some language models wrap it.
    #[must_use]
    pub const fn json(path: SingularPath) -> Self {
        Self { source: Source::Json(path) }
    }

    /// The tokens that a language model says it has used: `usage` in the body, as the APIs of OpenAI
    /// (chat completions, responses) and Anthropic have it, streamed or not, `usageMetadata` of
    /// Gemini, or the counts of Ollama. Where there is no total, the parts are added up.
    #[must_use]
    pub const fn tokens(which: Tokens) -> Self {
        Self { source: Source::Tokens(which) }
    }

    /// The header field that it reads.
    pub(crate) const fn header_name(&self) -> Option<&HeaderName> {
        match &self.source {
            Source::Header(name) => Some(name),
            Source::Json(_) | Source::Tokens(_) => None,
        }
    }

    /// Adds what it seeks to `paths`, in slots from `slots` on, which grows.
    pub(crate) fn add_to(&self, paths: &mut Paths, slots: &mut usize) -> Formula {
        match &self.source {
            Source::Header(_) => Formula::default(),
            Source::Json(path) => {
                let slot = take_slot(slots);
                let goal = |in_streams| Goal { slot, in_streams, repeats: false };
                paths.add(steps(path), goal(false));
                if path.segments().first() == Some(&Segment::Name("usage".into())) {
                    for wrapper in WRAPPERS {
                        paths.add(
                            [Step::Member(wrapper)].into_iter().chain(steps(path)),
                            goal(true),
                        );
                    }
                }
                Formula { whole: Some(slot), parts: Vec::new() }
            }
            Source::Tokens(which) => {
                let mut of = |names: &[&[&str]]| {
                    let slot = take_slot(slots);
                    names.iter().for_each(|it| add_usage(paths, it, slot));
                    slot
                };
                let whole = (*which == Tokens::Total).then(|| of(TOTAL));
                let read = [INPUT, CACHE_WRITES, CACHE_READS].as_slice();
                let written = [OUTPUT, THOUGHTS].as_slice();
                let parts = match which {
                    Tokens::Total => [read, written].concat(),
                    Tokens::Input => read.to_vec(),
                    Tokens::Output => written.to_vec(),
                };
                Formula { whole, parts: parts.into_iter().map(&mut of).collect() }
            }
        }
    }
}

fn take_slot(slots: &mut usize) -> usize {
    *slots += 1;
    *slots - 1
}

fn add_usage(paths: &mut Paths, names: &[&str], slot: usize) {
    let steps = || names.iter().map(|it| Step::Member(it));
    let goal = |in_streams, repeats| Goal { slot, in_streams, repeats };
    paths.add(steps(), goal(false, false));
    match names.first() {
        Some(&"usage") => {
            for wrapper in WRAPPERS {
                paths.add([Step::Member(wrapper)].into_iter().chain(steps()), goal(true, false));
            }
        }
        // Its streams are one array, unless events are asked for.
        Some(&"usageMetadata") => {
            paths.add([Step::EveryElement].into_iter().chain(steps()), goal(false, true));
        }
        _ => {}
    }
}

// What the first event of one API, and the last of another, have around their `usage`.
const WRAPPERS: [&str; 2] = ["message", "response"];

const TOTAL: &[&[&str]] =
    &[&["usage", "total_tokens"], &["usage", "totalTokens"], &["usageMetadata", "totalTokenCount"]];
const INPUT: &[&[&str]] = &[
    &["usage", "input_tokens"],
    &["usage", "prompt_tokens"],
    &["usage", "inputTokens"],
    &["usageMetadata", "promptTokenCount"],
    &["prompt_eval_count"],
];
// Where these two are named, the former does not contain them.
const CACHE_WRITES: &[&[&str]] = &[&["usage", "cache_creation_input_tokens"]];
const CACHE_READS: &[&[&str]] = &[&["usage", "cache_read_input_tokens"]];
const OUTPUT: &[&[&str]] = &[
    &["usage", "output_tokens"],
    &["usage", "completion_tokens"],
    &["usage", "outputTokens"],
    &["usageMetadata", "candidatesTokenCount"],
    &["eval_count"],
];
const THOUGHTS: &[&[&str]] = &[&["usageMetadata", "thoughtsTokenCount"]];
