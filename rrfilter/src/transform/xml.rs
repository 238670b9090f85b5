//! XML as JSON.

use std::collections::HashMap;

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use rrcore::json::quote;

use crate::transform::fault::Fault;

/// What `content` says, as an object with the root element as its member.
///
/// Time and memory are linear in the content (times the depth, at the most). Nothing is expanded
/// that the content declares by itself: there are no document types.
pub(crate) fn to_json(content: &[u8], limit: usize) -> Result<Vec<u8>, Fault> {
    let text = std::str::from_utf8(content).map_err(|_| Fault::Xml("it is not UTF-8"))?;
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut tree = Tree { open: Vec::new(), names: 0, root: None, limit };
    loop {
        match reader.read_event().map_err(|_| NOT_XML)? {
            Event::Start(start) => tree.begin(&start)?,
            Event::Empty(start) => {
                tree.begin(&start)?;
                tree.end()?;
            }
            Event::End(_) => tree.end()?,
            Event::Text(text) => tree.text(&text.xml10_content().map_err(|_| NOT_XML)?)?,
            Event::CData(text) => {
                let text = text.xml10_content().map_err(|_| NOT_XML)?;
                tree.inside()?.text.push_str(&text);
            }
            Event::GeneralRef(reference) => {
                let char = character(&reference)?;
                tree.inside()?.text.push(char);
            }
            Event::Decl(declaration) => match declaration.encoding() {
                None => {}
                Some(Ok(it)) if it.eq_ignore_ascii_case(b"utf-8") => {}
                Some(_) => return Err(Fault::Xml("it is declared in another encoding")),
            },
            Event::DocType(_) => return Err(Fault::Xml("it has a document type")),
            Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => return tree.finish(),
        }
    }
}

struct Tree {
    open: Vec<Element>,
    // Different names in all that is open: each costs more than its bytes.
    names: usize,
    root: Option<String>,
    limit: usize,
}

struct Element {
    name: String,
    places: HashMap<String, usize>,
    members: Vec<Member>,
    text: String,
}

/// The values of one name, with commas between.
struct Member {
    name: String,
    values: String,
    are_several: bool,
}

impl Tree {
    fn begin(&mut self, start: &BytesStart<'_>) -> Result<(), Fault> {
        if self.open.is_empty() && self.root.is_some() {
            return Err(Fault::Xml("it has two roots"));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(Fault::Xml("it is nested too deep"));
        }
        let mut element = Element::new(name(start.name().as_ref())?);
        // Two attributes of one name are found below: the parser compares each with each.
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| NOT_XML)?;
            let name = format!("@{}", name(attribute.key.as_ref())?);
            let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|_| NOT_XML)?;
            let is_new = element.add(&name, &quote(&value));
            self.names += 1;
            if !is_new {
                return Err(Fault::Xml("it has two attributes of one name"));
            }
            self.check()?;
        }
        self.open.push(element);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Fault> {
        let element = self.open.pop().ok_or(NOT_XML)?;
        self.names -= element.members.len();
        let name = element.name.clone();
        let value = element.into_json();
        if value.len() > self.limit {
            return Err(Fault::TooLarge);
        }
        match self.open.last_mut() {
            Some(parent) => {
                self.names += usize::from(parent.add(&name, &value));
                self.check()
            }
            None => {
                self.root = Some(format!("{{{}:{value}}}", quote(&name)));
                Ok(())
            }
        }
    }

    fn check(&self) -> Result<(), Fault> {
        match self.names > MAX_NAMES {
            true => Err(Fault::Xml("it has too many names")),
            false => Ok(()),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        if self.open.is_empty() && text.trim_matches(BLANKS).is_empty() {
            return Ok(());
        }
        self.inside()?.text.push_str(text);
        Ok(())
    }

    fn inside(&mut self) -> Result<&mut Element, Fault> {
        self.open.last_mut().ok_or(Fault::Xml("it has text outside of its root"))
    }

    fn finish(self) -> Result<Vec<u8>, Fault> {
        match (self.root, self.open.is_empty()) {
            (Some(root), true) => Ok(root.into_bytes()),
            (Some(_) | None, _) => Err(Fault::Xml("it is not complete")),
        }
    }
}

impl Element {
    fn new(name: String) -> Self {
        Self { name, places: HashMap::new(), members: Vec::new(), text: String::new() }
    }

    /// Says whether there was none of this name.
    fn add(&mut self, name: &str, value: &str) -> bool {
        let place = self.places.get(name).and_then(|it| self.members.get_mut(*it));
        if let Some(member) = place {
            member.are_several = true;
            member.values.push(',');
            member.values.push_str(value);
            return false;
        }
        self.places.insert(name.to_owned(), self.members.len());
        let (name, values) = (quote(name), value.to_owned());
        self.members.push(Member { name, values, are_several: false });
        true
    }

    fn into_json(self) -> String {
        if self.members.is_empty() {
            return match self.text.is_empty() {
                true => "null".to_owned(),
                false => quote(&self.text),
            };
        }
        let text = self.text.trim_matches(BLANKS);
        let text = (!text.is_empty()).then(|| ("\"#text\"".to_owned(), quote(text), false));
        let members = self.members.into_iter().map(|it| (it.name, it.values, it.are_several));
        let mut out = String::from("{");
        for (name, values, are_several) in members.chain(text) {
            let comma = if out.len() == 1 { "" } else { "," };
            let (open, close) = if are_several { ("[", "]") } else { ("", "") };
            out.extend([comma, &name, ":", open, &values, close]);
        }
        out.push('}');
        out
    }
}

// What the parser lets pass as a name could be taken for `#text` or an attribute.
fn name(bytes: &[u8]) -> Result<String, Fault> {
    let name = std::str::from_utf8(bytes).map_err(|_| NOT_XML)?;
    let starts = name.starts_with(|it: char| it.is_alphabetic() || matches!(it, '_' | ':'));
    if starts { Ok(name.to_owned()) } else { Err(Fault::Xml("it has a name that is none")) }
}

// XML §4.6; there is no document type that could declare others.
fn character(reference: &BytesRef<'_>) -> Result<char, Fault> {
    if let Some(char) = reference.resolve_char_ref().map_err(|_| NOT_XML)? {
        return Ok(char);
    }
    match &**reference {
        b"lt" => Ok('<'),
        b"gt" => Ok('>'),
        b"amp" => Ok('&'),
        b"apos" => Ok('\''),
        b"quot" => Ok('"'),
        _ => Err(Fault::Xml("it refers to an entity")),
    }
}

const NOT_XML: Fault = Fault::Xml("it is not well formed");
const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];
const MAX_DEPTH: usize = 64;
const MAX_NAMES: usize = 10_000;
