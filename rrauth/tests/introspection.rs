//! Tokens that their issuer is asked about over real sockets: how often, and what if it fails.

#![cfg(test)]

mod remote_server;

use std::collections::HashMap;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use http::Response;
use proptest::prelude::*;
use rrauth::{
    Credential, Introspection, IntrospectionPolicy, Kind, Proof, TokenVerifier, Unproved, Verdict,
};
use rrcore::{ManualClock, Validity};

use crate::remote_server::{Answer, Server, client, header, ok, settle, status};

const WALL: u64 = 1_800_000_000;
const ACTIVE: &str = r#"{"active":true,"sub":"alice","scope":"read write"}"#;

struct Setting {
    server: Server,
    hand: ManualClock,
    verifier: Introspection<()>,
}

impl Setting {
    async fn new(answer: Answer) -> Self {
        Self::with(answer, |policy| policy).await
    }

    async fn with(
        answer: Answer,
        change: impl FnOnce(IntrospectionPolicy) -> IntrospectionPolicy,
    ) -> Self {
        let server = Server::start(answer).await;
        let policy = IntrospectionPolicy::builder(server.url(), "gate:way", "s3:cret");
        let policy = policy.allow_plaintext(true).build().unwrap();
        let credential = Credential::new("cred_1", "partners", Kind::Introspection, ());
        let verifier = Introspection::new(credential, change(policy), client()).unwrap();
        let hand = ManualClock::starting_at(Duration::from_secs(WALL));
        Self { server, hand, verifier }
    }

    /// What is said of `token`, and whether it had to wait.
    async fn ask(&self, token: &str) -> (Option<Result<Proof<()>, Unproved>>, bool) {
        match self.verifier.verify(token, self.hand.clock().now()) {
            Verdict::NotMine => (None, false),
            Verdict::Ready(said) => (Some(said), false),
            Verdict::Pending(wait) => (Some(wait.await), true),
        }
    }

    /// Who knows whether a token that was let in is still good.
    async fn in_use(&self) -> Arc<dyn Validity> {
        let (said, _) = self.ask("good").await;
        said.unwrap().unwrap().validity.unwrap()
    }

    async fn verify(&self, token: &str) -> (&'static str, bool) {
        let (said, waited) = self.ask(token).await;
        (name(said.as_ref()), waited)
    }

    async fn said(&self, token: &str) -> &'static str {
        self.verify(token).await.0
    }

    fn advance(&self, seconds: u64) {
        self.hand.advance(Duration::from_secs(seconds));
    }
}

fn name(said: Option<&Result<Proof<()>, Unproved>>) -> &'static str {
    match said {
        None => "not mine",
        Some(Ok(_)) => "in",
        Some(Err(Unproved::Invalid(_))) => "invalid",
        Some(Err(Unproved::Expired(_))) => "expired",
        Some(Err(Unproved::Unavailable(_))) => "unavailable",
        Some(Err(_)) => "something new",
    }
}

#[tokio::test]
async fn it_asks_as_rfc_7662_says_and_passes_on_what_it_hears() {
    let setting = Setting::new(ok(ACTIVE)).await;
    let (said, _) = setting.ask("a+b/c==").await;
    let proof = said.unwrap().unwrap();
    assert_eq!((proof.subject.as_deref(), &*proof.credential.id), (Some("alice"), "cred_1"));
    assert_eq!((proof.expires_at, proof.claims.unwrap().scopes().count()), (None, 2));
    let seen = setting.server.last();
    assert_eq!(seen.body, "token=a%2Bb%2Fc%3D%3D&token_type_hint=access_token");
    assert_eq!(seen.headers["content-type"], "application/x-www-form-urlencoded");
    // "gate%3Away:s3%3Acret"
    assert_eq!(seen.headers["authorization"], "Basic Z2F0ZSUzQXdheTpzMyUzQWNyZXQ=");
}

