//! What it costs to know a caller: by a key among a million, by one of few on several threads, by a
//! token that was believed before, and by one that was not, beside the bare check of its signature.
//!
//! `cargo bench -p rrauth --features jwt --bench inbound [part of a name]`. What is compared is
//! measured in turn, so that what else the machine does meets all of it: compare what stands in one
//! group. Of the layer, requests are made beforehand and dropped within: what `nothing` costs is not
//! the layer's.
//!
//! With the allocator of the gateway's command: where credentials lie decides how long they take to
//! be fetched. One that puts them between their names, as glibc's does, makes finding one of 100,000
//! in no order take a third longer.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement may panic, and prints"
)]

#[path = "../tests/jwt_support/mod.rs"]
mod jwt_support;

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use http::header::AUTHORIZATION;
use http::{HeaderName, Request, Response};
use jsonwebtoken::{DecodingKey, crypto};
use rrauth::{AuthLayer, Credential, Index, JwtVerifier, KeyDigest, Kind, TokenVerifier, Verdict};
use rrcore::{Clock, Context, ManualClock, Now};
use serde_json::{Value, json};
use tower::util::ServiceFn;
use tower::{Layer, Service};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use crate::jwt_support::{AUDIENCE, ISSUER, NOW, Signer, SigningKey, now};

fn main() {
    let wanted = std::env::args().skip(1).find(|it| !it.starts_with('-')).unwrap_or_default();
    for (name, measure) in [
        ("keys", keys as fn(&str)),
        ("threads", threads),
        ("believed tokens", believed_tokens),
        ("new tokens", new_tokens),
    ] {
        if name.contains(&wanted) {
            measure(name);
        }
    }
}

type AtOnce = ServiceFn<fn(Request<()>) -> Ready<Result<Response<()>, Infallible>>>;

fn at_once() -> AtOnce {
    tower::service_fn(|request| {
        drop(black_box(request));
        ready(Ok(Response::new(())))
    })
}

/// What is measured is done with what was prepared, which is not.
struct Case<'a> {
    name: String,
    run: Box<dyn FnMut() -> Duration + 'a>,
    nanos: Vec<f64>,
}

impl<'a> Case<'a> {
    #[expect(clippy::disallowed_methods, reason = "a bench is about time")]
    fn new<P: 'a, R>(
        name: impl Into<String>,
        mut prepare: impl FnMut() -> P + 'a,
        mut run: impl FnMut(P) -> R + 'a,
    ) -> Self {
        let mut prepared = Vec::new();
        let run = move || {
            // Few, so that they are in the cache when they are used, and their memory is at hand.
            prepared.extend((0..FEW).map(|_| prepare()));
            let start = Instant::now();
            prepared.drain(..).for_each(|it| _ = black_box(run(it)));
            start.elapsed()
        };
        Self { name: name.into(), run: Box::new(run), nanos: Vec::new() }
    }
}

/// All cases in turn, each a while; prints the median of a few requests, since what else the machine
/// does interrupts some, and of the tenth that was disturbed least. Returns the medians of each round,
/// case by case.
fn measure(group: &str, runs: usize, mut cases: Vec<Case<'_>>) -> Vec<Vec<f64>> {
    for _ in 0..ROUNDS {
        for case in &mut cases {
            for _ in 0..runs {
                case.nanos.push((case.run)().as_secs_f64() * 1e9 / f64::from(FEW));
            }
        }
    }
    let of_rounds = |it: &Case<'_>| it.nanos.chunks(runs).map(median).collect();
    let rounds = cases.iter().map(of_rounds).collect();
    println!("{group:<42}{:>8}  {:>8}", "median", "tenth");
    for case in &mut cases {
        case.nanos.sort_by(f64::total_cmp);
        let at = |share: usize| case.nanos.get(case.nanos.len() * share / 100).unwrap();
        println!("  {:<40}{:>8.0}  {:>8.0}", case.name, at(50), at(10));
    }
    rounds
}

