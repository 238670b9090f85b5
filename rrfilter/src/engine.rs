//! One filter over one document, chunk by chunk.

use std::sync::Arc;

use rrcore::json::{Error, Event, Limits, Scanner, Sink};

use crate::filter::{Filter, Operation};
use crate::paths::{NodeId, PathSet, Step};

/// Takes a document in chunks and gives out what a filter leaves of it.
///
/// What stays, stays byte for byte: it is copied and never parsed into values. Beside the scanner
/// it holds the beginnings of the containers of which it is not yet known whether they stay.
#[derive(Debug)]
pub(crate) struct Engine {
    scanner: Scanner,
    filtering: Filtering,
}

#[derive(Debug)]
struct Filtering {
    operation: Operation,
    paths: Arc<PathSet>,
    mode: Mode,
    // The containers on the way down to where paths may still find something.
    frames: Vec<Frame>,
    // How many of them, from the outside, are in the output for good.
    committed: usize,
    // The nodes that are active in each frame, one frame after the other; then those of the value
    // that comes next, from `next` on.
    nodes: Vec<NodeId>,
    next: usize,
    // Read, but neither given out nor dropped yet.
    held: Vec<u8>,
    removed: u64,
    root_removed: bool,
}

#[derive(Clone, Copy, Debug)]
enum Mode {
    // Looks at each value of the innermost frame.
    Choose,
    // Inside of a value that stays (or goes) whole, with so many of its containers open.
    Keep(usize),
    Drop(usize),
}

#[derive(Debug)]
struct Frame {
    // `None` in an object.
    index: Option<u64>,
    // One of its values is in the output: the next needs a comma.
    kept_any: bool,
    // How long `held` was after its opening bracket.
    held: usize,
    nodes: usize,
    removed_before: u64,
}

enum Verdict {
    Keep,
    Drop,
    // It depends on what is in it.
    Descend,
}

impl Engine {
    pub(crate) fn new(filter: &Filter) -> Self {
        Self {
            scanner: Scanner::new(Limits::default()),
            filtering: Filtering {
                operation: filter.operation(),
                paths: Arc::clone(filter.paths()),
                mode: Mode::Choose,
                frames: Vec::new(),
                committed: 0,
                nodes: vec![PathSet::ROOT],
                next: 0,
                held: Vec::new(),
                removed: 0,
                root_removed: false,
            },
        }
    }

    /// Takes the next bytes of the document; what is left of the document so far is in `out`.
    pub(crate) fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        self.scanner.push(chunk, &mut Output { filtering: &mut self.filtering, out })
    }

    /// Ends the document. How many values were removed; `None` if that was the whole document.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Result<Option<u64>, Error> {
        self.scanner.finish(&mut Output { filtering: &mut self.filtering, out })?;
        Ok((!self.filtering.root_removed).then_some(self.filtering.removed))
    }
}

struct Output<'a> {
    filtering: &'a mut Filtering,
    out: &'a mut Vec<u8>,
}

impl Sink for Output<'_> {
    fn event(&mut self, event: Event<'_>) {
        let (filtering, out) = (&mut *self.filtering, &mut *self.out);
        match filtering.mode {
            Mode::Choose => filtering.choose(event, out),
            Mode::Keep(open) => {
                out.extend_from_slice(event.raw());
                filtering.mode = inside(open, event).map_or(Mode::Choose, Mode::Keep);
            }
            Mode::Drop(open) => {
                filtering.mode = inside(open, event).map_or(Mode::Choose, Mode::Drop);
            }
        }
    }
}

impl Filtering {
    fn choose(&mut self, event: Event<'_>, out: &mut Vec<u8>) {
        match event {
            Event::Space(raw) if self.frames.is_empty() => out.extend_from_slice(raw),
            Event::Space(_) | Event::Colon => self.held.extend_from_slice(event.raw()),
            Event::Comma if self.frames.last().is_some_and(|it| it.kept_any) => {
                self.held.push(b',')
            }
            Event::Comma => {}
            Event::Key { raw, name } => {
                self.held.extend_from_slice(raw);
                self.step(Step::Member(name));
            }
            Event::BeginObject | Event::BeginArray | Event::Scalar { .. } => self.value(event, out),
            Event::EndObject | Event::EndArray => self.end(event, out),
        }
    }

    fn value(&mut self, event: Event<'_>, out: &mut Vec<u8>) {
        if let Some(index) = self.frames.last_mut().and_then(|it| it.index.as_mut()) {
            let element = *index;
            *index += 1;
            self.step(Step::Element(element));
        }
        let is_array = match event {
            Event::BeginArray => Some(true),
            Event::BeginObject => Some(false),
            _ => None,
        };
        match (self.judge(), is_array) {
            (Verdict::Descend, Some(is_array)) => self.descend(event, is_array, out),
            (Verdict::Keep, _) => self.keep(event, out),
            (Verdict::Drop, _) => self.drop(event),
            // A scalar on the way to a match is none.
            (Verdict::Descend, None) => match self.operation {
                Operation::Retain => self.drop(event),
                Operation::Destroy => self.keep(event, out),
            },
        }
    }

