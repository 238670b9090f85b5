//! Splits `text/event-stream` (WHATWG HTML §9.2.6) into the data of its events, without holding any.

use super::words;

/// How far a stream has been read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Events {
    line: Line,
    // The event has a line of data already: the next begins with a line feed.
    has_data: bool,
    // After a carriage return, a line feed ends the same line.
    after_return: bool,
}

/// What a stream is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// The next bytes of an event's data.
    Data(&'a [u8]),
    /// The event is over.
    End,
}

#[derive(Clone, Copy, Debug)]
enum Line {
    // A byte order mark may come before the first line.
    First { seen: usize },
    Field { seen: usize },
    // After `data:`, where one space does not count.
    Colon,
    Data,
    Other,
}

impl Events {
    pub(crate) const fn new() -> Self {
        Self { line: Line::First { seen: 0 }, has_data: false, after_return: false }
    }

    /// Takes the next bytes of the stream.
    pub(crate) fn push(&mut self, chunk: &[u8], mut to: impl FnMut(Piece<'_>)) {
        let mut rest = chunk;
        while let Some((&byte, after)) = rest.split_first() {
            if std::mem::take(&mut self.after_return) && byte == b'\n' {
                rest = after;
                continue;
            }
            rest = match self.line {
                Line::Data => {
                    let end = words::line_end(rest).unwrap_or(rest.len());
                    let (data, after) = rest.split_at(end);
                    if !data.is_empty() {
                        to(Piece::Data(data));
                    }
                    self.end_line(after)
                }
                Line::Other => {
                    let end = words::line_end(rest).unwrap_or(rest.len());
                    self.end_line(rest.get(end..).unwrap_or_default())
                }
                Line::Colon => {
                    self.line = Line::Data;
                    if byte == b' ' { after } else { rest }
                }
                Line::First { seen } if MARK.get(seen) == Some(&byte) => {
                    self.line = Line::First { seen: seen + 1 };
                    after
                }
                Line::First { .. } => {
                    self.line = Line::Field { seen: 0 };
                    rest
                }
                Line::Field { seen } => self.field(seen, rest, &mut to),
            };
        }
    }

    fn field<'a>(
        &mut self,
        seen: usize,
        rest: &'a [u8],
        to: &mut impl FnMut(Piece<'_>),
    ) -> &'a [u8] {
        // Nearly every line with something on it, in one look.
        if let (0, Some(after)) = (seen, rest.strip_prefix(b"data:")) {
            self.begin_data(to);
            self.line = Line::Colon;
            return after;
        }
        let Some((byte, after)) = rest.split_first() else { return rest };
        match byte {
            b'\n' | b'\r' if seen == 0 => {
                if std::mem::take(&mut self.has_data) {
                    to(Piece::End);
                }
                self.end_line(rest)
            }
            it if DATA.get(seen) == Some(it) => {
                self.line = Line::Field { seen: seen + 1 };
                after
            }
            b':' if seen == DATA.len() => {
                self.begin_data(to);
                self.line = Line::Colon;
                after
            }
            // A field without a colon has an empty value.
            b'\n' | b'\r' => {
                if seen == DATA.len() {
                    self.begin_data(to);
                }
                self.end_line(rest)
            }
            _ => {
                self.line = Line::Other;
                after
            }
        }
    }

    fn begin_data(&mut self, to: &mut impl FnMut(Piece<'_>)) {
        if std::mem::replace(&mut self.has_data, true) {
            to(Piece::Data(b"\n"));
        }
    }

    // The line goes on beyond `rest` if that is empty; else it starts with the line's end.
    const fn end_line<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let Some((byte, after)) = rest.split_first() else { return rest };
        self.after_return = *byte == b'\r';
        self.line = Line::Field { seen: 0 };
        after
    }
}

const MARK: &[u8] = b"\xef\xbb\xbf";
const DATA: &[u8] = b"data";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_event_is_the_data_of_its_lines() {
        check("data: a\n\n", &["a"]);
        check("data:a\n\ndata:  b\n\n", &["a", " b"]);
        check("data: a\ndata: b\ndata\ndata:\n\n", &["a\nb\n\n"]);
        check("data\n\n", &[""]);
        check("\n\n\n", &[]);
        check("data: [DONE]\n\n", &["[DONE]"]);
    }

    #[test]
    fn lines_end_in_three_ways_and_other_fields_do_not_count() {
        check("data: a\r\n\r\ndata: b\r\rdata: c\n\n", &["a", "b", "c"]);
        check("data: a\r\n\ndata: b\n\r\n", &["a", "b"]);
        check("event: x\nid: 1\n: data: no\ndata: a\nretry: 1\n\n", &["a"]);
        check("datum: a\n\ndat: b\n\n data: c\n\ndata : d\n\nData: e\n\n", &[]);
        check("event: x\n\ndata: a\n\n", &["a"]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_field() {
        check("\u{feff}data: a\n\n\u{feff}data: b\n\n", &["a"]);
    }

    #[test]
    fn what_the_stream_breaks_off_in_is_told_so_far() {
        let mut told = String::new();
        Events::new().push(b"data: a\n\ndata: {\"us", |it| match it {
            Piece::Data(data) => told.push_str(std::str::from_utf8(data).unwrap()),
            Piece::End => told.push('|'),
        });
        assert_eq!(told, "a|{\"us");
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_a_stream_is_cut(
            text in prop::collection::vec(
                prop::sample::select(&["data", ":", " ", "a", "\n", "\r", "\u{feff}", "data: b\n"][..]),
                0..20,
            ),
        ) {
            let text = text.concat();
            let whole = split(&[text.as_bytes()]);
            for at in 0..=text.len() {
                let (one, other) = text.as_bytes().split_at(at);
                prop_assert_eq!(&split(&[one, other]), &whole);
            }
            let bytes: Vec<_> = text.as_bytes().chunks(1).collect();
            prop_assert_eq!(&split(&bytes), &whole);
        }
    }

    #[track_caller]
    fn check(stream: &str, expected: &[&str]) {
        assert_eq!(split(&[stream.as_bytes()]), expected, "{stream:?}");
        let bytes: Vec<_> = stream.as_bytes().chunks(1).collect();
        assert_eq!(split(&bytes), expected, "{stream:?}, byte by byte");
    }

    fn split(pieces: &[&[u8]]) -> Vec<String> {
        let (mut events, mut data) = (Events::new(), Vec::new());
        let mut all = Vec::new();
        for piece in pieces {
            events.push(piece, |it| match it {
                Piece::Data(piece) => data.extend_from_slice(piece),
                Piece::End => all.push(String::from_utf8(std::mem::take(&mut data)).unwrap()),
            });
        }
        all
    }
}
