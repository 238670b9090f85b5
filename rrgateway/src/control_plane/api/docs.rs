//! Writes the docs for people from the table of routes: plain HTML, nothing to run or to fetch.

use std::fmt::Write as _;

use serde_json::Value;

use crate::control_plane::api::routes::routes;
use crate::control_plane::api::{
    diff_schema, explain_schema, log_schema, meter_schema, notifications, schema, vault,
};
use crate::control_plane::config::resource::Kind;

/// The page.
pub(crate) fn page() -> String {
    let mut page = HEAD.to_owned();
    let mut tags: Vec<&str> = Vec::new();
    for route in routes() {
        if !tags.contains(&route.tag) {
            tags.push(route.tag);
        }
    }
    for tag in tags {
        page.push_str(&operations(tag));
        let kind = Kind::ALL.into_iter().find(|it| it.segment() == tag);
        match (kind, tag) {
            (Some(kind), _) => page.push_str(&fields(&schema::schema(kind))),
            (None, "requests") => page.push_str(&fields(&log_schema::record())),
            (None, "explain") => {
                page.push_str(&fields(&explain_schema::question()));
                page.push_str(&fields(&explain_schema::explanation()));
                page.push_str(&fields(&diff_schema::proposal()));
                page.push_str(&fields(&diff_schema::comparison()));
            }
            (None, "usage") => {
                page.push_str(&fields(&meter_schema::of_proxy()));
                page.push_str(&fields(&notifications::schema()));
            }
            (None, "activity") => page.push_str(&fields(&log_schema::activity())),
            (None, "vault") => page.push_str(&fields(&vault::rotation())),
            (None, _) => {}
        }
    }
    page.push_str("</main></body></html>\n");
    page
}

fn operations(tag: &str) -> String {
    let mut text = format!("<h2 id=\"{tag}\">{}</h2>\n<table>\n", escaped(tag));
    for route in routes().iter().filter(|it| it.tag == tag) {
        // Writing to a String does not fail.
        _ = writeln!(
            text,
            "<tr><td><code>{}</code></td><td><code>{}</code></td><td>{}</td></tr>",
            route.method,
            escaped(&route.path),
            escaped(&route.summary)
        );
    }
    text.push_str("</table>\n");
    text
}

fn fields(schema: &Value) -> String {
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|it| it.iter().any(|it| it == name));
    let mut text = "<table>\n<tr><th>field</th><th></th><th></th></tr>\n".to_owned();
    for (name, property) in
        schema.get("properties").and_then(Value::as_object).into_iter().flatten()
    {
        let note = match (is_required(name), property.get("readOnly"), property.get("default")) {
            (true, _, _) => "required".to_owned(),
            (false, Some(_), _) => "read only".to_owned(),
            (false, None, Some(default)) => format!("default {default}"),
            (false, None, None) => "optional".to_owned(),
        };
        let what = property.get("description").and_then(Value::as_str).unwrap_or_default();
        _ = writeln!(
            text,
            "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
            escaped(name),
            escaped(&note),
            escaped(what)
        );
    }
    text.push_str("</table>\n");
    if let Some(example) = schema.get("examples").and_then(|it| it.get(0)) {
        _ = writeln!(text, "<pre>{}</pre>", escaped(&format!("{example:#}")));
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const HEAD: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width\">\
<title>rrgateway Core API</title><link rel=\"stylesheet\" href=\"/docs.css\"></head><body><main>\n\
<h1>rrgateway Core API</h1>\n\
<p>Everything under <code>/v1</code> needs <code>Authorization: Bearer</code> and the token from \
<code>admin.token</code> in the data directory. Errors are problem documents (RFC 9457). Every \
write answers with <code>rr-revision</code>, the revision it made; requests meet it from then on. \
<code>PATCH</code> changes the members that it names (RFC 7396), and <code>If-Match</code> with the \
<code>ETag</code> of what was read keeps one writer from undoing what another did. \
The same, for machines: <a href=\"/v1/openapi.json\">openapi.json</a>. With recipes: \
<a href=\"/docs/credentials\">Credentials</a>, <a href=\"/docs/hiding-fields\">Hiding fields</a>, \
<a href=\"/docs/limits\">Limits and budgets</a>, <a href=\"/docs/metrics\">Metrics</a>, \
<a href=\"/docs/transforming\">Transforming</a>, \
<a href=\"/docs/websockets\">WebSockets</a>, <a href=\"/docs/writing-rules\">Writing rules</a>.</p>\n";

/// How it looks.
pub(crate) const STYLE: &str = "\
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:0}
main{max-width:60rem;margin:0 auto;padding:1rem}
table{border-collapse:collapse;margin:.5rem 0 1rem;width:100%}
td,th{border-bottom:1px solid #8884;padding:.25rem .75rem .25rem 0;text-align:left;vertical-align:top}
pre{background:#8882;overflow:auto;padding:.75rem}
";
