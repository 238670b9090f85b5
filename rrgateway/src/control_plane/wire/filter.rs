//! A filter: what of a JSON response is kept, taken out, or covered.

use rrfilter::{Filter as Compiled, Operation as Does};
use serde::{Deserialize, Serialize};

use crate::control_plane::wire::fields::{Flaw, Node};

/// As it is stored and answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    pub(crate) operation: Operation,
    /// JSONPath (RFC 9535).
    pub(crate) paths: Vec<String>,
    /// What covers what the paths match; only ever with [`Operation::Mask`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) with: Option<String>,
}

/// What is done to what the paths match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Operation {
    Retain,
    Destroy,
    Mask,
}

impl Filter {
    /// Reads what a client sent.
    pub(crate) fn read(node: Node<'_>) -> Option<Self> {
        let mut fields = node.object()?;
        let operation = fields.required("operation", |it| it.word(&Operation::WORDS));
        let paths = fields.required("paths", |it| {
            if it.is_empty_list() {
                return it.flaw("name a path");
            }
            it.list(MOST_PATHS, |it| it.text(1..=LONGEST_PATH))
        });
        let is_mask = operation == Some(Operation::Mask);
        let with = fields.optional("with", |it| match is_mask {
            true => it.text(0..=LONGEST_MASK),
            false => it.flaw("only a mask is made with something"),
        });
        let with = with.map(|it| it.or_else(|| is_mask.then(|| MASK.to_owned())));
        fields.close();
        Some(Self { operation: operation?, paths: paths?, with: with? })
    }

    /// The filter that works on responses.
    pub(crate) fn compiled(&self, id: &str) -> Result<Compiled, Flaw> {
        let operation = match self.operation {
            Operation::Retain => Does::Retain,
            Operation::Destroy => Does::Destroy,
            Operation::Mask => Does::Mask,
        };
        let compiled = Compiled::new(id, operation, &self.paths).map_err(|it| {
            let detail = format!("at {}: {}", it.offset, it.why);
            Flaw::new(format!("/paths/{}", it.index), detail)
        })?;
        Ok(match &self.with {
            Some(text) => compiled.with(text),
            None => compiled,
        })
    }
}

impl Operation {
    const WORDS: [(&'static str, Self); 3] =
        [("retain", Self::Retain), ("destroy", Self::Destroy), ("mask", Self::Mask)];
}

const MASK: &str = "***";
const LONGEST_MASK: usize = 256;
const MOST_PATHS: usize = 1_000;
const LONGEST_PATH: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::wire::fields::Flaws;
    use crate::control_plane::wire::json::Json;

    #[test]
    fn what_is_answered_is_what_was_written() {
        for (sent, with) in [
            (r#"{"operation":"retain","paths":["$.a"]}"#, None),
            (r#"{"operation":"destroy","paths":["$..a","$['b','c']"],"with":null}"#, None),
            (r#"{"operation":"mask","paths":["$.a"]}"#, Some("***")),
            (r#"{"operation":"mask","paths":["$.a"],"with":""}"#, Some("")),
        ] {
            let filter = read(sent).unwrap();
            assert_eq!(filter.with.as_deref(), with, "{sent}");
            let stored = serde_json::to_string(&filter).unwrap();
            assert_eq!(serde_json::from_str::<Filter>(&stored).unwrap(), filter);
            assert!(filter.compiled("flt_1").is_ok(), "{sent}");
        }
    }

    #[test]
    fn flaws_are_told_with_their_place() {
        check(
            r#"{"operation":"retain","paths":["$.a"],"with":"x"}"#,
            "/with: only a mask is made with something",
        );
        check(
            r#"{"operation":"hide","paths":[]}"#,
            "/operation: expected \"retain\" or \"destroy\" or \"mask\"/paths: name a path",
        );
        let filter = read(r#"{"operation":"mask","paths":["$.a","$.b[-1]"]}"#).unwrap();
        assert_eq!(filter.compiled("").unwrap_err().pointer, "/paths/1");
    }

    #[track_caller]
    fn check(document: &str, expected: &str) {
        assert_eq!(read(document).unwrap_err(), expected);
    }

    fn read(document: &str) -> Result<Filter, String> {
        let json = Json::parse(document.as_bytes()).unwrap();
        Flaws::read(json, Filter::read)
            .map_err(|it| it.iter().map(|it| format!("{}: {}", it.pointer, it.detail)).collect())
    }
}
