//! Lists in pages: `limit`, and a cursor that only fits the list it came from.

use axum::extract::Query;
use axum::http::Uri;

use crate::control_plane::api::problem::Problem;
use crate::control_plane::config::resource::digest;
use crate::control_plane::store::query::Span;
use crate::control_plane::wire::fields::{Flaw, pointer_to};
use crate::control_plane::wire::text;

/// What is asked for in the query of a list.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) limit: usize,
    /// After, or for records before, which position.
    pub(crate) cursor: Option<u64>,
    filters: Vec<(String, String)>,
}

impl Page {
    /// Reads the query of `uri` for the list named `list`, which knows these `filters`.
    pub(crate) fn read(uri: &Uri, list: &str, filters: &[&str]) -> Result<Self, Problem> {
        let flaw =
            |name: &str, why: &str| Problem::invalid(&[Flaw::new(pointer_to("", name), why)]);
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|_| Problem::invalid(&[Flaw::new("", "the query cannot be read")]))?;
        let mut page = Self { limit: DEFAULT, cursor: None, filters: Vec::new() };
        for (index, (name, value)) in pairs.iter().enumerate() {
            if pairs.iter().take(index).any(|(it, _)| it == name) {
                return Err(flaw(name, "this is given twice"));
            }
            match name.as_str() {
                "limit" => {
                    let limit = limit(value).ok_or_else(|| flaw("limit", "expected 1 or more"));
                    page.limit = limit?;
                }
                "cursor" => {
                    let position = position(value, list);
                    let foreign = || flaw("cursor", "this is no cursor of this list");
                    page.cursor = Some(position.ok_or_else(foreign)?);
                }
                known if filters.contains(&known) => {
                    page.filters.push((name.clone(), value.clone()));
                }
                _ => return Err(flaw(name, "there is no such parameter here")),
            }
        }
        Ok(page)
    }

    /// The value of a filter.
    pub(crate) fn filter(&self, name: &str) -> Option<&str> {
        self.filters.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// What `parse` makes of the value of a filter.
    pub(crate) fn parsed<'a, T>(
        &'a self,
        name: &str,
        parse: impl FnOnce(&'a str) -> Result<T, &'static str>,
    ) -> Result<Option<T>, Problem> {
        let parsed = self.filter(name).map(parse).transpose();
        parsed.map_err(|why| Problem::invalid(&[Flaw::new(pointer_to("", name), why)]))
    }

    /// The times that the filters `after` and `before` give.
    pub(crate) fn span(&self) -> Result<Span, Problem> {
        let after = self.parsed("after", text::millis)?;
        Ok(Span { after, before: self.parsed("before", text::millis)? })
    }
}

/// The cursor for what comes after `position` in the list named `list`.
pub(crate) fn cursor(position: u64, list: &str) -> String {
    let check = digest([list.as_bytes(), &position.to_be_bytes()]).short();
    format!("{position:x}.{check}")
}

fn position(cursor: &str, list: &str) -> Option<u64> {
    let (position, _) = cursor.split_once('.')?;
    let position = u64::from_str_radix(position, 16).ok()?;
    (self::cursor(position, list) == cursor).then_some(position)
}

fn limit(text: &str) -> Option<usize> {
    // `+5` would pass as a number.
    let is_number = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let number = text.parse().unwrap_or(MOST);
    (is_number && number > 0).then_some(number.min(MOST))
}

const DEFAULT: usize = 100;
const MOST: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_numbers_from_one_and_capped() {
        check("", Some(100));
        check("limit=1", Some(1));
        check("limit=99999999999999999999999", Some(1_000));
        for bad in ["limit=0", "limit=-1", "limit=x", "limit=", "limit=%2B5", "limit=1&limit=2"] {
            check(bad, None);
        }
        check("limits=5", None);
    }

    #[test]
    fn a_cursor_fits_one_list_only() {
        let of_a = cursor(7, "a");
        assert_eq!(Page::read(&uri(&format!("cursor={of_a}")), "a", &[]).unwrap().cursor, Some(7));
        assert!(Page::read(&uri(&format!("cursor={of_a}")), "b", &[]).is_err());
        for bad in ["", "7", "7.", "x.y", &of_a.replace("7.", "8."), &of_a.replace("7.", "07.")] {
            assert!(Page::read(&uri(&format!("cursor={bad}")), "a", &[]).is_err(), "{bad}");
        }
    }

    #[track_caller]
    fn check(query: &str, expected: Option<usize>) {
        let page = Page::read(&uri(query), "a", &[]);
        assert_eq!(page.map(|it| it.limit).ok(), expected, "{query}");
    }

    fn uri(query: &str) -> Uri {
        format!("/?{query}").parse().unwrap()
    }
}
