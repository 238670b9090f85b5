//! What is asked of a request: by a rule, or by a predicate of a meter.

use rrrules::Rule as Compiled;
use serde::{Deserialize, Serialize};

use crate::control_plane::wire::check::{BodyCheck, Check, PathCheck};
use crate::control_plane::wire::fields::{Fields, Flaw};
use crate::control_plane::wire::methods::Methods;
use crate::control_plane::wire::pattern::{Flags, Pattern, Presence};
use crate::control_plane::wire::patterns::Patterns;

/// As it is stored and answered, whichever spelling it was written in. All of it must hold; what is
/// left out asks for nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Criteria {
    pub(crate) methods: Option<Methods>,
    pub(crate) path: Option<PathCheck>,
    pub(crate) headers: Box<[Check]>,
    pub(crate) query: Box<[Check]>,
    pub(crate) body: Box<[BodyCheck]>,
}

impl Criteria {
    /// Reads them out of `fields`, in either spelling, and compiles their patterns to see whether
    /// they can be.
    pub(crate) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let methods = fields.optional("methods", Methods::read);
        let flags = Flags::named("regexFlags", fields);
        let path = path(fields, &flags);
        let spelling = fields.spelled(["headers", "headerChecks"]);
        let headers = fields.or(spelling, Vec::new(), |it| {
            it.list(MOST_CHECKS, |it| Check::of_headers(it, &flags))
        });
        let spelling = fields.spelled(["query", "queryChecks"]);
        let query = fields
            .or(spelling, Vec::new(), |it| it.list(MOST_CHECKS, |it| Check::of_query(it, &flags)));
        let spelling = fields.spelled(["body", "bodyChecks"]);
        let body = fields
            .or(spelling, Vec::new(), |it| it.list(MOST_CHECKS, |it| BodyCheck::read(it, &flags)));
        Some(Self {
            methods: methods?,
            path: path?,
            headers: headers?.into(),
            query: query?.into(),
            body: body?.into(),
        })
    }

    /// `rule` with these criteria, of `patterns`.
    pub(crate) fn asked_by(
        &self,
        mut rule: Compiled,
        patterns: &Patterns,
    ) -> Result<Compiled, Flaw> {
        if let Some(methods) = &self.methods {
            rule = rule.methods(methods.iter());
        }
        if let Some(PathCheck { pattern, presence }) = &self.path {
            let pattern = pattern.compiled(patterns);
            let pattern = pattern.map_err(|it| Flaw::new("/path/pattern", it.to_string()))?;
            rule = rule.path(pattern, presence.judged());
        }
        for (index, check) in self.headers.iter().enumerate() {
            rule = rule.header(check.for_headers(&format!("/headers/{index}"), patterns)?);
        }
        for (index, check) in self.query.iter().enumerate() {
            rule = rule.query(check.for_query(&format!("/query/{index}"), patterns)?);
        }
        for (index, check) in self.body.iter().enumerate() {
            rule = rule.body(check.compiled(&format!("/body/{index}"), patterns)?);
        }
        Ok(rule)
    }
}

// `{"path": {"pattern", "presence"}}`, or `{"pathPattern", "pathPresence"}`.
fn path(fields: &mut Fields<'_>, flags: &Flags) -> Option<Option<PathCheck>> {
    let is_other = fields.has("pathPattern");
    if fields.has("path") && (is_other || fields.has("pathPresence")) {
        let name = if is_other { "pathPattern" } else { "pathPresence" };
        fields.flaw::<()>(name, "this is another spelling of path: give one");
    } else if !is_other && fields.has("pathPresence") {
        fields.flaw::<()>("pathPresence", "this needs a pathPattern");
    }
    let pattern = fields.optional("pathPattern", |it| Pattern::read(it, flags));
    let presence = Presence::named("pathPresence", fields);
    let path = fields.optional("path", |it| PathCheck::read(it, flags));
    match pattern? {
        None => path,
        Some(pattern) => Some(Some(PathCheck { pattern, presence: presence? })),
    }
}

const MOST_CHECKS: usize = 100;