fn median(all: &[f64]) -> f64 {
    let mut all = all.to_vec();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn shows(name: &HeaderName, value: &str) -> Request<()> {
    let request = Request::builder().uri("/customers/7").header("host", "gateway.example");
    let request = request.header("accept", "application/json").header("user-agent", "bench/1.0");
    let mut request = request.header(name, value).body(()).unwrap();
    // As the outermost layer of a stack leaves it.
    request.extensions_mut().insert(Context::new(&Clock::system()));
    request
}

fn through<S>(service: &mut S, request: Request<()>) -> bool
where
    S: Service<Request<()>, Error = Infallible>,
    S::Response: Answer,
{
    let mut answer = pin!(service.call(request));
    match answer.as_mut().poll(&mut task::Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer.unwrap().is_success(),
        Poll::Pending => false,
    }
}

trait Answer {
    fn is_success(&self) -> bool;
}

impl<B> Answer for Response<B> {
    fn is_success(&self) -> bool {
        self.status().is_success()
    }
}

fn keys(group: &str) {
    let key = |it: usize| format!("rk_{it:040x}");
    let caller: Arc<str> = "what the layers inside want to know".into();
    let credential = |it: usize| {
        let (id, subject) = (format!("cred_{it:06}"), format!("customer-{it:06}"));
        (KeyDigest::of(key(it)), Credential::new(id, subject, Kind::ApiKey, Arc::clone(&caller)))
    };
    // The least that finds anything by the digest of a key: what it finds is a number, no credential.
    let (mut index, mut map) = (Index::builder(), HashMap::new());
    for at in 0..MILLION {
        let (digest, credential) = credential(at);
        map.insert(*digest.as_bytes(), at);
        index = index.insert(digest, credential);
    }
    let known = (Arc::new(index.build()), Arc::new(map));
    // Each by itself: who of a million calls all the time decides what is in the caches.
    for (name, callers) in [
        ("one", 1),
        ("2,000 in turn", 2_000),
        ("100,000 in turn", 100_000),
        ("all in turn", MILLION),
    ] {
        let mut shown: Vec<_> = (0..callers).map(|it| key(it * (MILLION / callers))).collect();
        // In no order: else the processor foresees where the next credential lies.
        shown.sort_by_cached_key(|it| *KeyDigest::of(it).as_bytes());
        callers_in_turn(group, name, &known, &Arc::new(shown));
    }
}

type Known = (Arc<Index<Arc<str>>>, Arc<HashMap<[u8; 32], usize>>);

fn callers_in_turn(group: &str, name: &str, (index, map): &Known, shown: &Arc<Vec<String>>) {
    let header = HeaderName::from_static("x-api-key");
    let callers = shown.len();
    let next = move |turn: &mut usize| {
        *turn = (*turn + 1) % callers;
        *turn
    };
    // Whom one case has just asked for is in the cache: the others ask for callers far from it.
    let mut turns = [0, callers / 4, callers / 2, callers * 3 / 4];
    let [turn, layer_turn, digest_turn, map_turn] = &mut turns;
    let mut service = AuthLayer::new(Arc::clone(index)).layer(at_once());
    let mut bare = at_once();
    let cases = vec![
        Case::new(
            format!("{name}: digest and a hash map"),
            || shown.get(next(map_turn)).unwrap().clone(),
            |it| map.get(KeyDigest::of(it).as_bytes()).copied(),
        ),
        Case::new(
            format!("{name}: digest and index"),
            // As a request brings it: just read, wherever the one before it was.
            || shown.get(next(digest_turn)).unwrap().clone(),
            |it| index.share(&KeyDigest::of(it)).filter(|it| it.active),
        ),
        Case::new(
            format!("{name}: the layer"),
            || shows(&header, shown.get(next(layer_turn)).unwrap()),
            |request| assert!(through(&mut service, request)),
        ),
        Case::new(
            format!("{name}: nothing"),
            || shows(&header, shown.get(next(turn)).unwrap()),
            |request| assert!(through(&mut bare, request)),
        ),
    ];
    let rounds = measure(group, 500, cases);
    let [map, _, layer, nothing] = &rounds[..] else { panic!("four cases") };
    let of_map =
        map.iter().zip(layer).zip(nothing).map(|((map, it), nothing)| (it - nothing) / map);
    let ratio = median(&of_map.collect::<Vec<_>>());
    println!("  {name}: the layer without its request takes {ratio:.2} times the hash map");
}

/// What threads cost each other that know the callers of one small index: nothing, or two take longer
/// for each than one.
#[expect(clippy::disallowed_methods, reason = "a bench is about time")]
fn threads(group: &str) {
    let digest = |it: u32| KeyDigest::of(it.to_le_bytes());
    let credential = |it: u32| Credential::new(it.to_string(), "s", Kind::ApiKey, ());
    let index: Index<()> = (0..100).map(|it| (digest(it), credential(it))).collect();
    println!("{group:<42}{:>8}", "mean");
    for (name, callers) in [("the same caller", 1), ("fifty callers each", 50)] {
        let digests: Vec<_> = (0..callers).map(digest).collect();
        for threads in [1, 2] {
            let mean = thread::scope(|scope| {
                let run = || {
                    let start = Instant::now();
                    for digest in digests.iter().cycle().take(MILLION) {
                        drop(black_box(index.share(black_box(digest))));
                    }
                    start.elapsed().as_secs_f64() * 1e9 / MILLION as f64
                };
                let running: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
                running.into_iter().map(|it| it.join().unwrap()).sum::<f64>() / f64::from(threads)
            });
            println!("  {:<40}{mean:>8.0}", format!("{name}, {threads} at a time"));
        }
    }
}

fn claims(more: usize) -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": NOW + 600, "iat": NOW,
        "scope": "read write", "more": "x".repeat(more),
    })
}

