//! All checks on bodies of one rule set, compiled together.

use super::asked::Asked;
use super::call::Calls;
use super::check::{BodyCheck, Known};
use super::content::{Content, Document};
use super::inspection::Inspection;
use super::not_inspectable::NotInspectable;
use super::paths::Paths;

/// All checks on bodies of one rule set. A check's id is its index.
#[derive(Debug)]
pub(crate) struct BodyPlan {
    checks: Vec<Known>,
    paths: Paths,
}

impl BodyPlan {
    /// Costs up to milliseconds for each few checks.
    pub(crate) fn new(checks: Vec<BodyCheck>) -> Self {
        let paths = Paths::new(&checks);
        Self { checks: checks.into_iter().map(Known::from).collect(), paths }
    }

    /// Judges the checks in `wanted`: their ids, ascending.
    pub(crate) fn inspect(
        &self,
        content: &Content<'_>,
        wanted: &[usize],
    ) -> Result<Inspection, NotInspectable> {
        let asked = Asked::new(&self.checks, &self.paths, wanted)?;
        let calls = match content.document()? {
            Document::Empty => Calls::empty(&asked),
            Document::Json(json) => Calls::of_json(&asked, &json)?,
            Document::Form(form) => Calls::of_form(&asked, &form)?,
            Document::GraphQl(text) => Calls::of_graphql(&asked, &text)?,
        };
        let calls =
            if asked.wants_graphql() { calls.with_graphql(&asked, content.query)? } else { calls };
        Ok(calls.inspection(&asked))
    }
}