#[tokio::test]
async fn an_answer_is_remembered_for_a_minute_and_a_refusal_for_ten_seconds() {
    let setting = Setting::new(ok(ACTIVE)).await;
    assert_eq!(setting.verify("good").await, ("in", true));
    setting.server.answer(ok(r#"{"active":false}"#));
    assert_eq!(setting.verify("bad").await, ("invalid", true));
    setting.advance(9);
    assert_eq!(setting.verify("bad").await, ("invalid", false));
    setting.advance(1);
    assert_eq!(setting.verify("bad").await, ("invalid", true));
    setting.advance(49);
    assert_eq!(setting.verify("good").await, ("in", false));
    setting.advance(1);
    assert_eq!(setting.verify("good").await, ("invalid", true), "revoked since");
    assert_eq!(setting.server.hits(), 4);
}

#[tokio::test]
async fn an_answer_is_forgotten_when_the_token_expires() {
    let said = format!(r#"{{"active":true,"exp":{}}}"#, WALL + 20);
    let setting = Setting::new(ok(said)).await;
    assert_eq!(setting.verify("good").await, ("in", true));
    setting.advance(19);
    assert_eq!(setting.verify("good").await, ("in", false));
    setting.advance(1);
    assert_eq!(setting.verify("good").await, ("in", true), "its issuer says so, and may be slow");
    setting.advance(60);
    assert_eq!(setting.verify("good").await, ("expired", true));
    // Also by a wall clock that jumps.
    let said = format!(r#"{{"active":true,"exp":{}}}"#, WALL + 20);
    let setting = Setting::new(ok(said)).await;
    assert_eq!(setting.verify("good").await, ("in", true));
    setting.hand.set_wall(Duration::from_secs(WALL + 3_600));
    assert_eq!(setting.verify("good").await, ("expired", true));
}

#[tokio::test]
async fn a_token_in_use_is_asked_about_as_long_as_it_lasts() {
    let setting = Setting::new(ok(ACTIVE)).await;
    let validity = setting.in_use().await;
    let holds = || validity.holds(setting.hand.clock().now());
    // As long as the answer is remembered, nobody is asked.
    for _ in 0..59 {
        setting.advance(1);
        assert!(holds());
    }
    assert_eq!(setting.server.hits(), 1);
    setting.advance(1);
    assert!(holds());
    settle(|| setting.server.hits() == 2).await;
    // The issuer cannot tell: for a minute beyond its answer, at most.
    setting.server.answer(status(503));
    setting.advance(60);
    for _ in 0..58 {
        assert!(holds());
        setting.advance(1);
        tokio::task::yield_now().await;
    }
    setting.advance(10);
    assert!(!holds());
}

#[tokio::test]
async fn a_token_in_use_that_is_revoked_no_longer_holds() {
    for seconds in [0, 3, 60] {
        let cache = Duration::from_secs(seconds);
        let setting = Setting::with(ok(ACTIVE), |it| it.cache(cache)).await;
        let validity = setting.in_use().await;
        setting.server.answer(ok(r#"{"active":false}"#));
        let pace = seconds.max(5);
        setting.advance(pace - 1);
        assert!(validity.holds(setting.hand.clock().now()));
        assert_eq!(setting.server.hits(), 1, "{seconds}");
        setting.advance(1);
        settle(|| !validity.holds(setting.hand.clock().now())).await;
        assert_eq!(setting.server.hits(), 2, "{seconds}");
        // Whatever is said later: what it opened has ended.
        setting.server.answer(ok(ACTIVE));
        setting.advance(100);
        assert!(!validity.holds(setting.hand.clock().now()));
    }
}

#[tokio::test]
async fn without_a_cache_each_use_asks() {
    let setting = Setting::with(ok(ACTIVE), |it| it.cache(Duration::ZERO)).await;
    for hits in 1..=3 {
        assert_eq!(setting.verify("good").await, ("in", true));
        assert_eq!(setting.server.hits(), hits);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_uses_of_a_new_token_are_one_question() {
    let setting = Arc::new(Setting::new(Answer::Gated(Response::new(ACTIVE.into()))).await);
    let tasks: Vec<_> = (0..1_000)
        .map(|_| {
            let setting = Arc::clone(&setting);
            tokio::spawn(async move { setting.said("good").await })
        })
        .collect();
    settle(|| setting.server.hits() > 0).await;
    setting.server.open();
    for task in tasks {
        assert_eq!(task.await.unwrap(), "in");
    }
    assert_eq!(setting.server.hits(), 1);
}

#[test]
fn threads_that_race_for_a_new_token_ask_once() {
    let setting = Setting::with(Answer::Never, |it| it.concurrency(usize::MAX));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let setting = runtime.block_on(setting);
    let (now, start) = (setting.hand.clock().now(), Barrier::new(4));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let _entered = runtime.enter();
                for token in 0..2_000 {
                    start.wait();
                    drop(setting.verifier.verify(&format!("t{token}"), now));
                }
            });
        }
    });
    assert_eq!(setting.verifier.state().asking, 2_000);
}

#[tokio::test]
async fn whoever_gives_up_does_not_stop_the_question() {
    let Setting { server, hand, verifier } =
        Setting::new(Answer::Gated(Response::new(ACTIVE.into()))).await;
    let now = hand.clock().now();
    let Verdict::Pending(first) = verifier.verify("good", now) else { panic!() };
    let Verdict::Pending(second) = verifier.verify("good", now) else { panic!() };
    settle(|| server.hits() > 0).await;
    drop((first, verifier));
    server.open();
    assert_eq!(name(Some(&second.await)), "in");
    assert_eq!(server.hits(), 1);
}

#[tokio::test]
async fn questions_are_bounded() {
    let answer = Answer::Gated(Response::new(ACTIVE.into()));
    let setting = Setting::with(answer, |it| it.concurrency(8)).await;
    let now = setting.hand.clock().now();
    let mut waits = Vec::new();
    for token in 0..8 {
        let Verdict::Pending(wait) = setting.verifier.verify(&format!("t{token}"), now) else {
            panic!()
        };
        waits.push(wait);
    }
    for token in 8..1_000 {
        assert_eq!(setting.verify(&format!("t{token}")).await, ("unavailable", false));
    }
    assert_eq!(setting.verifier.state().asking, 8);
    setting.server.open();
    for wait in waits {
        assert_eq!(name(Some(&wait.await)), "in");
    }
    settle(|| setting.verifier.state().asking == 0).await;
    assert_eq!(setting.said("t8").await, "in");
    assert_eq!(setting.server.hits(), 9);
}

#[tokio::test]
async fn a_dead_issuer_is_unavailable_and_left_alone_and_recovers() {
    let setting = Setting::new(Answer::Close).await;
    let mut down = 0;
    for token in 0..600 {
        let said = setting.said(&format!("t{token}")).await;
        assert_eq!(said, "unavailable");
        down += 1;
        setting.hand.advance(Duration::from_millis(100));
    }
    // Three at once, and then after 1, 2, 4, 8, 10, 10, … seconds; the client tries none twice.
    assert!(setting.server.hits() <= 12, "{} of {down}", setting.server.hits());
    let state = setting.verifier.state();
    assert!(state.failures > 3 && state.last_error.unwrap().starts_with("no answer"));
    setting.server.answer(ok(ACTIVE));
    setting.advance(10);
    assert_eq!(setting.said("good").await, "in");
    assert_eq!(setting.said("better").await, "in");
    assert_eq!(setting.verifier.state().failures, 0);
}

#[tokio::test]
async fn what_is_remembered_outlives_its_issuer() {
    let setting = Setting::new(ok(ACTIVE)).await;
    assert_eq!(setting.said("good").await, "in");
    setting.server.answer(Answer::Close);
    for token in 0..10 {
        assert_eq!(setting.said(&format!("t{token}")).await, "unavailable");
    }
    assert_eq!(setting.verify("good").await, ("in", false));
    setting.advance(60);
    assert_eq!(setting.said("good").await, "unavailable", "never past its time");
}

#[tokio::test]
async fn no_answer_is_never_a_verdict() {
    let gzip = header("content-encoding", "gzip", ACTIVE);
    for (bad, reason) in [
        (status(500), "the answer is 500, not 200"),
        (status(503), "the answer is 503, not 200"),
        (status(401), "the answer is 401, not 200"),
        (status(302), "the answer is 302, not 200"),
        (status(204), "the answer is 204, not 200"),
        (ok("<html>Sign in</html>"), "it is not one JSON object"),
        (ok(""), "it is not one JSON object"),
        (ok(r#"{"active":"true"}"#), "active: it is not true or false"),
        (ok(r#"{"active":true,"active":true}"#), "it has two members of one name"),
        (ok(vec![b' '; 10_000_000]), "length limit exceeded"),
        (gzip, "the answer is compressed"),
        (Answer::Close, "no answer"),
    ] {
        let setting = Setting::new(bad).await;
        let (said, _) = setting.ask("secret-token").await;
        let Some(Err(Unproved::Unavailable(why))) = said else { panic!("{reason}: {said:?}") };
        assert!(why.contains(reason), "{why}, not {reason}");
        assert!(!why.contains("secret-token") && !why.contains("s3"), "{why}");
        assert_eq!(setting.verify("secret-token").await, ("unavailable", false), "not hammered");
        setting.server.answer(ok(ACTIVE));
        setting.advance(1);
        assert_eq!(setting.said("secret-token").await, "in", "{reason}");
    }
}

#[tokio::test]
async fn a_token_that_its_issuer_chokes_on_costs_no_other_token() {
    let setting = Setting::new(ok(ACTIVE)).await;
    setting
        .server
        .script(|seen| if seen.body.starts_with("token=evil") { status(500) } else { ok(ACTIVE) });
    for token in 0..100 {
        assert_eq!(setting.said(&format!("evil{token}")).await, "unavailable");
    }
    assert_eq!(setting.said("good").await, "in");
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_stalls_costs_three_seconds() {
    let setting = Setting::new(Answer::Never).await;
    let begun = tokio::time::Instant::now();
    let (said, _) = setting.ask("good").await;
    let Some(Err(Unproved::Unavailable(why))) = said else { panic!("{said:?}") };
    assert_eq!(why, "the issuer cannot be asked: no answer within 3000 ms");
    let took = begun.elapsed();
    assert!((2_990..=3_010).contains(&took.as_millis()), "{took:?}");
}

#[tokio::test]
async fn what_cannot_be_a_token_is_not_sent_on() {
    let setting = Setting::new(ok(ACTIVE)).await;
    for token in ["", "a b", "a&token=b", "a\r\nb", &"a".repeat(8_193)] {
        assert_eq!(setting.verify(token).await, ("not mine", false));
    }
    assert_eq!(setting.server.hits(), 0);
}

#[tokio::test]
async fn it_remembers_no_more_than_it_has_room_for() {
    let setting = Setting::with(ok(ACTIVE), |it| it.cached_tokens(100)).await;
    for token in 0..1_000 {
        assert_eq!(setting.said(&format!("t{token}")).await, "in");
    }
    let remembered = setting.verifier.state().remembered;
    assert!(remembered <= 110, "{remembered}");
}

#[test]
fn a_question_whose_runtime_is_gone_is_asked_again() {
    let start = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = start();
    let setting = first.block_on(Setting::new(Answer::Never));
    let now = setting.hand.clock().now();
    let wait = first.block_on(async { setting.verifier.verify("good", now) });
    let Verdict::Pending(wait) = wait else { panic!("{wait:?}") };
    drop(first);
    start().block_on(async {
        assert_eq!(name(Some(&wait.await)), "unavailable");
        let Verdict::Pending(_) = setting.verifier.verify("good", now) else { panic!() };
        assert_eq!(setting.verifier.state().asking, 1, "anew");
    });
    let verdict = setting.verifier.verify("other", now);
    assert!(matches!(verdict, Verdict::Ready(Err(Unproved::Unavailable(_)))), "{verdict:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever tokens come when, each is let in exactly if its issuer said so, and is not asked about
    /// more than once per minute (ten seconds, for a refusal).
    #[test]
    fn no_token_is_judged_by_another(uses in prop::collection::vec((0_u8..6, 0_u64..8), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let setting = Setting::new(ok(ACTIVE)).await;
            setting.server.script(|seen| {
                let good = seen.body.starts_with("token=good");
                ok(if good { ACTIVE } else { r#"{"active":false}"# })
            });
            let mut asked = HashMap::new();
            let mut clock = 0;
            for (token, pause) in uses {
                clock += pause;
                setting.advance(pause);
                let good = token % 2 == 0;
                let text = format!("{}{token}", if good { "good" } else { "bad" });
                let (said, waited) = setting.verify(&text).await;
                prop_assert_eq!(said, if good { "in" } else { "invalid" });
                let limit = if good { 60 } else { 10 };
                let fresh = asked.get(&token).is_some_and(|it| clock - it < limit);
                prop_assert_eq!(waited, !fresh);
                if waited {
                    asked.insert(token, clock);
                }
            }
            Ok(())
        })?;
    }
}
