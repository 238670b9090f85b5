//! Configuration changes while requests are in flight: none fails, each is served by exactly one
//! revision, and what was spent stays spent.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::support::upstream::Upstream;
use crate::support::{House, proxy, rebind};

const IN_FLIGHT: u64 = 500;
const REVISIONS: u64 = 200;
/// Requests that the upstream lets go after each revision.
const RELEASED: u64 = 50;

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_revisions_under_five_hundred_requests_cost_none_of_them() {
    let house = Arc::new(House::build_with(|it| it.workers(2)).await);
    // Holds every request until it is let go, so that revisions come while it waits.
    let gate = Arc::new(Semaphore::new(0));
    let arrived = Arc::new(AtomicU64::new(0));
    let upstream = held(Arc::clone(&gate), Arc::clone(&arrived));
    for side in ["even", "odd"] {
        let url = format!("http://{}/{side}", upstream.address);
        let target = json!({ "name": side, "baseUrl": url, "allowPlaintext": true });
        house.put(&format!("/targets/{side}"), &target).await;
    }
    let first = revise(&house, 0).await;

    let is_over = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        callers.spawn(calls(Arc::clone(&house), Arc::clone(&is_over), first));
    }
    for number in 0..REVISIONS {
        // Those that were let go have made room for as many.
        while arrived.load(Ordering::Relaxed) < IN_FLIGHT + number * RELEASED {
            // A caller that stops has met a wrong answer: what it said is the failure.
            if let Some(stopped) = callers.try_join_next() {
                panic!("a caller stopped: {:?}", stopped.unwrap());
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(revise(&house, number + 1).await, first + number + 1);
        gate.add_permits(RELEASED as usize);
    }
    is_over.store(true, Ordering::Relaxed);
    gate.add_permits(1_000_000);
    let answered: u64 = callers.join_all().await.into_iter().sum();
    assert!(answered >= REVISIONS * RELEASED, "{answered} requests");

    // Each of them was counted once, whichever revision it met; this one makes one more.
    let last = house.call(Method::GET, "/x").await;
    let left = last.header("ratelimit").split("r=").nth(1).unwrap().split(';').next().unwrap();
    let expected = limit_of(first + REVISIONS, first) - (answered + 1);
    assert_eq!(left, expected.to_string());
}

fn held(gate: Arc<Semaphore>, arrived: Arc<AtomicU64>) -> Upstream {
    Upstream::start(move |request: Request<Bytes>| {
        let (gate, arrived) = (Arc::clone(&gate), Arc::clone(&arrived));
        async move {
            arrived.fetch_add(1, Ordering::Relaxed);
            gate.acquire().await.unwrap().forget();
            let side = request.uri().path().split('/').nth(1).unwrap().to_owned();
            Response::new(Bytes::from(side))
        }
    })
}

// One write changes two things that an answer shows: the target, and the limit.
async fn revise(house: &House, number: u64) -> u64 {
    let side = if number.is_multiple_of(2) { "even" } else { "odd" };
    let mut changed = proxy("p");
    changed["targetId"] = json!(side);
    changed["rebind"] = rebind();
    changed["limits"] = json!({ "requestsPerMinute": limit_of(number, 0) });
    let answer = house.api(Method::PUT, "/proxies/p", Some(&changed)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
    answer.header("rr-revision").parse().unwrap()
}

const fn limit_of(revision: u64, first: u64) -> u64 {
    if (revision - first).is_multiple_of(2) { 1_000_000 } else { 2_000_000 }
}

// Calls until it is over, and checks that each answer is of one revision. How many there were.
async fn calls(house: Arc<House>, is_over: Arc<AtomicBool>, first: u64) -> u64 {
    let mut answered = 0;
    while !is_over.load(Ordering::Relaxed) {
        let answer = house.call(Method::GET, "/x").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.json());
        let revision: u64 = answer.header("rr-revision").parse().unwrap();
        let is_even = (revision - first).is_multiple_of(2);
        let side: &[u8] = if is_even { b"even" } else { b"odd" };
        assert_eq!(&answer.body[..], side, "of revision {revision}");
        let policy = format!("\"requestsPerMinute\";q={};w=60", limit_of(revision, first));
        assert_eq!(answer.header("ratelimit-policy"), policy, "of revision {revision}");
        answered += 1;
    }
    answered
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_proxy_finishes_what_it_began() {
    let house = Arc::new(House::build().await);
    let gate = Arc::new(Semaphore::new(0));
    let arrived = Arc::new(AtomicU64::new(0));
    let upstream = held(Arc::clone(&gate), Arc::clone(&arrived));
    let url = format!("http://{}/even", upstream.address);
    let target = json!({ "name": "echo", "baseUrl": url, "allowPlaintext": true });
    house.retarget(target).await;

    let calling = Arc::clone(&house);
    let call = tokio::spawn(async move { calling.call(Method::GET, "/x").await });
    while arrived.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    let gone = house.api(Method::DELETE, "/proxies/p", None::<&Value>).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    house.call(Method::GET, "/x").await.refused(404, "route", "proxy-not-found");
    gate.add_permits(1);
    assert_eq!(call.await.unwrap().status, StatusCode::OK);
}
