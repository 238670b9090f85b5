//! What bodies and sets of rules may cost.

use std::fmt::Write;

use super::{BodyPlan, Presence, Sent, body_check, words};

#[test]
fn of_a_thousand_checks_each_knows_what_it_found() {
    let checks = (0..1_000).flat_map(|it| {
        [Presence::Present, Presence::Absent]
            .map(|presence| body_check(&format!("^m{it}\\.(x|y)$"), Some("^1$"), presence))
    });
    let plan = BodyPlan::new(checks.collect());
    let sent = Sent::json(r#"{"m7":{"x":1},"m8":{"y":2},"m999":{"y":1}}"#);
    let all: Vec<_> = (0..2_000).collect();
    let few: Vec<_> = vec![14, 15, 16, 17, 1_998, 1_999];
    for wanted in [all, few] {
        let found = sent.inspect(&plan, &wanted).unwrap();
        for present in wanted.iter().step_by(2).copied() {
            let expected = if matches!(present, 14 | 1_998) { "sure" } else { "none" };
            assert_eq!(words(&found, present, present + 1), expected, "{present}");
        }
    }
}

#[test]
fn checks_that_share_a_path_differ_by_flags_and_values() {
    let any_case = crate::pattern::Pattern::new("^a$", "i").unwrap();
    let mut checks = Vec::new();
    for presence in [Presence::Present, Presence::Absent] {
        checks.push(body_check("^a$", Some("1"), presence));
        checks.push(body_check("^a$", Some("2"), presence));
        checks.push(super::BodyCheck { path: any_case.clone(), value: None, presence });
    }
    let plan = BodyPlan::new(checks);
    let found = Sent::json(r#"{"A":1}"#).inspect(&plan, &[0, 1, 2, 3, 4, 5]).unwrap();
    let word = |check| words(&found, check, check + 3);
    assert_eq!((word(0), word(1), word(2)), ("none".into(), "none".into(), "sure".into()));
}

// Each would be quadratic if paths were put together and searched value by value.
#[test]
fn long_names_over_many_values_cost_no_more_than_short_ones() {
    let long = "n".repeat(300_000);
    let wide = format!("{{\"{long}\":[{}0]}}", "0,".repeat(150_000));
    for path in ["n\\.149999$", "^n+\\.5$", "q"] {
        assert!(Sent::json(&wide).finds(path, Some("0")).is_ok(), "{path}");
    }
    // No automaton can follow this one: it is searched as text, up to a limit.
    assert_eq!(Sent::json(&wide).finds("\\bq\\b", None), Err("too much work"));
    let mut flat = String::from("{");
    for it in 0..20_000 {
        write!(flat, "\"name{it}\":{it},").unwrap();
    }
    flat.push_str("\"q\":1}");
    assert_eq!(Sent::json(&flat).finds("\\bq\\b", Some("1")).as_deref(), Ok("sure"));
}

#[test]
fn a_decoded_body_is_as_large_as_the_limit_and_no_larger() {
    let limit = 1 << 20;
    let text = |length: usize| format!("\"{}\"", "a".repeat(length - 2));
    assert_eq!(Sent::json(text(limit)).finds("^$", Some("a")).as_deref(), Ok("sure"));
    assert_eq!(Sent::json(text(limit + 1)).finds("^$", None), Err("over the size limit"));
}

#[test]
fn checks_that_nobody_knows_find_nothing() {
    let plan = BodyPlan::new(vec![body_check("a", None, Presence::Present)]);
    assert!(Sent::json("{}").inspect(&plan, &[1]).is_err());
}

#[cfg(not(feature = "graphql"))]
#[test]
fn without_its_feature_graphql_is_refused_and_never_passes() {
    let check = body_check("^graphql\\.operationType$", None, Presence::Absent);
    assert!(check.unsupported().is_some());
    let plan = BodyPlan::new(vec![check]);
    assert!(Sent::json("{}").inspect(&plan, &[0]).is_err());
    assert!(Sent::graphql("{a}").finds("a", None).is_err());
}
