//! When a token is fetched, renewed and replaced: by a client and a clock that the test plays.
#![cfg(test)] // tells clippy that this may panic

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use proptest::prelude::*;
use rrauth::{HttpClient, HttpError, HttpFuture, OAuth2, Outlook, Token, TokenSource, Tokens};
use rrcore::ManualClock;
use tokio::sync::oneshot;
use tokio_test::{assert_pending, task::spawn};

#[tokio::test]
async fn a_thousand_first_uses_ask_once() {
    let (source, endpoint, _) = source();
    let waiting: Vec<_> = (0..1_000).map(|_| tokio::spawn(source.fetch())).collect();
    endpoint.issue("t1", 3600).await;
    for token in waiting {
        assert_eq!(text(&token.await.unwrap().unwrap()), "t1");
    }
    assert_eq!(endpoint.asked(), 1);
    assert_eq!(text(&source.current().unwrap()), "t1");
    assert_eq!(text(&source.fetch().await.unwrap()), "t1");
    assert_eq!(endpoint.asked(), 1);
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end_by_one_request_while_the_old_one_is_sent() {
    let (source, endpoint, hand) = source();
    held(&source, &endpoint, "t1", 3600).await;
    hand.advance(Duration::from_secs(2_879));
    assert_eq!(current(&source), Some("t1".to_owned()));
    settle().await;
    assert_eq!(endpoint.asked(), 1);
    hand.advance(Duration::from_secs(1));
    for _ in 0..100 {
        assert_eq!(current(&source), Some("t1".to_owned()));
    }
    endpoint.issue("t2", 3600).await;
    settle().await;
    assert_eq!(current(&source), Some("t2".to_owned()));
    assert_eq!(endpoint.asked(), 2);
    // And its life is its own.
    hand.advance(Duration::from_secs(2_879));
    assert_eq!(current(&source), Some("t2".to_owned()));
    settle().await;
    assert_eq!(endpoint.asked(), 2);
}

#[tokio::test]
async fn an_expired_token_is_never_sent_and_wall_clocks_do_not_matter() {
    let (source, endpoint, hand) = source();
    held(&source, &endpoint, "t1", 100).await;
    hand.set_wall(Duration::from_secs(9_999_999));
    assert_eq!(current(&source), Some("t1".to_owned()));
    hand.set_wall(Duration::ZERO);
    assert_eq!(source.outlook(), Outlook::AtHand);
    hand.advance(Duration::from_secs(95));
    assert_eq!(current(&source), None);
    assert_eq!(source.outlook(), Outlook::ToBeFetched);
    let fetched = tokio::spawn(source.fetch());
    endpoint.issue("t2", 100).await;
    assert_eq!(text(&fetched.await.unwrap().unwrap()), "t2");
}

#[tokio::test]
async fn a_token_that_was_long_on_its_way_is_as_old_as_its_request() {
    let (source, endpoint, hand) = source();
    let fetched = tokio::spawn(source.fetch());
    settle().await;
    hand.advance(Duration::from_secs(60));
    endpoint.issue("t1", 60).await;
    let error = fetched.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "token endpoint auth.test: the token has expired already");
    assert_eq!(current(&source), None);
}

#[tokio::test]
async fn a_renewal_goes_on_when_the_request_that_needed_it_leaves() {
    let (source, endpoint, _) = source();
    let mut fetch = spawn(source.fetch());
    assert_pending!(fetch.poll());
    drop(fetch);
    endpoint.issue("t1", 3600).await;
    settle().await;
    assert_eq!(current(&source), Some("t1".to_owned()));
}

#[tokio::test]
async fn a_failing_endpoint_is_left_alone_for_longer_and_longer() {
    let (source, endpoint, hand) = source();
    for pause in [1, 2, 4, 8] {
        let fetched = tokio::spawn(source.fetch());
        endpoint.fail().await;
        let error = fetched.await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "token endpoint auth.test: it answered 500");
        let asked = endpoint.asked();
        hand.advance(Duration::from_secs(pause) - Duration::from_nanos(1));
        assert_eq!(source.fetch().await.unwrap_err(), error);
        assert_eq!(source.outlook(), Outlook::Unavailable(error));
        assert_eq!(endpoint.asked(), asked);
        hand.advance(Duration::from_nanos(1));
        assert_eq!(source.outlook(), Outlook::ToBeFetched);
    }
}

