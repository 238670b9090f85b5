//! Finds numbers in JSON that arrives in pieces, and looks at nothing else.
//!
//! Not `rrcore`'s scanner, on purpose: that one refuses documents that readers disagree about, and
//! a meter must not. A response that is nested too deep, names a member twice or has a bad byte in
//! a string, any of which its client may have asked for, would then be free. So a document is here
//! whatever has strings and brackets that can be told apart; where that ends, what was found stays
//! found. And what is off the paths is passed over eight bytes at a time.

use rrcore::json::unescape;

use super::number::count;
use super::paths::{Goal, Paths, Place};
use super::words::{self, Depth};

/// How far a document has been read. Holds a frame for each open container on a path, and of names
/// and numbers what no chunk had whole, up to a bound.
#[derive(Clone, Debug)]
pub(crate) struct Seeker {
    state: State,
    frames: Vec<Frame>,
    text: Vec<u8>,
}

/// Is told of each value that is found, in order.
pub(crate) trait Finder {
    /// `value` is what it counts, `None` if it is no number or below zero. Says whether to go on.
    fn found(&mut self, goal: Goal, value: Option<u64>) -> bool;

    /// What is on a path ends without what is sought, or that is null.
    fn missed(&mut self) {}
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    place: Place,
    // Of an array: which element it is at.
    index: Option<u64>,
    // Whether something in it was on a path, too.
    is_met: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    // A value comes; `None` if nothing that is sought can be in it.
    Value(Option<Place>),
    // In the innermost frame, after a value or the opening bracket.
    Between,
    Name { escaped: bool },
    Colon(Option<Place>),
    // A number or a word that is sought.
    Sought(Place),
    // Values that are not.
    Scalar,
    Text { escaped: bool },
    Container(Depth),
    Over,
}

impl Seeker {
    pub(crate) const fn new() -> Self {
        Self { state: START, frames: Vec::new(), text: Vec::new() }
    }

    /// Waits for another document.
    pub(crate) fn restart(&mut self) {
        self.state = START;
        self.frames.clear();
        self.text.clear();
    }

    /// Whether nothing more can be found: the document is over, or is none.
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Whether the document is not over, or was broken off by what cannot be read.
    pub(crate) fn is_cut(&self) -> bool {
        !self.frames.is_empty()
    }

    /// Takes the next bytes of the document.
    pub(crate) fn push(&mut self, paths: &Paths, chunk: &[u8], finder: &mut impl Finder) {
        let mut rest = chunk;
        while !rest.is_empty() && !self.is_over() {
            rest = self.step(paths, rest, finder);
        }
    }

    /// Says that the document is whole, and so a number is that it ends with.
    pub(crate) fn finish(&mut self, paths: &Paths, finder: &mut impl Finder) {
        if let State::Sought(place) = self.state {
            self.end_sought(paths, place, finder);
        }
        self.state = State::Over;
    }

