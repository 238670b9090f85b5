//! What holds for all documents.

use proptest::collection::vec;
use proptest::prelude::*;
use rrfilter::{BodyStep, BodyTransform, QueryEdits, Values};
use serde_json::{Map, Value};

use crate::support::{LIMIT, changed};

proptest! {
    #[test]
    fn what_is_set_is_there_and_nothing_else_changed(
        document in document(), name in name(), value in value(),
    ) {
        let mut expected: Value = serde_json::from_str(&document).unwrap();
        let path = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        let set = BodyStep::set(&path, &value.to_string()).unwrap();
        let changed = changed([set], &document).unwrap();
        expected[&name] = value;
        prop_assert_eq!(serde_json::from_str::<Value>(&changed).unwrap(), expected);
    }

    #[test]
    fn what_is_set_and_removed_again_leaves_every_byte(document in document(), name in name()) {
        let path = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        let is_there = serde_json::from_str::<Value>(&document).unwrap().get(&name).is_some();
        let set = BodyStep::set(&path, "[1]").unwrap();
        let remove = BodyStep::remove(&path).unwrap();
        if !is_there {
            prop_assert_eq!(changed([set, remove], &document).unwrap(), document);
        }
    }

    #[test]
    fn wrapping_and_unwrapping_leaves_every_byte(document in document(), name in name()) {
        let path = format!("/{}/x", name.replace('~', "~0").replace('/', "~1"));
        let steps = [BodyStep::wrap(&path).unwrap(), BodyStep::unwrap(&path).unwrap()];
        prop_assert_eq!(changed(steps, &document).unwrap(), document);
    }

    #[test]
    fn a_form_says_the_same_after_it_was_json(pairs in vec((name(), ".{0,8}"), 0..6)) {
        let mut form = String::new();
        let mut expected = Map::new();
        for (name, value) in pairs {
            form = QueryEdits::new().append(&name, "{claim.v}").unwrap().apply(
                &form, &Values::none().with("claim.v", value.clone()).unwrap(),
            );
            let value = Value::from(value);
            match expected.get_mut(&name) {
                None => { expected.insert(name, value); }
                Some(Value::Array(all)) => all.push(value),
                Some(one) => { let first = one.take(); *one = Value::Array(vec![first, value]); }
            }
        }
        let json = changed([BodyStep::from_form()], &form).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Value>(&json).unwrap(), &Value::Object(expected));
        let back = changed([BodyStep::to_form()], &json).unwrap();
        let again = changed([BodyStep::from_form()], &back).unwrap();
        prop_assert_eq!(again, json);
    }

    #[test]
    fn no_content_makes_a_step_panic(content in vec(any::<u8>(), 0..64), path in "(/[a-c0-2-]?){0,3}") {
        let steps = [
            BodyStep::set(&path, "{}").ok(), BodyStep::remove(&path).ok(),
            BodyStep::rename(&path, "b").ok(), BodyStep::move_to("/a", &path).ok(),
            BodyStep::unwrap(&path).ok(), BodyStep::wrap(&path).ok(),
        ];
        for step in steps.into_iter().flatten() {
            let body = BodyTransform::new([step]).unwrap();
            if let Ok(json) = body.apply(&content, &Values::none(), LIMIT) {
                prop_assert!(serde_json::from_slice::<Value>(&json).is_ok());
            }
        }
    }
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c]{1,2}", "[a-z~/\"\\\\é]{1,4}"]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z\"\\\\é\u{1}]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((name(), inner), 0..4).prop_map(|it| Value::Object(it.into_iter().collect())),
        ]
    })
}

// An object, sometimes with white space.
fn document() -> impl Strategy<Value = String> {
    let object = vec((name(), value()), 0..5);
    (object, any::<bool>()).prop_map(|(members, is_pretty)| {
        let object = Value::Object(members.into_iter().collect());
        match is_pretty {
            true => serde_json::to_string_pretty(&object).unwrap(),
            false => object.to_string(),
        }
    })
}
