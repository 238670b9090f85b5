//! The JSONPath queries (RFC 9535) that need no more memory than their own length.

use std::fmt;
use std::str::FromStr;

use super::escape::escaped;

/// One step down into a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// To the member of this name: `.name`, `['name']`, `["name"]`.
    Name(Box<str>),
    /// To the array element at this index, counted from 0: `[7]`.
    Index(u64),
    /// To every member or element: `.*`, `[*]`.
    Wildcard,
}

/// A query that finds at most one value (RFC 9535 §2.3.5.1): names and indexes only.
///
/// ```
/// use rrcore::json::{Segment, SingularPath};
///
/// let path: SingularPath = "$.usage['total_tokens']".parse().unwrap();
/// assert_eq!(path.segments()[1], Segment::Name("total_tokens".into()));
/// let error = "$.items[*]".parse::<SingularPath>().unwrap_err();
/// assert_eq!(error.to_string(), "at 7: a wildcard may find several values");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SingularPath {
    segments: Vec<Segment>,
}

/// Why a text is not a query, or is one that is not supported, and where in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathError {
    /// Bytes from the start of the query.
    pub offset: usize,
    /// One short sentence.
    pub why: &'static str,
}

/// Reads a query: `$` and then segments, each with one selector.
///
/// # Errors
///
/// On what is not JSONPath, and on what it has beyond [`Segment`]: descendants, slices, filters,
/// indexes from the end, several selectors in one segment.
pub fn segments(query: &str) -> Result<Vec<Segment>, PathError> {
    let mut reader = Reader { query, at: 0 };
    let mut segments = Vec::new();
    while let Some((_, segment)) = reader.segment()? {
        segments.push(segment);
    }
    Ok(segments)
}

impl SingularPath {
    /// The steps, from the root down; never a [`Segment::Wildcard`].
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }
}

impl FromStr for SingularPath {
    type Err = PathError;

    fn from_str(query: &str) -> Result<Self, PathError> {
        let mut reader = Reader { query, at: 0 };
        let mut segments = Vec::new();
        while let Some((offset, segment)) = reader.segment()? {
            if segment == Segment::Wildcard {
                return Err(PathError { offset, why: "a wildcard may find several values" });
            }
            segments.push(segment);
        }
        Ok(Self { segments })
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}: {}", self.offset, self.why)
    }
}

impl std::error::Error for PathError {}

struct Reader<'a> {
    query: &'a str,
    at: usize,
}

