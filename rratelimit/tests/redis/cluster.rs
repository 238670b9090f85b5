//! A real cluster: three nodes with a third of the slots each, and clients on every one of them.

use std::time::Duration;

use rratelimit::{BreakerState, Charge, Key, Limit, Policy, RedisStore, Store, StoreFailure};

use crate::exact::{kinds, left, wait_until};
use crate::node::Node;
use crate::server::{Server, free_port};
use crate::tests;

tests! {
    clients_on_each_node_of_a_cluster_are_decided_exactly,
    a_node_of_a_cluster_that_is_gone_is_missed_by_its_own_clients_only,
    a_frozen_node_of_a_cluster_holds_nobody_up,
    a_client_that_moves_to_another_node_is_counted_on,
    a_replica_that_takes_over_is_found,
}

fn clients_on_each_node_of_a_cluster_are_decided_exactly() {
    let cluster = Cluster::start();
    for (server, client) in cluster.servers.iter().zip(cluster.clients()) {
        let nodes = [(); 2].map(|()| cluster.node(&client));
        for limit in kinds(5) {
            let policy = Policy::new([limit]).unwrap();
            let passed: usize = nodes.iter().map(|it| it.passing(&policy, "alice", 4)).sum();
            assert_eq!(passed, 5, "{client}: {policy:?}");
        }
        let all = Policy::new(kinds(7)).unwrap();
        let one = Policy::new([Limit::calendar_day("narrow", 3)]).unwrap();
        let charges = [Charge::one(&all, Key::of(&["bob"])), Charge::one(&one, Key::of(&["all"]))];
        let passes = |at: &usize| nodes[*at % 2].take(&charges).unwrap().is_allowed();
        assert_eq!((0..9).filter(passes).count(), 3, "several keys are decided about at once");
        nodes[1]
            .store
            .add(&[Charge { policy: &one, key: Key::of(&["c"]), cost: 2 }], nodes[1].now());
        wait_until(|| left(&nodes[0], &one, "c") == 1);
        assert!(nodes.iter().all(|it| it.store.state().failed_calls == 0));
        assert!(server.tell("DBSIZE") != ":0", "{client} is there");
    }
}

fn a_node_of_a_cluster_that_is_gone_is_missed_by_its_own_clients_only() {
    let mut cluster = Cluster::start();
    let nodes = cluster.clients().map(|it| cluster.node(&it));
    let day = |max| Policy::new([Limit::calendar_day("day", max)]).unwrap();
    let policy = day(10);
    for node in &nodes {
        assert_eq!(node.passing(&policy, "a", 4), 4);
    }
    cluster.servers.remove(0).kill();
    nodes[0].hears(BreakerState::Open);
    for node in &nodes {
        assert_eq!(node.passing(&policy, "a", 20), 6, "its share is all, and four were taken");
    }
    assert!(nodes[0].store.state().shares > 0);
    let denied = Limit::calendar_day("denied", 1).on_store_failure(StoreFailure::Deny);
    assert!(nodes[0].one(&Policy::new([denied]).unwrap(), "a").is_err());
    for node in &nodes[1..] {
        let state = node.store.state();
        assert_eq!((state.breaker, state.opened, state.shares), (BreakerState::Closed, 0, 0));
        // Asked again, it still knows its way, though one of those that it was told of is gone.
        assert_eq!(node.passing(&day(3), "b", 9), 3);
    }
    let late = cluster.node(&cluster.clients_of(1));
    assert_eq!(late.passing(&policy, "a", 1), 0, "who comes later finds those that live");
}

fn a_frozen_node_of_a_cluster_holds_nobody_up() {
    let cluster = Cluster::start();
    let clients = cluster.clients();
    let [frozen, other] = [0, 1].map(|at| {
        let node = Node::start(RedisStore::builder(cluster.url()).client(&clients[at]));
        node.hears(BreakerState::Closed);
        node
    });
    let policy = Policy::new([Limit::calendar_day("day", 1_000_000)]).unwrap();
    for node in [&frozen, &other] {
        assert_eq!(node.passing(&policy, "a", 50), 50);
    }
    cluster.servers[0].freeze();
    let mut longest = Duration::ZERO;
    while frozen.store.state().breaker == BreakerState::Closed {
        let (decision, took) = frozen.timed(&policy, "a");
        assert!(decision.unwrap().is_allowed());
        longest = longest.max(took);
    }
    println!("    the longest decision took {longest:?}");
    assert!(longest < Duration::from_millis(500), "{longest:?}");
    let opened = other.store.state().opened;
    assert_eq!(other.passing(&policy, "a", 1_000), 1_000);
    println!("    the other's breaker opened {} times", other.store.state().opened - opened);
    cluster.servers[0].thaw();
    let took = frozen.hears(BreakerState::Closed);
    println!("    found again after {took:?}");
    assert!(took < Duration::from_secs(2), "{took:?}");
}

