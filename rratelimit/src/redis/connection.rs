//! Where a store is, and a connection to it: one server, or a cluster of them.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::SingleNodeRoutingInfo;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, Pipeline, RedisError, ServerErrorKind, Value,
};

/// Where the worker connects to.
pub(crate) enum Place {
    Server(Box<Client>),
    Cluster(Box<ClusterClient>),
}

/// Cheap to clone: clones share what is connected.
#[derive(Clone)]
pub(crate) enum Connection {
    Server(MultiplexedConnection),
    /// Knows which node has which keys. All keys of one store are on one node, so what becomes of
    /// the others does not matter to it.
    Cluster(ClusterConnection),
}

impl Place {
    /// The place of `url`, where an answer is waited for no longer than `timeout`.
    pub(crate) fn parse(url: &str, timeout: Duration) -> Option<Self> {
        match url.split_once("-cluster://") {
            None => Client::open(url).map(Box::new).map(Self::Server).ok(),
            Some((scheme @ ("redis" | "rediss"), rest)) => {
                cluster(scheme, rest, timeout).map(Box::new).map(Self::Cluster)
            }
            Some(_) => None,
        }
    }

    /// How long connecting, and a first answer, may take.
    pub(crate) const fn patience(&self) -> Duration {
        match self {
            Self::Server(_) => PROBE,
            // First one that knows them all, then the others, whose answers it may have to wait for.
            Self::Cluster(_) => PROBE.saturating_mul(3),
        }
    }

    pub(crate) async fn connect(&self) -> Result<Connection, RedisError> {
        match self {
            Self::Server(client) => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(PROBE))
                    .set_response_timeout(None);
                let connection = client.get_multiplexed_async_connection_with_config(&config).await;
                connection.map(Connection::Server)
            }
            Self::Cluster(client) => client.get_async_connection().await.map(Connection::Cluster),
        }
    }
}

/// `rest` is `[[user]:password@]host[:port][,host[:port]]…`.
fn cluster(scheme: &str, rest: &str, timeout: Duration) -> Option<ClusterClient> {
    let (user, hosts) = match rest.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), rest),
    };
    let hosts = hosts.strip_suffix('/').unwrap_or(hosts);
    let urls = hosts.split(',').map(|host| format!("{scheme}://{user}{host}/"));
    ClusterClientBuilder::new(urls)
        // It would send again also what may have been heard before the connection was lost.
        .retries(0)
        .connection_timeout(PROBE)
        // Only for the nodes' first words: callers have long gone by then.
        .response_timeout(PROBE.max(timeout.saturating_mul(2)))
        .overall_response_timeout(None)
        .build()
        .ok()
}

impl Connection {
    /// Sends a command, to whom it concerns. What moved to another node in the meantime was not
    /// done, so it is sent there, once.
    pub(crate) async fn send(&mut self, command: &Cmd) -> Result<Value, RedisError> {
        let connection = match self {
            Self::Server(connection) => {
                let answer = connection.send_packed_command(command).await;
                return answer.and_then(Value::extract_error);
            }
            Self::Cluster(connection) => connection,
        };
        let answer = send(connection, command).await;
        let Err(error) = &answer else { return answer };
        match error.kind() {
            // It has asked where everything is now.
            ErrorKind::Server(ServerErrorKind::Moved) => send(connection, command).await,
            ErrorKind::Server(ServerErrorKind::Ask) => match target(error) {
                Some(target) => ask(connection, command, target).await,
                None => answer,
            },
            _ => answer,
        }
    }
}

async fn send(connection: &mut ClusterConnection, command: &Cmd) -> Result<Value, RedisError> {
    use redis::aio::ConnectionLike;
    connection.req_packed_command(command).await.and_then(Value::extract_error)
}

/// To the node that keys are just being moved to: it answers only who says that he knows that.
async fn ask(
    connection: &mut ClusterConnection,
    command: &Cmd,
    target: SingleNodeRoutingInfo,
) -> Result<Value, RedisError> {
    let mut both = Pipeline::new();
    both.add_command(redis::cmd("ASKING")).add_command(command.clone());
    let answers = connection.route_pipeline(both, 1, 1, target).await?;
    answers.into_iter().next().unwrap_or(Value::Nil).extract_error()
}

fn target(error: &RedisError) -> Option<SingleNodeRoutingInfo> {
    let (address, _) = error.redirect_node()?;
    let (host, port) = address.rsplit_once(':')?;
    Some(SingleNodeRoutingInfo::ByAddress { host: host.to_owned(), port: port.parse().ok()? })
}

/// Connecting, and a first answer.
const PROBE: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_of_a_server_or_of_a_cluster_or_of_nothing() {
        for (url, expected) in [
            ("redis://127.0.0.1/", Some(false)),
            ("redis+unix:///tmp/a", Some(false)),
            ("redis-cluster://127.0.0.1", Some(true)),
            ("redis-cluster://:secret@127.0.0.1:7000,127.0.0.2:7001/", Some(true)),
            ("redis-cluster://user:p@ss@a,b,c", Some(true)),
            ("redis-cluster://", None),
            ("redis-cluster://a,,b", None),
            ("redis-cluster://a,b/x", None),
            ("http-cluster://127.0.0.1", None),
            ("http://127.0.0.1", None),
        ] {
            let place = Place::parse(url, Duration::from_millis(20));
            let is_cluster = place.map(|it| matches!(it, Place::Cluster(_)));
            assert_eq!(is_cluster, expected, "{url}");
        }
    }
}
