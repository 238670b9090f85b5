//! Changes to headers and queries in JSON.

use super::fields::{Fields, list, table, text};
use crate::transform::error::InvalidTransform;
use crate::transform::headers::HeaderEdits;
use crate::transform::normalise::{Duplicates, QueryNormalisation};
use crate::transform::query::QueryEdits;
use crate::transform::wire::fields::flag;

pub(super) fn headers(raw: &str) -> Result<HeaderEdits, InvalidTransform> {
    let mut fields = Fields::of(raw)?;
    let mut edits = HeaderEdits::new();
    for name in names(&mut fields, "remove")? {
        edits = edits.remove(&name)?;
    }
    for (from, to) in pairs(&mut fields, "rename")? {
        edits = edits.rename(&from, &to)?;
    }
    for (name, value) in pairs(&mut fields, "set")? {
        edits = edits.set(&name, &value)?;
    }
    for (name, value) in lines(&mut fields)? {
        edits = edits.append(&name, &value)?;
    }
    fields.close()?;
    Ok(edits)
}

/// What is changed in a query, and how it is spelt before anybody looks at it.
pub(super) fn query(raw: &str) -> Result<(QueryEdits, QueryNormalisation), InvalidTransform> {
    let mut fields = Fields::of(raw)?;
    let mut edits = QueryEdits::new();
    for name in names(&mut fields, "remove")? {
        edits = edits.remove(&name)?;
    }
    for (from, to) in pairs(&mut fields, "rename")? {
        edits = edits.rename(&from, &to)?;
    }
    for (name, value) in pairs(&mut fields, "set")? {
        edits = edits.set(&name, &value)?;
    }
    for (name, value) in lines(&mut fields)? {
        edits = edits.append(&name, &value)?;
    }
    let normalisation = fields.take("normalise", normalisation)?;
    fields.close()?;
    Ok((edits, normalisation.unwrap_or_default()))
}

fn normalisation(raw: &str) -> Result<QueryNormalisation, InvalidTransform> {
    let mut fields = Fields::of(raw)?;
    let mut all = QueryNormalisation::new();
    if let Some(kept) = fields.take("keepOnly", |raw| list(raw, text))? {
        all = all.keep_only(kept);
    }
    all = all.remove(names(&mut fields, "remove")?);
    if fields.take("dropEmpty", flag)? == Some(true) {
        all = all.drop_empty();
    }
    if let Some(which) = fields.take("duplicates", duplicates)? {
        all = all.duplicates(which);
    }
    if fields.take("sort", flag)? == Some(true) {
        all = all.sort();
    }
    fields.close()?;
    Ok(all)
}

fn duplicates(raw: &str) -> Result<Duplicates, InvalidTransform> {
    match raw {
        "\"all\"" => Ok(Duplicates::All),
        "\"first\"" => Ok(Duplicates::First),
        "\"last\"" => Ok(Duplicates::Last),
        _ => Err(InvalidTransform::new("expected \"all\" or \"first\" or \"last\"")),
    }
}

fn names(fields: &mut Fields<'_>, part: &str) -> Result<Vec<String>, InvalidTransform> {
    Ok(fields.take(part, |raw| list(raw, text))?.unwrap_or_default())
}

fn pairs(fields: &mut Fields<'_>, part: &str) -> Result<Vec<(String, String)>, InvalidTransform> {
    let read = |raw| {
        let pair = |(name, raw): (String, &str)| match text(raw) {
            Ok(value) => Ok((name, value)),
            Err(error) => Err(error.within(&name)),
        };
        table(raw)?.into_iter().map(pair).collect()
    };
    Ok(fields.take(part, read)?.unwrap_or_default())
}

// One line of a name, or several.
fn lines(fields: &mut Fields<'_>) -> Result<Vec<(String, String)>, InvalidTransform> {
    let read = |raw| {
        let mut lines = Vec::new();
        for (name, raw) in table(raw)? {
            let values = match raw.starts_with('[') {
                true => list(raw, text),
                false => text(raw).map(|it| vec![it]),
            };
            let values = values.map_err(|it| it.within(&name))?;
            lines.extend(values.into_iter().map(|it| (name.clone(), it)));
        }
        Ok(lines)
    };
    Ok(fields.take("append", read)?.unwrap_or_default())
}