fn a_client_that_moves_to_another_node_is_counted_on() {
    let cluster = Cluster::start();
    let client = cluster.clients_of(0);
    let node = cluster.node(&client);
    let policy = Policy::new([Limit::calendar_day("day", 9)]).unwrap();
    let other = Policy::new([Limit::calendar_day("day", 2)]).unwrap();
    assert_eq!(node.passing(&policy, "a", 3), 3);

    let [from, to, third] = &cluster.servers[..] else { unreachable!("there are three") };
    let slot = cluster.slot(&client);
    let [from_id, to_id] =
        [from, to].map(|it| it.tell("CLUSTER MYID").lines().nth(1).unwrap().to_owned());
    assert_eq!(to.order(&format!("CLUSTER SETSLOT {slot} IMPORTING {from_id}")), "+OK");
    assert_eq!(from.order(&format!("CLUSTER SETSLOT {slot} MIGRATING {to_id}")), "+OK");
    assert_eq!(node.passing(&policy, "a", 2), 2, "it has not moved yet");
    assert_eq!(node.passing(&other, "new", 5), 2, "what was not there is made over there");
    let names = from.tell(&format!("CLUSTER GETKEYSINSLOT {slot} 100"));
    for name in names.lines().filter(|it| it.starts_with("rr:")) {
        let port = to.port();
        assert_eq!(from.order(&format!("MIGRATE 127.0.0.1 {port} {name} 0 1000")), "+OK");
    }
    assert_eq!(node.passing(&policy, "a", 2), 2, "it has moved, and nobody was told");
    for server in [to, from, third] {
        assert_eq!(server.order(&format!("CLUSTER SETSLOT {slot} NODE {to_id}")), "+OK");
    }
    assert_eq!(node.passing(&policy, "a", 9), 2);
    assert_eq!(node.passing(&other, "new", 1), 0);
    let state = node.store.state();
    assert_eq!((state.opened, state.shares), (0, 0), "no decision was made without the store");
}

fn a_replica_that_takes_over_is_found() {
    let mut cluster = Cluster::start();
    let client = cluster.clients_of(0);
    let master = cluster.servers[0].tell("CLUSTER MYID").lines().nth(1).unwrap().to_owned();
    let (replica, bus) = Server::start_clustered();
    until(|| {
        cluster.servers.iter().for_each(|it| meet(it, &replica, bus));
        let port = replica.port();
        let knows =
            |it: &Server| it.tell("CLUSTER NODES").contains(&format!(":{port}@{bus} master"));
        cluster.servers.iter().all(knows)
    });
    until(|| replica.order(&format!("CLUSTER REPLICATE {master}")) == "+OK");
    until(|| replica.tell("INFO replication").contains("master_link_status:up"));

    let node = cluster.node(&client);
    let policy = Policy::new([Limit::calendar_day("day", 10)]).unwrap();
    assert_eq!(node.passing(&policy, "a", 4), 4);
    let offset = |server: &Server| {
        let info = server.tell("INFO replication");
        info.lines().find(|it| it.starts_with("master_repl_offset:")).map(str::to_owned)
    };
    until(|| offset(&replica) == offset(&cluster.servers[0]));
    cluster.servers.remove(0).kill();
    node.hears(BreakerState::Open);
    assert!(node.passes(&policy, "a"), "service goes on");
    until(|| replica.order("CLUSTER FAILOVER TAKEOVER") == "+OK");
    let took = node.hears(BreakerState::Closed);
    println!("    found after {took:?}");
    // The worker answers this when it has told what passed meanwhile.
    let asked = [(&policy, Key::of(&["a"]))];
    until(|| node.store.usage(&asked, node.now()).is_some());
    assert_eq!(
        node.passing(&policy, "a", 20),
        5,
        "what was replicated counts, and what passed since"
    );
}

struct Cluster {
    servers: Vec<Server>,
    /// Which one is told of to nodes: all that were there at the start.
    url: String,
}

impl Cluster {
    fn start() -> Self {
        let started: Vec<_> = (0..3).map(|_| Server::start_clustered()).collect();
        for ((server, _), slots) in started.iter().zip(SLOTS) {
            assert_eq!(server.order(&format!("CLUSTER ADDSLOTSRANGE {slots}")), "+OK");
        }
        let (first, others) = started.split_first().unwrap();
        until(|| {
            others.iter().for_each(|(other, bus)| meet(&first.0, other, *bus));
            started.iter().all(|(it, _)| {
                let info = it.tell("CLUSTER INFO");
                info.contains("cluster_state:ok") && info.contains("slots_ok:16384")
            })
        });
        let ports: Vec<_> =
            started.iter().map(|(it, _)| format!("127.0.0.1:{}", it.port())).collect();
        // One that is not there, too: nodes come and go.
        let url = format!("redis-cluster://127.0.0.1:{},{}/", free_port(), ports.join(","));
        Self { servers: started.into_iter().map(|(it, _)| it).collect(), url }
    }

    fn url(&self) -> String {
        self.url.clone()
    }

    fn node(&self, client: &str) -> Node {
        let builder = RedisStore::builder(self.url()).client(client);
        let node = Node::start(builder.timeout(Duration::from_millis(500)));
        node.hears(BreakerState::Closed);
        node
    }

    fn slot(&self, client: &str) -> u16 {
        let last = self.servers.last().unwrap();
        last.order(&format!("CLUSTER KEYSLOT rr:{{{client}}}:x"))[1..].parse().unwrap()
    }

    /// A client whose keys are on that one.
    fn clients_of(&self, at: u16) -> String {
        let is_there = |it: &String| self.slot(it) / 5_462 == at;
        (0..).map(|it| format!("client{it}")).find(is_there).unwrap()
    }

    fn clients(&self) -> [String; 3] {
        [0, 1, 2].map(|at| self.clients_of(at))
    }
}

/// Says it again where nothing came of it: who is not met in time is forgotten.
fn meet(server: &Server, other: &Server, bus: u16) {
    let met = format!("CLUSTER MEET 127.0.0.1 {} {bus}", other.port());
    assert_eq!(server.order(&met), "+OK");
}

#[track_caller]
fn until(mut is_so: impl FnMut() -> bool) {
    let clock = rrcore::Clock::system();
    let start = clock.monotonic();
    while !is_so() {
        assert!(clock.monotonic() - start < Duration::from_secs(30), "it did not come to be");
        // Each look is a connection, of which there are only so many.
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

const SLOTS: [&str; 3] = ["0 5461", "5462 10923", "10924 16383"];
