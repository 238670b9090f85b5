//! What new rules would have made of past requests: audit records in, changed outcomes out.
//!
//! `cargo run --example rules_diff`

use rrrules::{Cause, Counts, Effect, LineForm, Lines, Outcome, RuleSet, Scopes, diff};

const BEFORE: &str = r#"{
    "defaultRuleEffect": "allow",
    "rules": [
        {"id": "no-admin", "effect": "deny", "path": {"pattern": "^/admin(/|$)"}},
        {"id": "no-guests", "effect": "deny", "methods": ["PUT"], "headers": [{"name": "x-guest"}]}
    ]
}"#;

const AFTER: &str = r#"{
    "defaultRuleEffect": "allow",
    "rules": [
        {"id": "no-admin", "effect": "deny", "path": {"pattern": "^/admin/keys(/|$)"}},
        {"id": "no-guests", "effect": "deny", "methods": ["PUT"], "headers": [{"name": "x-guest"}]},
        {"id": "no-debug", "effect": "deny", "query": [{"name": "debug"}]},
        {"id": "no-large-pages", "effect": "deny",
         "query": [{"name": "limit", "value": "^[0-9]{4,}$"}]}
    ]
}"#;

/// As `GET /v1/clients/default/requests` of the Core API answers them, one a line. Other members do not matter;
/// no record has values, headers or bodies.
const RECORDS: &str = r#"
{"method":"GET","path":"/users/7","queryKeys":[],"status":200,"stage":null}
{"method":"GET","path":"/admin/users","queryKeys":[],"status":400,"stage":"rules"}
{"method":"GET","path":"/admin/keys","queryKeys":["page"],"status":400,"stage":"rules"}
{"method":"GET","path":"/users","queryKeys":["page","%64ebug"],"status":200,"stage":null}
{"method":"GET","path":"/users","queryKeys":["limit"],"status":200,"stage":null}
{"method":"PUT","path":"/users/7","queryKeys":[],"status":200,"stage":null}
{"method":"GET","path":"/api/prx_1/..%2f","queryKeys":[],"status":400,"stage":"route"}
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let before = Scopes::from(RuleSet::from_json(BEFORE)?);
    let after = Scopes::from(RuleSet::from_json(AFTER)?);

    let mut records = Lines::new(RECORDS.as_bytes(), LineForm::Record);
    let requests = records.by_ref().collect::<Result<Vec<_>, _>>()?;
    let outcomes: Vec<_> = diff(&before, &after, requests).collect();
    for (request, outcome) in &outcomes {
        println!("{:<4} {:<14} {}", request.method(), request.path(), said(outcome));
    }

    let counts: Counts = outcomes.iter().map(|(_, outcome)| outcome).collect();
    println!("{counts:?}, and {} that met no rule", records.skipped());
    assert_eq!((counts.same, counts.newly_allowed, counts.newly_denied), (3, 1, 1));
    assert_eq!((counts.undecidable, records.skipped()), (1, 1));

    let outcomes: Vec<_> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
    assert!(matches!(&outcomes[1], Outcome::Flips { to: Effect::Allow, .. }));
    assert!(
        matches!(&outcomes[3], Outcome::Flips { by: Cause::Rule(_, rule), .. } if *rule.id == *"no-debug")
    );
    // Whoever wants to know sends the request itself, as `LineForm::Request`.
    let needs = vec!["value of query parameter limit".to_owned()];
    assert_eq!(outcomes[4], Outcome::Undecidable { needs });
    // Nobody knows whether it had the header, and nobody needs to: that rule stays as it was.
    assert_eq!(outcomes[5], Outcome::SameEitherWay);
    Ok(())
}

fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Same(effect) => format!("stays {effect:?}"),
        Outcome::SameEitherWay => "stays what it was".to_owned(),
        Outcome::Flips { from, to, by } => format!("{from:?} -> {to:?} by {by:?}"),
        Outcome::Undecidable { needs } => format!("? needs {}", needs.join(", ")),
    }
}
