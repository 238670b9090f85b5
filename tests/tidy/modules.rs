//! A crate's modules, and which of them refers to which.

use std::collections::{BTreeMap, BTreeSet};

use super::mention::{Mention, mentions};
use super::token::{Token, code_lines, split_tests, tokens};

/// A module's path from the crate's root, which has none.
pub type Name = Vec<String>;

/// The source of one crate.
#[derive(Debug)]
pub struct Crate {
    pub modules: BTreeMap<Name, Module>,
}

/// One file.
#[derive(Debug)]
pub struct Module {
    /// Under `src`.
    pub file: String,
    pub code_lines: usize,
    /// Outside tests.
    pub code: Vec<Mention>,
    /// In `#[cfg(test)]` modules.
    pub tests: Vec<Mention>,
    /// What the code outside tests says, but for its `use` and `mod`.
    words: BTreeSet<String>,
}

impl Crate {
    /// Reads files: their paths under `src`, and their texts.
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let (mut modules, mut test_only) = (BTreeMap::new(), BTreeSet::new());
        for (file, text) in files {
            let all = tokens(text);
            let (code, tests) = split_tests(&all);
            let name = name(file);
            let inner = tests.windows(3).filter(|it| it[0].text == "mod" && it[2].text == ";");
            test_only.extend(inner.map(|it| [&name[..], &[it[1].text.to_owned()]].concat()));
            let (code_lines, words) = (code_lines(&code), words(&code));
            let (code, tests) = (mentions(&code), mentions(&tests));
            modules.insert(name, Module { file: file.to_owned(), code_lines, code, tests, words });
        }
        for (name, module) in &mut modules {
            if (1..=name.len()).any(|it| test_only.contains(&name[..it])) {
                module.tests.append(&mut module.code);
                module.code_lines = 0;
            }
        }
        Self { modules }
    }

    /// The path from the root that `mention` in `home` means, if it means something of this crate.
    pub fn absolute(&self, home: &[String], mention: &Mention) -> Option<Name> {
        self.direct(home, mention).or_else(|| {
            let module = self.modules.get(home)?;
            let (first, rest) = mention.segments.split_first()?;
            let mut imports = module.code.iter().chain(&module.tests);
            let import = imports.find(|it| it.name.as_ref() == Some(first))?;
            Some([&self.direct(home, import)?, rest].concat())
        })
    }

    /// The module that defines what `path` names: re-exports by a `mod.rs` or `lib.rs` are followed.
    pub fn resolve(&self, mut path: Name) -> Name {
        // Each step gets closer to the definition; the bound is for source that does not compile.
        for _ in 0..16 {
            let is_module = |it: &usize| self.modules.contains_key(&path[..*it]);
            let length = (0..=path.len()).rev().find(is_module).unwrap_or_default();
            let (home, rest) = path.split_at(length);
            match rest.split_first().and_then(|(it, rest)| Some((self.reexport(home, it)?, rest))) {
                Some((target, rest)) => path = [&target, rest].concat(),
                None => return home.to_vec(),
            }
        }
        path
    }

    /// Who refers to whom outside tests, with the file and line of the first such place.
    pub fn edges(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let mut edges = BTreeMap::<_, BTreeMap<_, _>>::new();
        for (home, module) in &self.modules {
            let own = edges.entry(shown(home)).or_default();
            for mention in module.code.iter().filter(|it| module.refers(it)) {
                let target = self.absolute(home, mention).map(|it| self.resolve(it));
                if let Some(target) = target.filter(|it| it != home) {
                    let place = || format!("{}:{}", module.file, mention.line);
                    own.entry(shown(&target)).or_insert_with(place);
                }
            }
        }
        edges
    }

    /// What a path that is not relative to an import means.
    fn direct(&self, home: &[String], mention: &Mention) -> Option<Name> {
        let mut base = [home, &mention.within].concat();
        let mut rest = &mention.segments[..];
        match rest.first()?.as_str() {
            "crate" => (base, rest) = (Vec::new(), &rest[1..]),
            "self" => rest = &rest[1..],
            "super" => (),
            _ if self.modules.contains_key(&[&base[..], &rest[..1]].concat()) => (),
            _ => return None,
        }
        while rest.first().is_some_and(|it| it == "super") {
            base.pop();
            rest = &rest[1..];
        }
        Some([&base, rest].concat())
    }

    fn reexport(&self, home: &[String], name: &String) -> Option<Name> {
        let module = self.modules.get(home)?;
        let mut reexports = module.code.iter().filter(|it| module.is_reexport(it));
        self.direct(home, reexports.find(|it| it.name.as_ref() == Some(name))?)
    }
}

impl Module {
    /// A re-export is no reference, unless the file also uses the name itself.
    fn refers(&self, mention: &Mention) -> bool {
        !self.is_reexport(mention)
            || mention.name.as_ref().is_some_and(|it| self.words.contains(it))
    }

    /// `pub use …::*` is not: nobody can follow a name through it, so it stays a reference.
    fn is_reexport(&self, mention: &Mention) -> bool {
        let is_facade = self.file == "lib.rs" || self.file.ends_with("mod.rs");
        is_facade && mention.is_public && mention.name.as_deref().is_some_and(|it| it != "*")
    }
}

