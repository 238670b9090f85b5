//! How the demonstration is shown.

use std::fmt::Write as _;
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::demo::outcome::{Row, Upstream};

/// One JSON object a line.
pub(super) fn lines(rows: &[Row]) -> String {
    let line = |row: &Row| {
        let line = json!({
            "outcome": row.outcome, "status": row.status, "stage": row.stage, "code": row.code,
        });
        format!("{line}\n")
    };
    rows.iter().map(line).collect()
}

/// The table, then what the upstream saw of the request that reached it.
pub(super) fn table(rows: &[Row], upstream: &Upstream) -> String {
    let mut page = String::new();
    let head = ["outcome", "request", "status", "stage", "code", "upstream", "filtered"];
    let cells: Vec<[String; 7]> = rows.iter().map(cells).collect();
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            let longest = cells.iter().filter_map(|it| it.get(column)).map(String::len).max();
            longest.unwrap_or(0).max(head.get(column).map_or(0, |it| it.len()))
        })
        .collect();
    line(&mut page, &head.map(str::to_owned), &widths);
    for row in &cells {
        line(&mut page, row, &widths);
    }
    page.push_str(&observed(upstream));
    page
}

fn cells(row: &Row) -> [String; 7] {
    let mark = if row.status == row.expected { "" } else { " (!)" };
    let reached = if row.reached { "received it" } else { "never saw it" };
    let filtered = match row.removed {
        Some(count) => format!("{count} values"),
        None if row.reached => "all of it".to_owned(),
        None => "-".to_owned(),
    };
    [
        row.outcome.to_owned(),
        row.request.clone(),
        format!("{}{mark}", row.status),
        row.stage.clone().unwrap_or_else(|| "-".to_owned()),
        row.code.clone(),
        reached.to_owned(),
        filtered,
    ]
}

fn line(page: &mut String, cells: &[String; 7], widths: &[usize]) {
    for (cell, width) in cells.iter().zip(widths) {
        _ = write!(page, "{cell:<width$}  ");
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
}

fn observed(upstream: &Upstream) -> String {
    let received = &upstream.received;
    let names: Vec<&str> = received.headers.keys().map(http::HeaderName::as_str).collect();
    let yes = |it: bool| if it { "yes" } else { "NO" };
    format!(
        "\nWhat the upstream received for the 200: {} {} with the headers {}\n  \
         the upstream's own credential, in Authorization: {}\n  \
         the caller's key gone: {}\n\
         What it answered:      {}\n\
         What the caller got:   {}\n",
        received.method,
        received.target,
        names.join(", "),
        yes(upstream.is_injected),
        yes(upstream.is_caller_key_gone),
        shown(&upstream.sent),
        shown(&upstream.relayed),
    )
}

// Without what the upstream says about the request: that stands above.
fn shown(document: &Value) -> Value {
    let mut document = document.clone();
    if let Some(members) = document.as_object_mut() {
        members.remove("youSent");
    }
    document
}

/// What to try by hand.
pub(super) fn invitation(data: SocketAddr, control: SocketAddr, key: &str) -> String {
    format!(
        "
Try it (the API's documentation: http://{control}/docs):

  export KEY={key}
  curl -i http://{data}/api/crm/customers/7 -H \"X-API-Key: $KEY\"
  curl -i http://{data}/api/crm/customers/7
  curl -i http://{data}/api/crm/customers/7 -H \"Authorization: Bearer $KEY\" -X DELETE
  curl -i http://{data}/api/crm/admin/users -u \"$KEY:\"
  curl http://{control}/metrics

Serving until Ctrl-C.
"
    )
}