#[tokio::test]
async fn while_renewals_fail_the_old_token_is_sent_until_it_expires() {
    let (source, endpoint, hand) = source();
    held(&source, &endpoint, "t1", 3600).await;
    hand.advance(Duration::from_secs(2_880));
    assert_eq!(current(&source), Some("t1".to_owned()));
    endpoint.fail().await;
    settle().await;
    let asked = endpoint.asked();
    assert_eq!(current(&source), Some("t1".to_owned()));
    settle().await;
    assert_eq!(endpoint.asked(), asked, "it waits a second");
    hand.advance(Duration::from_secs(1));
    assert_eq!(current(&source), Some("t1".to_owned()));
    endpoint.fail().await;
    settle().await;
    assert_eq!(endpoint.asked(), asked + 1);
    hand.advance(Duration::from_secs(3_595 - 2_881));
    assert_eq!(current(&source), None);
}

#[tokio::test]
async fn the_operator_hears_of_failures_while_the_old_token_is_sent() {
    let (heard, endpoint) = (Arc::new(Mutex::new(Vec::new())), Endpoint::default());
    let hand = ManualClock::starting_at(Duration::ZERO);
    let grant = OAuth2::new("https://auth.test/token", "c").secret("s").client_credentials();
    let note = Arc::clone(&heard);
    let source = TokenSource::builder(grant.unwrap(), Arc::new(endpoint.clone()))
        .clock(hand.clock())
        .on_failure(move |it| note.lock().unwrap().push(it.to_string()))
        .build();
    held(&source, &endpoint, "t1", 100).await;
    hand.advance(Duration::from_secs(50));
    assert_eq!(current(&source), Some("t1".to_owned()));
    endpoint.fail().await;
    settle().await;
    assert_eq!(current(&source), Some("t1".to_owned()));
    assert_eq!(*heard.lock().unwrap(), ["token endpoint auth.test: it answered 500"]);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_for_all_who_met_the_refusal() {
    let (source, endpoint, hand) = source();
    let old = held(&source, &endpoint, "t1", 3600).await;
    let waiting: Vec<_> = (0..100).map(|_| tokio::spawn(source.replace(&old))).collect();
    // It may be good for others.
    assert_eq!(current(&source), Some("t1".to_owned()));
    endpoint.issue("t2", 3600).await;
    for token in waiting {
        assert_eq!(text(&token.await.unwrap().unwrap()), "t2");
    }
    // Who comes late with the old one gets the new one.
    assert_eq!(text(&source.replace(&old).await.unwrap()), "t2");
    assert_eq!(endpoint.asked(), 2);
    // An upstream that takes no token costs the endpoint little.
    let new = source.current().unwrap();
    assert!(source.replace(&new).await.is_err());
    assert_eq!(endpoint.asked(), 2);
    hand.advance(Duration::from_secs(30));
    let replaced = tokio::spawn(source.replace(&new));
    endpoint.issue("t2", 3600).await;
    let error = replaced.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the token endpoint gave the same token again");
}

#[tokio::test]
async fn a_refused_token_whose_replacement_fails_is_kept() {
    let (source, endpoint, _) = source();
    let old = held(&source, &endpoint, "t1", 3600).await;
    let replaced = tokio::spawn(source.replace(&old));
    endpoint.fail().await;
    assert!(replaced.await.unwrap().is_err());
    assert_eq!(current(&source), Some("t1".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever() {
    let (source, endpoint, _) = source();
    let waiting: Vec<_> = (0..10).map(|_| tokio::spawn(source.fetch())).collect();
    for token in waiting {
        let error = token.await.unwrap().unwrap_err().to_string();
        let known =
            ["waited too long for a token", "token endpoint auth.test: it did not answer in time"];
        assert!(known.contains(&error.as_str()), "{error}");
    }
    assert_eq!(endpoint.asked(), 1);
}

#[test]
fn a_runtime_that_stops_clears_the_way_for_another() {
    let (source, endpoint, hand) = source();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let mut waiting = {
        let _entered = first.enter();
        source.fetch()
    };
    first.block_on(settle());
    assert_eq!(endpoint.asked(), 1);
    drop(first);
    let next = runtime();
    let error = next.block_on(&mut waiting).unwrap_err();
    assert_eq!(error.to_string(), "the request for a token was broken off");
    hand.advance(Duration::from_secs(1));
    let token = next.block_on(async {
        let fetched = tokio::spawn(source.fetch());
        endpoint.issue("t1", 3600).await;
        fetched.await.unwrap()
    });
    assert_eq!(text(&token.unwrap()), "t1");
}

#[test]
fn without_a_runtime_there_is_an_error_and_no_panic() {
    let (source, _, _) = source();
    let fetch = source.fetch();
    let error = tokio_test::block_on(fetch);
    assert_eq!(error.unwrap_err().to_string(), "tokens are fetched on a tokio runtime only");
}

#[tokio::test]
async fn a_new_refresh_token_is_handed_out_before_the_access_token_is_used_and_shown_next() {
    let rotated = Arc::new(Mutex::new(Vec::new()));
    let (keep, endpoint) = (Arc::clone(&rotated), Endpoint::default());
    let client = OAuth2::new("https://auth.test/token", "c").secret("s");
    let grant = client.refresh_token("r1", move |new| keep.lock().unwrap().push(new.to_owned()));
    let hand = ManualClock::starting_at(Duration::ZERO);
    let builder = TokenSource::builder(grant.unwrap(), Arc::new(endpoint.clone()));
    let source = builder.clock(hand.clock()).build();
    for (shown, answered, known) in
        [("r1", Some("r2"), 1), ("r2", None, 1), ("r2", Some("r2"), 1), ("r2", Some("r3"), 2)]
    {
        let fetched = tokio::spawn(source.fetch());
        let refresh = answered.map(|it| format!(r#","refresh_token":"{it}""#)).unwrap_or_default();
        let body = endpoint.answer(200, &issued("t", 10, &refresh)).await;
        assert_eq!(body, format!("grant_type=refresh_token&refresh_token={shown}"));
        fetched.await.unwrap().unwrap();
        assert_eq!(rotated.lock().unwrap().len(), known);
        hand.advance(Duration::from_secs(10));
    }
    assert_eq!(*rotated.lock().unwrap(), ["r2", "r3"]);
}

// The endpoint has rotated: r1 is worth nothing now, whatever else is in the answer.
#[tokio::test]
async fn a_new_refresh_token_is_kept_though_the_rest_of_its_answer_is_unusable() {
    for bad in [
        r#""token_type":"Bearer","access_token":"t","expires_in":0"#,
        r#""token_type":"Bearer","access_token":"t","expires_in":"soon""#,
        r#""token_type":"Bearer","access_token":"a b""#,
        r#""token_type":"Bearer""#,
        r#""token_type":"mac","access_token":"t""#,
        r#""access_token":"t""#,
    ] {
        let rotated = Arc::new(Mutex::new(Vec::new()));
        let (keep, endpoint) = (Arc::clone(&rotated), Endpoint::default());
        let client = OAuth2::new("https://auth.test/token", "c").secret("s");
        let grant =
            client.refresh_token("r1", move |new| keep.lock().unwrap().push(new.to_owned()));
        let source = TokenSource::new(grant.unwrap(), Arc::new(endpoint.clone()));
        let fetched = tokio::spawn(source.fetch());
        endpoint.answer(200, &format!(r#"{{"refresh_token":"r2",{bad}}}"#)).await;
        fetched.await.unwrap().unwrap_err();
        assert_eq!(*rotated.lock().unwrap(), ["r2"], "{bad}");
    }
}

#[tokio::test]
async fn a_hook_that_panics_costs_no_token() {
    let (endpoint, hand) = (Endpoint::default(), ManualClock::starting_at(Duration::ZERO));
    let client = OAuth2::new("https://auth.test/token", "c");
    let grant = client.refresh_token("r1", |_| panic!("the store is gone")).unwrap();
    let source =
        TokenSource::builder(grant, Arc::new(endpoint.clone())).clock(hand.clock()).build();
    let fetched = tokio::spawn(source.fetch());
    endpoint.answer(200, &issued("t1", 10, r#","refresh_token":"r2""#)).await;
    assert_eq!(text(&fetched.await.unwrap().unwrap()), "t1");
    hand.advance(Duration::from_secs(10));
    let fetched = tokio::spawn(source.fetch());
    let body = endpoint.answer(200, &issued("t2", 10, "")).await;
    assert_eq!(body, "grant_type=refresh_token&refresh_token=r2&client_id=c");
    assert_eq!(text(&fetched.await.unwrap().unwrap()), "t2");
}

#[test]
fn nothing_secret_is_in_any_debug_output() {
    let client = OAuth2::new("https://auth.test/token", "c").secret("canary");
    let printed = format!("{client:?}");
    let grant = client.clone().client_credentials().unwrap();
    let printed = format!("{printed} {grant:?} {:?}", client.refresh_token("canary", |_| ()));
    let source = TokenSource::new(grant, Arc::new(Endpoint::default()));
    let printed = format!("{printed} {source:?} {:?}", Token::new("canary").unwrap());
    assert!(!printed.contains("canary"), "{printed}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happens in whatever order: no token is sent that is not the endpoint's latest or
    /// that has expired, and one request is under way at most.
    #[test]
    fn no_order_of_events_sends_an_old_token(events in proptest::collection::vec(0_u8..6, 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (source, endpoint, hand) = source();
            let (mut now, mut issued_count) = (0_u64, 0_u32);
            let mut newest: Option<(String, u64)> = None;
            let mut asked_at = 0;
            for event in events {
                match event {
                    0 | 1 => {
                        hand.advance(Duration::from_secs(37));
                        now += 37;
                    }
                    2 => drop(source.fetch()),
                    3 => if let Some(token) = source.current() {
                        drop(source.replace(&token));
                    },
                    4 => if endpoint.is_asked() {
                        issued_count += 1;
                        let token = format!("t{issued_count}");
                        endpoint.issue(&token, 100).await;
                        if now < asked_at + 95 {
                            newest = Some((token, asked_at + 95));
                        }
                    },
                    _ => if endpoint.is_asked() {
                        endpoint.fail().await;
                    },
                }
                let before = endpoint.is_asked();
                settle().await;
                if endpoint.is_asked() && !before {
                    asked_at = now;
                }
                prop_assert!(endpoint.pending() <= 1);
                let expected = newest.clone().filter(|it| now < it.1).map(|it| it.0);
                prop_assert_eq!(current(&source), expected);
                let before = endpoint.is_asked();
                settle().await;
                if endpoint.is_asked() && !before {
                    asked_at = now;
                }
            }
            Ok(())
        })?;
    }
}

/// A token endpoint that answers when the test says so.
#[derive(Clone, Debug, Default)]
struct Endpoint {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    asked: usize,
    pending: Vec<(Request<Bytes>, oneshot::Sender<Response<Bytes>>)>,
}

impl HttpClient for Endpoint {
    fn send(&self, request: Request<Bytes>, _: usize) -> HttpFuture {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state.lock().unwrap();
        state.asked += 1;
        state.pending.push((request, sender));
        Box::pin(async move { receiver.await.map_err(|_| HttpError::new("gone")) })
    }
}

impl Endpoint {
    fn asked(&self) -> usize {
        self.state.lock().unwrap().asked
    }

    fn pending(&self) -> usize {
        self.state.lock().unwrap().pending.len()
    }

    fn is_asked(&self) -> bool {
        self.pending() > 0
    }

    /// Answers the oldest request, which may be on its way yet, and gives its body.
    async fn answer(&self, status: u16, body: &str) -> String {
        settle().await;
        // The requests of runtimes that have stopped wait for nothing.
        let mut pending = std::mem::take(&mut self.state.lock().unwrap().pending);
        pending.retain(|it| !it.1.is_closed());
        assert_eq!(pending.len(), 1);
        let (request, sender) = pending.remove(0);
        let answer = Response::builder().status(status).body(Bytes::from(body.to_owned()));
        sender.send(answer.unwrap()).unwrap();
        String::from_utf8(request.into_body().to_vec()).unwrap()
    }

    async fn issue(&self, token: &str, seconds: u64) {
        self.answer(200, &issued(token, seconds, "")).await;
    }

    async fn fail(&self) {
        self.answer(500, "no").await;
    }
}

fn issued(token: &str, seconds: u64, more: &str) -> String {
    format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":{seconds}{more}}}"#)
}

fn source() -> (TokenSource, Endpoint, ManualClock) {
    let (endpoint, hand) = (Endpoint::default(), ManualClock::starting_at(Duration::from_secs(9)));
    let grant = OAuth2::new("https://auth.test/token", "c").secret("s").client_credentials();
    let builder = TokenSource::builder(grant.unwrap(), Arc::new(endpoint.clone()));
    (builder.clock(hand.clock()).build(), endpoint, hand)
}

async fn held(source: &TokenSource, endpoint: &Endpoint, token: &str, seconds: u64) -> Arc<Token> {
    let fetched = tokio::spawn(source.fetch());
    endpoint.issue(token, seconds).await;
    fetched.await.unwrap().unwrap()
}

fn current(source: &TokenSource) -> Option<String> {
    source.current().map(|it| text(&it))
}

fn text(token: &Token) -> String {
    String::from_utf8(token.secret().expose().to_vec()).unwrap()
}

/// Lets everything that can go on go on.
async fn settle() {
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
}
