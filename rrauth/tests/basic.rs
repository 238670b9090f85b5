//! Passwords: who is let in, what is remembered, and what happens when too many ask.

#![cfg(test)]

use std::collections::HashMap;
use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{Request, Response, StatusCode};
use proptest::prelude::*;
use rrauth::{
    Accounts, AccountsError, AuthLayer, Credential, FailureLimit, Index, Kind, PasswordCost,
    PasswordHash, PasswordVerifier, PasswordWorkers, Unproved, Verdict, VerdictFuture,
};
use rrcore::{ClientAddress, Clock, Context, Now};
use tokio_test::task::spawn;
use tower::{Layer, Service, service_fn};

#[test]
fn only_a_user_with_their_own_password_is_let_in() {
    let accounts = accounts(&workers(2, 8), &[("alice", "sesame", "a"), ("böb", "a:b: c ", "b")]);
    let check = |username: &str, password: &str, expected: Option<&str>| {
        assert_eq!(id_of(&accounts, username, password).as_deref(), expected, "{username:?}");
    };
    check("alice", "sesame", Some("a"));
    check("böb", "a:b: c ", Some("b"));
    check("alice", "a:b: c ", None);
    check("böb", "sesame", None);
    check("Alice", "sesame", None);
    check("alice", "Sesame", None);
    check("alice ", "sesame", None);
    check("alice", "sesame ", None);
    check("nobody", "sesame", None);
    check("bo\u{308}b", "a:b: c ", None);
    for (username, password) in [
        ("", ""),
        ("", "sesame"),
        ("alice", ""),
        ("alice:", "sesame"),
        ("alice\0", "sesame"),
        ("alice", "sesame\0"),
        ("alice\n", "sesame"),
        ("' OR 1=1 --", "' OR 1=1 --"),
        (&"a".repeat(257), "sesame"),
        ("alice", &"s".repeat(1025)),
        (&"a".repeat(1 << 20), &"s".repeat(1 << 20)),
    ] {
        check(username, password, None);
    }
}

#[test]
fn an_unknown_user_and_a_wrong_password_are_one_answer_after_one_wait() {
    let accounts = accounts(&workers(1, 8), &[("alice", "sesame", "a")]);
    let unknown = accounts.verify("nobody", "sesame", at(0));
    let wrong = accounts.verify("alice", "wrong", at(0));
    let (Verdict::Pending(unknown), Verdict::Pending(wrong)) = (unknown, wrong) else {
        panic!("both must be hashed");
    };
    let (unknown, wrong) = (proved(unknown).unwrap_err(), proved(wrong).unwrap_err());
    assert!(matches!(unknown, Unproved::Invalid(_)));
    assert_eq!(unknown, wrong);
    let unusable = accounts.verify("alice", &"x".repeat(9_999), at(0));
    assert!(matches!(unusable, Verdict::Ready(Err(it)) if it == wrong));
}

#[test]
fn without_accounts_there_is_nothing_to_verify() {
    let accounts = accounts(&workers(1, 1), &[]);
    assert!(accounts.is_empty());
    assert!(matches!(accounts.verify("alice", "sesame", at(0)), Verdict::NotMine));
}

#[test]
fn one_name_may_have_an_old_and_a_new_password() {
    let accounts =
        accounts(&workers(1, 1), &[("alice", "old", "a"), ("alice", "new", "b"), ("b", "c", "d")]);
    assert_eq!(accounts.len(), 2);
    assert_eq!(id_of(&accounts, "alice", "old").as_deref(), Some("a"));
    assert_eq!(id_of(&accounts, "alice", "new").as_deref(), Some("b"));
    assert_eq!(id_of(&accounts, "alice", "c"), None);
    // And once more, from memory.
    assert_eq!(remembered(&accounts, "alice", "old", at(1)).as_deref(), Some("a"));
    assert_eq!(remembered(&accounts, "alice", "new", at(1)).as_deref(), Some("b"));
}

#[test]
fn accounts_that_cannot_be_asked_for_are_refused_by_credential() {
    check_refused(&["a:b"], "user name");
    check_refused(&[""], "user name");
    check_refused(&["a\t"], "user name");
    check_refused(&[&"a".repeat(257)], "user name");
    check_refused(&["alice"; 5], "more than 4");
}

