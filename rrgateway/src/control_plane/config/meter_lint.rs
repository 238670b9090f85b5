//! What is legal in a meter, and hardly what was meant.

use crate::control_plane::wire::meter::{Algorithm, Meter, Mode, Type, Window};
use crate::control_plane::wire::per::{Named, Part};

/// What may be wrong with a meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Doubt {
    /// A word for it.
    pub(crate) kind: &'static str,
    /// Where in the meter.
    pub(crate) pointer: &'static str,
    /// What, why it matters, and what to do.
    pub(crate) detail: &'static str,
}

/// All that may be wrong with `meter`.
pub(crate) fn doubts(meter: &Meter) -> Vec<Doubt> {
    let enforces = meter.mode == Mode::Enforce && !meter.limits.is_empty();
    let is_closed = enforces && meter.limits.iter().any(|it| it.max == 0);
    let is_chosen =
        enforces && meter.per.parts().iter().any(|it| matches!(it, Part::Named(Named::Header(_))));
    let is_calendar = |it: Window| it >= Window::Day;
    let has_bucket = meter.limits.iter().any(|it| !is_calendar(it.window));
    let all = [
        (is_closed, CLOSED),
        (is_chosen, CHOSEN),
        (meter.algorithm == Algorithm::TokenBucket && !has_bucket, NO_BUCKET),
        (meter.estimate.is_some() && !enforces, NO_ESTIMATE),
        (never_reached(meter), NEVER),
        (meter.kind == Type::ResponseValue && enforces && is_free(meter), FREE),
    ];
    all.into_iter().filter(|(holds, _)| *holds).map(|(_, doubt)| doubt).collect()
}

// A limit on a short window that lets no more pass than one on a longer window does.
fn never_reached(meter: &Meter) -> bool {
    let limits = &meter.limits;
    let covers = |long: Window, max: u64| limits.iter().any(|it| it.window < long && it.max >= max);
    limits.iter().any(|it| covers(it.window, it.max))
}

// What has no number costs nothing, and nothing is taken before.
fn is_free(meter: &Meter) -> bool {
    meter.on_missing == Some(0) && meter.estimate.is_none()
}

const CLOSED: Doubt = Doubt {
    kind: "nothing-passes",
    pointer: "/limits",
    detail: "A limit of 0 lets nothing pass that this meter is about. Write a rule that denies it, \
             where that is what you mean: it says so to callers.",
};
const CHOSEN: Doubt = Doubt {
    kind: "chosen-by-caller",
    pointer: "/per",
    detail: "Callers choose what stands in a header: with each new value they have a new budget. \
             Count per credential or claim too, or add a meter that does.",
};
const NO_BUCKET: Doubt = Doubt {
    kind: "no-bucket",
    pointer: "/algorithm",
    detail: "Days and months are of the calendar, whatever the algorithm. There is no other limit \
             here, so the tokenBucket and its burst are without effect.",
};
const NO_ESTIMATE: Doubt = Doubt {
    kind: "estimate-unused",
    pointer: "/estimate",
    detail: "This meter refuses nothing, so there is nothing to reserve for. The estimate is \
             without effect until it has limits and enforces them.",
};
const NEVER: Doubt = Doubt {
    kind: "never-reached",
    pointer: "/limits",
    detail: "A limit on a longer window is no larger than one on a shorter window, which is \
             therefore never reached. Lower the one, or raise the other.",
};
const FREE: Doubt = Doubt {
    kind: "missing-is-free",
    pointer: "/onMissing",
    detail: "A response without the number counts as 0: an upstream that stops telling it, or a \
             caller who can make it do so, is unlimited. Give onMissing or an estimate.",
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::wire::fields::Flaws;
    use crate::control_plane::wire::json::Json;

    #[test]
    fn what_is_hardly_meant_is_doubted() {
        check(r#""limits":[{"window":"minute","max":10},{"window":"day","max":100}]"#, &[]);
        check(r#""limits":[{"window":"minute","max":0}]"#, &["nothing-passes"]);
        check(r#""limits":[{"window":"minute","max":0}],"mode":"observe""#, &[]);
        check(
            r#""limits":[{"window":"day","max":1}],"per":["credential",{"header":"a"}]"#,
            &["chosen-by-caller"],
        );
        check(r#""per":{"header":"a"}"#, &[]);
        check(
            r#""limits":[{"window":"day","max":1}],"algorithm":"tokenBucket","burst":1"#,
            &["no-bucket"],
        );
        check(
            r#""limits":[{"window":"day","max":5},{"window":"hour","max":5}]"#,
            &["never-reached"],
        );
    }

    #[test]
    fn a_number_that_may_be_missing_is_doubted() {
        let value = r#"{"name":"m","type":"responseValue",
            "extraction":{"location":"header","name":"a"}"#;
        let limited = format!(r#"{value},"limits":[{{"window":"day","max":1}}]"#);
        doubted(&format!("{limited}}}"), &["missing-is-free"]);
        doubted(&format!(r#"{limited},"onMissing":1}}"#), &[]);
        doubted(&format!(r#"{limited},"estimate":1}}"#), &[]);
        doubted(&format!(r#"{value},"estimate":1}}"#), &["estimate-unused"]);
        doubted(&format!("{value}}}"), &[]);
    }

    #[track_caller]
    fn check(more: &str, expected: &[&str]) {
        doubted(&format!(r#"{{"name":"m","type":"requestCount",{more}}}"#), expected);
    }

    #[track_caller]
    fn doubted(document: &str, expected: &[&str]) {
        let json = Json::parse(document.as_bytes()).unwrap();
        let meter = Flaws::read(json, Meter::read).unwrap();
        let kinds: Vec<_> = doubts(&meter).iter().map(|it| it.kind).collect();
        assert_eq!(kinds, expected, "{document}");
    }
}