impl Reader<'_> {
    // The next segment and where it starts; `None` at the end.
    fn segment(&mut self) -> Result<Option<(usize, Segment)>, PathError> {
        if self.at == 0 && !self.take("$") {
            return self.refuse("a query starts with `$`");
        }
        let before = self.at;
        self.skip_blanks();
        let start = self.at;
        if self.take("..") {
            self.at = start;
            return self.refuse("descendants (`..`) are not supported");
        }
        if self.take(".") {
            let segment = if self.take("*") { Segment::Wildcard } else { self.shorthand()? };
            return Ok(Some((start, segment)));
        }
        if self.take("[") {
            return Ok(Some((start, self.bracketed()?)));
        }
        match self.rest() {
            "" if before == self.at => Ok(None),
            "" => self.refuse("a query does not end in blanks"),
            _ => self.refuse("expected `.` or `[`"),
        }
    }

    fn shorthand(&mut self) -> Result<Segment, PathError> {
        let is_first = |it: char| it.is_ascii_alphabetic() || it == '_' || !it.is_ascii();
        if !self.rest().starts_with(is_first) {
            return self.refuse("expected a name (quote others: `['…']`)");
        }
        let is_part = |it: char| is_first(it) || it.is_ascii_digit();
        let rest = self.rest();
        let length = rest.find(|it| !is_part(it)).unwrap_or(rest.len());
        let name = rest.get(..length).unwrap_or_default().into();
        self.at += length;
        Ok(Segment::Name(name))
    }

    fn bracketed(&mut self) -> Result<Segment, PathError> {
        self.skip_blanks();
        let segment = match self.peek() {
            Some('*') => {
                self.at += 1;
                Segment::Wildcard
            }
            Some(quote @ ('"' | '\'')) => Segment::Name(self.quoted(quote)?.into()),
            Some('0'..='9') => Segment::Index(self.index()?),
            Some('-') => return self.refuse("indexes from the end are not supported"),
            Some('?') => return self.refuse("filter expressions are not supported"),
            Some(':') => return self.refuse("slices are not supported"),
            _ => return self.refuse("expected a quoted name, an index or `*`"),
        };
        self.skip_blanks();
        match self.peek() {
            Some(']') => {
                self.at += 1;
                Ok(segment)
            }
            Some(',') => self.refuse("several selectors in one segment are not supported"),
            Some(':') => self.refuse("slices are not supported"),
            _ => self.refuse("expected `]`"),
        }
    }

    fn index(&mut self) -> Result<u64, PathError> {
        let rest = self.rest();
        let length = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
        let digits = rest.get(..length).unwrap_or_default();
        if digits.len() > 1 && digits.starts_with('0') {
            return self.refuse("an index has no leading zeros");
        }
        // RFC 9535 §2.1: within the integers that every JSON reader has exactly.
        let Some(index) = digits.parse().ok().filter(|it| *it < 1 << 53) else {
            return self.refuse("an index is below 2^53");
        };
        self.at += length;
        Ok(index)
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

    fn rest(&self) -> &str {
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

    fn refuse<T>(&self, why: &'static str) -> Result<T, PathError> {
        Err(PathError { offset: self.at, why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn what_is_no_query_is_refused_where_it_stops_being_one() {
        refuse("", 0, "a query starts with `$`");
        refuse(" $", 0, "a query starts with `$`");
        refuse("a.b", 0, "a query starts with `$`");
        refuse("$ ", 2, "a query does not end in blanks");
        refuse("$a", 1, "expected `.` or `[`");
        refuse("$.", 2, "expected a name (quote others: `['…']`)");
        refuse("$.1", 2, "expected a name (quote others: `['…']`)");
        refuse("$. a", 2, "expected a name (quote others: `['…']`)");
        refuse("$.a-b", 3, "expected `.` or `[`");
        refuse("$[]", 2, "expected a quoted name, an index or `*`");
        refuse("$[a]", 2, "expected a quoted name, an index or `*`");
        refuse("$['a'", 5, "expected `]`");
        refuse("$['a", 4, "the quoted name does not end");
        refuse("$['a\nb']", 4, "a control character has to be escaped");
        refuse(r#"$['\"']"#, 4, "unknown escape");
        refuse(r#"$["\'"]"#, 4, "unknown escape");
        refuse(r#"$["\ud800"]"#, 4, "unknown escape");
        refuse(r#"$["\u12"]"#, 4, "unknown escape");
        refuse("$[01]", 2, "an index has no leading zeros");
        refuse("$[9007199254740992]", 2, "an index is below 2^53");
    }

    #[test]
    fn what_needs_more_memory_is_refused_by_its_name() {
        refuse("$..a", 1, "descendants (`..`) are not supported");
        refuse("$.a[-1]", 4, "indexes from the end are not supported");
        refuse("$[?@.a]", 2, "filter expressions are not supported");
        refuse("$[1:2]", 3, "slices are not supported");
        refuse("$[:2]", 2, "slices are not supported");
        refuse("$['a','b']", 5, "several selectors in one segment are not supported");
    }

    #[track_caller]
    fn check(query: &str, expected: &[&str]) {
        let found = segments(query).unwrap().into_iter().map(|it| match it {
            Segment::Name(name) => name.into_string(),
            Segment::Index(index) => format!("#{index}"),
            Segment::Wildcard => "*".to_owned(),
        });
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[track_caller]
    fn refuse(query: &str, offset: usize, why: &'static str) {
        assert_eq!(segments(query), Err(PathError { offset, why }), "{query}");
    }
}
