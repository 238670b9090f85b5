//! The few rules of a small set: which of them can fit a request, told from numbers that lie side by
//! side. To ask a rule in full takes ten times as long.

use crate::header_names::Mark;
use crate::letters::Letters;
use crate::methods::KINDS;
use crate::pattern::Presence;
use crate::rule::{Effect, Rule};
use crate::subject::Reading;

/// Up to so many rules, asking each is as quick as asking the index.
pub(crate) const SMALL: usize = u16::BITS as usize;

/// What the rules of a small set need. What it finds is asked in full; what it leaves out cannot fit.
#[derive(Debug)]
pub(crate) struct Small {
    /// By the kind of the method, a bit for each rule that is about it.
    by_method: [u16; KINDS],
    needs: Box<[Needs]>,
}

/// What a request must have for one rule to fit.
#[derive(Debug)]
struct Needs {
    /// How the path begins: these bits of its first eight bytes.
    start: u64,
    mask: u64,
    letters: Letters,
    /// Whether another reading of the path will do.
    any_reading: bool,
    /// The marks of the names that must be there.
    headers: u64,
    query: u64,
}

impl Small {
    /// `None` for more than [`SMALL`] rules.
    pub(crate) fn of(rules: &[Rule]) -> Option<Self> {
        let by_method = |kind| {
            let rules = (0..).zip(rules).filter(|(_, rule)| rule.methods.may_contain(kind));
            rules.fold(0, |bits, (place, _): (u32, _)| bits | 1 << place)
        };
        (rules.len() <= SMALL).then(|| Self {
            by_method: std::array::from_fn(by_method),
            needs: rules.iter().map(Needs::of).collect(),
        })
    }

    /// A bit for each rule that may fit.
    pub(crate) fn bits(&self, reading: &Reading<'_>) -> u16 {
        let about = self.by_method.get(reading.method()).copied().unwrap_or(u16::MAX);
        let start = first_bytes(reading.subject().path.as_str().as_bytes());
        (0..).zip(&self.needs).fold(about, |bits, (place, needs): (u32, _)| {
            let bit = 1 << place;
            if bits & bit == 0 || needs.are_met(start, reading) { bits } else { bits & !bit }
        })
    }
}

impl Needs {
    fn of(rule: &Rule) -> Self {
        let pattern = match &rule.path {
            Some((pattern, Presence::Present)) => Some(pattern),
            Some((_, Presence::Absent)) | None => None,
        };
        let (start, letters) = pattern.map_or((&[][..], Letters::NONE), |it| it.needs());
        let names = rule.headers.iter().filter_map(|it| Some(Mark::of(it.needs()?)));
        let params = rule.query.iter().filter_map(|it| Some(Mark::of_text(it.needs()?.as_bytes())));
        Self {
            start: first_bytes(start),
            mask: start.iter().take(8).fold(0, |mask, _| mask << 8 | 0xff),
            letters,
            any_reading: rule.effect == Effect::Deny,
            headers: names.fold(0, |all, it| all | it.bits()),
            query: params.fold(0, |all, it| all | it.bits()),
        }
    }

    fn are_met(&self, start: u64, reading: &Reading<'_>) -> bool {
        let begins_so = start & self.mask == self.start;
        let may_match = begins_so
            && (self.letters == Letters::NONE || reading.path_letters().has_all(self.letters));
        (may_match || self.any_reading && !reading.other_paths().is_empty())
            && (self.headers == 0 || self.headers & !reading.header_marks() == 0)
            && (self.query == 0 || self.query & !reading.query_marks() == 0)
    }
}

// Of a shorter text, zeros follow, which are in no path.
fn first_bytes(text: &[u8]) -> u64 {
    let mut first = [0; 8];
    first.iter_mut().zip(text).for_each(|(to, it)| *to = *it);
    u64::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderName, HeaderValue, Method};
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::finding::Finding;
    use crate::header::{HeaderCheck, NameMatch};
    use crate::path::CanonicalPath;
    use crate::path_options::{DuplicateSlashes, EncodedSlash, PathOptions};
    use crate::pattern::Pattern;
    use crate::query_check::{QueryCheck, QueryName};
    use crate::subject::{Lacks, Subject};

    fn rules() -> impl Strategy<Value = Vec<Rule>> {
        let presence = || select(vec![Presence::Present, Presence::Absent]);
        let path = select(vec![
            "",
            "^/",
            "^/a",
            "^/a/[^/]+/c$",
            "^/a/b/c",
            "^/abcdefghi",
            "^/abcdefg$",
            "(?i)/A",
            "c$",
            r"^/a/\d+$",
            "(?m)^/x$",
            "^/é",
        ]);
        let name = select(vec!["x-a", "x_b", "x-long-name", "y"]);
        let (header, query) = (name.clone(), select(vec!["a", "b;c", "a b", "é"]));
        let rule = (
            any::<bool>(),
            select(vec![&[][..], &["GET"], &["POST", "PUT"], &["BREW"]]),
            prop::option::of((path, presence())),
            prop::option::of((header, presence())),
            prop::option::of((query, presence())),
        );
        let rule = rule.prop_map(|(is_deny, methods, path, header, query)| {
            let effect = if is_deny { Effect::Deny } else { Effect::Allow };
            let mut rule = Rule::new("r", effect).methods(methods);
            if let Some((pattern, presence)) = path {
                rule = rule.path(Pattern::new(pattern, "").unwrap(), presence);
            }
            if let Some((name, presence)) = header {
                let name = NameMatch::exact(name.parse().unwrap());
                rule = rule.header(HeaderCheck { name, value: None, presence });
            }
            if let Some((name, presence)) = query {
                let name = QueryName::exact(name);
                rule = rule.query(QueryCheck { name, value: None, presence });
            }
            rule
        });
        prop::collection::vec(rule, 0..=SMALL)
    }

    proptest! {
        #[test]
        fn what_is_left_out_cannot_fit(
            rules in rules(),
            method in select(vec!["GET", "POST", "BREW", "get"]),
            path in select(vec![
                "/", "/a", "/a/b/c", "/a/b", "/a/7", "/abcdefg", "/abcdefghij", "/x", "/A", "/%C3%A9",
                "/x;y/a", "/a//b", "/a%2Fb/c", "/%61", "/a;v=1/b/c",
            ]),
            query in select(vec!["", "a=1", "b;c", "a+b", "a%20b=1", "%zz", "%C3%A9&x", "x"]),
            names in prop::collection::vec(select(vec!["x-a", "x_a", "x-b", "x-long-name", "z"]), 0..3),
            lacks in any::<(bool, bool, bool)>(),
        ) {
            let mut options = PathOptions::strict();
            options.encoded_slash = EncodedSlash::Keep;
            options.duplicate_slashes = DuplicateSlashes::Keep;
            let path = CanonicalPath::parse_with(path, options).unwrap();
            let mut headers = HeaderMap::new();
            for name in names {
                headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_static("1"));
            }
            let method = method.parse::<Method>().unwrap();
            let body = Bytes::new();
            let subject =
                Subject { method: &method, path: &path, query: Some(query), headers: &headers, body: &body };
            let lacks =
                Lacks { headers: lacks.0, query: lacks.1, query_values: lacks.2, body: false };
            let reading = Reading::lacking(subject, lacks);
            let bits = Small::of(&rules).unwrap().bits(&reading);
            for (place, rule) in rules.iter().enumerate() {
                let fits = !matches!(rule.check(&reading), Finding::Fails(_));
                prop_assert!(!fits || bits >> place & 1 == 1, "{rule:?} is left out");
            }
        }
    }
}