    // Reads on while the state is one; gives what is left.
    fn step<'a>(&mut self, paths: &Paths, chunk: &'a [u8], finder: &mut impl Finder) -> &'a [u8] {
        match self.state {
            State::Value(place) => self.value(paths, place, chunk, finder),
            State::Between => {
                let rest = self.pass(paths, chunk);
                if matches!(self.state, State::Between) {
                    self.between(paths, rest, finder)
                } else {
                    rest
                }
            }
            State::Name { escaped } => self.name(paths, escaped, chunk),
            State::Colon(place) => self.colon(place, chunk),
            State::Sought(place) => self.sought(paths, place, chunk, finder),
            State::Scalar => {
                let (_, rest) = words::scalar(chunk);
                self.skip(State::Scalar, rest)
            }
            State::Text { mut escaped } => {
                let (_, rest) = words::text(chunk, &mut escaped);
                self.skip(State::Text { escaped }, rest)
            }
            State::Container(mut depth) => {
                let rest = depth.skip(chunk);
                self.skip(State::Container(depth), depth.is_out().then_some(rest))
            }
            State::Over => &[],
        }
    }

    // A value that is not sought goes on, or has ended before `rest`.
    fn skip<'a>(&mut self, state: State, rest: Option<&'a [u8]>) -> &'a [u8] {
        match rest {
            Some(_) => self.end_value(),
            None => self.state = state,
        }
        rest.unwrap_or_default()
    }

    fn value<'a>(
        &mut self,
        paths: &Paths,
        place: Option<Place>,
        chunk: &'a [u8],
        finder: &mut impl Finder,
    ) -> &'a [u8] {
        let Some((byte, rest)) = chunk.split_first() else { return chunk };
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => return rest,
            // A byte order mark (RFC 8259 §8.1).
            0xef | 0xbb | 0xbf if self.frames.is_empty() => return rest,
            // The array is empty.
            b']' if self.frames.last().is_some_and(|it| it.index.is_some()) => {
                self.leave(finder);
                return rest;
            }
            _ => {}
        }
        if place.is_some()
            && let Some(frame) = self.frames.last_mut()
        {
            frame.is_met = true;
        }
        match byte {
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                let sought = place.filter(|it| !paths.goals(*it).is_empty());
                self.state = sought.map_or(State::Scalar, State::Sought);
                if place.is_some() && sought.is_none() {
                    finder.missed();
                }
                return chunk;
            }
            b'"' => self.state = State::Text { escaped: false },
            b'{' => match place.filter(|it| paths.has_members(*it)) {
                Some(place) => self.enter(place, None, State::Between),
                None => self.state = State::Container(Depth::one()),
            },
            b'[' => match place.filter(|it| paths.has_elements(*it)) {
                Some(place) => self.enter(place, Some(0), State::Value(paths.element(place, 0))),
                None => self.state = State::Container(Depth::one()),
            },
            _ => {
                self.state = State::Over;
                return rest;
            }
        }
        // It is there, and is no number.
        if let Some(place) = place {
            self.tell(paths, place, None, finder);
        }
        rest
    }

    // Passes over members that are not sought, as far as they are plainly written: most of an object.
    fn pass<'a>(&mut self, paths: &Paths, chunk: &'a [u8]) -> &'a [u8] {
        let mut rest = chunk;
        let Some(Frame { place, index: None, .. }) = self.frames.last() else { return rest };
        while let Some((name, value)) = words::plain_name(rest) {
            if paths.member(*place, name).is_some() {
                break;
            }
            (self.state, rest) = skip_plain(value);
            if !matches!(self.state, State::Between) {
                break;
            }
        }
        rest
    }

    fn between<'a>(
        &mut self,
        paths: &Paths,
        chunk: &'a [u8],
        finder: &mut impl Finder,
    ) -> &'a [u8] {
        let (Some((byte, rest)), Some(frame)) = (chunk.split_first(), self.frames.last_mut())
        else {
            return &[];
        };
        match (byte, &mut frame.index) {
            (b' ' | b'\t' | b'\n' | b'\r', _) | (b',', None) => {}
            (b',', Some(index)) => {
                *index += 1;
                self.state = State::Value(paths.element(frame.place, *index));
            }
            (b'"', None) => self.state = State::Name { escaped: false },
            (b'}', None) | (b']', Some(_)) => self.leave(finder),
            _ => self.state = State::Over,
        }
        rest
    }

    fn name<'a>(&mut self, paths: &Paths, mut escaped: bool, chunk: &'a [u8]) -> &'a [u8] {
        let (piece, rest) = words::text(chunk, &mut escaped);
        let in_place = self.frames.last().map_or(Paths::ROOT, |it| it.place);
        if rest.is_some() && self.text.is_empty() && !piece.contains(&b'\\') {
            self.state = State::Colon(paths.member(in_place, piece));
            return rest.unwrap_or_default();
        }
        // One byte more than the longest that is sought: then it is none of them.
        let room = (paths.longest_name() + 1).saturating_sub(self.text.len());
        self.text.extend(piece.iter().take(room));
        self.state = State::Name { escaped };
        if rest.is_some() {
            let is_short = self.text.len() <= paths.longest_name();
            let name = is_short.then(|| unescape(&self.text));
            let place = name.and_then(|it| paths.member(in_place, it.as_bytes()));
            self.state = State::Colon(place);
            self.text.clear();
        }
        rest.unwrap_or_default()
    }

    fn colon<'a>(&mut self, place: Option<Place>, chunk: &'a [u8]) -> &'a [u8] {
        match chunk.split_first() {
            Some((b' ' | b'\t' | b'\n' | b'\r', rest)) => rest,
            Some((b':', rest)) => {
                self.state = State::Value(place);
                rest
            }
            _ => {
                self.state = State::Over;
                &[]
            }
        }
    }

    fn sought<'a>(
        &mut self,
        paths: &Paths,
        place: Place,
        chunk: &'a [u8],
        finder: &mut impl Finder,
    ) -> &'a [u8] {
        let (piece, rest) = words::scalar(chunk);
        let room = (LONGEST_NUMBER + 1).saturating_sub(self.text.len());
        self.text.extend(piece.iter().take(room));
        if rest.is_some() {
            self.end_sought(paths, place, finder);
        }
        rest.unwrap_or_default()
    }

    fn end_sought(&mut self, paths: &Paths, place: Place, finder: &mut impl Finder) {
        let text = std::mem::take(&mut self.text);
        self.end_value();
        // Streams say `null` for a number that is still to come.
        if text == b"null" {
            finder.missed();
        } else {
            let value = if text.len() > LONGEST_NUMBER { None } else { count(&text) };
            self.tell(paths, place, value, finder);
        }
        self.text = text;
        self.text.clear();
    }

    fn tell(&mut self, paths: &Paths, at: Place, value: Option<u64>, finder: &mut impl Finder) {
        let goals = paths.goals(at);
        // Nothing in what is passed over is told.
        if goals.is_empty() && matches!(self.state, State::Text { .. } | State::Container(_)) {
            finder.missed();
        }
        for goal in goals {
            if !finder.found(*goal, value) {
                self.state = State::Over;
            }
        }
    }

    fn enter(&mut self, place: Place, index: Option<u64>, state: State) {
        self.frames.push(Frame { place, index, is_met: false });
        self.state = state;
    }

    fn leave(&mut self, finder: &mut impl Finder) {
        if self.frames.pop().is_some_and(|it| !it.is_met) {
            finder.missed();
        }
        self.end_value();
    }

    fn end_value(&mut self) {
        self.state = if self.frames.is_empty() { State::Over } else { State::Between };
    }
}

