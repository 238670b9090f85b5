//! GraphQL: in JSON, forms, URLs and by itself.

use super::Sent;

const MUTATION: &str = r#"{"query":"mutation M { me: deleteAll }","operationName":"M"}"#;

#[test]
fn an_operation_has_a_kind_a_name_and_fields() {
    json(MUTATION, TYPE, Some("^mutation$"), "sure");
    json(MUTATION, NAME, Some("^M$"), "sure");
    json(MUTATION, "^graphql\\.fields\\.0$", Some("^deleteAll$"), "sure");
    json(MUTATION, "^graphql\\.fields\\.", Some("^me$"), "none");
    json(MUTATION, "^graphql$", None, "sure");
    json(r#"{"query":"{a @skip(if:true)}"}"#, FIELD, Some("a"), "possible");
    json(r#"{"qu\u0065ry":"\u007ba}"}"#, FIELD, Some("a"), "sure");
}

#[test]
fn every_place_of_a_document_is_looked_at() {
    let found = Sent::graphql("mutation {a}").finds(TYPE, Some("mutation"));
    assert_eq!(found.as_deref(), Ok("sure"));
    let form = Sent::form("query=mutation+%7Ba%7D&x").finds(TYPE, Some("mutation"));
    assert_eq!(form.as_deref(), Ok("sure"));
    let url = Sent::json("").with_query("query=mutation%7Ba%7D").finds(TYPE, Some("mutation"));
    assert_eq!(url.as_deref(), Ok("sure"));
    let beside = Sent::json("{}").with_query("query={a}").finds(TYPE, Some("query"));
    assert_eq!(beside.as_deref(), Ok("sure"));
}

#[test]
fn each_operation_is_a_call_of_its_own() {
    json(r#"{"query":"query A{a} mutation B{b}"}"#, TYPE, Some("mutation"), "none sure");
    json(
        r#"[{"query":"{a}"},{"query":"mutation{b}"},{},1]"#,
        TYPE,
        Some("m"),
        "none sure none none",
    );
    let twice = Sent::json(MUTATION).with_query("query={a}&query={b}&query={a}");
    assert_eq!(twice.finds(TYPE, Some("mutation")).as_deref(), Ok("sure none none"));
    let beside = Sent::json(r#"[{"query":"{a}"}]"#).with_query("query=mutation{b}");
    assert_eq!(beside.finds(TYPE, Some("mutation")).as_deref(), Ok("none sure"));
    let rpc = Sent::json(r#"[{"jsonrpc":"2.0","id":"1"}]"#).with_query("a");
    assert_eq!(rpc.finds(TYPE, None).as_deref(), Ok("none"));
}

#[test]
fn what_the_document_around_it_says_stays_with_each_operation() {
    let both = r#"{"query":"query A{a} query B{b}","variables":{"x":1}}"#;
    let checks = vec![
        super::body_check("^variables\\.x$", Some("1"), super::Presence::Present),
        super::body_check("^variables\\.x$", Some("1"), super::Presence::Absent),
        super::body_check(TYPE, None, super::Presence::Present),
    ];
    let plan = super::BodyPlan::new(checks);
    let found = Sent::json(both).inspect(&plan, &[0, 1, 2]).unwrap();
    assert_eq!(super::words(&found, 0, 1), "sure sure");
    // Only as many calls as those that ask for GraphQL see.
    let found = Sent::json(both).inspect(&plan, &[0, 1]).unwrap();
    assert_eq!(super::words(&found, 0, 1), "sure");
}

#[test]
fn the_name_that_a_caller_asks_for_only_counts_against_it() {
    let two = r#"{"query":"query A{a} query B{b}","operationName":"B"}"#;
    json(two, NAME, Some("^A$"), "sure none");
    json(two, NAME, Some("^B$"), "possible sure");
    let url = Sent::json(r#"{"query":"{a}"}"#).with_query("operationName=X");
    assert_eq!(url.finds(NAME, Some("X")).as_deref(), Ok("possible"));
}

#[test]
fn what_a_document_calls_graphql_allows_nothing() {
    json(r#"{"graphql":{"operationType":"query"}}"#, TYPE, Some("query"), "possible");
    json(r#"{"graphql.operationType":"query"}"#, TYPE, Some("query"), "possible");
    let spoofed = r#"{"query":"mutation{a}","graphql":{"operationType":"query"}}"#;
    json(spoofed, TYPE, Some("query"), "possible");
    json(spoofed, "graphql\\.operationType$", Some("mutation"), "sure");
    let form = Sent::form("graphql.operationType=query").finds(TYPE, Some("query"));
    assert_eq!(form.as_deref(), Ok("possible"));
}

#[test]
fn other_paths_do_not_see_graphql() {
    json(MUTATION, "operationType$", None, "none");
    json(MUTATION, "^query$", Some("deleteAll"), "sure");
    json(r#"{"query":"no graphql"}"#, "^query$", Some("no"), "sure");
    assert_eq!(Sent::graphql("{a}").finds(".*", None).as_deref(), Ok("none"));
    assert_eq!(Sent::graphql("a=1").finds(".*", None), Err("not GraphQL, or too much of it"));
}

#[test]
fn what_is_not_graphql_is_no_operation() {
    json(r#"{"query":{"match":{"a":1}}}"#, TYPE, None, "none");
    json(r#"{"a":{"query":"mutation{a}"},"id":1}"#, TYPE, None, "none");
    json("[1,2]", TYPE, None, "none");
    json("", TYPE, None, "none");
}

#[test]
fn graphql_that_cannot_be_read_is_not_inspected() {
    refuse(r#"{"query":"{"}"#, "not GraphQL, or too much of it");
    refuse(r#"{"query":"{...F}"}"#, "GraphQL with an unknown fragment");
    refuse(r#"{"query":"{a}\ud800"}"#, "half a surrogate pair");
    refuse(r#"{"query":""}"#, "not GraphQL, or too much of it");
    let url = Sent::json(r#"{"query":"{a}"}"#).with_query("query=%7B");
    assert_eq!(url.finds(TYPE, None), Err("not GraphQL, or too much of it"));
    let escape = Sent::json("{}").with_query("a=%zz");
    assert_eq!(escape.finds(TYPE, None), Err("a query with a malformed escape"));
    let half = format!("{{\"query\":\"{}\"}}", "query{a}".repeat(501));
    refuse(&format!("[{half},{half}]"), "more calls than 1,000");
    let names = "operationName=".to_owned()
        + &(0..9).map(|i| format!("{i}&operationName=")).collect::<String>();
    let names = Sent::json(MUTATION).with_query(&names);
    assert_eq!(names.finds(TYPE, None), Err("GraphQL with many operation names"));
}

#[test]
fn graphql_that_only_the_server_knows_is_not_inspected() {
    const PERSISTED: &str = "GraphQL that only the server knows";
    refuse(r#"{"extensions":{"persistedQuery":{"version":1}}}"#, PERSISTED);
    refuse(r#"{"query":null,"extensions":{"p\u0065rsistedQuery":1}}"#, PERSISTED);
    refuse(r#"{"documentId":"x","variables":{}}"#, PERSISTED);
    refuse(r#"{"id":"abc","variables":{}}"#, PERSISTED);
    refuse(r#"[{"query":"{a}"},{"doc_id":"1"}]"#, PERSISTED);
    for query in [
        "extensions={%22persistedQuery%22:1}",
        "extensions={%22p\\u0065rsistedQuery%22:1}",
        "documentId=x",
        "id=x",
    ] {
        assert_eq!(Sent::json("").with_query(query).finds(TYPE, None), Err(PERSISTED), "{query}");
    }
    json(r#"{"query":"{a}","extensions":{"persistedQuery":{}}}"#, TYPE, Some("query"), "sure");
    json(r#"{"jsonrpc":"2.0","id":"abc"}"#, TYPE, None, "none");
    let beside = Sent::json(r#"{"query":"{a}"}"#).with_query("id=1").finds(TYPE, Some("query"));
    assert_eq!(beside.as_deref(), Ok("sure"));
}

const TYPE: &str = "^graphql\\.operationType$";
const NAME: &str = "^graphql\\.operationName$";
const FIELD: &str = "^graphql\\.fields\\.\\d+$";

#[track_caller]
fn json(document: &str, path: &str, value: Option<&str>, expected: &str) {
    let found = Sent::json(document).finds(path, value);
    assert_eq!(found.as_deref(), Ok(expected), "{document} {path} {value:?}");
}

#[track_caller]
fn refuse(document: &str, reason: &str) {
    assert_eq!(Sent::json(document).finds(TYPE, None), Err(reason), "{document:.80}");
}
