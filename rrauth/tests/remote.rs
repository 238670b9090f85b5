//! Documents fetched over real sockets: how often, how long believed, and what is refused.

#![cfg(test)]

mod remote_server;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use rrauth::{Document, Freshness, Reading, Remote, RemoteUnavailable};
use rrcore::ManualClock;

use crate::remote_server::{Answer, Server, client, header, ok, settle, status};

const MINUTE: Duration = Duration::from_secs(60);

// The server of these tests speaks nothing else.
const fn plain() -> Freshness {
    Freshness::new().allow_plaintext(true)
}

struct Setting {
    server: Server,
    hand: ManualClock,
    remote: Arc<Remote<u64>>,
    parsed: Arc<AtomicUsize>,
}

impl Setting {
    async fn new(answer: Answer) -> Self {
        let server = Server::start(answer).await;
        let parsed = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&parsed);
        let parse = move |bytes: &[u8]| {
            counter.fetch_add(1, Ordering::SeqCst);
            let text = str::from_utf8(bytes).map_err(|error| error.to_string())?;
            assert_ne!(text, "panic", "the parser gives up");
            text.parse::<u64>().map_err(|error| error.to_string())
        };
        let remote = Remote::new(client(), server.url(), plain(), parse).unwrap();
        let hand = ManualClock::starting_at(Duration::from_secs(1_000_000));
        Self { server, hand, remote: Arc::new(remote), parsed }
    }

    /// Reads; waits if it must.
    async fn get(&self) -> Result<u64, RemoteUnavailable> {
        match self.remote.read(self.hand.clock().now(), |it| **it) {
            Reading::Ready(value) => Ok(value),
            Reading::Pending(wait) => wait.await.map(|it| *it),
            Reading::Unavailable(error) => Err(error),
        }
    }

    /// Reads what needs no waiting.
    fn ready(&self) -> Option<u64> {
        match self.remote.read(self.hand.clock().now(), |it| **it) {
            Reading::Ready(value) => Some(value),
            Reading::Pending(_) | Reading::Unavailable(_) => None,
        }
    }

    fn document(&self) -> Document<u64> {
        match self.remote.read(self.hand.clock().now(), Clone::clone) {
            Reading::Ready(document) => document,
            Reading::Pending(_) | Reading::Unavailable(_) => panic!("there is no document"),
        }
    }

    /// Asks for a newer one; waits if it must.
    async fn newer(&self, than: &Document<u64>) -> Option<u64> {
        let wait = self.remote.newer(than, self.hand.clock().now())?;
        Some(*wait.await.unwrap())
    }

    fn is_idle(&self) -> bool {
        !self.remote.state(self.hand.clock().now()).fetching
    }

    /// Lets the fetch in the background end.
    async fn idle(&self) {
        settle(|| self.is_idle()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_first_uses_are_one_fetch() {
    let setting = Arc::new(Setting::new(Answer::Gated(Response::new("7".into()))).await);
    let tasks: Vec<_> = (0..1_000)
        .map(|_| {
            let setting = Arc::clone(&setting);
            tokio::spawn(async move { setting.get().await })
        })
        .collect();
    settle(|| setting.server.hits() > 0).await;
    setting.server.open();
    for task in tasks {
        assert_eq!(task.await.unwrap(), Ok(7));
    }
    assert_eq!(setting.server.hits(), 1);
}

#[tokio::test]
async fn whoever_gives_up_does_not_stop_the_fetch() {
    let setting = Setting::new(Answer::Gated(Response::new("7".into()))).await;
    let now = setting.hand.clock().now();
    let Reading::Pending(first) = setting.remote.read(now, |_| ()) else { panic!() };
    let Reading::Pending(second) = setting.remote.read(now, |_| ()) else { panic!() };
    settle(|| setting.server.hits() > 0).await;
    drop(first);
    setting.server.open();
    assert_eq!(*second.await.unwrap(), 7);
    assert_eq!((setting.ready(), setting.server.hits()), (Some(7), 1));
}

#[tokio::test]
async fn dropping_the_remote_ends_the_fetch() {
    let Setting { server, hand, remote, .. } = Setting::new(Answer::Never).await;
    let Reading::Pending(wait) = remote.read(hand.clock().now(), |_| ()) else { panic!() };
    settle(|| server.hits() > 0).await;
    drop(Arc::into_inner(remote).unwrap());
    let error = wait.await.unwrap_err();
    assert_eq!(error.to_string(), "the document cannot be fetched: the fetch was given up");
}

#[tokio::test]
async fn it_is_refreshed_in_the_background_before_it_is_old() {
    let setting = Setting::new(ok("1")).await;
    assert_eq!(setting.get().await, Ok(1));
    setting.server.answer(ok("2"));
    setting.hand.advance(MINUTE * 5 - Duration::from_millis(1));
    assert_eq!((setting.ready(), setting.is_idle()), (Some(1), true));
    setting.hand.advance(MINUTE * 5 - Duration::from_millis(1));
    assert_eq!((setting.ready(), setting.is_idle()), (Some(1), false), "old, and being fetched");
    setting.idle().await;
    assert_eq!((setting.ready(), setting.server.hits()), (Some(2), 2));
}

#[tokio::test]
async fn what_nobody_has_asked_for_in_its_lifetime_is_not_served_unasked() {
    let setting = Setting::new(ok("1")).await;
    assert_eq!(setting.get().await, Ok(1));
    setting.server.answer(ok("2"));
    setting.hand.advance(MINUTE * 10);
    assert_eq!(setting.ready(), None);
    assert_eq!(setting.get().await, Ok(2));
    setting.server.answer(status(500));
    setting.hand.advance(MINUTE * 10);
    assert_eq!(setting.get().await, Ok(2), "its server is down");
    assert_eq!(setting.ready(), Some(2));
}

#[tokio::test]
async fn its_server_can_shorten_its_life() {
    let setting = Setting::new(header("cache-control", "max-age=60", "1")).await;
    assert_eq!(setting.get().await, Ok(1));
    setting.hand.advance(Duration::from_secs(29));
    assert_eq!((setting.ready(), setting.is_idle()), (Some(1), true));
    setting.hand.advance(Duration::from_secs(31));
    assert_eq!(setting.ready(), None);
}

#[tokio::test]
async fn it_is_asked_early_once_per_cool_down_and_no_more() {
    let setting = Setting::new(ok("1")).await;
    assert_eq!(setting.get().await, Ok(1));
    setting.hand.advance(Duration::from_secs(30) - Duration::from_nanos(1));
    assert_eq!(setting.newer(&setting.document()).await, None, "just fetched");
    setting.hand.advance(Duration::from_nanos(1));
    setting.server.answer(ok("2"));
    let old = setting.document();
    for _ in 0..10_000 {
        assert_eq!(setting.newer(&old).await, Some(2));
        assert_eq!(setting.newer(&setting.document()).await, None);
        setting.hand.advance(Duration::from_millis(1));
    }
    assert_eq!((setting.server.hits(), setting.parsed.load(Ordering::SeqCst)), (2, 2));
}

#[tokio::test]
async fn a_failed_fetch_counts_towards_the_cool_down() {
    let setting = Setting::new(ok("1")).await;
    assert_eq!(setting.get().await, Ok(1));
    let old = setting.document();
    setting.server.answer(status(500));
    for minutes in 1..=3 {
        setting.hand.advance(MINUTE);
        assert_eq!(setting.newer(&old).await, Some(1), "the old one, since there is no newer");
        assert_eq!(setting.newer(&old).await, None);
        setting.hand.advance(Duration::from_secs(29));
        assert_eq!(setting.newer(&old).await, None);
        assert_eq!(setting.server.hits(), 1 + minutes);
    }
}

#[tokio::test]
async fn it_is_kept_while_its_server_is_down_but_not_for_ever() {
    let setting = Setting::new(ok("1")).await;
    assert_eq!(setting.get().await, Ok(1));
    setting.server.answer(Answer::Close);
    // Wherever chance puts the first fetch in the background, it is before the ten minutes are over.
    let second = Duration::from_secs(1);
    setting.hand.advance(MINUTE * 9 - second);
    for minute in 10..60 {
        setting.hand.advance(MINUTE);
        assert_eq!(setting.ready(), Some(1), "without waiting, minute {minute}");
        setting.idle().await;
    }
    assert_eq!(setting.get().await, Ok(1));
    let state = setting.remote.state(setting.hand.clock().now());
    assert!(state.usable && !state.fresh && state.failures > 40, "{state:?}");
    assert!(state.last_error.unwrap().starts_with("no answer: "));
    setting.hand.advance(MINUTE + second);
    assert!(setting.get().await.is_err(), "an hour");
    assert!(setting.get().await.is_err(), "an hour, and too early to ask again");
    assert!(setting.server.hits() <= 1 + 120, "{}", setting.server.hits());
    setting.server.answer(ok("2"));
    setting.hand.advance(MINUTE);
    assert_eq!(setting.get().await, Ok(2));
    let state = setting.remote.state(setting.hand.clock().now());
    assert!(state.usable && state.fresh && state.failures == 0, "{state:?}");
    assert_eq!(state.age, Some(Duration::ZERO));
}

#[tokio::test]
async fn what_is_fresh_is_served_however_short_old_ones_are_kept() {
    for max_stale in [0, 120] {
        let server = Server::start(ok("42")).await;
        let freshness = Freshness::new().allow_plaintext(true);
        let freshness = freshness.max_stale(Duration::from_secs(max_stale));
        let parse = |bytes: &[u8]| str::from_utf8(bytes).unwrap().parse::<u64>();
        let remote = Remote::new(client(), server.url(), freshness, parse).unwrap();
        let hand = ManualClock::starting_at(Duration::from_secs(1_000_000));
        for _ in 0..60 {
            let read = match remote.read(hand.clock().now(), |it| **it) {
                Reading::Ready(value) => value,
                Reading::Pending(wait) => *wait.await.unwrap(),
                Reading::Unavailable(error) => panic!("{error}"),
            };
            assert_eq!(read, 42);
            hand.advance(Duration::from_secs(10));
        }
        server.answer(Answer::Close);
        hand.advance(Duration::from_secs(600 + max_stale));
        let read = remote.read(hand.clock().now(), |it| **it);
        let read = match read {
            Reading::Pending(wait) => wait.await.map(|it| *it),
            Reading::Ready(value) => Ok(value),
            Reading::Unavailable(error) => Err(error),
        };
        assert!(read.is_err(), "{max_stale}");
    }
}

#[tokio::test]
async fn a_time_without_end_is_one() {
    let plain = || Freshness::new().allow_plaintext(true);
    for freshness in [plain().lifetime(Duration::MAX), plain().cool_down(Duration::MAX)] {
        let server = Server::start(ok("42")).await;
        let parse = |bytes: &[u8]| str::from_utf8(bytes).unwrap().parse::<u64>();
        let remote = Remote::new(client(), server.url(), freshness, parse).unwrap();
        let hand = ManualClock::starting_at(Duration::from_secs(1_000_000));
        for _ in 0..2 {
            match remote.read(hand.clock().now(), |it| **it) {
                Reading::Ready(value) => assert_eq!(value, 42),
                Reading::Pending(wait) => assert_eq!(*wait.await.unwrap(), 42),
                Reading::Unavailable(error) => panic!("{error}"),
            }
        }
        assert_eq!(server.hits(), 1);
    }
}

#[tokio::test]
async fn cold_and_down_is_unavailable_asked_ever_more_rarely_and_recovers() {
    let setting = Setting::new(status(503)).await;
    for _ in 0..600 {
        let error = setting.get().await.unwrap_err();
        let expected = "the document cannot be fetched: the answer is 503, not 200";
        assert_eq!(error.to_string(), expected);
        setting.hand.advance(Duration::from_millis(100));
    }
    // At about 0, 1, 3, 7, 15 and 31 seconds.
    assert!((5..=7).contains(&setting.server.hits()), "{}", setting.server.hits());
    setting.server.answer(ok("1"));
    setting.hand.advance(Duration::from_secs(38));
    assert_eq!(setting.get().await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stalls_costs_three_seconds_once() {
    let setting = Setting::new(Answer::Never).await;
    let begun = tokio::time::Instant::now();
    let error = setting.get().await.unwrap_err();
    assert_eq!(error.to_string(), "the document cannot be fetched: no answer within 3000 ms");
    assert!(setting.get().await.is_err());
    let took = begun.elapsed();
    assert!((2_990..=3_010).contains(&took.as_millis()), "{took:?}");
}

#[tokio::test]
async fn what_is_no_document_leaves_the_old_one() {
    let location = Response::builder().status(302).header("location", "/document");
    let gzip = header("content-encoding", "gzip", "2");
    for (bad, why) in [
        (status(500), "the answer is 500, not 200"),
        (status(204), "the answer is 204, not 200"),
        (status(206), "the answer is 206, not 200"),
        (Answer::Now(location.body(Bytes::from("2")).unwrap()), "the answer is 302, not 200"),
        (ok(vec![b'2'; 10_000_000]), "the answer cannot be read: length limit exceeded"),
        (ok("0".repeat(65_536) + "2"), "the answer cannot be read: length limit exceeded"),
        (ok("<html>Sign in</html>"), "invalid digit found in string"),
        (ok(""), "cannot parse integer from empty string"),
        (gzip, "the answer is compressed"),
        (ok("panic"), "the fetch was given up"),
        (Answer::Close, "no answer: client error (SendRequest)"),
    ] {
        check(bad, why).await;
    }
}

#[tokio::test]
async fn a_document_as_large_as_it_may_be_is_read() {
    let setting = Setting::new(ok("0".repeat(65_535) + "2")).await;
    assert_eq!(setting.get().await, Ok(2));
}

#[tokio::test]
async fn the_same_bytes_are_the_same_value() {
    let setting = Setting::new(ok("1")).await;
    assert_eq!(setting.get().await, Ok(1));
    setting.hand.advance(MINUTE);
    assert_eq!(setting.newer(&setting.document()).await, Some(1));
    assert_eq!((setting.server.hits(), setting.parsed.load(Ordering::SeqCst)), (2, 1));
    assert_eq!(setting.document().age(setting.hand.clock().now()), Duration::ZERO);
}

#[tokio::test]
async fn a_wall_clock_that_jumps_changes_nothing() {
    let setting = Setting::new(ok("1")).await;
    assert_eq!(setting.get().await, Ok(1));
    for wall in [0, 1_000_000 - 3_600, 1_000_000 + 3_600, u64::MAX] {
        setting.hand.set_wall(Duration::from_secs(wall));
        assert_eq!((setting.ready(), setting.is_idle()), (Some(1), true));
    }
}

#[test]
fn without_a_runtime_it_is_unavailable() {
    let url = "http://localhost/".parse().unwrap();
    let parse = |_: &[u8]| Ok::<_, String>(());
    let remote = Remote::new(client(), url, plain(), parse).unwrap();
    let now = ManualClock::starting_at(Duration::ZERO).clock().now();
    let reading = remote.read(now, |_| ());
    assert!(matches!(reading, Reading::Unavailable(_)), "{reading:?}");
}

#[test]
fn a_runtime_that_is_gone_takes_no_one_with_it() {
    let start = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = start();
    let setting = first.block_on(async {
        let setting = Setting::new(Answer::Never).await;
        assert_eq!(setting.ready(), None);
        settle(|| setting.server.hits() > 0).await;
        setting
    });
    assert!(!setting.is_idle());
    drop(first);
    assert!(setting.is_idle());
    setting.hand.advance(MINUTE);
    start().block_on(async { assert!(setting.get().await.is_err()) });
    assert_eq!(setting.remote.state(setting.hand.clock().now()).failures, 2);
}

#[test]
fn debug_shows_neither_query_nor_document() {
    let url = "http://a.example/keys?secret=canary".parse().unwrap();
    let parse = |_: &[u8]| Ok::<_, String>("canary");
    let remote = Remote::new(client(), url, plain(), parse).unwrap();
    assert_eq!(format!("{remote:?}"), "Remote { host: Some(\"a.example\"), .. }");
}

async fn check(bad: Answer, why: &str) {
    let cold = Setting::new(bad.clone()).await;
    let expected = format!("the document cannot be fetched: {why}");
    assert_eq!(cold.get().await.unwrap_err().to_string(), expected);
    assert_eq!(cold.server.hits(), 1, "{why}");

    let warm = Setting::new(ok("1")).await;
    assert_eq!(warm.get().await, Ok(1));
    warm.server.answer(bad);
    warm.hand.advance(MINUTE * 10);
    assert_eq!(warm.get().await, Ok(1), "{why}");
    let state = warm.remote.state(warm.hand.clock().now());
    assert_eq!((state.failures, state.last_error.as_deref()), (1, Some(why)));
    warm.server.answer(ok("3"));
    warm.hand.advance(MINUTE * 10);
    assert_eq!(warm.get().await, Ok(3), "{why}");
}
