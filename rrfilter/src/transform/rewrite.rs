//! Paths rewritten by patterns.

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;

use crate::transform::error::InvalidTransform;
use crate::transform::normalise::QueryNormalisation;

/// A pattern, and what the first place becomes where it is found in a path. Compiled: cheap to
/// clone.
///
/// The pattern is in the syntax of the [`regex`] crate and runs in time linear in the path. `$1` and
/// `${name}` stand for its groups, `$$` for a `$`. It sees the path as it is on the wire,
/// percent-encoded, from the `/` at its start, without the query. What comes out is a path as a
/// stranger might have sent it: whoever routes by it makes it canonical first.
///
/// ```
/// use rrfilter::PathRewrite;
///
/// let rewrite = PathRewrite::new("^/v1/users/(?<id>[^/]+)$", "/people/${id}/profile")?;
/// assert_eq!(rewrite.apply("/v1/users/7").as_deref(), Some("/people/7/profile"));
/// assert_eq!(rewrite.apply("/v2/users/7"), None);
/// # Ok::<(), rrfilter::InvalidTransform>(())
/// ```
#[derive(Clone, Debug)]
pub struct PathRewrite {
    pattern: Regex,
    parts: Vec<Part>,
}

/// What is done to the path and the query of a request before anybody looks at them: paths one after
/// the other, then the query.
///
/// ```
/// use rrfilter::{PathRewrite, QueryNormalisation, Rewrite};
///
/// let rewrite = Rewrite::none()
///     .path(PathRewrite::new("^/v1/", "/v2/")?)
///     .query(QueryNormalisation::new().sort());
/// assert_eq!(rewrite.apply_path("/v1/a"), "/v2/a");
/// assert_eq!(rewrite.apply_query("b=1&a=2"), "a=2&b=1");
/// # Ok::<(), rrfilter::InvalidTransform>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Rewrite {
    paths: Vec<PathRewrite>,
    query: QueryNormalisation,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Group(usize),
}

impl Rewrite {
    /// Does nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Rewrites the path by this, too, after those that were given before.
    #[must_use]
    pub fn path(mut self, rewrite: PathRewrite) -> Self {
        self.paths.push(rewrite);
        self
    }

    /// Normalises the query so.
    #[must_use]
    pub fn query(mut self, normalisation: QueryNormalisation) -> Self {
        self.query = normalisation;
        self
    }

    /// Whether it does nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.query.is_empty()
    }

    /// What becomes of `path`. It is to be made canonical again, and may be found malformed then.
    #[must_use]
    pub fn apply_path<'a>(&self, path: &'a str) -> Cow<'a, str> {
        let rewritten = |path: Cow<'a, str>, it: &PathRewrite| match it.apply(&path) {
            Some(path) => Cow::Owned(path),
            None => path,
        };
        self.paths.iter().fold(Cow::Borrowed(path), rewritten)
    }

    /// What becomes of `query` (without its `?`); where nothing is left of it, the empty text.
    #[must_use]
    pub fn apply_query<'a>(&self, query: &'a str) -> Cow<'a, str> {
        self.query.apply(query)
    }
}

impl PathRewrite {
    /// Compiles `pattern` (place `/pattern` in errors) and `replacement` (`/to`).
    ///
    /// Costs up to milliseconds: compile where configuration is read, not per request.
    ///
    /// # Errors
    ///
    /// On a pattern that needs backtracking, is not understood, is longer than 4 KiB, larger than
    /// 1 MiB when compiled, or nested deeper than 50; and on a replacement with what no path can
    /// have, or with groups that the pattern does not have.
    pub fn new(pattern: &str, replacement: &str) -> Result<Self, InvalidTransform> {
        let pattern = compile(pattern).map_err(|it| it.within("pattern"))?;
        let parts = parts(replacement, &pattern).map_err(|it| it.within("to"))?;
        Ok(Self { pattern, parts })
    }

