//! Resources as documents: as clients see them, and as a change to them starts from.

use serde_json::{Map, Value};

use crate::control_plane::config::draft::Draft;
use crate::control_plane::config::resource::{Kind, Resource, Spec};
use crate::control_plane::wire::answer;
use crate::control_plane::wire::fields::Flaw;
use crate::control_plane::wire::json::Json;
use crate::control_plane::wire::text::rfc3339;
use crate::model::EgressPolicy;

/// `resource` as clients see it: without its secret.
pub(crate) fn shown(resource: &Resource) -> Value {
    let id = &*resource.key.id;
    let said = match &resource.spec {
        Spec::Credential(it) => answer::credential(id, it),
        Spec::Rule(it) => it.shown(),
        Spec::Target(_)
        | Spec::Proxy(_)
        | Spec::Filter(_)
        | Spec::Meter(_)
        | Spec::Configuration(_) => public(&resource.spec),
    };
    answer::with(
        said,
        [
            ("id", id.into()),
            ("createdAt", rfc3339(resource.created_ms).into()),
            ("updatedAt", rfc3339(resource.updated_ms).into()),
        ],
    )
}

/// What `patch` (RFC 7396) makes of `resource`. A member `auth` with a `type` takes the place of
/// all of `auth`. Compiles patterns.
pub(crate) fn patched(
    resource: &Resource,
    patch: Json,
    egress: &EgressPolicy,
) -> Result<Draft, Vec<Flaw>> {
    let kind = resource.key.collection.kind;
    // What the vault has as one cannot be merged here, where nobody can read it.
    if let (Spec::Credential(it), Some(auth)) = (&resource.spec, patch.member("auth")) {
        it.auth.takes(auth)?;
    }
    let mut base = match writable(&resource.spec) {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    };
    if kind == Kind::Credential && patch.member("kind").is_some() {
        // What only one of the two kinds has is not what is wrong with the other.
        base.remove("scopes");
        base.remove("destinations");
    }
    match kind {
        Kind::Credential if patch.member("auth").is_some_and(|it| it.member("type").is_some()) => {
            base.remove("auth");
        }
        Kind::Rule => respell(&mut base, &patch),
        Kind::Meter => choose(&mut base, &patch),
        Kind::Credential | Kind::Target | Kind::Proxy | Kind::Filter | Kind::Configuration => {}
    }
    // What it was made of is JSON, so it can be read as that.
    let base = serde_json::from_value(Value::Object(base)).unwrap_or(Json::Null);
    let mut draft = Draft::read(kind, base.merged(patch), egress)?;
    if let Draft::Credential(it) = &mut draft {
        it.credential.auth.judged();
    }
    Ok(draft)
}

/// `resource` with what `auth` says of its new secret.
pub(crate) fn rotated(
    resource: &Resource,
    auth: Option<Json>,
    egress: &EgressPolicy,
) -> Result<Draft, Vec<Flaw>> {
    let patch = auth.map(|it| ("auth".to_owned(), it));
    patched(resource, Json::Object(patch.into_iter().collect()), egress)
}

// Without what only the gateway writes.
fn public(spec: &Spec) -> Value {
    let mut said = spec.to_json();
    let of = match spec {
        Spec::Proxy(_) => said.get_mut("limits"),
        Spec::Meter(_) => Some(&mut said),
        Spec::Credential(_)
        | Spec::Target(_)
        | Spec::Rule(_)
        | Spec::Filter(_)
        | Spec::Configuration(_) => None,
    };
    if let Some(Value::Object(members)) = of {
        members.remove("generations");
    }
    said
}

fn writable(spec: &Spec) -> Value {
    match spec {
        Spec::Credential(it) => answer::writable(it),
        Spec::Target(_)
        | Spec::Proxy(_)
        | Spec::Rule(_)
        | Spec::Filter(_)
        | Spec::Meter(_)
        | Spec::Configuration(_) => public(spec),
    }
}