    fn judge(&self) -> Verdict {
        let next = self.nodes.get(self.next..).unwrap_or_default();
        let found = next.iter().any(|it| self.paths.ends_at(*it));
        match self.operation {
            Operation::Retain if found => Verdict::Keep,
            Operation::Destroy if found => Verdict::Drop,
            _ if !next.is_empty() => Verdict::Descend,
            Operation::Retain => Verdict::Drop,
            Operation::Destroy => Verdict::Keep,
        }
    }

    fn descend(&mut self, event: Event<'_>, is_array: bool, out: &mut Vec<u8>) {
        self.held.extend_from_slice(event.raw());
        let is_root = self.frames.is_empty();
        self.frames.push(Frame {
            index: is_array.then_some(0),
            kept_any: false,
            held: self.held.len(),
            nodes: self.next,
            removed_before: self.removed,
        });
        // These stay, whatever is found in them.
        if is_root || self.operation == Operation::Destroy {
            self.commit(out);
        }
    }

    fn keep(&mut self, event: Event<'_>, out: &mut Vec<u8>) {
        self.commit(out);
        out.extend_from_slice(event.raw());
        if let Some(parent) = self.frames.last_mut() {
            parent.kept_any = true;
        }
        self.nodes.truncate(self.next);
        self.mode = inside(0, event).map_or(Mode::Choose, Mode::Keep);
    }

    fn drop(&mut self, event: Event<'_>) {
        self.forget();
        self.nodes.truncate(self.next);
        self.mode = inside(0, event).map_or(Mode::Choose, Mode::Drop);
    }

    fn end(&mut self, event: Event<'_>, out: &mut Vec<u8>) {
        let is_committed = self.frames.len() <= self.committed;
        let Some(frame) = self.frames.pop() else { return };
        self.nodes.truncate(frame.nodes);
        if !is_committed {
            // Nothing was found in it: it goes as one.
            self.removed = frame.removed_before;
            return self.forget();
        }
        self.committed = self.frames.len();
        if !frame.kept_any && self.removed > frame.removed_before {
            // The blanks that are left of it have nothing to stand between.
            self.held.clear();
        }
        self.commit(out);
        out.extend_from_slice(event.raw());
    }

    // Drops what is held of the value that was read last.
    fn forget(&mut self) {
        self.removed += 1;
        let depth = self.frames.len();
        match self.frames.last() {
            None => self.root_removed = true,
            // After a commit, all that is held belongs to the value.
            Some(_) if depth <= self.committed => self.held.clear(),
            Some(parent) => self.held.truncate(parent.held),
        }
    }

    // Gives out what is held: all open frames stay.
    fn commit(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.held);
        let depth = self.frames.len();
        // Each of those that are new in the output is a value of the one around it.
        let around_new = self.committed.saturating_sub(1)..depth.saturating_sub(1);
        for frame in self.frames.get_mut(around_new).unwrap_or_default() {
            frame.kept_any = true;
        }
        self.committed = depth;
    }

    // Finds the nodes of the next value: where the active ones lead by `step`.
    fn step(&mut self, step: Step<'_>) {
        let active = self.frames.last().map_or(0, |it| it.nodes);
        self.next = self.nodes.len();
        for at in active..self.next {
            let Some(node) = self.nodes.get(at).copied() else { return };
            self.nodes.extend(self.paths.after(node, step));
        }
    }
}