#[test]
fn what_was_right_is_known_at_once_for_a_minute_and_no_longer() {
    let accounts = accounts(&workers(1, 1), &[("alice", "sesame", "a")]);
    assert_eq!(remembered(&accounts, "alice", "sesame", at(0)), None);
    assert_eq!(id_of(&accounts, "alice", "sesame").as_deref(), Some("a"));
    assert_eq!(remembered(&accounts, "alice", "sesame", at(59)).as_deref(), Some("a"));
    assert_eq!(remembered(&accounts, "alice", "sesame", at(60)), None);
    // It was looked up a moment ago, and still it has to be hashed again.
    assert_eq!(remembered(&accounts, "alice", "sesame", at(59)), None);
}

#[test]
fn what_was_wrong_is_never_remembered() {
    let accounts = accounts(&workers(1, 1), &[("alice", "sesame", "a")]);
    for _ in 0..3 {
        let verdict = accounts.verify("alice", "wrong", at(0));
        let Verdict::Pending(hashing) = verdict else { panic!("{verdict:?}") };
        proved(hashing).unwrap_err();
    }
    assert_eq!(remembered(&accounts, "alice", "wrong", at(0)), None);
}

#[test]
fn new_accounts_remember_what_has_not_changed_and_nothing_else() {
    let workers = workers(1, 1);
    let (alice, bob) = (hash("sesame"), hash("swordfish"));
    let before = Accounts::builder(&workers)
        .insert("alice", alice.clone(), credential("a"))
        .insert("bob", bob.clone(), credential("b"))
        .insert("carol", hash("secret"), credential("c"))
        .build()
        .unwrap();
    for (username, password) in [("alice", "sesame"), ("bob", "swordfish"), ("carol", "secret")] {
        assert!(id_of(&before, username, password).is_some());
    }
    let after = Accounts::builder(&workers)
        .insert("alice", alice, credential("a2"))
        .insert("bob", hash("changed"), credential("b"))
        .insert("dave", bob, credential("d"))
        .build()
        .unwrap();
    assert_eq!(remembered(&after, "alice", "sesame", at(1)).as_deref(), Some("a2"));
    assert_eq!(remembered(&after, "bob", "swordfish", at(1)), None);
    assert_eq!(id_of(&after, "bob", "swordfish"), None, "it was changed");
    assert_eq!(id_of(&after, "carol", "secret"), None, "it was taken away");
    // The same hash under another name is another account.
    assert_eq!(remembered(&after, "dave", "swordfish", at(1)), None);
    assert_eq!(id_of(&after, "dave", "swordfish").as_deref(), Some("d"));
}

#[test]
fn others_cannot_use_what_was_remembered_for_one() {
    let workers = workers(1, 1);
    let ours = accounts(&workers, &[("alice", "sesame", "a")]);
    let theirs = accounts(&workers, &[("alice", "swordfish", "b")]);
    assert!(id_of(&ours, "alice", "sesame").is_some());
    assert_eq!(id_of(&theirs, "alice", "sesame"), None);
    assert_eq!(remembered(&ours, "alice", "sesame", at(1)).as_deref(), Some("a"));
}

#[test]
fn a_credential_that_will_be_refused_is_proved_but_hashed_each_time() {
    let workers = workers(1, 1);
    let accounts = Accounts::builder(&workers)
        .insert("off", hash("p"), credential("off").active(false))
        .insert("old", hash("p"), credential("old").expires_at(Duration::from_secs(1_000)))
        .build()
        .unwrap();
    for id in ["off", "old", "off", "old"] {
        assert_eq!(remembered(&accounts, id, "p", at(0)), None);
        assert_eq!(id_of(&accounts, id, "p").as_deref(), Some(id));
    }
}

#[test]
fn a_remembered_credential_ends_when_it_ends() {
    let workers = workers(1, 1);
    let ending = credential("a").expires_at(Duration::from_secs(1_030));
    let accounts = Accounts::builder(&workers).insert("alice", hash("p"), ending).build().unwrap();
    assert!(id_of(&accounts, "alice", "p").is_some());
    assert_eq!(remembered(&accounts, "alice", "p", at(29)).as_deref(), Some("a"));
    assert_eq!(remembered(&accounts, "alice", "p", at(30)), None);
}

