//! What a layer says of a described request, and what it then does.
#![cfg(test)]

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use rratelimit::{Key, Limiter, Policy, RateLimitLayer};
use rrcore::{Code, ManualClock};

#[test]
fn explaining_counts_nothing_and_says_what_comes_next() {
    let clock = ManualClock::starting_at(Duration::from_secs(1_700_000_000)).clock();
    let (limiter, key) = (Arc::new(Limiter::new()), Key::of(&["a"]));
    let policy = Policy::per_minute(2);
    let layer = RateLimitLayer::new(policy.clone(), Arc::clone(&limiter)).key(move |_| key);
    let (head, ()) = Request::new(()).into_parts();
    for left in [1, 0] {
        for _ in 0..10 {
            let (decision, refusal) = layer.explain(&head, clock.now());
            assert_eq!(decision.standing().remaining("requestsPerMinute"), Some(left));
            assert!(refusal.is_none());
        }
        assert!(limiter.check(&policy, key, clock.now()).is_allowed());
    }
    let (decision, refusal) = layer.explain(&head, clock.now());
    assert!(!decision.is_allowed());
    assert_eq!(refusal.map(|it| it.code()), Some(Code::QuotaExceeded));
}
