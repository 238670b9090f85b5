//! What the outbound layer says of a described request.
#![cfg(test)]

use http::Request;
use rrauth::{InjectLayer, Injection};
use rrcore::Code;

#[test]
fn a_described_request_is_told_whether_it_would_be_sent_and_gets_no_secret() {
    let request = Request::new(());
    let injection = Injection::bearer("Bearer ", "canary").unwrap();
    assert!(InjectLayer::new(injection).explain(&request).is_ok());
    assert!(request.headers().is_empty());

    let refusal = InjectLayer::new(Injection::unavailable("it is gone")).explain(&request);
    let refusal = refusal.unwrap_err();
    assert_eq!(refusal.code(), Code::CredentialUnavailable);
    assert_eq!(refusal.reason(), Some("it is gone"));
}