#[test]
fn when_too_many_wait_the_next_is_told_at_once_that_nobody_can_tell() {
    let accounts = accounts(&workers(1, 1), &[("alice", "sesame", "a")]);
    let (first, second) = (pending(&accounts, "alice", "1"), pending(&accounts, "alice", "2"));
    for username in ["alice", "nobody"] {
        let verdict = accounts.verify(username, "3", at(0));
        assert!(matches!(verdict, Verdict::Ready(Err(Unproved::Unavailable(_)))), "{verdict:?}");
    }
    drop(first);
    proved(pending(&accounts, "alice", "3")).unwrap_err();
    drop(second);
    assert!(format!("{accounts:?}").contains("len: 1"));
}

#[tokio::test]
async fn callers_who_show_the_same_pair_take_one_place() {
    let accounts = accounts(&workers(1, 0), &[("alice", "sesame", "a")]);
    let waiting: Vec<_> = (0..100).map(|_| pending(&accounts, "alice", "sesame")).collect();
    for waiting in waiting {
        assert_eq!(&*waiting.await.unwrap().credential.id, "a");
    }
}

#[tokio::test]
async fn whoever_gives_up_waiting_takes_nothing_along() {
    let workers = workers(1, 0);
    let accounts = accounts(&workers, &[("alice", "sesame", "a")]);
    for _ in 0..20 {
        // Before it begins, and once it has been given to a thread, which may have done it by now.
        drop(pending(&accounts, "alice", "sesame"));
        drop(spawn(pending(&accounts, "alice", "wrong")).poll());
    }
    assert!(format!("{workers:?}").contains("free_places: 1"), "{workers:?}");
    assert_eq!(&*pending(&accounts, "alice", "sesame").await.unwrap().credential.id, "a");
}

#[tokio::test]
async fn a_guess_whose_caller_leaves_counts_and_is_not_remembered() {
    let workers = workers(1, 8);
    let dear = PasswordHash::of("sesame").unwrap();
    let accounts = Accounts::builder(&workers).insert("alice", dear, credential("a"));
    let accounts = accounts.build().unwrap();
    let failed = Arc::new(AtomicUsize::new(0));
    let layer = AuthLayer::new(Index::<()>::builder().build()).passwords(accounts.clone());
    let mut service =
        layer.failures(Counted(Arc::clone(&failed))).layer(service_fn(async |_: Request<()>| {
            Ok::<_, Infallible>(Response::new(String::new()))
        }));
    let mut left = spawn(service.call(shows("alice:sesame")));
    assert!(left.poll().is_pending());
    drop(left);
    assert_eq!(failed.load(Ordering::Relaxed), 1);
    let mut tries = tokio::time::interval(Duration::from_millis(5));
    while !format!("{workers:?}").contains("idle_threads: 1") {
        tries.tick().await;
    }
    assert_eq!(remembered(&accounts, "alice", "sesame", at(0)), None);
    // Who hears what comes of it is counted for that alone.
    let response = service.call(shows("alice:sesame")).await.unwrap();
    assert_eq!((response.status(), failed.load(Ordering::Relaxed)), (StatusCode::OK, 1));
    let response = service.call(shows("alice:guess")).await.unwrap();
    assert_eq!((response.status(), failed.load(Ordering::Relaxed)), (StatusCode::UNAUTHORIZED, 2));
}

struct Counted(Arc<AtomicUsize>);

impl FailureLimit for Counted {
    fn admit(&self, _: ClientAddress, _: Now) -> Result<(), Duration> {
        Ok(())
    }

