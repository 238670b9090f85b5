//! How messages are transformed, against slower and plainer ways to say the same.

use rrcore::json::{Event, Limits, Scanner};
use rrfilter::{
    BodyStep, BodyTransform, Duplicates, InvalidTransform, JsonPointer, JsonTemplate,
    PatchOperation, PathRewrite, QueryEdits, QueryNormalisation, Rewrite, Template, Transform,
    Values,
};
use serde_json::Value;

const LIMIT: usize = 1 << 16;

/// The first byte says what is tried with the lines after it.
///
/// # Panics
/// When what comes out is not JSON, has two readings, lost what was not spoken of, or is not what was
/// asked for.
pub fn check(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    let text = std::str::from_utf8(rest);
    match (kind, text) {
        (b'x', _) => xml(rest),
        (b'b', Ok(text)) => body(text),
        (b'p', Ok(text)) => patch(text),
        (b't', Ok(text)) => template(text),
        (b'q', Ok(text)) => query(text),
        (b'f', Ok(text)) => form(text),
        (b'r', Ok(text)) => rewrite(text),
        (b'j', Ok(text)) => {
            assert_eq!(Transform::from_json(text).is_ok(), Rewrite::from_json(text).is_ok());
        }
        _ => {}
    }
}

// A pointer, a name, a document.
fn body(text: &str) {
    let mut lines = text.splitn(3, '\n');
    let (Some(path), Some(name), Some(document)) = (lines.next(), lines.next(), lines.next())
    else {
        return;
    };
    let model: Option<Value> = is_json(document.as_bytes())
        .then(|| document.trim_start_matches('\u{feff}'))
        .and_then(|it| serde_json::from_str(it).ok());
    let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
    let set = apply([BodyStep::set(path, r#"[1.0,"x"]"#)], document);
    let there = |it: &Value| it.pointer(path).cloned();
    if let (Some(set), Some(_)) = (&set, &model) {
        let found = value(set);
        assert!(there(&found) == Some(value(br#"[1.0,"x"]"#)) || path.contains('-'), "{text}");
    }
    let removed = apply([BodyStep::remove(path)], document);
    if let (Some(removed), Some(model)) = (&removed, &model) {
        let gone = there(model).is_none();
        assert_eq!(value(removed) == *model, gone || path.is_empty(), "{text}");
        if gone && !path.is_empty() {
            let bytes = document.trim_start_matches('\u{feff}').trim_ascii().as_bytes();
            assert_eq!(removed, bytes, "{text}");
        }
    }
    apply([BodyStep::rename(path, name)], document);
    apply([BodyStep::add(path, "1")], document);
    apply([BodyStep::unwrap(path)], document);
    apply([BodyStep::move_to(path, &pointer), BodyStep::move_to(&pointer, path)], document);
    if let Some(back) = apply([BodyStep::wrap(&pointer), BodyStep::unwrap(&pointer)], document) {
        assert_eq!(back, document.trim_start_matches('\u{feff}').trim_ascii().as_bytes());
    }
    apply([Ok(BodyStep::to_form())], document);
}

// Two pointers, a value, a document.
fn patch(text: &str) {
    let mut lines = text.splitn(4, '\n');
    let pointer = |it: &str| JsonPointer::new(it).ok();
    let (Some(from), Some(path)) = (lines.next().and_then(pointer), lines.next().and_then(pointer))
    else {
        return;
    };
    let (Some(Ok(value)), Some(document)) = (lines.next().map(JsonTemplate::new), lines.next())
    else {
        return;
    };
    let add = PatchOperation::Add { path: path.clone(), value: value.clone() };
    let replace = PatchOperation::Replace { path: path.clone(), value: value.clone() };
    let test = PatchOperation::Test { path: path.clone(), value };
    let copy = PatchOperation::Copy { from: from.clone(), path: path.clone() };
    let remove = PatchOperation::Remove { path: path.clone() };
    let one = |it: &PatchOperation| apply([BodyStep::patch([it.clone()])], document);
    if one(&replace).is_some() {
        let both = BodyStep::patch([replace, test]);
        assert!(apply([both], document).is_some(), "{text}");
    }
    if one(&add).is_some() && !path.is_root() && !path.to_string().ends_with("/-") {
        let there = apply([BodyStep::unwrap(&path.to_string())], document);
        let both = apply([BodyStep::patch([add, remove])], document).unwrap();
        assert!(there.is_some() || same(&both, document), "{text}");
    }
    one(&copy);
    apply([BodyStep::patch([PatchOperation::Move { from, path }])], document);
}

fn template(text: &str) {
    let values = Values::none().with("claim.a", "\r\n{}\"").unwrap();
    if let Ok(template) = Template::new(text) {
        let _ = template.render(&values);
    }
    let escaped = text.replace('{', "{{").replace('}', "}}");
    let rendered = Template::new(&escaped).unwrap().render(&values);
    assert_eq!(rendered.as_deref(), Some(text));
    if let Ok(template) = JsonTemplate::new(text) {
        assert!(is_json(template.render(&values).as_bytes()), "{text}");
    }
}

// A name, a value, a query.
fn query(text: &str) {
    let mut lines = text.splitn(3, '\n');
    let (Some(name), Some(said), Some(query)) = (lines.next(), lines.next(), lines.next()) else {
        return;
    };
    if !name.is_empty() {
        let values = Values::none().with("claim.a", said).unwrap();
        let set = QueryEdits::new().set(name, "{claim.a}").unwrap().apply(query, &values);
        let found: Vec<_> =
            form_urlencoded::parse(set.as_bytes()).filter(|it| it.0 == name).collect();
        assert!(found.len() == 1 && found[0].1 == said, "{text}");
        let removed = QueryEdits::new().remove(name).unwrap().apply(&set, &values);
        assert!(form_urlencoded::parse(removed.as_bytes()).all(|it| it.0 != name), "{text}");
        if let Ok(renamed) = QueryEdits::new().rename(name, "b") {
            let left = renamed.apply(query, &values);
            assert!(form_urlencoded::parse(left.as_bytes()).all(|it| it.0 != name), "{text}");
        }
    }
    let all = QueryNormalisation::new().remove([name]).drop_empty().sort();
    for all in [all.clone(), all.clone().duplicates(Duplicates::First), all.keep_only([said])] {
        let once = all.apply(query);
        assert_eq!(all.apply(&once), once, "{text}");
    }
}

fn form(text: &str) {
    let Some(json) = apply([Ok(BodyStep::from_form())], text) else { return };
    let json = String::from_utf8(json).unwrap();
    let Some(form) = apply_raw([BodyStep::to_form()], json.as_bytes()) else { return };
    let again = apply_raw([BodyStep::from_form()], &form).unwrap();
    assert_eq!(String::from_utf8(again).unwrap(), json);
}

fn xml(content: &[u8]) {
    if let Some(json) = apply_raw([BodyStep::from_xml()], content) {
        assert!(is_json(&json), "{}", String::from_utf8_lossy(&json));
    }
}

// A pattern, what it becomes, a path.
fn rewrite(text: &str) {
    let mut lines = text.splitn(3, '\n');
    let (Some(pattern), Some(to), Some(path)) = (lines.next(), lines.next(), lines.next()) else {
        return;
    };
    if let Ok(rewrite) = PathRewrite::new(pattern, to) {
        let path = rewrite.apply(path);
        assert!(path.is_none_or(|it| it.starts_with('/') && it.len() <= 1 << 16), "{text}");
    }
}

// What becomes of JSON is JSON without two readings.
fn apply<const N: usize>(
    steps: [Result<BodyStep, InvalidTransform>; N],
    content: &str,
) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    for step in steps {
        all.push(step.ok()?);
    }
    let values = Values::none();
    let body = BodyTransform::new(all).unwrap();
    let changed = body.apply(content.as_bytes(), &values, LIMIT).ok()?;
    assert!(changed.len() <= LIMIT);
    // No form begins so.
    if matches!(changed.first(), Some(b'{' | b'[' | b'"')) {
        assert!(is_json_of_any_depth(&changed), "{content}");
    }
    Some(changed)
}

fn apply_raw<const N: usize>(steps: [BodyStep; N], content: &[u8]) -> Option<Vec<u8>> {
    BodyTransform::new(steps).unwrap().apply(content, &Values::none(), LIMIT).ok()
}

fn value(json: &[u8]) -> Value {
    serde_json::from_slice(json).unwrap_or_default()
}

fn same(one: &[u8], other: &str) -> bool {
    one == other.trim_start_matches('\u{feff}').trim_ascii().as_bytes()
        || value(one) == value(other.trim_start_matches('\u{feff}').as_bytes())
}

fn is_json(text: &[u8]) -> bool {
    scanned(text, Limits::default())
}

fn is_json_of_any_depth(text: &[u8]) -> bool {
    scanned(text, Limits::default().depth(1 << 16))
}

fn scanned(text: &[u8], limits: Limits) -> bool {
    let mut scanner = Scanner::new(limits);
    let mut nobody = |_: Event<'_>| {};
    scanner.push(text, &mut nobody).and_then(|()| scanner.finish(&mut nobody)).is_ok()
}