// Passes over a value that is not sought: how it goes on, with what, if it does not end here.
fn skip_plain(value: &[u8]) -> (State, &[u8]) {
    let (rest, state) = match value.split_first() {
        Some((b'"', rest)) => {
            let mut escaped = false;
            (words::text(rest, &mut escaped).1, State::Text { escaped })
        }
        Some((b'{' | b'[', rest)) => {
            let mut depth = Depth::one();
            let rest = depth.skip(rest);
            (depth.is_out().then_some(rest), State::Container(depth))
        }
        Some((b'-' | b'0'..=b'9' | b't' | b'f' | b'n', rest)) => {
            (words::scalar(rest).1, State::Scalar)
        }
        _ => return (State::Value(None), value),
    };
    match rest {
        Some(rest) => (State::Between, rest),
        None => (state, &[]),
    }
}

const START: State = State::Value(Some(Paths::ROOT));
// Longer than any that a count is written as, whatever wrote it.
const LONGEST_NUMBER: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::super::paths::steps;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_found_where_the_path_says() {
        check("$.a", r#"{"a":1}"#, &[Some(1)]);
        check("$.a", r#" { "b" : [ {"a": 2} ] , "a" : 1.5 } "#, &[Some(2)]);
        check("$['a'][1].b", r#"{"a":[{"b":1},{"b":2},{"b":3}]}"#, &[Some(2)]);
        check("$[2]", "[1,[2],3]", &[Some(3)]);
        check("$", "17", &[Some(17)]);
        check("$", " 17\n", &[Some(17)]);
        check("$.a.b", r#"{"a":1}"#, &[]);
        check("$.a", r#"{"b":{"a":1},"c":["a",1],"d":"\"a\":1"}"#, &[]);
        check("$.a[0]", r#"{"a":{"0":1}}"#, &[]);
        check("$['0']", "[1]", &[]);
        check("$.a", "\u{feff}{\"a\":1}", &[Some(1)]);
    }

    #[test]
    fn a_name_is_what_it_says_however_it_is_written() {
        check("$.usage", r#"{"\u0075\u0073\u0061\u0067\u0065":1}"#, &[Some(1)]);
        check("$['é\"']", r#"{"\u00e9\"":1}"#, &[Some(1)]);
        check("$['😀']", r#"{"\ud83d\ude00":1}"#, &[Some(1)]);
        check("$['']", r#"{"":1}"#, &[Some(1)]);
        let long = format!(r#"{{"{}":1,"a":2}}"#, "a".repeat(1_000));
        check("$.a", &long, &[Some(2)]);
    }

    #[test]
    fn what_is_not_a_number_is_told_and_null_is_not_there() {
        check("$.a", r#"{"a":"7"}"#, &[None]);
        check("$.a", r#"{"a":{"b":7}}"#, &[None]);
        check("$.a", r#"{"a":[7]}"#, &[None]);
        check("$.a", r#"{"a":true}"#, &[None]);
        check("$.a", r#"{"a":-7}"#, &[None]);
        check("$.a", r#"{"a":1e308}"#, &[Some(u64::MAX)]);
        check("$.a", r#"{"a":null}"#, &[]);
        check("$.a", &format!(r#"{{"a":{}}}"#, "1".repeat(2_000)), &[None]);
    }

    #[test]
    fn every_one_of_several_is_told() {
        check("$.a", r#"{"a":1,"b":2,"a":3}"#, &[Some(1), Some(3)]);
        check("$.a.b", r#"{"a":{"b":1},"a":{"b":2}}"#, &[Some(1), Some(2)]);
    }

    #[test]
    fn what_was_found_before_a_document_breaks_stays_found() {
        for rest in ["", ",", ",}", "]", ",\u{1}", ",\"x", ",\"x\":tru", "}}", ", 'b'"] {
            check_cut(
                "$.a",
                &format!("{{\"a\":1{rest}"),
                if rest.is_empty() { &[] } else { &[Some(1)] },
            );
        }
        check("$.a", r#"<html>{"a":1}"#, &[]);
        check("$.a", r#"{"b":}"a":1}"#, &[]);
        check("$.a", r#"{"b":],"a":1}"#, &[]);
        check("$.a", r#"{"b" 1,"a":1}"#, &[]);
    }

    #[test]
    fn nesting_and_bad_bytes_off_the_path_hide_nothing() {
        let deep =
            format!(r#"{{"x":{}{},"x":"\u{{1}}","a":1}}"#, "[".repeat(5_000), "]".repeat(5_000));
        check("$.a", &deep, &[Some(1)]);
        check_bytes("$.a", b"{\"x\":\"\xff\xfe\",\"a\":1}", &[Some(1)]);
    }

    #[test]
    fn it_stops_where_it_is_told_to() {
        let paths = paths("$.a");
        let mut seeker = Seeker::new();
        let mut finder = Found { values: Vec::new(), most: 1 };
        seeker.push(&paths, br#"{"a":1,"a":2"#, &mut finder);
        assert!(seeker.is_over());
        assert_eq!(finder.values, [Some(1)]);
        seeker.restart();
        assert!(!seeker.is_over());
    }

    #[test]
    fn memory_is_a_few_names_whatever_the_document() {
        let paths = paths("$.a.b");
        let mut seeker = Seeker::new();
        let mut finder = Found { values: Vec::new(), most: usize::MAX };
        for _ in 0..10_000 {
            seeker.push(&paths, br#"{"a":[[[[{"#, &mut finder);
        }
        seeker.restart();
        seeker.push(&paths, br#"{""#, &mut finder);
        for _ in 0..10_000 {
            seeker.push(&paths, br"long \u0020", &mut finder);
        }
        assert!(seeker.text.capacity() < 64, "{}", seeker.text.capacity());
        assert!(seeker.frames.capacity() <= 4);
    }

    proptest! {
        #[test]
        fn what_is_found_does_not_depend_on_how_the_document_was_cut(
            text in prop::collection::vec(prop::sample::select(TOKENS), 0..24),
            seed in any::<u64>(),
        ) {
            let text = text.concat();
            let whole = find("$.a.b", &[text.as_bytes()], true);
            for at in 0..=text.len() {
                let (one, other) = text.as_bytes().split_at(at);
                prop_assert_eq!(&find("$.a.b", &[one, other], true), &whole);
            }
            let bytes: Vec<_> = text.as_bytes().chunks(1 + (seed % 5) as usize).collect();
            prop_assert_eq!(&find("$.a.b", &bytes, true), &whole);
        }
    }

    const TOKENS: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"b\"",
        "{\"a\":{\"b\":",
        "\"\\u0061\":",
        "12",
        "3.5",
        "null",
        " ",
        "\\",
        "\"",
        "}}",
        "{\"a\":[{\"b\":1}],",
    ];

    #[track_caller]
    fn check(path: &str, document: &str, expected: &[Option<u64>]) {
        check_bytes(path, document.as_bytes(), expected);
    }

    #[track_caller]
    fn check_bytes(path: &str, document: &[u8], expected: &[Option<u64>]) {
        assert_eq!(find(path, &[document], true), expected, "{path} in {document:?}");
        for at in 0..document.len() {
            let (one, other) = document.split_at(at);
            assert_eq!(find(path, &[one, other], true), expected, "{path}, cut at {at}");
        }
    }

    #[track_caller]
    fn check_cut(path: &str, document: &str, expected: &[Option<u64>]) {
        assert_eq!(find(path, &[document.as_bytes()], false), expected, "{path} in {document}");
    }

    struct Found {
        values: Vec<Option<u64>>,
        most: usize,
    }

    impl Finder for Found {
        fn found(&mut self, _: Goal, value: Option<u64>) -> bool {
            self.values.push(value);
            self.values.len() < self.most
        }
    }

    fn find(path: &str, pieces: &[&[u8]], is_whole: bool) -> Vec<Option<u64>> {
        let paths = paths(path);
        let mut seeker = Seeker::new();
        let mut finder = Found { values: Vec::new(), most: usize::MAX };
        for piece in pieces {
            seeker.push(&paths, piece, &mut finder);
        }
        if is_whole {
            seeker.finish(&paths, &mut finder);
        }
        finder.values
    }

    fn paths(path: &str) -> Paths {
        let mut paths = Paths::new();
        paths.add(
            steps(&path.parse().unwrap()),
            Goal { slot: 0, in_streams: false, repeats: false },
        );
        paths
    }
}
