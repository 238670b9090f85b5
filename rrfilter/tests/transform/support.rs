//! What the tests share.

use rrfilter::{BodyStep, BodyTransform, NotTransformable, Values};

pub(crate) const LIMIT: usize = 1 << 16;

pub(crate) fn changed(
    steps: impl IntoIterator<Item = BodyStep>,
    content: &str,
) -> Result<String, NotTransformable> {
    let values = Values::none().with("claim.sub", "alice").unwrap();
    let body = BodyTransform::new(steps).unwrap();
    body.apply(content.as_bytes(), &values, LIMIT).map(|it| String::from_utf8(it).unwrap())
}

#[track_caller]
pub(crate) fn check(step: BodyStep, content: &str, expected: &str) {
    assert_eq!(changed([step], content).as_deref(), Ok(expected), "{content}");
}

#[track_caller]
pub(crate) fn refuse(step: BodyStep, content: &str, expected: &str) {
    assert_eq!(changed([step], content).unwrap_err().to_string(), expected, "{content}");
}
