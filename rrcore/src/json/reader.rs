//! Reads JSONPath (RFC 9535), as much of it as is supported.

use std::fmt;

use super::escape::escaped;
use super::selector::{Selector, Slice, Step};

/// Why a text is not a query, or is one that is not supported, and where in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathError {
    /// Bytes from the start of the query.
    pub offset: usize,
    /// One short sentence.
    pub why: &'static str,
}

impl PathError {
    /// Whether it may well be a query, but one that asks for more than the way to a value: a filter
    /// expression, or what counts from the end. What follows there has not been read.
    #[must_use]
    pub fn is_beyond(&self) -> bool {
        [FROM_END, BACKWARDS, EXPRESSION].contains(&self.why)
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}: {}", self.offset, self.why)
    }
}

impl std::error::Error for PathError {}

pub(super) struct Reader<'a> {
    query: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(query: &'a str) -> Result<Self, PathError> {
        let mut reader = Self { query, at: 0 };
        if reader.take("$") { Ok(reader) } else { reader.refuse("a query starts with `$`") }
    }

    /// The next step and where it starts; `None` at the end.
    pub(super) fn step(&mut self) -> Result<Option<(usize, Step)>, PathError> {
        let before = self.at;
        self.skip_blanks();
        let start = self.at;
        let deep = self.take("..");
        let selectors = if self.take("[") {
            self.bracketed()?
        } else if deep || self.take(".") {
            vec![if self.take("*") { Selector::Wildcard } else { self.shorthand()? }]
        } else if !self.rest().is_empty() {
            return self.refuse("expected `.` or `[`");
        } else if start > before {
            return self.refuse("a query does not end in blanks");
        } else {
            return Ok(None);
        };
        Ok(Some((start, Step { deep, selectors })))
    }

    fn shorthand(&mut self) -> Result<Selector, PathError> {
        let is_first = |it: char| it.is_ascii_alphabetic() || it == '_' || !it.is_ascii();
        if !self.rest().starts_with(is_first) {
            return self.refuse("expected a name (quote others: `['…']`)");
        }
        let is_part = |it: char| is_first(it) || it.is_ascii_digit();
        let rest = self.rest();
        let length = rest.find(|it| !is_part(it)).unwrap_or(rest.len());
        let name = rest.get(..length).unwrap_or_default().into();
        self.at += length;
        Ok(Selector::Name(name))
    }

    // What comes after `[`, up to and with the `]`.
    fn bracketed(&mut self) -> Result<Vec<Selector>, PathError> {
        let mut selectors = Vec::new();
        loop {
            self.skip_blanks();
            selectors.push(self.selector()?);
            self.skip_blanks();
            if self.take("]") {
                return Ok(selectors);
            }
            if !self.take(",") {
                return self.refuse("expected `,` or `]`");
            }
        }
    }

    fn selector(&mut self) -> Result<Selector, PathError> {
        match self.peek() {
            Some('*') => {
                self.at += 1;
                Ok(Selector::Wildcard)
            }
            Some(quote @ ('"' | '\'')) => Ok(Selector::Name(self.quoted(quote)?.into())),
            Some('?') => self.refuse(EXPRESSION),
            Some('-' | ':' | '0'..='9') => self.index_or_slice(),
            _ => self.refuse("expected a quoted name, an index, a slice or `*`"),
        }
    }

    fn index_or_slice(&mut self) -> Result<Selector, PathError> {
        let start = self.number(FROM_END)?;
        let after = self.at;
        self.skip_blanks();
        if !self.take(":") {
            self.at = after;
            return start.map(Selector::Index).ok_or_else(|| self.error("expected an index"));
        }
        self.skip_blanks();
        let end = self.number(FROM_END)?;
        self.skip_blanks();
        let mut step = None;
        if self.take(":") {
            self.skip_blanks();
            step = self.number(BACKWARDS)?;
        }
        let (start, step) = (start.unwrap_or(0), step.unwrap_or(1));
        Ok(Selector::Slice(Slice { start, end, step }))
    }

    // `None` if there is none; `negative` says what those below 0 would be.
    fn number(&mut self, negative: &'static str) -> Result<Option<u64>, PathError> {
        let rest = self.rest();
        if rest.starts_with('-') {
            return self.refuse(negative);
        }
        let length = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
        let digits = rest.get(..length).unwrap_or_default();
        if digits.is_empty() {
            return Ok(None);
        }
        if digits.len() > 1 && digits.starts_with('0') {
            return self.refuse("an index has no leading zeros");
        }
        // RFC 9535 §2.1: within the integers that every JSON reader has exactly.
        let Some(number) = digits.parse().ok().filter(|it| *it < 1 << 53) else {
            return self.refuse("an index is below 2^53");
        };
        self.at += length;
        Ok(Some(number))
    }

    fn quoted(&mut self, quote: char) -> Result<String, PathError> {
        self.at += 1;
        let mut name = String::new();
        while let Some(char) = self.peek() {
            self.at += char.len_utf8();
            match char {
                '\\' => name.push(self.escape(quote)?),
                '\0'..' ' => {
                    self.at -= 1;
                    return self.refuse("a control character has to be escaped");
                }
                _ if char == quote => return Ok(name),
                _ => name.push(char),
            }
        }
        self.refuse("the quoted name does not end")
    }

    // As in JSON, but that the quote to be escaped is the one around the name.
    fn escape(&mut self, quote: char) -> Result<char, PathError> {
        let found = match self.peek() {
            Some(it) if it == quote => Some((it, 1)),
            Some('"') => None,
            _ => escaped(self.rest()),
        };
        let Some((char, length)) = found else { return self.refuse("unknown escape") };
        self.at += length;
        Ok(char)
    }

    fn rest(&self) -> &'a str {
        self.query.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, token: &str) -> bool {
        let taken = self.rest().starts_with(token);
        self.at += if taken { token.len() } else { 0 };
        taken
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    const fn error(&self, why: &'static str) -> PathError {
        PathError { offset: self.at, why }
    }

    const fn refuse<T>(&self, why: &'static str) -> Result<T, PathError> {
        Err(self.error(why))
    }
}