fn partners() -> Credential<u32> {
    Credential::new("cred_7", "partners", Kind::JwtVerify, 7)
}

fn at() -> Now {
    Now { monotonic: Duration::from_secs(1), wall: now() }
}

fn believed_tokens(group: &str) {
    let signer = Signer::secret();
    let clock = ManualClock::starting_at(now()).clock();
    let mut cases = Vec::new();
    for more in [0, 200] {
        let token = signer.token(&signer.header(), &claims(more));
        let policy = signer.policy().build().unwrap();
        let verifier = Arc::new(JwtVerifier::new(partners(), policy, signer.keys()).unwrap());
        let layer = AuthLayer::new(Index::<u32>::builder().build());
        let mut service = layer.tokens(Arc::clone(&verifier)).layer(at_once());
        let (line, bytes) = (format!("Bearer {token}"), token.len());
        let (other, digested, clock) = (line.clone(), token.clone(), clock.clone());
        let prepare = move || {
            let mut request = shows(&AUTHORIZATION, &line);
            request.extensions_mut().insert(Context::new(&clock));
            request
        };
        cases.push(Case::new(
            format!("{bytes} B: digest"),
            || (),
            move |()| KeyDigest::of(black_box(&digested)),
        ));
        cases.push(Case::new(
            format!("{bytes} B: digest and verdict"),
            || (),
            move |()| {
                let Verdict::Ready(Ok(proof)) = verifier.verify(black_box(&token), at()) else {
                    panic!("a good token")
                };
                proof
            },
        ));
        cases.push(Case::new(format!("{bytes} B: the layer"), prepare, move |request| {
            assert!(through(&mut service, request));
        }));
        let mut bare = at_once();
        cases.push(Case::new(
            format!("{bytes} B: nothing"),
            move || shows(&AUTHORIZATION, &other),
            move |request| assert!(through(&mut bare, request)),
        ));
    }
    measure(group, 100, cases);
}

fn new_tokens(group: &str) {
    let mut cases = Vec::new();
    for signer in Signer::every() {
        let token = signer.token(&signer.header(), &claims(0));
        let policy = signer.policy().build().unwrap();
        let keys = signer.keys();
        // The back end, beside which the others are measured, has no P-521.
        let SigningKey::BackEnd(algorithm, _) = signer.key else { continue };
        let key = decoding(&signer.jwk);
        let name = signer.name().to_owned();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (signed, signature) = (signed.to_owned(), signature.to_owned());
        cases.push(Case::new(
            format!("{name}: the bare signature"),
            || (),
            move |()| {
                let right = crypto::verify(&signature, signed.as_bytes(), &key, algorithm);
                assert!(right.unwrap());
            },
        ));
        let (other, held) = (token.clone(), policy.clone());
        let set = keys.clone();
        cases.push(Case::new(
            format!("{name}: the policy"),
            || (),
            move |()| held.verify(&other, &set, now()).unwrap(),
        ));
        let verifier = JwtVerifier::new(partners(), policy, keys).unwrap().cached_tokens(0);
        let layer = AuthLayer::new(Index::<u32>::builder().build()).tokens(verifier);
        let mut service = layer.layer(at_once());
        let clock = ManualClock::starting_at(now()).clock();
        let line = format!("Bearer {token}");
        let prepare = move || {
            let mut request = shows(&AUTHORIZATION, &line);
            request.extensions_mut().insert(Context::new(&clock));
            request
        };
        cases.push(Case::new(format!("{name}: the layer"), prepare.clone(), move |request| {
            assert!(through(&mut service, request));
        }));
        let mut bare = at_once();
        cases.push(Case::new(format!("{name}: nothing"), prepare, move |request| {
            assert!(through(&mut bare, request));
        }));
    }
    measure(group, 4, cases);
}

fn decoding(jwk: &Value) -> DecodingKey {
    DecodingKey::from_jwk(&serde_json::from_value(jwk.clone()).unwrap()).unwrap()
}

const MILLION: usize = 1_000_000;
const ROUNDS: usize = 50;
const FEW: u32 = 4;
