//! Rust as tokens: enough to count lines and to follow names, with comments out of the way.

use std::collections::BTreeSet;

/// A word, a literal with its quotes, `::`, or one other character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub text: &'a str,
    /// Where it starts, from 1.
    pub line: usize,
    /// Where it ends: a string can be long.
    pub last: usize,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub struct Function<'a> {
    pub name: &'a str,
    pub line: usize,
    pub code_lines: usize,
}

pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let (mut rest, mut line, mut found) = (text, 1, Vec::new());
    while let Some(first) = rest.chars().next() {
        let (length, is_code) = match first {
            _ if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), false),
            _ if rest.starts_with("/*") => (block_comment(rest), false),
            _ if first.is_whitespace() => (first.len_utf8(), false),
            _ => (length(rest, first), true),
        };
        let (text, tail) = rest.split_at(length);
        let last = line + text.matches('\n').count();
        if is_code {
            let raw_word = text.strip_prefix("r#").filter(|it| is_word(it));
            found.push(Token { text: raw_word.unwrap_or(text), line, last });
        }
        (rest, line) = (tail, last);
    }
    found
}

/// The tokens outside `#[cfg(test)]` modules, and those of these modules.
pub fn split_tests<'a>(tokens: &[Token<'a>]) -> (Vec<Token<'a>>, Vec<Token<'a>>) {
    let (mut code, mut tests, mut at) = (Vec::new(), Vec::new(), 0);
    while at < tokens.len() {
        let end = test_module(&tokens[at..]).map_or(at + 1, |length| at + length);
        let is_test = end > at + 1;
        if is_test { &mut tests } else { &mut code }.extend_from_slice(&tokens[at..end]);
        at = end;
    }
    (code, tests)
}

/// How many lines have a token on them.
pub fn code_lines(tokens: &[Token<'_>]) -> usize {
    tokens.iter().flat_map(|it| it.line..=it.last).collect::<BTreeSet<_>>().len()
}

/// The functions, each from its `fn` to its closing brace.
pub fn functions<'a>(tokens: &[Token<'a>]) -> Vec<Function<'a>> {
    let starts = (0..tokens.len()).filter(|at| tokens[*at].text == "fn");
    let function = |at: usize| {
        let name = tokens.get(at + 1).filter(|it| is_word(it.text))?;
        let body = at + outside_brackets(&tokens[at..])?;
        let end = body + block(&tokens[body..]);
        let code_lines = code_lines(&tokens[at..end]);
        let has_body = tokens[body].text == "{";
        has_body.then_some(Function { name: name.text, line: tokens[at].line, code_lines })
    };
    starts.filter_map(function).collect()
}

