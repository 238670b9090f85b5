//! What a proxy changes in requests and responses.

use rrfilter::{InvalidTransform, Rewrite, Transform as Compiled};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::control_plane::wire::fields::{Flaw, Node};
use crate::model::Transformation;

/// As it is stored and answered: as it was written, but for the order of members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Transform(Value);

impl Transform {
    /// Reads what a client sent.
    pub(crate) fn read(node: Node<'_>) -> Option<Self> {
        node.json(|it| compiled(&it.to_string()).map(drop)).map(Self)
    }

    /// The same text for the same transformation.
    pub(crate) fn text(&self) -> String {
        self.0.to_string()
    }

    /// What transforms.
    pub(crate) fn compiled(&self) -> Result<Transformation, Flaw> {
        compiled(&self.text())
            .map_err(|it| Flaw::new(format!("/transform{}", it.pointer), it.detail))
    }
}

fn compiled(text: &str) -> Result<Transformation, Flaw> {
    let transform = Compiled::from_json(text).map_err(|it| flaw(&it))?;
    let rewrite = Rewrite::from_json(text).map_err(|it| flaw(&it))?;
    Ok(Transformation { transform: transform.into(), rewrite })
}

fn flaw(error: &InvalidTransform) -> Flaw {
    let detail = match error.offset() {
        Some(offset) => format!("at {offset}: {}", error.why()),
        None => error.why().to_owned(),
    };
    Flaw::new(error.place(), detail)
}
