//! What a stranger's content can cost.

use rrfilter::{BodyStep, BodyTransform, JsonPointer, PatchOperation, Values};

use crate::support::{LIMIT, changed};

#[test]
fn what_a_document_becomes_is_bounded_after_every_step() {
    let at = |it| JsonPointer::new(it).unwrap();
    let double = || PatchOperation::Copy { from: at(""), path: at("/-") };
    let steps = (0..64).map(|_| BodyStep::patch([double()]).unwrap());
    let error = changed(steps, r#"["0123456789abcdef"]"#).unwrap_err();
    assert!(error.is_too_large() && error.step().is_some_and(|it| it < 14), "{error}");

    let error = changed([BodyStep::set("/b", "1").unwrap()], &large(LIMIT - 5)).unwrap_err();
    assert!(error.is_too_large());
    let error = changed([BodyStep::remove("/a").unwrap()], &large(LIMIT + 1)).unwrap_err();
    assert!(error.is_too_large());
    let body = BodyTransform::new([BodyStep::to_form()]).unwrap();
    let content = format!("{{\"a\":\"{}\"}}", "é".repeat(100));
    let error = body.apply(content.as_bytes(), &Values::none(), content.len()).unwrap_err();
    assert!(error.is_too_large());
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let step = || BodyStep::wrap("/a").unwrap();
    assert!(changed([step()], &nested(128)).is_ok());
    assert!(changed([step()], &nested(129)).is_err());
    assert!(changed([step()], &"[".repeat(60_000)).is_err());
    assert!(changed([step()], &"{\"a\":".repeat(10_000)).is_err());
}

fn large(length: usize) -> String {
    format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8))
}
