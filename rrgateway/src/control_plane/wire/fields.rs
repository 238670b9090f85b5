//! Reads members out of a JSON document and notes everything that is wrong with it, with where.

use std::cell::RefCell;
use std::ops::RangeInclusive;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::control_plane::wire::json::{Json, Said};

/// One thing that is wrong with a document. Never quotes a value of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// RFC 6901.
    pub(crate) pointer: String,
    /// One sentence, for people.
    pub(crate) detail: String,
}

/// Everything that is wrong with a document.
#[derive(Debug, Default)]
pub(crate) struct Flaws {
    found: RefCell<Vec<Flaw>>,
}

/// A value and where it stands.
#[derive(Debug)]
pub(crate) struct Node<'f> {
    pointer: String,
    json: Json,
    flaws: &'f Flaws,
}

/// The members of an object that have not been read yet.
#[derive(Debug)]
pub(crate) struct Fields<'f> {
    pointer: String,
    members: Vec<(String, Json)>,
    // Those that were asked for.
    known: Vec<&'static str>,
    flaws: &'f Flaws,
}

impl Flaw {
    pub(crate) fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

impl Flaws {
    /// Reads `json` with `read`; what was read counts only if nothing was wrong.
    pub(crate) fn read<T>(
        json: Json,
        read: impl FnOnce(Node<'_>) -> Option<T>,
    ) -> Result<T, Vec<Flaw>> {
        let flaws = Self::default();
        let value = read(Node { pointer: String::new(), json, flaws: &flaws });
        let found = flaws.found.into_inner();
        match value {
            Some(value) if found.is_empty() => Ok(value),
            Some(_) | None => Err(found),
        }
    }

    fn note(&self, pointer: &str, detail: impl Into<String>) {
        let mut found = self.found.borrow_mut();
        if found.len() < MOST_FLAWS {
            found.push(Flaw::new(pointer, detail));
        }
    }
}

/// Where a value stood, for what is found wrong with it later.
#[derive(Debug)]
pub(crate) struct Place<'f> {
    pointer: String,
    flaws: &'f Flaws,
}

impl Place<'_> {
    /// Notes that something is wrong there.
    pub(crate) fn flaw<T>(&self, detail: impl Into<String>) -> Option<T> {
        self.flaws.note(&self.pointer, detail);
        None
    }
}

