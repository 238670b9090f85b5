//! The paths that a file mentions, in `use` trees and in its code.

use super::token::{Token, is_word};

/// One path, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// A leading `::` is a segment.
    pub segments: Vec<String>,
    /// What a `use` calls it here; `*` for all that it holds.
    pub name: Option<String>,
    pub is_public: bool,
    /// The `mod … { }` around it, outermost first.
    pub within: Vec<String>,
    pub line: usize,
}

pub fn mentions(tokens: &[Token<'_>]) -> Vec<Mention> {
    let (mut found, mut at, mut depth) = (Vec::new(), 0, 0_usize);
    let mut modules: Vec<(usize, String)> = Vec::new();
    while let Some(token) = tokens.get(at) {
        let next = text(tokens, at + 1);
        let previous = at.checked_sub(1).map_or("", |it| text(tokens, it));
        let mut paths = Vec::new();
        at += 1;
        match token.text {
            "mod" if text(tokens, at + 1) == "{" => modules.push((depth, next.to_owned())),
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                modules.retain(|it| it.0 < depth);
            }
            // But not the `use<'a>` of a return type.
            "use" if next != "<" => tree(tokens, &mut at, &[], &mut paths),
            it if next == "::" && is_word(it) && !matches!(previous, "::" | ".") => {
                let is_visibility = previous == "in" && text(tokens, at.saturating_sub(3)) == "(";
                let path = inline(tokens, &mut at);
                paths.extend((!is_visibility).then_some((path, None)));
            }
            _ => (),
        }
        let within: Vec<_> = modules.iter().map(|it| it.1.clone()).collect();
        found.extend(paths.into_iter().map(|(segments, name)| Mention {
            segments: segments.into_iter().map(str::to_owned).collect(),
            name: name.map(str::to_owned),
            is_public: matches!(previous, "pub" | ")"),
            within: within.clone(),
            line: token.line,
        }));
    }
    found
}

type Paths<'a> = Vec<(Vec<&'a str>, Option<&'a str>)>;

/// Reads one tree: what follows `use`, or one element of a braced list.
fn tree<'a>(tokens: &[Token<'a>], at: &mut usize, prefix: &[&'a str], found: &mut Paths<'a>) {
    let mut path = prefix.to_vec();
    while let Some(token) = tokens.get(*at) {
        *at += 1;
        match token.text {
            "::" if path.is_empty() => path.push("::"),
            "::" => (),
            "{" => {
                while *at < tokens.len() && text(tokens, *at) != "}" {
                    tree(tokens, at, &path, found);
                    *at += usize::from(text(tokens, *at) == ",");
                }
                *at += 1;
                return;
            }
            "*" => return found.push((path, Some("*"))),
            name => {
                if name != "self" || path.is_empty() {
                    path.push(name);
                }
                let name = match text(tokens, *at) {
                    "::" => continue,
                    "as" => {
                        *at += 2;
                        Some(text(tokens, *at - 1))
                    }
                    _ => path.last().copied(),
                };
                return found.push((path, name));
            }
        }
    }
}

/// Reads the path whose first segment is just before `at`.
fn inline<'a>(tokens: &[Token<'a>], at: &mut usize) -> Vec<&'a str> {
    let mut path = vec![text(tokens, *at - 1)];
    while text(tokens, *at) == "::" && is_word(text(tokens, *at + 1)) {
        path.push(text(tokens, *at + 1));
        *at += 2;
    }
    path
}

fn text<'a>(tokens: &[Token<'a>], at: usize) -> &'a str {
    tokens.get(at).map_or("", |it| it.text)
}

/// Writes each mention as `module/path = name`.
#[track_caller]
fn check(code: &str, expected: &[&str]) {
    let written = |it: &Mention| {
        let name = it.name.as_ref().map_or_else(String::new, |it| format!(" = {it}"));
        let public = if it.is_public { "pub " } else { "" };
        let path = [it.within.join("/"), it.segments.join("::")];
        format!("{public}{}{name}", path.join("/").trim_start_matches('/'))
    };
    let found: Vec<_> = mentions(&super::token::tokens(code)).iter().map(written).collect();
    assert_eq!(found, expected, "{code}");
}

#[test]
fn a_use_tree_is_all_its_leaves() {
    check("use a;", &["a = a"]);
    check("use crate::a::B;", &["crate::a::B = B"]);
    check("pub use self::a::B as C;", &["pub self::a::B = C"]);
    check("pub(crate) use super::super::a::*;", &["pub super::super::a = *"]);
    check(
        "use crate::{a, b::{self, C as _,\n D::{E, f::*}},\n};",
        &[
            "crate::a = a",
            "crate::b = b",
            "crate::b::C = _",
            "crate::b::D::E = E",
            "crate::b::D::f = *",
        ],
    );
    check("use {crate::a, ::b::c};", &["crate::a = a", "::::b::c = c"]);
    check("use crate::a::{self as b}; x()", &["crate::a = b"]);
    check("use crate::a::{B, // c::D\n E};", &["crate::a::B = B", "crate::a::E = E"]);
}

#[test]
fn a_path_in_code_is_mentioned_where_it_stands() {
    check(
        "let x = crate::a::b::<super::C>(self::d::E);",
        &["crate::a::b", "super::C", "self::d::E"],
    );
    check("it.collect::<a::B>(); <T as crate::C>::D::e()", &["a::B", "crate::C"]);
    check("pub(in crate::a) fn f() -> impl T + use<'_> {}", &[]);
    check("\"crate::a\"; /// [`crate::b`]\n//! crate::c\n/* crate::d */ ::e::f()", &[]);
    check("mod a { mod b { c::d } e::f } g::h", &["a/b/c::d", "a/e::f", "g::h"]);
    check("mod a; fn f() { use b::c; c::d }", &["b::c = c", "c::d"]);
    check("for x in crate::a::b() {}", &["crate::a::b"]);
}
