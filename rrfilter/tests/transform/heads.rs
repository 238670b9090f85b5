//! Headers and queries.

use rrfilter::{
    HeaderEdits, InvalidTransform, QueryEdits, RequestTransform, ResponseTransform, Values,
};

#[test]
fn a_query_is_edited_in_the_order_remove_rename_set_append() {
    let edits =
        |it: fn(QueryEdits) -> Result<QueryEdits, InvalidTransform>| it(QueryEdits::new()).unwrap();
    let remove = edits(|it| it.remove("a"));
    check(&remove, "a=1&b=%20&&A=2&%61=3&a&c;a=1&aa=1", "b=%20&&A=2&aa=1");
    let rename = edits(|it| it.rename("a", "b c"));
    check(&rename, "x=1&a=%2f+&%61&b+c=9&y", "x=1&b%20c=%2f+&b%20c&y");
    check(&rename, "b+c=9", "b+c=9");
    let set = edits(|it| it.set("user", "{claim.sub}"));
    check(&set, "", "user=alice");
    check(&set, "user=root&a=%zz&us%65r=root&x;user=root", "a=%zz&user=alice");
    // Nobody can speak in the place of what is missing.
    check(&edits(|it| it.set("user", "{claim.none}")), "user=root&a=1", "a=1");
    check(&edits(|it| it.append("a", "{claim.evil}")), "a=1", "a=1&a=%0D%0A%26b%3D1%23%C3%A9");
    check(&edits(|it| it.append("a", "{claim.none}")), "a=1", "a=1");
    let all = edits(|it| it.append("a", "3")?.set("a", "2")?.rename("b", "a")?.remove("a"));
    check(&all, "a=0&b=1", "a=2&a=3");
}

#[test]
fn edits_that_make_no_sense_are_refused_when_they_are_made() {
    let query = |it: Result<QueryEdits, InvalidTransform>| it.unwrap_err().to_string();
    assert_eq!(query(QueryEdits::new().remove("")), "/remove: a name is empty");
    assert_eq!(query(QueryEdits::new().rename("a", "a")), "/rename/a: it already has this name");
    assert_eq!(
        query(QueryEdits::new().set("a/b", "{")),
        "/set/a~1b: at 0: this `{` is never closed: for a brace write `{{`"
    );
    let header = |it: Result<HeaderEdits, InvalidTransform>| it.unwrap_err().to_string();
    assert_eq!(
        header(HeaderEdits::new().remove("a b")),
        "/remove/a b: this is not the name of a header"
    );
    assert_eq!(header(HeaderEdits::new().rename("a", "A")), "/rename/a: it already has this name");
    let two = HeaderEdits::new().rename("a", "c").unwrap().rename("b", "c");
    assert_eq!(header(two), "/rename/b: another is renamed to this");
    assert_eq!(
        header(HeaderEdits::new().set("a", "1").unwrap().set("A", "2")),
        "/set/A: it is set twice"
    );
    for bad in ["a\r\nb: c", "a\nb", "\0", "{claim.a|\r}", "\u{85}", "\u{7f}"] {
        let expected = "/set/a: a header cannot have control characters";
        assert_eq!(header(HeaderEdits::new().set("a", bad)), expected, "{bad:?}");
    }
}

#[test]
fn headers_of_the_message_and_the_gateway_cannot_be_touched() {
    for name in [
        "connection",
        "Content-Length",
        "content-encoding",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "http2-settings",
        "rr-request-id",
        "RR-anything",
    ] {
        for edits in every_edit(name) {
            assert!(RequestTransform::new().headers(edits.clone()).is_err(), "{name}");
            assert!(ResponseTransform::new().headers(edits).is_err(), "{name}");
        }
    }
    for name in ["host", "expect"] {
        for edits in every_edit(name) {
            assert!(RequestTransform::new().headers(edits.clone()).is_err(), "{name}");
        }
    }
    let set = HeaderEdits::new().set("authorization", "x").unwrap();
    let error = RequestTransform::new().headers(set).unwrap_err();
    let why = "this header holds a credential: it can be removed, and nothing else";
    assert_eq!(error.to_string(), format!("/headers/set/authorization: {why}"));
    let renamed = HeaderEdits::new().rename("authorization", "x").unwrap();
    assert!(RequestTransform::new().headers(renamed).is_err());
    let removed = HeaderEdits::new().remove("authorization").unwrap();
    assert!(RequestTransform::new().headers(removed).is_ok());
}

#[test]
fn a_request_knows_nothing_of_its_response() {
    let headers = HeaderEdits::new().set("a", "x{response.status}").unwrap();
    let error = RequestTransform::new().headers(headers.clone()).unwrap_err();
    assert_eq!(error.to_string(), "/headers/set/a: at 2: there is no response yet");
    assert!(ResponseTransform::new().headers(headers).is_ok());
    let query = QueryEdits::new().append("a", "{response.header.x}").unwrap();
    let error = RequestTransform::new().query(query).unwrap_err();
    assert_eq!(error.to_string(), "/query/append/a: at 1: there is no response yet");
    let step = rrfilter::BodyStep::set("/a", r#"["{response.status}"]"#).unwrap();
    let body = rrfilter::BodyTransform::new([step]).unwrap();
    let error = RequestTransform::new().body(body).unwrap_err();
    assert_eq!(error.to_string(), "/body/0: there is no response yet");
}

fn every_edit(name: &str) -> [HeaderEdits; 5] {
    [
        HeaderEdits::new().remove(name).unwrap(),
        HeaderEdits::new().rename(name, "x-a").unwrap(),
        HeaderEdits::new().rename("x-a", name).unwrap(),
        HeaderEdits::new().set(name, "x").unwrap(),
        HeaderEdits::new().append(name, "x").unwrap(),
    ]
}

#[track_caller]
fn check(edits: &QueryEdits, query: &str, expected: &str) {
    let values = Values::none().with("claim.sub", "alice").unwrap();
    let values = values.with("claim.evil", "\r\n&b=1#é").unwrap();
    assert_eq!(edits.apply(query, &values), expected, "{query}");
}
