//! What a GraphQL document asks for: its operations, and the fields at their top.

use std::collections::{HashMap, HashSet};

use apollo_parser::Parser;
use apollo_parser::cst::{
    Definition, Document, FragmentDefinition, OperationDefinition, Selection, SelectionSet,
};

use super::not_inspectable::NotInspectable;
use super::operation::{Field, Operation};

/// The operations of a document (GraphQL specification of October 2021, section 2): at least one.
pub(super) fn operations(text: &str) -> Result<Vec<Operation>, NotInspectable> {
    let tree = Parser::new(text).token_limit(MAX_TOKENS).recursion_limit(MAX_DEPTH).parse();
    if tree.errors().len() != 0 {
        return Err(NotInspectable("not GraphQL, or too much of it"));
    }
    let parts = Parts::of(&tree.document())?;
    let mut left = MAX_FIELDS;
    let operations: Result<Vec<_>, _> =
        parts.operations.iter().map(|it| operation(it, &parts.fragments, &mut left)).collect();
    let operations = operations?;
    if operations.is_empty() {
        return Err(NotInspectable("GraphQL without an operation"));
    }
    Ok(operations)
}

#[derive(Default)]
struct Parts {
    operations: Vec<OperationDefinition>,
    fragments: HashMap<String, FragmentDefinition>,
}

impl Parts {
    fn of(document: &Document) -> Result<Self, NotInspectable> {
        let mut parts = Self::default();
        for definition in document.definitions() {
            match definition {
                Definition::OperationDefinition(it) => parts.operations.push(it),
                Definition::FragmentDefinition(it) => {
                    let name = it.fragment_name().and_then(|it| it.name()).ok_or(INCOMPLETE)?;
                    if parts.fragments.insert(name.text().as_str().to_owned(), it).is_some() {
                        return Err(NotInspectable("GraphQL with two fragments of one name"));
                    }
                }
                _ => return Err(NotInspectable("GraphQL that is not only operations")),
            }
        }
        Ok(parts)
    }
}

fn operation(
    definition: &OperationDefinition,
    fragments: &HashMap<String, FragmentDefinition>,
    left: &mut usize,
) -> Result<Operation, NotInspectable> {
    let kind = match definition.operation_type() {
        None => "query",
        Some(it) if it.query_token().is_some() => "query",
        Some(it) if it.mutation_token().is_some() => "mutation",
        Some(it) if it.subscription_token().is_some() => "subscription",
        Some(_) => return Err(INCOMPLETE),
    };
    let set = definition.selection_set().ok_or(INCOMPLETE)?;
    let (seen, fields) = (HashSet::new(), Vec::new());
    let mut reader = Reader { fragments, seen, fields, depth: 0, left };
    reader.read(&set, true)?;
    let name = definition.name().map(|it| it.text().as_str().to_owned());
    Ok(Operation { kind, name, fields: reader.fields })
}

struct Reader<'a> {
    fragments: &'a HashMap<String, FragmentDefinition>,
    // Fragments that were followed, and whether for sure: following one again changes nothing.
    seen: HashSet<(String, bool)>,
    fields: Vec<Field>,
    // A chain of fragments is as deep as what nests.
    depth: usize,
    left: &'a mut usize,
}