const FROM_END: &str = "indexes from the end are not supported";
const BACKWARDS: &str = "slices backwards are not supported";
const EXPRESSION: &str = "filter expressions are not supported";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Query, SingularPath};

    #[test]
    fn a_query_reads_as_rfc_9535_says() {
        check("$", &[]);
        check("$.a.b_1.☺", &["a", "b_1", "☺"]);
        check("$['a']['b c'][\"d\"]", &["a", "b c", "d"]);
        check(r#"$["\"\\\/\b\u263a\ud83d\ude00"]"#, &["\"\\/\u{8}☺😀"]);
        check(r#"$['\'']['"']["'"]['\u0027']"#, &["'", "\"", "'", "'"]);
        check("$ .a\n[ 'b' ]", &["a", "b"]);
        check("$.true['']", &["true", ""]);
        check("$[0][9007199254740991]", &["#0", "#9007199254740991"]);
        check("$.a[*].*", &["a", "*", "*"]);
    }

    #[test]
    fn several_selectors_and_slices_read_as_rfc_9535_says() {
        check("$['a', \"b\"\n, 0,*]", &["a|b|#0|*"]);
        check(
            "$[1:3][:][:2][3:][::2][1 : 5\t:\r2]",
            &["1:3:1", "0::1", "0:2:1", "3::1", "0::2", "1:5:2"],
        );
        check("$[5:7,1]", &["5:7:1|#1"]);
        check("$[1:2:0]", &["1:2:0"]);
    }

    #[test]
    fn descendants_read_as_rfc_9535_says() {
        check("$..a", &["..a"]);
        check("$.a..*..['b','c']..[0]", &["a", "..*", "..b|c", "..#0"]);
        check("$ ..a", &["..a"]);
        refuse("$..", 3, "expected a name (quote others: `['…']`)");
        refuse("$...a", 3, "expected a name (quote others: `['…']`)");
        refuse("$.. a", 3, "expected a name (quote others: `['…']`)");
        refuse("$.. ['a']", 3, "expected a name (quote others: `['…']`)");
        refuse("$..1", 3, "expected a name (quote others: `['…']`)");
    }

    #[test]
    fn what_is_no_query_is_refused_where_it_stops_being_one() {
        refuse("", 0, "a query starts with `$`");
        refuse(" $", 0, "a query starts with `$`");
        refuse("a.b", 0, "a query starts with `$`");
        refuse("$ ", 2, "a query does not end in blanks");
        refuse("$a", 1, "expected `.` or `[`");
        refuse("$.", 2, "expected a name (quote others: `['…']`)");
        refuse("$.1", 2, "expected a name (quote others: `['…']`)");
        refuse("$. a", 2, "expected a name (quote others: `['…']`)");
        refuse("$.['a']", 2, "expected a name (quote others: `['…']`)");
        refuse("$.a-b", 3, "expected `.` or `[`");
        refuse("$[]", 2, "expected a quoted name, an index, a slice or `*`");
        refuse("$[a]", 2, "expected a quoted name, an index, a slice or `*`");
        refuse("$[0,]", 4, "expected a quoted name, an index, a slice or `*`");
        refuse("$['a'", 5, "expected `,` or `]`");
        refuse("$['a' 'b']", 6, "expected `,` or `]`");
        refuse("$[1:2:3:4]", 7, "expected `,` or `]`");
        refuse("$['a", 4, "the quoted name does not end");
        refuse("$['a\nb']", 4, "a control character has to be escaped");
        refuse(r#"$['\"']"#, 4, "unknown escape");
        refuse(r#"$["\'"]"#, 4, "unknown escape");
        refuse(r#"$["\ud800"]"#, 4, "unknown escape");
        refuse(r#"$["\u12"]"#, 4, "unknown escape");
        refuse("$[01]", 2, "an index has no leading zeros");
        refuse("$[1:02]", 4, "an index has no leading zeros");
        refuse("$[9007199254740992]", 2, "an index is below 2^53");
    }

    #[test]
    fn what_is_not_known_on_the_way_down_is_refused_by_its_name() {
        refuse("$.a[-1]", 4, "indexes from the end are not supported");
        refuse("$[-3:]", 2, "indexes from the end are not supported");
        refuse("$[0,1:-1]", 6, "indexes from the end are not supported");
        refuse("$[::-1]", 4, "slices backwards are not supported");
        refuse("$..[?@.a]", 4, "filter expressions are not supported");
    }

    #[test]
    fn a_singular_path_is_one_way_down() {
        let path: SingularPath = "$.a['b'][0]".parse().unwrap();
        assert_eq!(path.segments().len(), 3);
        for (several, offset) in [("$.a.*", 3), ("$..a", 1), ("$[0:1]", 1), ("$['a','b']", 1)] {
            let error = several.parse::<SingularPath>().unwrap_err();
            assert_eq!((error.offset, error.why), (offset, "this may find several values"));
        }
    }

    #[track_caller]
    fn check(query: &str, expected: &[&str]) {
        let selector = |it: &Selector| match it {
            Selector::Name(name) => name.clone().into_string(),
            Selector::Index(index) => format!("#{index}"),
            Selector::Slice(Slice { start, end, step }) => {
                format!("{start}:{}:{step}", end.map_or_else(String::new, |it| it.to_string()))
            }
            Selector::Wildcard => "*".to_owned(),
        };
        let step = |it: &Step| {
            let selectors: Vec<_> = it.selectors.iter().map(selector).collect();
            format!("{}{}", if it.deep { ".." } else { "" }, selectors.join("|"))
        };
        let query: Query = query.parse().unwrap();
        assert_eq!(query.steps().iter().map(step).collect::<Vec<_>>(), expected);
    }

    #[track_caller]
    fn refuse(query: &str, offset: usize, why: &'static str) {
        assert_eq!(query.parse::<Query>(), Err(PathError { offset, why }), "{query}");
    }
}
