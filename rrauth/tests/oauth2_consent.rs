//! That a refresh token is in one hand at a time, and is stored: by a client that the test plays.
#![cfg(test)] // tells clippy that this may panic

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use rrauth::{Consent, HttpClient, HttpError, HttpFuture, OAuth2, TokenSource, Tokens};
use tokio::sync::Semaphore;
use tokio::time::Instant;

#[tokio::test]
async fn two_grants_of_one_consent_ask_in_turn_and_each_with_the_newest() {
    let (server, store) = (Server::closed(), Disk::default());
    let consent = store.consent();
    let [one, other] = [(); 2].map(|()| source(&consent, &server));
    let fetched = [tokio::spawn(one.fetch()), tokio::spawn(other.fetch())];
    settle().await;
    assert_eq!(server.asked(), ["r1"], "the other waits for its turn");
    server.open();
    for token in fetched {
        token.await.unwrap().unwrap();
    }
    assert_eq!(server.asked(), ["r1", "r2"]);
    // Refused, though it was the newest when it was given: by whoever gave it to the other.
    let refused = one.current().unwrap();
    one.replace(&refused).await.unwrap();
    assert_eq!(server.asked(), ["r1", "r2", "r3"]);
    assert_eq!(store.stored(), ["r2", "r3", "r4"]);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_stored_is_tried_again_until_it_is() {
    let (server, store) = (Server::open_to_all(), Disk::default());
    let source = source(&store.consent(), &server);
    store.fails(true);
    source.fetch().await.unwrap();
    assert_eq!((store.tries(), store.stored().len()), (1, 0), "the token is used all the same");
    // After 1, 2 and 4 seconds.
    for (seconds, tries) in [(1, 2), (2, 3), (4, 4)] {
        after(Duration::from_secs(seconds)).await;
        store.until(tries).await;
    }
    store.fails(false);
    after(Duration::from_secs(8)).await;
    store.until(5).await;
    assert_eq!(store.stored(), ["r2"]);
    after(Duration::from_secs(600)).await;
    assert_eq!(store.tries(), 5, "and that was all");
}

#[tokio::test]
async fn what_could_not_be_stored_is_stored_with_the_next_token() {
    let (server, store) = (Server::open_to_all(), Disk::default());
    let source = source(&store.consent(), &server);
    store.fails(true);
    let token = source.fetch().await.unwrap();
    store.fails(false);
    // This time the server lets it be.
    server.rotates.store(false, Ordering::Relaxed);
    source.replace(&token).await.unwrap();
    assert_eq!(store.stored(), ["r2"]);
}

#[tokio::test]
async fn settling_waits_for_what_is_under_way_and_then_nothing_is_asked() {
    let (server, store) = (Server::closed(), Disk::default());
    let consent = store.consent();
    let source = source(&consent, &server);
    let fetched = tokio::spawn(source.fetch());
    settle().await;
    let of = Arc::clone(&consent);
    let settled = tokio::spawn(async move { of.settle().await });
    settle().await;
    assert!(!settled.is_finished());
    server.open();
    settled.await.unwrap().unwrap();
    assert_eq!(store.stored(), ["r2"]);
    let token = fetched.await.unwrap().unwrap();
    source.replace(&token).await.unwrap_err();
    assert_eq!(server.asked(), ["r1"]);
}

#[tokio::test]
async fn settling_stores_what_could_not_be_stored() {
    let (server, store) = (Server::open_to_all(), Disk::default());
    let consent = store.consent();
    store.fails(true);
    source(&consent, &server).fetch().await.unwrap();
    consent.settle().await.unwrap_err();
    store.fails(false);
    consent.settle().await.unwrap();
    assert_eq!(store.stored(), ["r2"]);
}

#[tokio::test]
async fn a_disk_that_is_slow_holds_up_nobody_else() {
    let (done, waiting) = mpsc::channel();
    let waiting = Mutex::new(waiting);
    let in_time = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&in_time);
    let client = OAuth2::new("https://auth.test/token", "c");
    let grant = client.refresh_token("r1", move |_| {
        let told = waiting.lock().unwrap().recv_timeout(Duration::from_secs(5));
        noted.store(told.is_ok(), Ordering::Relaxed);
    });
    let source = TokenSource::new(grant.unwrap(), Arc::new(Server::open_to_all()));
    let fetched = tokio::spawn(source.fetch());
    // On the only thread that there is.
    settle().await;
    assert!(!fetched.is_finished(), "the token is not used before its successor is stored");
    done.send(()).unwrap();
    fetched.await.unwrap().unwrap();
    assert!(in_time.load(Ordering::Relaxed));
}

