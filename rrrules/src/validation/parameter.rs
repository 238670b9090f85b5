//! One parameter of an operation: where it is, how it is read, what it must be.

use http::HeaderName;
use serde_json::Value;

use super::invalid_schema::InvalidSchema;
use super::kinds::{Kinds, Reading};
use super::layout::{Escapes, Layout, array, assigned, listed, object, split};
use super::node::Node;
use super::place::{Place, Sent};
use super::reference::below;
use super::schemas::{Schemas, Slot};
use super::text::Plus;
use super::translate::Translator;
use super::violation::Violations;
use rrcore::json;

/// One parameter of an operation.
pub(super) struct Parameter {
    pub(super) place: Place,
    pub(super) name: String,
    /// Where violations point to.
    pointer: String,
    required: bool,
    allow_empty: bool,
    meaning: Meaning,
}

enum Meaning {
    Styled {
        layout: Layout,
        reading: Reading,
        slot: Slot,
    },
    Json(Slot),
    /// Of a media type that is not looked into.
    Opaque,
}

// What a request gives for a parameter.
enum Given {
    Nothing,
    Text(String),
    Whole(Value),
}

type Read<T> = Result<T, &'static str>;

impl Parameter {
    /// `None` for what OpenAPI says to ignore here.
    pub(super) fn compile<'a>(
        node: &Node<'a>,
        translator: &mut Translator<'a>,
    ) -> Result<Option<Self>, InvalidSchema> {
        let (name, place) = (node.need("name")?, node.need("in")?);
        let name = name.text()?;
        let place = Place::named(place.text()?)
            .ok_or_else(|| place.error("must be path, query, header or cookie"))?;
        if place == Place::Header {
            let header = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| node.error("its name is no name of a header"))?;
            if ["accept", "content-type", "authorization"].contains(&header.as_str()) {
                return Ok(None);
            }
        }
        let meaning = match (node.get("schema")?, node.get("content")?) {
            (Some(schema), None) => {
                let reading = Reading::of(translator.document(), schema.value);
                let layout = Layout::of(node, place, reading.kinds)?;
                Meaning::Styled { layout, reading, slot: translator.slot(schema) }
            }
            (None, Some(content)) => Meaning::of_content(&content, translator)?,
            (None, None) | (Some(_), Some(_)) => {
                return Err(node.error("must have either a schema or a content"));
            }
        };
        Ok(Some(Self {
            place,
            name: name.to_owned(),
            pointer: below(place.pointer(), name),
            required: place == Place::Path || node.flag("required", false)?,
            allow_empty: place == Place::Query && node.flag("allowEmptyValue", false)?,
            meaning,
        }))
    }

    pub(super) fn check(&self, sent: &Sent<'_>, schemas: &Schemas, violations: &mut Violations) {
        let given = match self.read(sent) {
            Ok(given) => given,
            Err(detail) => return violations.add(&self.pointer, detail),
        };
        let (slot, kinds) = match (&self.meaning, &given) {
            (_, Given::Nothing) if self.required => {
                return violations.add(&self.pointer, "is missing");
            }
            (_, Given::Text(text)) if self.allow_empty && text.is_empty() => return,
            (_, Given::Nothing) | (Meaning::Opaque, _) => return,
            (Meaning::Json(slot), _) => (slot, Kinds::default()),
            (Meaning::Styled { slot, reading, .. }, _) => (slot, reading.kinds),
        };
        let mut judge = |value, size| {
            schemas.check(Some(slot), value, size, &self.pointer, violations);
        };
        match given {
            Given::Nothing => {}
            Given::Whole(value) => judge(value, 0),
            Given::Text(text) => {
                let (size, plain) = (text.len(), Value::String(text.clone()));
                let narrow = kinds.read(text);
                // Nothing says how the text will be read: it must be right in every way.
                if kinds.is_unknown() && narrow != plain {
                    judge(plain, size);
                    judge(narrow, size);
                } else if !kinds.has(Kinds::STRING) || !schemas.fits(slot, plain) {
                    judge(narrow, size);
                }
            }
        }
    }

    fn read(&self, sent: &Sent<'_>) -> Read<Given> {
        let escapes = match self.place {
            Place::Path => Escapes::Percent(Plus::Plus),
            Place::Query => Escapes::Percent(Plus::Space),
            Place::Header | Place::Cookie => Escapes::None,
        };
        if let Meaning::Styled {
            layout: layout @ (Layout::Spread | Layout::Deep), reading, ..
        } = &self.meaning
        {
            let pairs = self.members(*layout, reading, sent)?;
            return match pairs.is_empty() {
                true => Ok(Given::Nothing),
                false => object(pairs.into_iter(), reading, escapes).map(Given::Whole),
            };
        }
        let texts = sent.find(self.place, &self.name).ok_or("is not text")?;
        if texts.is_empty() {
            return Ok(Given::Nothing);
        }
        match &self.meaning {
            Meaning::Opaque => Ok(Given::Text(String::new())),
            Meaning::Json(_) => {
                let text = escapes.undo(only(&texts)?)?;
                json::value(text.as_bytes()).map(Given::Whole)
            }
            Meaning::Styled { layout: Layout::One, .. } => {
                escapes.undo(only(&texts)?).map(Given::Text)
            }
            Meaning::Styled { layout, reading, .. } => {
                self.structure(*layout, reading, &texts, escapes).map(Given::Whole)
            }
        }
    }

    fn structure(
        &self,
        layout: Layout,
        reading: &Reading,
        texts: &[&str],
        escapes: Escapes,
    ) -> Read<Value> {
        match layout {
            Layout::Repeated => array(texts.iter().copied(), reading.items, escapes),
            // The lines of a header are one list (RFC 9110 §5.3).
            Layout::Split(delimiter) if self.place == Place::Header => {
                let pieces = texts.iter().flat_map(|it| split(it, delimiter));
                array(pieces, reading.items, escapes)
            }
            Layout::Split(delimiter) => {
                array(split(only(texts)?, delimiter).into_iter(), reading.items, escapes)
            }
            Layout::Assigned => {
                object(assigned(only(texts)?, escapes)?.into_iter(), reading, escapes)
            }
            Layout::One | Layout::Listed | Layout::Spread | Layout::Deep => {
                object(listed(only(texts)?, escapes)?.into_iter(), reading, escapes)
            }
        }
    }

    // The members of an object that are parameters by themselves.
    fn members<'s>(
        &self,
        layout: Layout,
        reading: &Reading,
        sent: &Sent<'s>,
    ) -> Read<Vec<(String, &'s str)>> {
        if layout == Layout::Deep {
            let deep = sent.query.iter().filter_map(|(name, value)| {
                let rest = name.strip_prefix(self.name.as_str())?;
                let member = rest.strip_prefix('[')?.strip_suffix(']')?;
                Some((member.to_owned(), *value))
            });
            return Ok(deep.collect());
        }
        let mut found = Vec::new();
        for name in reading.members.keys() {
            let texts = sent.find(self.place, name).ok_or("is not text")?;
            found.extend(texts.into_iter().map(|it| (name.clone(), it)));
        }
        Ok(found)
    }
}

impl Meaning {
    fn of_content<'a>(
        content: &Node<'a>,
        translator: &mut Translator<'a>,
    ) -> Result<Self, InvalidSchema> {
        let mut entries = content.members()?;
        let (Some((media, entry)), None) = (entries.next(), entries.next()) else {
            return Err(content.error("must have exactly one media type"));
        };
        let is_json = media.eq_ignore_ascii_case("application/json") || media.ends_with("+json");
        Ok(match entry.get("schema")? {
            Some(schema) if is_json => Self::Json(translator.slot(schema)),
            Some(_) | None => Self::Opaque,
        })
    }
}

// Of two, some servers take the first and some the last.
fn only<'a>(texts: &[&'a str]) -> Read<&'a str> {
    match texts {
        [text] => Ok(text),
        _ => Err("is given more than once"),
    }
}