// What is one of several forms is changed within its form, or replaced by another one.
fn choose(meter: &mut Map<String, Value>, patch: &Json) {
    if patch.member("per").is_some() {
        meter.remove("per");
    }
    for name in ["extraction", "estimate"] {
        let is_another =
            |it: &Json| !matches!(it, Json::Object(_)) || it.member("location").is_some();
        if patch.member(name).is_some_and(is_another) {
            meter.remove(name);
        }
    }
}

// Writes what `patch` changes in another spelling in that spelling: the two of them would be both
// at once.
fn respell(rule: &mut Map<String, Value>, patch: &Json) {
    for (name, other) in
        [("headers", "headerChecks"), ("query", "queryChecks"), ("body", "bodyChecks")]
    {
        if patch.member(other).is_some() && patch.member(name).is_none() {
            rule.remove(name);
        }
    }
    let is_other = ["pathPattern", "pathPresence"].iter().any(|it| patch.member(it).is_some());
    if is_other && patch.member("path").is_none() {
        let path = rule.remove("path").unwrap_or_default();
        let is_removed = matches!(patch.member("pathPattern"), Some(Json::Null));
        for (name, other) in [("pattern", "pathPattern"), ("presence", "pathPresence")] {
            if let (Some(it), false) = (path.get(name), is_removed) {
                rule.insert(other.to_owned(), it.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::config::resource::Key;
    use crate::control_plane::wire::rule_text::RuleText;

    #[test]
    fn a_rule_is_patched_in_either_spelling() {
        let base = r#"{"effect":"deny","path":{"pattern":"^/a","presence":"absent"},
            "headers":[{"name":"x-a"}],"query":[{"name":"q"}],"body":[{"path":"b"}]}"#;
        check(
            base,
            r#"{"pathPattern":"^/b"}"#,
            "/path",
            r#"{"pattern":"^/b","presence":"absent"}"#,
        );
        let present = r#"{"pattern":"^/a","presence":"present"}"#;
        check(base, r#"{"pathPresence":"must_exist"}"#, "/path", present);
        check(base, r#"{"path":{"presence":"present"}}"#, "/path", present);
        check(base, r#"{"pathPattern":null}"#, "/path", "null");
        check(base, r#"{"headerChecks":[]}"#, "/headers", "[]");
        check(base, r#"{"headerChecks":null}"#, "/headers", "[]");
        check(base, r#"{"queryChecks":null}"#, "/query", "[]");
        check(base, r#"{"bodyChecks":null}"#, "/body", "[]");
        let body = r#"[{"path":"c","value":null,"presence":"absent"}]"#;
        let change = r#"{"bodyChecks":[{"path":"c","presence":"must_not_exist"}]}"#;
        check(base, change, "/body", body);
        check(base, r#"{"mode":"shadow"}"#, "/mode", r#""shadow""#);
        check(base, r#"{"mode":"shadow"}"#, "/body/0/path", r#""b""#);
        check(base, r#"{"priority":7}"#, "/priority", "7");
        let both = patch(base, r#"{"headers":[],"headerChecks":[]}"#).unwrap_err();
        assert_eq!(both[0].pointer, "/headerChecks");
    }

    #[track_caller]
    fn check(base: &str, change: &str, pointer: &str, expected: &str) {
        let rule = patch(base, change).unwrap().to_json();
        let expected: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(rule.pointer(pointer), Some(&expected), "{change}");
    }

    fn patch(base: &str, change: &str) -> Result<Spec, Vec<Flaw>> {
        let json = |it: &str| Json::parse(it.as_bytes()).unwrap();
        let egress = EgressPolicy::default();
        let Draft::Rule(rule) = Draft::read(Kind::Rule, json(base), &egress).unwrap() else {
            panic!("no rule")
        };
        let (key, spec) = (Key::top(Kind::Rule, "r"), Spec::Rule(RuleText::from(&rule)));
        let content = spec.digest();
        let resource = Resource {
            key,
            created_in: 1,
            changed_in: 1,
            created_ms: 0,
            updated_ms: 0,
            content,
            spec,
        };
        match patched(&resource, json(change), &egress)? {
            Draft::Rule(it) => Ok(Spec::Rule(RuleText::from(&it))),
            other => panic!("{other:?}"),
        }
    }
}
