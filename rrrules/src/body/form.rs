//! Forms: names and values, in every way that servers read them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::asked::{Asked, Judge, Said, Weight};
use super::inspection::Findings;
use super::not_inspectable::NotInspectable;
use crate::query::{Pair, Query};

/// Reads a form.
pub(super) fn read(form: &[u8]) -> Result<Query<'_>, NotInspectable> {
    let text = std::str::from_utf8(form).map_err(|_| NotInspectable("a form that is not UTF-8"))?;
    let pairs = form.iter().filter(|it| matches!(it, b'&' | b';')).count();
    if pairs >= MAX_PAIRS {
        return Err(NotInspectable("a form with too many fields"));
    }
    Query::parse(text).map_err(|_| NotInspectable("a form with a malformed escape"))
}

/// What is found in the form: for sure, if in each way to split it there is a name of which all
/// values match.
pub(super) fn judge(
    asked: &Asked<'_>,
    form: &Query<'_>,
    length: usize,
) -> Result<Findings, NotInspectable> {
    let mut judge = asked.judge(length);
    let mut all = in_reading(&mut judge, asked, form.standard())?;
    for splitting in form.splittings().skip(1) {
        all.both(&in_reading(&mut judge, asked, splitting)?);
    }
    // Only against the caller: what a browser sends for `a b` would never be `a b`.
    for with_plus in form.readings().skip(form.splittings().count()) {
        all.maybe(&in_reading(&mut judge, asked, with_plus)?);
    }
    Ok(all)
}

/// All values of the name, in every way to split.
pub(super) fn values<'a>(form: &'a Query<'_>, name: &str) -> Vec<&'a str> {
    let pairs = form.splittings().flatten();
    let mut values: Vec<_> = pairs.filter(|it| it.name == name).map(|it| &*it.value).collect();
    values.sort_unstable();
    values.dedup();
    values
}

// The values of one path.
#[derive(Default)]
struct Field<'a> {
    values: Vec<&'a str>,
    // Whether a name is spelt like the path.
    is_spelt: bool,
}

fn in_reading(
    judge: &mut Judge<'_>,
    asked: &Asked<'_>,
    pairs: &[Pair<'_>],
) -> Result<Findings, NotInspectable> {
    let mut fields: BTreeMap<Cow<'_, str>, Field<'_>> = BTreeMap::new();
    for pair in pairs {
        if let Some(dotted) = dotted(&pair.name) {
            fields.entry(dotted.into()).or_default().values.push(&pair.value);
        }
        let field = fields.entry(Cow::Borrowed(&pair.name)).or_default();
        field.values.push(&pair.value);
        field.is_spelt = true;
    }
    let mut all = asked.nothing();
    for (path, Field { values, is_spelt }) in &fields {
        judge.place.restart();
        judge.place.follow(path.as_bytes());
        let weight = if *is_spelt { Weight::Sure } else { Weight::Doubtful };
        let mut each = values.iter().map(|value| {
            judge.look(Said::Text(value), weight);
            judge.take()
        });
        let Some(mut field) = each.next().transpose()? else { continue };
        for value in each {
            field.both(&value?);
        }
        all.either(&field);
    }
    Ok(all)
}

// How servers that know brackets read a name: `user[role]` as `user.role`, `a[]` as `a`. `None`
// without brackets.
fn dotted(name: &str) -> Option<String> {
    name.find('[')?;
    let mut dotted = String::with_capacity(name.len());
    for part in name.split(['[', ']']).filter(|it| !it.is_empty()) {
        if !dotted.is_empty() {
            dotted.push('.');
        }
        dotted.push_str(part);
    }
    Some(dotted)
}

// Bounds the memory that the readings take. Many servers read no more than this.
const MAX_PAIRS: usize = 1_000;
