//! What the variables of one message stand for.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

use crate::transform::error::InvalidTransform;
use crate::transform::variable::Variable;

/// What the variables in templates stand for. A [`TransformLayer`](crate::TransformLayer) finds
/// them by itself; who transforms without one says them.
///
/// Prints names only.
///
/// ```
/// use rrfilter::{Template, Values};
///
/// let values = Values::none().with("claim.sub", "alice")?.with("claim.groups", vec!["a", "b"])?;
/// let template = Template::new("{claim.sub} of {claim.groups}; {claim.other|nobody}")?;
/// assert_eq!(template.render(&values).unwrap(), "alice of a,b; nobody");
/// # Ok::<(), rrfilter::InvalidTransform>(())
/// ```
#[derive(Clone, Default)]
pub struct Values {
    known: Vec<(Variable, Value)>,
}

impl Values {
    /// Nothing is known: every variable is missing.
    #[must_use]
    pub const fn none() -> Self {
        Self { known: Vec::new() }
    }

    /// `variable`, as templates call it, stands for `value`.
    ///
    /// # Errors
    ///
    /// When there is no such variable.
    pub fn with(
        mut self,
        variable: &str,
        value: impl Into<Value>,
    ) -> Result<Self, InvalidTransform> {
        self.add(Variable::named(variable).map_err(InvalidTransform::new)?, Some(value.into()));
        Ok(self)
    }

    pub(crate) fn add(&mut self, variable: Variable, value: Option<Value>) {
        self.known.retain(|(it, _)| *it != variable);
        self.known.extend(value.map(|it| (variable, it)));
    }

    pub(crate) fn get(&self, variable: &Variable) -> Option<&Value> {
        let value = &self.known.iter().find(|(it, _)| it == variable)?.1;
        (!value.is_null()).then_some(value)
    }

    /// As text; `None` for what has no text that can be read in one way only.
    pub(crate) fn text(&self, variable: &Variable) -> Option<Cow<'_, str>> {
        match self.get(variable)? {
            Value::Array(list) => joined(list).map(Cow::Owned),
            value => scalar(value),
        }
    }
}

fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Bool(_) | Value::Number(_) => Some(Cow::Owned(value.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

// One that has a comma in it would look like two.
fn joined(list: &[Value]) -> Option<String> {
    let texts = list.iter().map(|it| scalar(it).filter(|it| !it.contains(',')));
    Some(texts.collect::<Option<Vec<_>>>()?.join(","))
}

// Values are about people.
impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.known.iter().map(|it| &it.0)).finish()
    }
}