impl<'f> Node<'f> {
    /// Where this stands.
    pub(crate) fn place(&self) -> Place<'f> {
        Place { pointer: self.pointer.clone(), flaws: self.flaws }
    }

    /// Notes that something is wrong here.
    pub(crate) fn flaw<T>(&self, detail: impl Into<String>) -> Option<T> {
        self.flaws.note(&self.pointer, detail);
        None
    }

    /// Whether this is an object, for what may be written in two ways.
    pub(crate) const fn is_object(&self) -> bool {
        matches!(self.json, Json::Object(_))
    }

    /// Whether this is a text, for what may be written in two ways.
    pub(crate) const fn is_text(&self) -> bool {
        matches!(self.json, Json::Text(_))
    }

    /// Whether this is an object without members, for tables that may be empty.
    pub(crate) const fn is_empty_object(&self) -> bool {
        matches!(&self.json, Json::Object(members) if members.is_empty())
    }

    pub(crate) const fn is_list(&self) -> bool {
        matches!(self.json, Json::List(_))
    }

    pub(crate) const fn is_empty_list(&self) -> bool {
        matches!(&self.json, Json::List(items) if items.is_empty())
    }

    pub(crate) fn object(self) -> Option<Fields<'f>> {
        let Json::Object(members) = self.json else { return self.flaw("expected an object") };
        Some(Fields { pointer: self.pointer, members, known: Vec::new(), flaws: self.flaws })
    }

    /// The members of an object that is a table: whatever their names, up to `most` of them.
    pub(crate) fn table<T>(
        self,
        most: usize,
        mut read: impl FnMut(&str, Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Fields { pointer, members, flaws, .. } = self.object()?;
        if members.is_empty() || members.len() > most {
            flaws.note(&pointer, format!("expected 1 to {most} members"));
            return None;
        }
        // All members are read, so that all flaws are noted.
        let read: Vec<_> = members
            .into_iter()
            .map(|(name, json)| {
                let node = Node { pointer: pointer_to(&pointer, &name), json, flaws };
                read(&name, node)
            })
            .collect();
        read.into_iter().collect()
    }

    /// A list of up to `most` items.
    pub(crate) fn list<T>(
        self,
        most: usize,
        mut read: impl FnMut(Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Json::List(items) = self.json else { return self.flaw("expected a list") };
        if items.len() > most {
            self.flaws.note(&self.pointer, format!("expected {most} items at the most"));
            return None;
        }
        let node = |(index, json)| Node {
            pointer: format!("{}/{index}", self.pointer),
            json,
            flaws: self.flaws,
        };
        // All items are read, so that all flaws are noted.
        let read: Vec<_> = items.into_iter().enumerate().map(|it| read(node(it))).collect();
        read.into_iter().collect()
    }

    /// A text whose length in bytes is in `length`, without control characters.
    pub(crate) fn text(self, length: RangeInclusive<usize>) -> Option<String> {
        let text = self.secret(length)?;
        Some(text.as_str().to_owned())
    }

    /// As [`Node::text`], wiped when it is let go.
    pub(crate) fn secret(self, length: RangeInclusive<usize>) -> Option<Zeroizing<String>> {
        self.parsed(length, Ok::<_, String>)
    }

    /// A text that `parse` makes something of, or says what is wrong with it.
    pub(crate) fn parsed<T, E: ToString>(
        self,
        length: RangeInclusive<usize>,
        parse: impl FnOnce(Zeroizing<String>) -> Result<T, E>,
    ) -> Option<T> {
        let Self { pointer, json, flaws } = self;
        let Json::Text(text) = json else {
            flaws.note(&pointer, "expected a text");
            return None;
        };
        let flaw = if !length.contains(&text.len()) {
            format!("expected {} to {} bytes of text", length.start(), length.end())
        } else if text.chars().any(char::is_control) {
            "control characters are not allowed here".to_owned()
        } else {
            match parse(text) {
                Ok(value) => return Some(value),
                Err(why) => why.to_string(),
            }
        };
        flaws.note(&pointer, flaw);
        None
    }

    /// A text of whatever characters.
    pub(crate) fn content(self) -> Option<Zeroizing<String>> {
        let Json::Text(text) = self.json else { return self.flaw("expected a text") };
        Some(text)
    }

    pub(crate) fn integer(self, range: RangeInclusive<u64>) -> Option<u64> {
        match self.whole().filter(|it| range.contains(it)) {
            Some(it) => Some(it),
            None => {
                let (start, end) = (range.start(), range.end());
                self.flaw(format!("expected a whole number from {start} to {end}"))
            }
        }
    }

    /// One of a few numbers.
    pub(crate) fn number(self, numbers: &[u16]) -> Option<u16> {
        let whole = self.whole();
        if let Some(number) = numbers.iter().find(|it| Some(u64::from(**it)) == whole) {
            return Some(*number);
        }
        let numbers: Vec<_> = numbers.iter().map(u16::to_string).collect();
        self.flaw(format!("expected {}", numbers.join(" or ")))
    }

    fn whole(&self) -> Option<u64> {
        match &self.json {
            Json::Number(it) => it.as_u64(),
            Json::Null | Json::Bool(_) | Json::Text(_) | Json::List(_) | Json::Object(_) => None,
        }
    }

    /// Any JSON that `check` has nothing against, or says where in it and what.
    pub(crate) fn json(self, check: impl FnOnce(&Value) -> Result<(), Flaw>) -> Option<Value> {
        let Self { pointer, json, flaws } = self;
        let value = json.into_value();
        match check(&value) {
            Ok(()) => Some(value),
            Err(flaw) => {
                flaws.note(&format!("{pointer}{}", flaw.pointer), flaw.detail);
                None
            }
        }
    }

    pub(crate) fn boolean(self) -> Option<bool> {
        let Json::Bool(it) = self.json else { return self.flaw("expected true or false") };
        Some(it)
    }

    /// One of a few words.
    pub(crate) fn word<T: Copy>(self, words: &[(&str, T)]) -> Option<T> {
        let known = match &self.json {
            Json::Text(text) => words.iter().find(|(word, _)| *word == text.as_str()),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::List(_) | Json::Object(_) => None,
        };
        if let Some((_, meaning)) = known {
            return Some(*meaning);
        }
        let words: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        self.flaw(format!("expected {}", words.join(" or ")))
    }
}

impl<'f> Fields<'f> {
    /// A member that may be left out or null.
    pub(crate) fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Node<'f>) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.take(name) {
            Some(node) => read(node).map(Some),
            None => Some(None),
        }
    }

    /// A member that means `default` when it is left out.
    pub(crate) fn or<T>(
        &mut self,
        name: &'static str,
        default: T,
        read: impl FnOnce(Node<'f>) -> Option<T>,
    ) -> Option<T> {
        self.take(name).map_or(Some(default), read)
    }

    /// A member that must be there.
    pub(crate) fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(Node<'f>) -> Option<T>,
    ) -> Option<T> {
        let Some(node) = self.take(name) else { return self.flaw(name, "this is required") };
        read(node)
    }

    /// Whether member `name` is there, and not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(it, json)| it == name && !matches!(json, Json::Null))
    }

    /// What there is about member `name`.
    pub(crate) fn said(&self, name: &str) -> Said {
        Said::of(self.members.iter().find(|(it, _)| it == name).map(|(_, json)| json))
    }

    /// The one that is there of two spellings of one member: both at once is a flaw.
    pub(crate) fn spelled(&mut self, [name, other]: [&'static str; 2]) -> &'static str {
        let (spelling, unused) = match (self.has(name), self.has(other)) {
            (_, false) => (name, other),
            (false, true) => (other, name),
            (true, true) => {
                self.flaw::<()>(other, format!("this is another spelling of {name}: give one"));
                (name, other)
            }
        };
        drop(self.take(unused));
        spelling
    }

    /// Notes that something is wrong with member `name`.
    pub(crate) fn flaw<T>(&self, name: &str, detail: impl Into<String>) -> Option<T> {
        self.flaws.note(&pointer_to(&self.pointer, name), detail);
        None
    }

    /// Nothing else may be there: a misspelt `deny` must not become an `allow`.
    pub(crate) fn close(self) {
        if self.members.is_empty() {
            return;
        }
        let mut known: Vec<&str> = Vec::with_capacity(self.known.len());
        for name in &self.known {
            if !known.contains(name) {
                known.push(name);
            }
        }
        let unknown = match known.as_slice() {
            [] => "there is no such field here".to_owned(),
            known => format!("there is no such field here (there are: {})", known.join(", ")),
        };
        for (name, _) in &self.members {
            self.flaw::<()>(name, &*unknown);
        }
    }

    fn take(&mut self, name: &'static str) -> Option<Node<'f>> {
        self.known.push(name);
        let index = self.members.iter().position(|(it, _)| it == name)?;
        let (_, json) = self.members.swap_remove(index);
        match json {
            Json::Null => None,
            Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::List(_) | Json::Object(_) => {
                Some(Node { pointer: pointer_to(&self.pointer, name), json, flaws: self.flaws })
            }
        }
    }
}

/// The pointer (RFC 6901) to member `name` of what `pointer` leads to.
pub(crate) fn pointer_to(pointer: &str, name: &str) -> String {
    let name: String = name.chars().take(LONGEST_NAME).collect();
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

const MOST_FLAWS: usize = 50;
const LONGEST_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flaw_is_noted_with_its_pointer_and_without_the_value() {
        check(r#"{"n":1,"t":"x"}"#, &[]);
        check(r#"{"t":null}"#, &["/t: this is required"]);
        check(
            r#"{"n":"canary","t":7}"#,
            &["/t: expected a text", "/n: expected a whole number from 0 to 9"],
        );
        check(
            r#"{"n":10,"t":"canary"}"#,
            &["/t: expected 1 to 3 bytes of text", "/n: expected a whole number from 0 to 9"],
        );
        check(r#"{"t":"\u0000"}"#, &["/t: control characters are not allowed here"]);
        check(
            r#"{"t":"x","a/b~c":"canary"}"#,
            &["/a~1b~0c: there is no such field here (there are: text, t, n, l, m)"],
        );
        check(r#"["canary"]"#, &[": expected an object"]);
        check(r#"{"t":"x","l":[true,"canary"]}"#, &["/l/1: expected true or false"]);
        check(r#"{"t":"x","m":{"a/b":"canary"}}"#, &["/m/a~1b: expected true or false"]);
        check(r#"{"t":"x","m":{}}"#, &["/m: expected 1 to 2 members"]);
    }

    #[test]
    fn of_two_spellings_one_may_be_there() {
        check(r#"{"text":"x"}"#, &[]);
        check(r#"{"text":"x","t":null}"#, &[]);
        check(r#"{"text":null,"t":"x"}"#, &[]);
        check(r#"{"text":"canary"}"#, &["/text: expected 1 to 3 bytes of text"]);
        check(r#"{"text":"x","t":"x"}"#, &["/text: this is another spelling of t: give one"]);
        check(r#"{"text":null}"#, &["/t: this is required"]);
    }

    #[track_caller]
    fn check(document: &str, expected: &[&str]) {
        let read = |node: Node<'_>| {
            let mut fields = node.object()?;
            let spelling = fields.spelled(["t", "text"]);
            let text = fields.required(spelling, |it| it.text(1..=3));
            let number = fields.or("n", 0, |it| it.integer(0..=9));
            let list = fields.optional("l", |it| it.list(2, Node::boolean));
            let table = fields.optional("m", |it| it.table(2, |_, it| it.boolean()));
            fields.close();
            Some((text?, number?, list?, table?))
        };
        let json = Json::parse(document.as_bytes()).unwrap();
        let flaws = Flaws::read(json, read).err().unwrap_or_default();
        let said: Vec<_> =
            flaws.iter().map(|it| format!("{}: {}", it.pointer, it.detail)).collect();
        assert_eq!(said, expected);
    }
}
