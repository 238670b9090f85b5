//! A source that remembers what another one said.

#![cfg(test)]

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rrauth::{
    Cached, Credential, CredentialSource, KeyDigest, Kind, Lookup, SharedCredential,
    SourceUnavailable,
};
use rrcore::ManualClock;

type Found = Result<Option<Arc<Credential<u8>>>, SourceUnavailable>;

#[derive(Default)]
struct Database {
    rows: Mutex<HashMap<String, Arc<Credential<u8>>>>,
    is_down: Mutex<bool>,
    questions: AtomicU32,
}

impl CredentialSource for Table {
    type Caller = u8;
    type Future = Ready<Found>;

    fn find(&self, digest: &KeyDigest) -> Lookup<u8, Ready<Found>> {
        self.0.questions.fetch_add(1, Ordering::SeqCst);
        if *self.0.is_down.lock().unwrap() {
            return Lookup::Pending(ready(Err(SourceUnavailable::new("down"))));
        }
        let found = self.0.rows.lock().unwrap().get(&digest.to_hex()).cloned();
        Lookup::Pending(ready(Ok(found)))
    }
}

struct Table(Arc<Database>);

struct House {
    database: Arc<Database>,
    clock: ManualClock,
    keys: Cached<Table>,
}

#[test]
fn an_answer_is_asked_for_once_and_again_when_it_is_over() {
    let house = house(10);
    house.add("alice");
    for (second, expected) in [(0, 1), (0, 1), (29, 1), (1, 2), (0, 2)] {
        house.clock.advance(Duration::from_secs(second));
        assert!(house.find("alice").unwrap().is_some());
        assert_eq!(house.questions(), expected);
    }
}

#[test]
fn that_there_is_nobody_is_an_answer_too() {
    let house = house(10);
    for _ in 0..3 {
        assert!(house.find("mallory").unwrap().is_none());
    }
    assert_eq!(house.questions(), 1);
    house.clock.advance(Duration::from_secs(30));
    house.add("mallory");
    assert!(house.find("mallory").unwrap().is_some());
}

#[test]
fn that_nobody_could_tell_is_no_answer() {
    let house = house(10);
    house.add("alice");
    *house.database.is_down.lock().unwrap() = true;
    assert!(house.find("alice").is_err());
    *house.database.is_down.lock().unwrap() = false;
    assert!(house.find("alice").unwrap().is_some());
    assert_eq!(house.questions(), 2);
}

#[test]
fn who_is_forgotten_is_asked_about_again() {
    let house = house(10);
    house.add("alice");
    house.add("bob");
    assert!(house.find("alice").unwrap().is_some() && house.find("bob").unwrap().is_some());
    house.database.rows.lock().unwrap().clear();
    house.keys.forget(&KeyDigest::of("alice"));
    assert!(house.find("alice").unwrap().is_none());
    assert!(house.find("bob").unwrap().is_some());
    house.keys.forget_all();
    assert!(house.find("bob").unwrap().is_none());
}

#[test]
fn an_answer_from_before_the_forgetting_is_given_and_not_kept() {
    let house = house(10);
    house.add("alice");
    let Lookup::Pending(asked) = house.keys.find(&KeyDigest::of("alice")) else { panic!() };
    house.database.rows.lock().unwrap().clear();
    house.keys.forget(&KeyDigest::of("alice"));
    assert!(tokio_test::block_on(asked).unwrap().is_some());
    assert!(house.find("alice").unwrap().is_none());
}

#[test]
fn strangers_push_nobody_out() {
    let house = house(10);
    house.add("alice");
    assert!(house.find("alice").unwrap().is_some());
    for number in 0..10_000 {
        assert!(house.find(&format!("guess {number}")).unwrap().is_none());
    }
    let before = house.questions();
    assert!(house.find("alice").unwrap().is_some());
    assert_eq!(house.questions(), before);
}

impl House {
    fn add(&self, name: &str) {
        let credential = Arc::new(Credential::new(name, name, Kind::ApiKey, 1));
        self.database.rows.lock().unwrap().insert(KeyDigest::of(name).to_hex(), credential);
    }

    fn find(&self, secret: &str) -> Result<Option<SharedCredential<u8>>, SourceUnavailable> {
        match self.keys.find(&KeyDigest::of(secret)) {
            Lookup::Ready(found) => Ok(found),
            Lookup::Pending(wait) => Ok(tokio_test::block_on(wait)?.map(SharedCredential::from)),
        }
    }

    fn questions(&self) -> u32 {
        self.database.questions.load(Ordering::SeqCst)
    }
}

fn house(callers: usize) -> House {
    let clock = ManualClock::starting_at(Duration::from_secs(1_700_000_000));
    let database = Arc::new(Database::default());
    let source = Table(Arc::clone(&database));
    let keys = Cached::with_clock(source, callers, Duration::from_secs(30), clock.clock());
    House { database, clock, keys }
}
