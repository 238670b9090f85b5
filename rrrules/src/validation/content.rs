//! The media types that a body may have, and what each must hold.

use serde_json::Value;

use super::invalid_schema::InvalidSchema;
use super::kinds::Reading;
use super::layout::{Escapes, object};
use super::media::{MediaType, Range};
use super::node::Node;
use super::schemas::{Schemas, Slot};
use super::text::{Plus, decode, pairs};
use super::translate::Translator;
use super::violation::Violations;
use rrcore::json;

/// The media types that a body may have.
pub(super) struct Content {
    listed: Vec<Listed>,
}

/// A media type that is listed, or a range of them.
pub(super) struct Listed {
    range: Range,
    /// What a body must be. `None`: anything.
    rule: Option<Rule>,
}

struct Rule {
    slot: Slot,
    reading: Reading,
}

impl Content {
    /// Of a `content` object.
    pub(super) fn compile<'a>(
        node: &Node<'a>,
        translator: &mut Translator<'a>,
    ) -> Result<Self, InvalidSchema> {
        let mut listed = Vec::new();
        for (name, entry) in node.members()? {
            let range = Range::parse(name).ok_or_else(|| entry.error("is no media type"))?;
            let entry = entry.resolved(translator.document())?;
            let rule = entry.get("schema")?.map(|schema| Rule {
                reading: Reading::of(translator.document(), schema.value),
                slot: translator.slot(schema),
            });
            listed.push(Listed { range, rule });
        }
        Ok(Self { listed })
    }

    /// Lists nothing.
    pub(super) const fn none() -> Self {
        Self { listed: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// What `media` is listed as.
    pub(super) fn find(&self, media: &MediaType) -> Option<&Listed> {
        let fitting = self.listed.iter().filter_map(|it| Some((it.range.fit(media)?, it)));
        fitting.max_by_key(|(fit, _)| *fit).map(|(_, it)| it)
    }
}

impl Listed {
    /// Whether a body of this type is looked into.
    pub(super) fn looks_into(&self, media: &MediaType) -> bool {
        self.rule.is_some() && (media.is_json() || media.is_form())
    }

    pub(super) fn check(
        &self,
        media: &MediaType,
        body: &[u8],
        schemas: &Schemas,
        violations: &mut Violations,
    ) {
        let Some(rule) = &self.rule else { return };
        let value = match (media.is_json(), media.is_form()) {
            (true, _) => json::value(body),
            (false, true) => form(body, &rule.reading),
            (false, false) => return,
        };
        match value {
            Ok(value) => schemas.check(Some(&rule.slot), value, body.len(), "/body", violations),
            Err(detail) => violations.add("/body", detail),
        }
    }
}

fn form(body: &[u8], reading: &Reading) -> Result<Value, &'static str> {
    let text = std::str::from_utf8(body).map_err(|_| "is not UTF-8")?;
    let named: Option<Vec<_>> =
        pairs(text).map(|(name, value)| Some((decode(name, Plus::Space)?, value))).collect();
    let named = named.ok_or("has a malformed escape")?;
    object(named.into_iter(), reading, Escapes::Percent(Plus::Space))
}