/// Whether `tokens` begin with `texts`.
pub fn starts_with(tokens: &[Token<'_>], texts: &[&str]) -> bool {
    tokens.len() >= texts.len() && tokens.iter().zip(texts).all(|(token, text)| token.text == *text)
}

pub fn is_word(text: &str) -> bool {
    text.starts_with(|it: char| it.is_alphabetic() || it == '_')
        && text.chars().all(|it| it.is_alphanumeric() || it == '_')
}

/// How many tokens a `#[cfg(test)] mod` at the start of `tokens` has.
fn test_module(tokens: &[Token<'_>]) -> Option<usize> {
    if !starts_with(tokens, &["#", "[", "cfg", "(", "test", ")", "]"]) {
        return None;
    }
    let mut at = 0;
    while starts_with(&tokens[at..], &["#", "["]) {
        at += tokens[at..].iter().position(|it| it.text == "]")? + 1;
    }
    let is_module = starts_with(&tokens[at..], &["mod"]);
    let body = at + outside_brackets(&tokens[at..])?;
    is_module.then(|| body + block(&tokens[body..]))
}

/// Where the item at the start of `tokens` has its `{` or `;`.
fn outside_brackets(tokens: &[Token<'_>]) -> Option<usize> {
    let mut depth = 0_usize;
    tokens.iter().position(|it| {
        match it.text {
            "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            _ => (),
        }
        depth == 0 && matches!(it.text, "{" | ";")
    })
}

/// How many tokens the block at the start of `tokens` has, with its braces; else one.
fn block(tokens: &[Token<'_>]) -> usize {
    let mut depth = 0_usize;
    let closing = tokens.iter().position(|it| {
        match it.text {
            "{" => depth += 1,
            "}" => depth = depth.saturating_sub(1),
            _ => (),
        }
        depth == 0
    });
    closing.map_or(tokens.len(), |it| it + 1)
}

fn length(rest: &str, first: char) -> usize {
    let word = || rest.find(|it: char| !it.is_alphanumeric() && it != '_').unwrap_or(rest.len());
    match first {
        _ if rest.starts_with("::") => 2,
        '\'' => character(rest),
        _ if rest.starts_with("b'") => 1 + character(&rest[1..]),
        _ => string(rest).unwrap_or_else(|| match first {
            _ if rest.starts_with("r#") => {
                2 + rest[2..].find(|it| !is_word_part(it)).unwrap_or(rest.len() - 2)
            }
            _ if is_word_part(first) => word(),
            _ => first.len_utf8(),
        }),
    }
}

/// A string of any kind: `"…"`, `b"…"`, `c"…"`, `r#"…"#`.
fn string(rest: &str) -> Option<usize> {
    let hashed = rest.trim_start_matches(['b', 'c', 'r']);
    let quoted = hashed.trim_start_matches('#');
    let content = quoted.strip_prefix('"')?;
    let hashes = hashed.len() - quoted.len();
    let length = match &rest[..rest.len() - hashed.len()] {
        "" | "b" | "c" if hashes == 0 => closing(content, '"'),
        "r" | "br" | "cr" => {
            let end = format!("\"{}", "#".repeat(hashes));
            content.find(&end).map_or(content.len(), |it| it + end.len())
        }
        _ => return None,
    };
    Some(rest.len() - content.len() + length)
}

/// A character with its quotes, or a lifetime.
fn character(rest: &str) -> usize {
    let content = &rest[1..];
    let mut characters = content.chars();
    match (characters.next(), characters.next()) {
        (Some('\\'), _) | (_, Some('\'')) => 1 + closing(content, '\''),
        _ => 1 + content.find(|it| !is_word_part(it)).unwrap_or(content.len()),
    }
}

fn closing(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    let end = text.char_indices().find(|(_, it)| {
        let is_end = *it == quote && !is_escaped;
        is_escaped = *it == '\\' && !is_escaped;
        is_end
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        let (step, change) = match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (2, 1),
            [b'*', b'/', ..] => (2, -1),
            _ => (1, 0),
        };
        at += step;
        depth = depth.saturating_add_signed(change);
        if depth == 0 {
            break;
        }
    }
    at
}

fn is_word_part(it: char) -> bool {
    it.is_alphanumeric() || it == '_'
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let found: Vec<_> = tokens(text).into_iter().map(|it| it.text).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn comments_and_literals_hide_what_they_hold() {
    check("a::b // c\n/// d\n:e", &["a", "::", "b", ":", "e"]);
    check("a /* b /* c */ d */ e", &["a", "e"]);
    check(r#""}\"{" x"#, &[r#""}\"{""#, "x"]);
    check("r#\"}\"{\"# x br\"\\\" y", &["r#\"}\"{\"#", "x", "br\"\\\"", "y"]);
    check("'{' '\\'' b'}' b'\\\\' x", &["'{'", "'\\''", "b'}'", "b'\\\\'", "x"]);
    check("&'a str, 'x: 'é'", &["&", "'a", "str", ",", "'x", ":", "'é'"]);
    check("r#type 1_0.5 \"é\" b", &["type", "1_0", ".", "5", "\"é\"", "b"]);
}

#[test]
fn a_function_ends_at_its_own_brace() {
    let text =
        "fn a(f: fn(u8)) -> [u8; 2] {\n\n// }\n\"}\";\n'}'\n}\ntrait T { fn b(); }\nfn c() {}";
    let function = |name, line, code_lines| Function { name, line, code_lines };
    assert_eq!(functions(&tokens(text)), [function("a", 1, 4), function("c", 8, 1)]);
}

#[test]
fn lines_of_tests_and_comments_are_not_code() {
    let text =
        "//! a\nuse b;\n\nconst C: &str = \"\nd\";\n#[cfg(test)]\n#[e]\nmod f { fn g() {} }\nh";
    let all = tokens(text);
    let (code, tests) = split_tests(&all);
    assert_eq!((code_lines(&code), code_lines(&tests)), (4, 3));
    let (code, tests) = split_tests(&all[..3]);
    assert_eq!((code.len(), tests.len()), (3, 0));
}
