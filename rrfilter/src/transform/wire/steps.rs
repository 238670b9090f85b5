//! Changes to bodies in JSON.

use super::fields::{Fields, list, text};
use crate::transform::body::BodyTransform;
use crate::transform::error::InvalidTransform;
use crate::transform::json::{JsonPointer, JsonTemplate, PatchOperation};
use crate::transform::step::BodyStep;

pub(super) fn body(raw: &str) -> Result<BodyTransform, InvalidTransform> {
    BodyTransform::new(list(raw, step)?)
}

fn step(raw: &str) -> Result<BodyStep, InvalidTransform> {
    let mut fields = Fields::of(raw)?;
    let kind = fields.required("op", text)?;
    let step = match kind.as_str() {
        "add" => BodyStep::add(&fields.required("path", text)?, value(&mut fields)?)?,
        "set" => BodyStep::set(&fields.required("path", text)?, value(&mut fields)?)?,
        "remove" => BodyStep::remove(&fields.required("path", text)?)?,
        "rename" => {
            BodyStep::rename(&fields.required("path", text)?, &fields.required("to", text)?)?
        }
        "move" => {
            BodyStep::move_to(&fields.required("from", text)?, &fields.required("path", text)?)?
        }
        "unwrap" => BodyStep::unwrap(&fields.required("path", text)?)?,
        "wrap" => BodyStep::wrap(&fields.required("path", text)?)?,
        "patch" => fields.required("operations", |raw| BodyStep::patch(list(raw, operation)?))?,
        "fromForm" => BodyStep::from_form(),
        "toForm" => BodyStep::to_form(),
        #[cfg(feature = "xml")]
        "fromXml" => BodyStep::from_xml(),
        _ => {
            let known = "expected add, set, remove, rename, move, unwrap, wrap, patch, fromForm, \
                         toForm or fromXml";
            return Err(InvalidTransform::new(known).within("op"));
        }
    };
    fields.close()?;
    Ok(step)
}

// RFC 6902 §4. Unlike there, members without a meaning are refused.
fn operation(raw: &str) -> Result<PatchOperation, InvalidTransform> {
    let mut fields = Fields::of(raw)?;
    let kind = fields.required("op", text)?;
    let path = fields.required("path", pointer)?;
    let operation = match kind.as_str() {
        "add" => PatchOperation::Add { path, value: template(&mut fields)? },
        "remove" => PatchOperation::Remove { path },
        "replace" => PatchOperation::Replace { path, value: template(&mut fields)? },
        "move" => PatchOperation::Move { from: fields.required("from", pointer)?, path },
        "copy" => PatchOperation::Copy { from: fields.required("from", pointer)?, path },
        "test" => PatchOperation::Test { path, value: template(&mut fields)? },
        _ => {
            let known = "expected add, remove, replace, move, copy or test";
            return Err(InvalidTransform::new(known).within("op"));
        }
    };
    fields.close()?;
    Ok(operation)
}

fn template(fields: &mut Fields<'_>) -> Result<JsonTemplate, InvalidTransform> {
    JsonTemplate::new(value(fields)?).map_err(|it| it.within("value"))
}

// A null is a value, too.
fn value<'a>(fields: &mut Fields<'a>) -> Result<&'a str, InvalidTransform> {
    fields.given("value").ok_or_else(|| InvalidTransform::new("this is required").within("value"))
}

fn pointer(raw: &str) -> Result<JsonPointer, InvalidTransform> {
    JsonPointer::new(&text(raw)?)
}