    /// What becomes of `path`; `None` where the pattern is not found in it, or the outcome would
    /// not start with `/`, or be longer than 64 KiB: the path stays as it is.
    #[must_use]
    pub fn apply(&self, path: &str) -> Option<String> {
        let found = self.pattern.captures(path)?;
        let whole = found.get(0)?;
        let mut out = path.get(..whole.start())?.to_owned();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Group(group) => out.push_str(found.get(*group).map_or("", |it| it.as_str())),
            }
            if out.len() > LONGEST_PATH {
                return None;
            }
        }
        out.push_str(path.get(whole.end()..)?);
        (out.starts_with('/') && out.len() <= LONGEST_PATH).then_some(out)
    }
}

fn compile(pattern: &str) -> Result<Regex, InvalidTransform> {
    if pattern.len() > MAX_LENGTH {
        return Err(InvalidTransform::new("a pattern has 4 KiB at the most"));
    }
    // What `regex` says about syntax is a drawing of several lines: asked here for where and why.
    let syntax = ParserBuilder::new().nest_limit(MAX_NESTING).build().parse(pattern);
    let (why, span) = match syntax {
        Ok(_) => {
            let mut builder = RegexBuilder::new(pattern);
            builder.size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).nest_limit(MAX_NESTING);
            let too_large = |_| InvalidTransform::new("compiled, it is larger than 1 MiB");
            return builder.build().map_err(too_large);
        }
        Err(regex_syntax::Error::Parse(error)) => (error.kind().to_string(), *error.span()),
        Err(regex_syntax::Error::Translate(error)) => (error.kind().to_string(), *error.span()),
        Err(_) => return Err(InvalidTransform::new("this is not a pattern")),
    };
    Err(InvalidTransform::new(why).at(span.start.offset))
}

fn parts(text: &str, pattern: &Regex) -> Result<Vec<Part>, InvalidTransform> {
    let (mut parts, mut plain, mut at) = (Vec::new(), String::new(), 0);
    while let Some(rest) = text.get(at..).filter(|it| !it.is_empty()) {
        let dollar = rest.find('$').unwrap_or(rest.len());
        let (before, from) = rest.split_at(dollar);
        literal(before).map_err(|(offset, why)| InvalidTransform::new(why).at(at + offset))?;
        plain.push_str(before);
        at += dollar;
        if from.is_empty() {
            break;
        }
        if from.starts_with("$$") {
            plain.push('$');
            at += 2;
            continue;
        }
        let (name, length) = reference(from).ok_or_else(|| InvalidTransform::new(LONE).at(at))?;
        let group = group(name, pattern).ok_or_else(|| InvalidTransform::new(NO_GROUP).at(at))?;
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain)));
        }
        parts.push(Part::Group(group));
        at += length;
    }
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(parts)
}

// The name after `$` or in `${}`, and how long all of it is.
fn reference(from: &str) -> Option<(&str, usize)> {
    let after = from.strip_prefix('$')?;
    if let Some(braced) = after.strip_prefix('{') {
        let name = braced.split_once('}')?.0;
        return Some((name, name.len() + "${}".len()));
    }
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0).then(|| Some((after.get(..digits)?, digits + 1)))?
}

fn group(name: &str, pattern: &Regex) -> Option<usize> {
    match name.parse() {
        Ok(number) => (number < pattern.captures_len()).then_some(number),
        Err(_) => pattern.capture_names().position(|it| it == Some(name)),
    }
}

// RFC 3986 §3.3: what a path consists of.
fn literal(text: &str) -> Result<(), (usize, &'static str)> {
    for (at, byte) in text.bytes().enumerate() {
        let why = match byte {
            b'?' | b'#' => "this would end the path",
            b'%' if !is_escape(text.as_bytes(), at) => "after `%` come two hexadecimal digits",
            b'%' | b'/' => continue,
            _ if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte) => continue,
            _ => "in a path this is percent-encoded",
        };
        return Err((at, why));
    }
    Ok(())
}

fn is_escape(text: &[u8], at: usize) -> bool {
    let digits = text.get(at + 1..at + 3).unwrap_or_default();
    digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit)
}

const LONE: &str = "after `$` comes a number, a name in braces, or another `$`";
const NO_GROUP: &str = "the pattern has no such group";
const LONGEST_PATH: usize = 64 * 1024;
const MAX_LENGTH: usize = 4 << 10;
const MAX_COMPILED: usize = 1 << 20;
const MAX_NESTING: u32 = 50;