impl Reader<'_> {
    fn read(&mut self, set: &SelectionSet, sure: bool) -> Result<(), NotInspectable> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(TOO_MANY);
        }
        for selection in set.selections() {
            *self.left = self.left.checked_sub(1).ok_or(TOO_MANY)?;
            match selection {
                Selection::Field(it) => {
                    let name = it.name().ok_or(INCOMPLETE)?.text().as_str().to_owned();
                    let sure = sure && it.directives().is_none();
                    self.fields.push(Field { name, sure });
                }
                Selection::InlineFragment(it) => {
                    let set = it.selection_set().ok_or(INCOMPLETE)?;
                    self.read(&set, sure && it.directives().is_none())?;
                }
                Selection::FragmentSpread(it) => {
                    let name = it.fragment_name().and_then(|it| it.name()).ok_or(INCOMPLETE)?;
                    self.spread(name.text().as_str(), sure && it.directives().is_none())?;
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn spread(&mut self, name: &str, sure: bool) -> Result<(), NotInspectable> {
        let undefined = NotInspectable("GraphQL with an unknown fragment");
        let fragment = self.fragments.get(name).ok_or(undefined)?;
        let sure = sure && fragment.directives().is_none();
        if !self.seen.insert((name.to_owned(), sure)) {
            return Ok(());
        }
        self.read(&fragment.selection_set().ok_or(INCOMPLETE)?, sure)
    }
}

const INCOMPLETE: NotInspectable = NotInspectable("incomplete GraphQL");
const TOO_MANY: NotInspectable = NotInspectable("too much GraphQL");
// A token takes up to some 130 bytes while its document is looked at.
const MAX_TOKENS: usize = 2_500;
const MAX_DEPTH: usize = 64;
// Of all operations: each may use the same fragments.
const MAX_FIELDS: usize = 2_500;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_operation_is_its_kind_its_name_and_the_fields_at_its_top() {
        check("{a b{c}}", &["query  a b"]);
        check("query Q($x: Int = 1) @live {a(x: $x)}", &["query Q a"]);
        check("mutation {del(id: \"}{\")}", &["mutation  del"]);
        check("\u{feff}subscription S {s} # {t}", &["subscription S s"]);
        check("query A {a} mutation B {b}", &["query A a", "mutation B b"]);
    }

    #[test]
    fn an_alias_hides_no_field() {
        check("mutation { me: deleteAll  x:me }", &["mutation  deleteAll me"]);
    }

    #[test]
    fn fragments_are_followed_wherever_they_are() {
        check("{...F} fragment F on Query {a ...G} fragment G on Query {b}", &["query  a b"]);
        check("fragment F on Query {a} {...on Query{b ...{c ...F}}}", &["query  b c a"]);
        check("{...F ...F} fragment F on Query {a ...F}", &["query  a"]);
        check("{...F} fragment F on Q {...G} fragment G on Q {a ...F}", &["query  a"]);
    }

    #[test]
    fn what_a_directive_may_leave_out_is_not_sure() {
        check("{a @skip(if: true) b}", &["query  a? b"]);
        check("{...@include(if: $x){a{b}} c}", &["query  a? c"]);
        check("{...F @skip(if: $x) ...F} fragment F on Q {a}", &["query  a? a"]);
    }

    #[test]
    fn what_is_not_an_executable_document_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "{}",
            "{a}}",
            "{a",
            "query",
            "drop {a}",
            "hello",
            "{a(x:)}",
            "{...F}",
            "fragment F on Q {a}",
            "{a} fragment F on Q {a} fragment F on Q {b}",
            "type Q {a: Int}",
            "{a} type Q {a: Int}",
            "{a \u{0} b}",
            "query Q {a} ;",
            "{a} extend schema {query: Q}",
        ] {
            assert!(operations(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_costs_too_much_is_refused() {
        let nested = format!("{}{}", "{a".repeat(100_000), "}".repeat(100_000));
        let wide = format!("{{{}}}", "a ".repeat(20_000));
        let lists = format!("{{a(x:{}{})}}", "[".repeat(5_000), "]".repeat(5_000));
        let inline = format!("{}a{}", "{...".repeat(2_000), "}".repeat(2_000));
        let chain: String =
            (0..500).map(|i| format!("fragment F{i} on Q{{...F{}}}", i + 1)).collect();
        let chain = format!("{{...F0}} {chain} fragment F500 on Q{{a}}");
        let square =
            format!("{} fragment F on Q {{{}}}", "query{...F}".repeat(100), "a ".repeat(900));
        for text in [nested, wide, lists, inline, chain, square] {
            assert!(operations(&text).is_err(), "{}", &text[..40]);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(
            text in "([{}()\\[\\]:!=|&@$#\"\\\\., \n]|\\.\\.\\.|on|query|mutation|fragment|F|a|1|é){0,30}",
        ) {
            _ = operations(&text);
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let shown = operations(text).unwrap().into_iter().map(|it| {
            let fields: Vec<_> = it
                .fields
                .iter()
                .map(|it| format!("{}{}", it.name, if it.sure { "" } else { "?" }))
                .collect();
            format!("{} {} {}", it.kind, it.name.unwrap_or_default(), fields.join(" "))
        });
        assert_eq!(shown.collect::<Vec<_>>(), expected, "{text}");
    }
}
