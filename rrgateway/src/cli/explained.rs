//! Writes what would become of a request for people.

use std::fmt::Write as _;

use serde_json::Value;

/// The answer `said` to `question`: the decision in one line, then stage by stage.
pub fn text(question: &Value, said: &Value) -> String {
    let mut out = format!("{}\n\n", summary(question, said));
    for stage in items(said, "stages") {
        let name = word(stage, "stage");
        line(&mut out, &[("", 2), (name, 14), (word(stage, "outcome"), 9)], &about(stage));
        for scope in items(stage, "scopes") {
            rules(&mut out, scope);
        }
    }
    out
}

fn summary(question: &Value, said: &Value) -> String {
    let [method, path, proxy] = ["method", "path", "proxyId"].map(|it| word(question, it));
    let caller = match word(question, "credentialId") {
        "" => String::new(),
        id => format!(" as {id}"),
    };
    let revision = match said.get("revision") {
        Some(Value::Number(number)) => format!("revision {number}"),
        _ => "no revision".to_owned(),
    };
    let decision = match said.get("allowed") {
        Some(Value::Bool(true)) => "goes to the upstream".to_owned(),
        _ => format!(
            "is refused with {} {} at stage {}",
            shown(said, "status"),
            word(said, "code"),
            word(said, "stage")
        ),
    };
    format!("{method} {path} through {proxy}{caller} {decision} ({revision})")
}

fn about(stage: &Value) -> String {
    let mut parts = Vec::new();
    if word(stage, "outcome") == "refused" {
        parts.push(format!("{} {}", shown(stage, "status"), word(stage, "code")));
    }
    if let Some(rule) = stage.get("rule") {
        parts.push(decided(rule));
    }
    for name in ["detail", "reason", "path"] {
        parts.extend(Some(word(stage, name).to_owned()).filter(|it| !it.is_empty()));
    }
    match (word(stage, "credentialId"), stage.get("open")) {
        (_, Some(Value::Bool(true))) => parts.push("anybody may call".to_owned()),
        ("", _) => {}
        (id, _) => parts.push(format!("as {id}")),
    }
    parts.extend(items(stage, "limits").map(|it| {
        let (policy, left, max) = (word(it, "policy"), shown(it, "remaining"), shown(it, "max"));
        format!("{policy}: {left} of {max} left")
    }));
    parts.extend(stage.get("credential").map(|_| credential(stage)));
    parts.extend(Some(word(stage, "targetId").to_owned()).filter(|it| !it.is_empty()));
    if stage.get("transforms") == Some(&Value::Bool(true)) {
        parts.push("transforms".to_owned());
    }
    parts.extend(items(stage, "filters").map(filter));
    if stage.get("echoShield") == Some(&Value::Bool(true)) {
        parts.push("masks the target credential".to_owned());
    }
    parts.join("; ")
}

fn filter(it: &Value) -> String {
    let shadow = if word(it, "mode") == "shadow" { ", reported only" } else { "" };
    let held = if it.get("buffered") == Some(&Value::Bool(true)) { ", buffered" } else { "" };
    let (operation, id, scope) = (word(it, "operation"), word(it, "id"), word(it, "scope"));
    format!("{operation} {id} of {scope}{shadow}{held}")
}

fn credential(stage: &Value) -> String {
    let Some(present) = stage.get("present").filter(|it| it.is_object()) else {
        return "no credential".to_owned();
    };
    let names: Vec<_> = items(present, "names").filter_map(Value::as_str).collect();
    let name = if names.is_empty() { word(present, "name").to_owned() } else { names.join(", ") };
    format!("{} {name}, {}", word(present, "in"), word(stage, "credential"))
}