/// One cycle for each reference that leads back, as `a -> b -> a`, from its first module on.
pub fn cycles<V>(edges: &BTreeMap<String, BTreeMap<String, V>>) -> BTreeSet<String> {
    let (mut done, mut found) = (BTreeSet::new(), BTreeSet::new());
    for start in edges.keys() {
        visit(start, edges, &mut Vec::new(), &mut done, &mut found);
    }
    found
}

fn visit<'a, V>(
    module: &'a str,
    edges: &'a BTreeMap<String, BTreeMap<String, V>>,
    path: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
    found: &mut BTreeSet<String>,
) {
    if let Some(start) = path.iter().position(|it| *it == module) {
        let mut cycle = path[start..].to_vec();
        let first = (0..cycle.len()).min_by_key(|it| cycle[*it]).unwrap_or_default();
        cycle.rotate_left(first);
        cycle.push(cycle[0]);
        found.insert(cycle.join(" -> "));
    } else if !done.contains(module) {
        path.push(module);
        for next in edges.get(module).into_iter().flat_map(BTreeMap::keys) {
            visit(next, edges, path, done, found);
        }
        path.pop();
        done.insert(module);
    }
}

fn words(tokens: &[Token<'_>]) -> BTreeSet<String> {
    let (mut is_declaration, mut found) = (false, BTreeSet::new());
    for token in tokens {
        is_declaration |= matches!(token.text, "use" | "mod");
        if !is_declaration {
            found.insert(token.text.to_owned());
        }
        is_declaration &= !matches!(token.text, ";");
    }
    found
}

fn name(file: &str) -> Name {
    let path = file.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    path.split('/').filter(|it| *it != "lib").map(str::to_owned).collect()
}

fn shown(name: &[String]) -> String {
    if name.is_empty() { "crate".to_owned() } else { name.join("::") }
}

#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str]) {
    let edges = Crate::new(files.iter().copied()).edges();
    let found: Vec<_> = cycles(&edges).into_iter().collect();
    assert_eq!(found, expected, "{edges:?}");
}

#[test]
fn modules_that_refer_to_each_other_are_a_cycle() {
    check(&[("a.rs", "use crate::b::B;"), ("b.rs", "")], &[]);
    check(&[("a.rs", "use crate::b::B;"), ("b.rs", "use super::a::A;")], &["a -> b -> a"]);
    check(
        &[("a.rs", "use crate::{c, b::B};"), ("b.rs", "fn f() { crate::a::f() }"), ("c.rs", "")],
        &["a -> b -> a"],
    );
    let three = [("c.rs", "use crate::b;"), ("b.rs", "use crate::a;"), ("a.rs", "use crate::c;")];
    check(&three, &["a -> c -> b -> a"]);
    check(&three[..2], &[]);
    check(
        &[("a/mod.rs", "mod b; fn f() { b::f() }"), ("a/b.rs", "use super::A;")],
        &["a -> a::b -> a"],
    );
    check(&[("lib.rs", "use self::a::A; mod a;"), ("a.rs", "use crate::B;")], &["a -> crate -> a"]);
}

#[test]
fn a_reexport_is_followed_and_is_no_reference() {
    let facade = ("a/mod.rs", "mod b; mod c; pub use self::b::B; pub(crate) use self::c::C as D;");
    check(&[facade, ("a/b.rs", "use super::D;"), ("a/c.rs", "")], &[]);
    check(
        &[facade, ("a/b.rs", "use crate::a::D;"), ("a/c.rs", "use super::B;")],
        &["a::b -> a::c -> a::b"],
    );
    check(
        &[facade, ("a/b.rs", "use crate::x::X;"), ("a/c.rs", ""), ("x.rs", "use crate::a::B;")],
        &["a::b -> x -> a::b"],
    );
    // Through two facades, and through the name of one.
    let root = ("lib.rs", "pub use crate::a::B;");
    let inner = ("a/b.rs", "use crate::x::X;");
    check(&[root, facade, inner, ("x.rs", "use crate::B;")], &["a::b -> x -> a::b"]);
    check(&[facade, inner, ("x.rs", "use crate::a; type Y = a::B;")], &["a::b -> x -> a::b"]);
    // But a file that also uses the name refers to it.
    let used = ("a/mod.rs", "mod b; pub use self::b::B; pub(crate) fn f(b: B) {}");
    check(&[used, ("a/b.rs", "use super::f;")], &["a -> a::b -> a"]);
    // Only a `mod.rs` or `lib.rs` re-exports, and only by name.
    check(&[("a.rs", "pub use crate::b::B;"), ("b.rs", "use crate::a::A;")], &["a -> b -> a"]);
    check(&[("a/mod.rs", "pub use self::b::*;"), ("a/b.rs", "use super::B;")], &["a -> a::b -> a"]);
}

#[test]
fn tests_and_declarations_are_no_references() {
    let tests = "#[cfg(test)] mod tests { use super::*; use crate::b::B; }";
    check(&[("a.rs", tests), ("b.rs", "use crate::a::A;")], &[]);
    let declared = ("a/mod.rs", "mod c; #[cfg(test)] mod tests;");
    check(&[declared, ("a/tests.rs", "use super::c;"), ("a/c.rs", "use super::tests;")], &[]);
    check(
        &[("a.rs", "mod x { use super::super::b; }"), ("b.rs", "use crate::a;")],
        &["a -> b -> a"],
    );
}