/// Takes each refresh token once, the newest, and answers when the test lets it.
#[derive(Clone, Debug)]
struct Server {
    asked: Arc<Mutex<Vec<String>>>,
    gate: Arc<Semaphore>,
    rotates: Arc<AtomicBool>,
}

impl Server {
    fn closed() -> Self {
        let (asked, gate) = (Arc::default(), Arc::new(Semaphore::new(0)));
        Self { asked, gate, rotates: Arc::new(AtomicBool::new(true)) }
    }

    fn open_to_all() -> Self {
        let server = Self::closed();
        server.open();
        server
    }

    fn open(&self) {
        self.gate.add_permits(1_000);
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl HttpClient for Server {
    fn send(&self, request: Request<Bytes>, _: usize) -> HttpFuture {
        let form = String::from_utf8(request.into_body().to_vec()).unwrap();
        let shown = form.split('&').find_map(|it| it.strip_prefix("refresh_token=")).unwrap();
        let mut asked = self.asked.lock().unwrap();
        asked.push(shown.to_owned());
        let number = asked.len();
        let newest = match self.rotates.load(Ordering::Relaxed) {
            true => format!(r#","refresh_token":"r{}""#, number + 1),
            false => String::new(),
        };
        let is_newest = shown == format!("r{number}");
        let gate = Arc::clone(&self.gate);
        Box::pin(async move {
            gate.acquire().await.unwrap().forget();
            if !is_newest {
                return Err(HttpError::new("that was used before"));
            }
            let body = format!(
                r#"{{"access_token":"t{number}","token_type":"bearer","expires_in":3600{newest}}}"#
            );
            Ok(Response::new(Bytes::from(body)))
        })
    }
}

/// What is stored, as long as it does not fail.
#[derive(Clone, Debug, Default)]
struct Disk {
    fails: Arc<AtomicBool>,
    tries: Arc<AtomicUsize>,
    stored: Arc<Mutex<Vec<String>>>,
}

impl Disk {
    fn consent(&self) -> Arc<Consent> {
        let disk = self.clone();
        let store = move |new: &str| {
            disk.tries.fetch_add(1, Ordering::Relaxed);
            match disk.fails.load(Ordering::Relaxed) {
                true => Err("the disk is full"),
                false => {
                    disk.stored.lock().unwrap().push(new.to_owned());
                    Ok(())
                }
            }
        };
        Arc::new(Consent::new("r1", store).unwrap())
    }

    fn fails(&self, fails: bool) {
        self.fails.store(fails, Ordering::Relaxed);
    }

    fn tries(&self) -> usize {
        self.tries.load(Ordering::Relaxed)
    }

    fn stored(&self) -> Vec<String> {
        self.stored.lock().unwrap().clone()
    }

    /// Waits for so many tries, on the thread that stores.
    async fn until(&self, tries: usize) {
        let tried = async {
            while self.tries() < tries {
                tokio::task::spawn_blocking(std::thread::yield_now).await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(1), tried).await.unwrap();
        assert_eq!(self.tries(), tries);
    }
}

fn source(consent: &Arc<Consent>, server: &Server) -> TokenSource {
    let client = OAuth2::new("https://auth.test/token", "c").secret("s");
    TokenSource::new(client.refreshing(consent).unwrap(), Arc::new(server.clone()))
}

/// Lets everything that can go on go on.
// By a clock that goes on when there is nothing else to do.
async fn after(time: Duration) {
    tokio::time::interval_at(Instant::now() + time, time).tick().await;
}

async fn settle() {
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
}
