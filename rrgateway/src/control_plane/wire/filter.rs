//! A filter: what of a JSON response is kept, or taken out.

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
}

/// What is done to what the paths match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Operation {
    Retain,
    Destroy,
}

impl Filter {
    /// Reads what a client sent.
    pub(crate) fn read(node: Node<'_>) -> Option<Self> {
        let mut fields = node.object()?;
        let words = [("retain", Operation::Retain), ("destroy", Operation::Destroy)];
        let operation = fields.required("operation", |it| it.word(&words));
        let paths = fields.required("paths", |it| {
            if it.is_empty_list() {
                return it.flaw("name a path");
            }
            it.list(MOST_PATHS, |it| it.text(1..=LONGEST_PATH))
        });
        fields.close();
        Some(Self { operation: operation?, paths: paths? })
    }

    /// The filter that works on responses.
    pub(crate) fn compiled(&self, id: &str) -> Result<Compiled, Flaw> {
        let operation = match self.operation {
            Operation::Retain => Does::Retain,
            Operation::Destroy => Does::Destroy,
        };
        Compiled::new(id, operation, &self.paths).map_err(|it| {
            let detail = format!("at {}: {}", it.offset, it.why);
            Flaw::new(format!("/paths/{}", it.index), detail)
        })
    }
}

const MOST_PATHS: usize = 1_000;
const LONGEST_PATH: usize = 4 << 10;