// How many containers of a value are open after `event`, if `open` were before; `None` when that
// was its end.
const fn inside(open: usize, event: Event<'_>) -> Option<usize> {
    let open = match event {
        Event::BeginObject | Event::BeginArray => open + 1,
        Event::EndObject | Event::EndArray => open - 1,
        Event::Scalar { last, .. } if open == 0 && last => return None,
        _ => return Some(open),
    };
    if open == 0 { None } else { Some(open) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    #[test]
    fn what_is_not_decided_yet_is_all_that_is_held() {
        let filter = Filter::new("flt", Operation::Retain, ["$.a.b", "$.big"]).unwrap();
        let (mut engine, mut out) = (Engine::new(&filter), Vec::new());
        engine.push(br#"{"x":0,"a":{"c":[1,"#, &mut out).unwrap();
        assert_eq!(out, b"{", "`a` stays only if it has a `b`");
        engine.push(br#"2],"b":"tr"#, &mut out).unwrap();
        assert_eq!(out, br#"{"a":{"b":"tr"#, "a match leaves as it comes");
        engine.push(br#"ue"},"big":12"#, &mut out).unwrap();
        assert_eq!(out, br#"{"a":{"b":"true"},"big":12"#);
    }

    proptest! {
        #[test]
        fn filters_do_what_they_would_do_to_a_tree(
            document in documents(),
            operation in prop::sample::select(vec![Operation::Retain, Operation::Destroy]),
            paths in prop::collection::vec(paths(), 0..4),
        ) {
            let filter = Filter::new("flt", operation, &paths).unwrap();
            let roots: Vec<_> = paths.iter().map(|it| rrcore::json::segments(it).unwrap()).collect();
            let roots: Vec<_> = roots.iter().map(Vec::as_slice).collect();
            let expected = match operation {
                Operation::Retain => retained(&document, &roots, true),
                Operation::Destroy => remaining(&document, &roots),
            };
            let text = document.to_string();
            let left = run(&filter, [text.as_bytes()]).map(|it| serde_json::from_str(&it).unwrap());
            prop_assert_eq!(left, expected, "{:?} {:?} of {}", operation, paths, text);
        }

        #[test]
        fn cuts_change_nothing(
            document in documents(),
            operation in prop::sample::select(vec![Operation::Retain, Operation::Destroy]),
            paths in prop::collection::vec(paths(), 0..4),
        ) {
            let filter = Filter::new("flt", operation, &paths).unwrap();
            let text = serde_json::to_string_pretty(&document).unwrap();
            let whole = run(&filter, [text.as_bytes()]);
            prop_assert_eq!(&run(&filter, text.as_bytes().chunks(1)), &whole);
            for cut in 0..text.len() {
                let (first, second) = text.as_bytes().split_at(cut);
                prop_assert_eq!(&run(&filter, [first, second]), &whole, "cut at {}", cut);
            }
        }
    }

    // Few names and short arrays, so that paths find something.
    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop::sample::select(vec![
            Value::Null,
            Value::from("é\"\\"),
            Value::from(-1.5),
            Value::Object(Map::new()),
            Value::Array(Vec::new()),
        ]);
        leaf.prop_recursive(4, 24, 3, |inner| {
            let name = prop::sample::select(vec!["a".to_owned(), "b".to_owned(), "é".to_owned()]);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(name, inner, 0..4)
                    .prop_map(|it| Value::Object(it.into_iter().collect())),
            ]
        })
    }

    fn paths() -> impl Strategy<Value = String> {
        let step = prop::sample::select(vec![".a", ".b", "['é']", "[0]", "[1]", "[*]", ".*"]);
        prop::collection::vec(step, 0..4).prop_map(|it| format!("${}", it.concat()))
    }

    type Paths<'a> = [&'a [rrcore::json::Segment]];

    // The same, written the slow and obvious way.
    fn retained(value: &Value, paths: &Paths<'_>, is_root: bool) -> Option<Value> {
        if paths.iter().any(|it| it.is_empty()) {
            return Some(value.clone());
        }
        let left = children(value, |key, child| retained(child, &below(paths, key), false))?;
        let is_empty = left.as_array().is_some_and(Vec::is_empty)
            || left.as_object().is_some_and(Map::is_empty);
        (is_root || !is_empty).then_some(left)
    }

    fn remaining(value: &Value, paths: &Paths<'_>) -> Option<Value> {
        if paths.iter().any(|it| it.is_empty()) {
            return None;
        }
        let left = children(value, |key, child| remaining(child, &below(paths, key)));
        left.or_else(|| Some(value.clone()))
    }

    fn children(value: &Value, keep: impl Fn(Step<'_>, &Value) -> Option<Value>) -> Option<Value> {
        match value {
            Value::Array(array) => {
                let indexed = array.iter().zip(0..);
                Some(indexed.filter_map(|(it, at)| keep(Step::Element(at), it)).collect())
            }
            Value::Object(object) => {
                let kept = object
                    .iter()
                    .filter_map(|(name, it)| Some((name.clone(), keep(Step::Member(name), it)?)));
                Some(Value::Object(kept.collect()))
            }
            _ => None,
        }
    }

    fn below<'a>(paths: &Paths<'a>, step: Step<'_>) -> Vec<&'a [rrcore::json::Segment]> {
        use rrcore::json::Segment;
        let fits = |segment: &Segment| match (segment, step) {
            (Segment::Wildcard, _) => true,
            (Segment::Name(name), Step::Member(it)) => **name == *it,
            (Segment::Index(index), Step::Element(it)) => *index == it,
            (Segment::Name(_), Step::Element(_)) | (Segment::Index(_), Step::Member(_)) => false,
        };
        let split = paths.iter().filter_map(|it| it.split_first());
        split.filter(|(first, _)| fits(first)).map(|(_, rest)| rest).collect()
    }

    fn run<'a>(filter: &Filter, chunks: impl IntoIterator<Item = &'a [u8]>) -> Option<String> {
        let (mut engine, mut out) = (Engine::new(filter), Vec::new());
        for chunk in chunks {
            engine.push(chunk, &mut out).unwrap();
        }
        engine.finish(&mut out).unwrap()?;
        Some(String::from_utf8(out).unwrap())
    }
}
