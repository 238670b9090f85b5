//! Two nodes of one service that spend from one budget, in Redis or Valkey; and what becomes of it
//! when the store is gone.
//!
//! `cargo run --example two_nodes`. It starts a `redis-server` of its own; where none is installed,
//! it says so, and ends.

mod support;

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use rratelimit::{BreakerState, Key, Limit, Policy, RateLimitLayer, RedisStore, Seed, StoreState};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

#[tokio::main]
async fn main() -> support::Result<()> {
    let directory = tempfile::tempdir()?;
    let Some((server, url)) = start_server(directory.path())? else {
        println!("  there is no redis-server here: apt-get install redis-server");
        return Ok(());
    };
    // All nodes have the same, from their configuration: under it names become keys.
    Seed::new(*b"a secret of ours").install()?;
    let mut first = Node::start(&url).await?;
    let mut second = Node::start(&url).await?;

    // Four a day, wherever they come in.
    for node in [&first, &second, &first, &second] {
        assert_eq!(node.asks("ada").await?, StatusCode::OK);
    }
    for node in [&first, &second] {
        assert_eq!(node.asks("ada").await?, StatusCode::TOO_MANY_REQUESTS);
    }
    println!("  two nodes let four pass together");

    // Each says once a second that it is there, and hears how many are.
    for node in [&first, &second] {
        node.knows_of(2).await;
    }
    // Without the store, each goes by its share, and nobody waits.
    drop(server);
    for node in [&mut first, &mut second] {
        for expected in [StatusCode::OK, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS] {
            assert_eq!(node.asks("bob").await?, expected);
        }
        let state = node.hears(BreakerState::Open).await?;
        println!("  alone, a node lets its half pass: {state:?}");
    }
    Ok(())
}

/// A service of its own, with a connection of its own to the store that it shares.
struct Node {
    address: SocketAddr,
    store: RedisStore,
    changes: UnboundedReceiver<StoreState>,
}

impl Node {
    async fn start(url: &str) -> support::Result<Self> {
        let (tell, changes) = unbounded_channel();
        let store = RedisStore::builder(url)
            // All that is theirs in the store is under this hash tag.
            .client("acme")
            // Told when the store is gone and when it is back, once each: log it, count it.
            .on_change(move |state| _ = tell.send(*state))
            .start()?;
        let address = serve(store.clone()).await?;
        let mut node = Self { address, store, changes };
        // Before that, it would go by its share.
        node.hears(BreakerState::Closed).await?;
        Ok(node)
    }

    async fn asks(&self, name: &str) -> support::Result<StatusCode> {
        Ok(support::get(self.address, "/", &[("x-name", name)]).await?.status)
    }

    async fn hears(&mut self, breaker: BreakerState) -> support::Result<StoreState> {
        while let Some(state) = self.changes.recv().await {
            if state.breaker == breaker {
                return Ok(state);
            }
        }
        Err("the store's thread has ended".into())
    }

    async fn knows_of(&self, nodes: u64) {
        let mut moments = tokio::time::interval(Duration::from_millis(50));
        while self.store.state().live_nodes < nodes {
            moments.tick().await;
        }
    }
}

async fn serve(store: RedisStore) -> support::Result<SocketAddr> {
    let policy = Policy::new([Limit::calendar_day("requestsPerDay", 4)])?;
    let limits = RateLimitLayer::new(policy, store).key(|head| {
        // An authentication layer would say who it is.
        let name = head.headers.get("x-name").and_then(|it| it.to_str().ok());
        Key::of(&["caller", name.unwrap_or_default()])
    });
    let app = Router::new().route("/", get(async || "hello\n")).layer(limits);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

/// A server on a free port, and its URL; nothing where there is none to be had.
fn start_server(directory: &Path) -> support::Result<Option<(Server, String)>> {
    let port = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let started = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--save", "", "--port", &port.to_string(), "--dir"])
        .arg(directory)
        .stdout(Stdio::piped())
        .spawn();
    let mut server = match started {
        Ok(server) => Server(server),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let output = server.0.stdout.take().ok_or("it has an output")?;
    let mut lines = BufReader::new(output).lines();
    if !lines.any(|it| it.is_ok_and(|it| it.contains("Ready to accept connections"))) {
        return Err("redis-server did not start".into());
    }
    std::thread::spawn(move || lines.for_each(drop));
    Ok(Some((server, format!("redis://127.0.0.1:{port}/"))))
}

/// Ends when it is dropped, however this program ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}
