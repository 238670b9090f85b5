//! How commands reach a gateway's Core API.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;
use zeroize::Zeroizing;

/// Which gateway.
#[derive(Args)]
pub struct Connection {
    /// Where the Core API is, such as http://127.0.0.1:8081 [default: what listen.json in the data
    /// directory says]
    #[arg(long, value_name = "URL", env = "RR_SERVER")]
    server: Option<String>,
    /// A token of the Core API [default: admin.token in the data directory]
    #[arg(long, env = "RR_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The data directory of a gateway on this machine [default: ./rr-data]
    #[arg(long, value_name = "DIR", env = "RR_DATA_DIR")]
    data_dir: Option<PathBuf>,
}

/// Speaks to one gateway's Core API. Follows no redirects.
#[derive(Debug)]
pub struct Client {
    base: String,
    authorization: HeaderValue,
    http: Http<HttpsConnector<HttpConnector>, Full<bytes::Bytes>>,
}

impl Connection {
    /// Finds out where the gateway is, and with which token.
    ///
    /// # Errors
    /// When neither flags nor files say so, or what they say cannot be used.
    pub fn open(&self) -> anyhow::Result<Client> {
        let base = match &self.server {
            Some(server) => base(server)?,
            None => base(&announced(self.directory())?)?,
        };
        let token = self.token()?;
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", token.trim()))
            .map_err(|_| anyhow::anyhow!("the token has characters that no token has"))?;
        authorization.set_sensitive(true);
        Ok(Client { base, authorization, http: http()? })
    }

    fn token(&self) -> anyhow::Result<Zeroizing<String>> {
        if let Some(token) = &self.token {
            return Ok(Zeroizing::new(token.clone()));
        }
        // The token of this machine's gateway is not for a server that somebody named.
        if self.server.is_some() && self.data_dir.is_none() {
            bail!("give the token of that server too: --token or RR_TOKEN");
        }
        let path = self.directory().join("admin.token");
        let text = fs::read_to_string(&path).with_context(|| {
            format!("no token was given, and {} cannot be read", path.display())
        })?;
        Ok(Zeroizing::new(text))
    }

    fn directory(&self) -> &Path {
        self.data_dir.as_deref().unwrap_or(Path::new("./rr-data"))
    }
}

impl Client {
    /// Sends `body`, and gives what is answered with 2xx.
    ///
    /// # Errors
    /// When there is no answer, or a refusal: with everything that it says is wrong.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, "application/json");
        let body = body.map(Value::to_string).unwrap_or_default();
        let answer = self.http.request(request.body(Full::from(body))?).await;
        let (head, body) =
            answer.with_context(|| format!("no answer from {}", self.base))?.into_parts();
        let body = Limited::new(body, MOST).collect().await;
        let body = body.map_err(|it| anyhow::anyhow!(it)).context("the answer broke off")?;
        let said = serde_json::from_slice::<Value>(&body.to_bytes());
        ensure!(head.status.is_success(), refusal(head.status, &said.unwrap_or_default()));
        said.with_context(|| format!("{} answers, but not as a Core API does", self.base))
    }
}

// What `rrgateway run` wrote down when it had bound its ports.
fn announced(directory: &Path) -> anyhow::Result<String> {
    let path = directory.join("listen.json");
    let text = fs::read_to_string(&path).with_context(|| {
        format!("{} cannot be read: is a gateway running there? Else give --server", path.display())
    })?;
    let listen: Value = serde_json::from_str(&text).unwrap_or_default();
    let address = listen.get("control").and_then(Value::as_str);
    let address = address.with_context(|| format!("{} names no address", path.display()))?;
    Ok(format!("http://{address}"))
}

fn base(server: &str) -> anyhow::Result<String> {
    let wrong = || format!("--server {server}: expected a URL such as http://127.0.0.1:8081");
    let with_scheme =
        if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
    let uri: Uri = with_scheme.parse().ok().with_context(wrong)?;
    let is_plain = uri.query().is_none() && uri.path() == "/" && uri.host().is_some();
    let is_known = matches!(uri.scheme_str(), Some("http" | "https"));
    ensure!(is_plain && is_known, wrong());
    Ok(with_scheme.trim_end_matches('/').to_owned())
}

fn http() -> anyhow::Result<Http<HttpsConnector<HttpConnector>, Full<bytes::Bytes>>> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(provider)
        .context("this machine has no certificates to trust")?
        .https_or_http()
        .enable_http1()
        .build();
    Ok(Http::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector))
}

// One line, and one more for each thing that is wrong.
fn refusal(status: StatusCode, problem: &Value) -> String {
    let text = |name: &str| problem.get(name).and_then(Value::as_str);
    let mut said = match (text("title"), text("code")) {
        (Some(title), Some(code)) => format!("{title} ({} {code})", status.as_u16()),
        _ => format!("the server answers {status}"),
    };
    if let Some(detail) = text("detail") {
        said.push_str(": ");
        said.push_str(detail);
    }
    for error in problem.get("errors").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        said.push_str(&format!("\n  {}: {}", text("pointer"), text("detail")));
    }
    said
}

// A token is not for logs.
impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("server", &self.server)
            .field("data_dir", &self.data_dir)
            .finish_non_exhaustive()
    }
}

const MOST: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_host_with_or_without_a_scheme() {
        check("127.0.0.1:8081", Some("http://127.0.0.1:8081"));
        check("https://gw.example/", Some("https://gw.example"));
        check("http://[::1]:1", Some("http://[::1]:1"));
        for wrong in ["", "ftp://a", "http://a/v1", "http://a?b", "a b"] {
            check(wrong, None);
        }
    }

    #[test]
    fn the_local_token_is_not_sent_to_a_server_that_was_named() {
        let connection = Connection {
            server: Some("http://elsewhere.example".to_owned()),
            token: None,
            data_dir: None,
        };
        let error = connection.open().map(drop).unwrap_err();
        assert!(error.to_string().contains("--token"), "{error}");
    }

    #[track_caller]
    fn check(server: &str, expected: Option<&str>) {
        assert_eq!(base(server).ok().as_deref(), expected, "{server}");
    }
}