    fn failed(&self, _: ClientAddress, _: Now) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn shows(pair: &str) -> Request<()> {
    let basic = format!("Basic {}", STANDARD.encode(pair));
    let mut request = Request::builder().header(AUTHORIZATION, basic).body(()).unwrap();
    let context = Context::new(&Clock::system());
    context.set_address(ClientAddress::of_peer("192.0.2.7".parse().unwrap()));
    request.extensions_mut().insert(context);
    request
}

#[test]
fn without_a_runtime_nobody_can_tell() {
    let accounts = accounts(&workers(1, 1), &[("alice", "sesame", "a")]);
    let mut hashing = spawn(pending(&accounts, "alice", "sesame"));
    let answer = hashing.poll();
    assert!(matches!(answer, std::task::Poll::Ready(Err(Unproved::Unavailable(_)))), "{answer:?}");
}

#[test]
fn nothing_of_a_user_is_printed() {
    let workers = workers(1, 1);
    let builder = Accounts::builder(&workers).insert("canary", hash("canary"), credential("a"));
    let printed = format!("{builder:?}");
    let accounts = builder.build().unwrap();
    let verdict = accounts.verify("canary", "canary", at(0));
    let printed = format!("{printed}{accounts:?}{verdict:?}{workers:?}");
    assert!(!printed.contains("canary"), "{printed}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn it_answers_as_a_table_of_plain_passwords_would(
        users in prop::collection::hash_map("[a-c]{1,2}", "[x-z]{1,2}", 1..5),
        guesses in prop::collection::vec(("[a-c]{0,2}|\\PC{0,4}", "[x-z]{0,2}|\\PC{0,4}"), 1..30),
    ) {
        let all: Vec<_> = users.iter().map(|(user, pass)| (&**user, &**pass, &**user)).collect();
        let accounts = accounts(&workers(2, 2), &all);
        let users: HashMap<_, _> = users.iter().map(|(user, pass)| (&**user, &**pass)).collect();
        for (username, password) in &guesses {
            let expected = users.get(&**username).is_some_and(|it| it == password);
            prop_assert_eq!(id_of(&accounts, username, password).is_some(), expected);
        }
    }
}

#[track_caller]
fn check_refused(usernames: &[&str], expected: &str) {
    let workers = workers(1, 1);
    let mut builder = Accounts::builder(&workers).insert("fine", hash("p"), credential("fine"));
    for username in usernames {
        builder = builder.insert(*username, hash("p"), credential("bad"));
    }
    let error: AccountsError = builder.build().unwrap_err();
    let error = error.to_string();
    assert!(error.contains("credential bad") && error.contains(expected), "{error}");
}

// The credential that is proved, hashed for if need be.
#[track_caller]
fn id_of(accounts: &Accounts<()>, username: &str, password: &str) -> Option<String> {
    let answer = match accounts.verify(username, password, at(0)) {
        Verdict::NotMine => panic!("there are accounts"),
        Verdict::Ready(answer) => answer,
        Verdict::Pending(hashing) => proved(hashing),
    };
    match answer {
        Ok(proof) => Some(proof.credential.id.to_string()),
        Err(Unproved::Invalid(_)) => None,
        Err(other) => panic!("{other:?}"),
    }
}

// The credential that is proved without hashing.
fn remembered(accounts: &Accounts<()>, username: &str, password: &str, now: Now) -> Option<String> {
    match accounts.verify(username, password, now) {
        Verdict::Ready(Ok(proof)) => Some(proof.credential.id.to_string()),
        Verdict::Ready(Err(_)) | Verdict::Pending(_) | Verdict::NotMine => None,
    }
}

#[track_caller]
fn pending(accounts: &Accounts<()>, username: &str, password: &str) -> VerdictFuture<()> {
    match accounts.verify(username, password, at(0)) {
        Verdict::Pending(hashing) => hashing,
        other => panic!("{other:?}"),
    }
}

fn proved(hashing: VerdictFuture<()>) -> Result<rrauth::Proof<()>, Unproved> {
    tokio_test::block_on(hashing)
}

fn accounts(workers: &PasswordWorkers, accounts: &[(&str, &str, &str)]) -> Accounts<()> {
    let start = Accounts::builder(workers);
    let all = accounts.iter().fold(start, |all, (username, password, id)| {
        all.insert(*username, hash(password), credential(id))
    });
    all.build().unwrap()
}

fn workers(threads: usize, queue: usize) -> PasswordWorkers {
    let threads = NonZeroUsize::new(threads).unwrap();
    PasswordWorkers::builder().threads(threads).queue(queue).build().unwrap()
}

fn hash(password: &str) -> PasswordHash {
    PasswordHash::with_cost(password, PasswordCost::new(8, 1, 1).unwrap()).unwrap()
}

fn credential(id: &str) -> Credential<()> {
    Credential::new(id, "subject", Kind::Basic, ())
}

fn at(seconds: u64) -> Now {
    let (monotonic, wall) = (Duration::from_secs(seconds), Duration::from_secs(1_000 + seconds));
    Now { monotonic, wall }
}