fn rules(out: &mut String, scope: &Value) {
    let mut why = match scope.get("rule") {
        Some(rule) if rule.is_object() => match rule.get("id").and_then(Value::as_str) {
            Some(id) => format!("by {id}"),
            None => "by default".to_owned(),
        },
        _ => "nobody knows the caller".to_owned(),
    };
    let reason = word(scope, "reason");
    if !reason.is_empty() {
        why = format!("{why}; the body cannot be inspected: {reason}");
    }
    line(out, &[("", 4), (word(scope, "scope"), 18), (word(scope, "outcome"), 9)], &why);
    if let Some(shadow) = scope.get("shadow").filter(|it| it.is_object()) {
        let would = format!("{}, if its rules were enforced", word(shadow, "outcome"));
        line(out, &[("", 6), ("shadow", 16)], &would);
    }
    for rule in items(scope, "rules") {
        let outcome = match word(rule, "outcome") {
            "fits" => "fits".to_owned(),
            "fails" => format!("fails on {}", word(rule, "criterion")),
            _ => "asks for the body, which cannot be inspected".to_owned(),
        };
        let mode = if word(rule, "mode") == "shadow" { " (shadow)" } else { "" };
        let priority = shown(rule, "priority");
        line(
            out,
            &[("", 6), (word(rule, "id"), 38), (word(rule, "effect"), 7), (&priority, 5)],
            &format!("{outcome}{mode}"),
        );
    }
}

fn decided(rule: &Value) -> String {
    let (effect, scope) = (word(rule, "effect"), word(rule, "scope"));
    match rule.get("id").and_then(Value::as_str) {
        Some(id) => format!("{effect} by {id} of {scope}"),
        None => format!("{effect} by the default of {scope}"),
    }
}

// Columns of at least these widths, and the rest of the line.
fn line(out: &mut String, columns: &[(&str, usize)], rest: &str) {
    let start = out.len();
    for (text, width) in columns {
        // Writing to a String does not fail.
        _ = write!(out, "{text:width$}");
        if !text.is_empty() && text.chars().count() >= *width {
            out.push(' ');
        }
    }
    out.push_str(rest);
    let end = out.get(start..).unwrap_or_default().trim_end().len();
    out.truncate(start + end);
    out.push('\n');
}

fn word<'a>(it: &'a Value, name: &str) -> &'a str {
    it.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn shown(it: &Value, name: &str) -> String {
    it.get(name).filter(|it| !it.is_null()).map(Value::to_string).unwrap_or_default()
}

fn items<'a>(it: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    it.get(name).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_stage_scope_and_rule_has_its_line() {
        let question =
            json!({"proxyId": "crm", "method": "DELETE", "path": "/a", "credentialId": "c"});
        let rule = json!({"id": "rul_1", "scope": "proxy", "effect": "deny", "priority": 500});
        let by_default = json!({"id": null, "scope": "target", "effect": "allow", "default": true});
        let said = json!({
            "allowed": false, "status": 400, "code": "rule-denied", "stage": "rules", "revision": 7,
            "stages": [
                {"stage": "authenticate", "outcome": "passed", "credentialId": "c", "open": false},
                {"stage": "limit", "outcome": "passed", "limits": [
                    {"policy": "requestsPerMinute", "max": 60, "remaining": 59}]},
                {"stage": "rules", "outcome": "refused", "status": 400, "code": "rule-denied",
                 "rule": rule, "scopes": [
                    {"scope": "proxyCredential", "outcome": "unknown", "rule": null, "rules": []},
                    {"scope": "proxy", "outcome": "deny", "rule": rule, "rules": [
                        {"id": "rul_1", "effect": "deny", "priority": 500, "mode": "enforce",
                         "outcome": "fits", "criterion": null},
                        {"id": "rul_2", "effect": "allow", "priority": 50, "mode": "shadow",
                         "outcome": "fails", "criterion": "/headers/0"}],
                     "shadow": {"outcome": "deny"}},
                    {"scope": "target", "outcome": "allow", "rule": by_default, "rules": []}]},
                {"stage": "inject", "outcome": "passed", "credential": "available",
                 "present": {"in": "header", "name": "authorization"}},
                {"stage": "filter", "outcome": "applies", "filters": [
                    {"id": "flt_1", "scope": "proxy", "operation": "mask"}]},
            ],
        });
        let expected = "\
DELETE /a through crm as c is refused with 400 rule-denied at stage rules (revision 7)

  authenticate  passed   as c
  limit         passed   requestsPerMinute: 59 of 60 left
  rules         refused  400 rule-denied; deny by rul_1 of proxy
    proxyCredential   unknown  nobody knows the caller
    proxy             deny     by rul_1
      shadow          deny, if its rules were enforced
      rul_1                                 deny   500  fits
      rul_2                                 allow  50   fails on /headers/0 (shadow)
    target            allow    by default
  inject        passed   header authorization, available
  filter        applies  mask flt_1 of proxy
";
        assert_eq!(text(&question, &said), expected);
    }
}
