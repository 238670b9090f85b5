//! A control plane in process, and a data plane that accepts everything.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use rrcore::ManualClock;
use rrgateway::control_plane::{ControlPlane, ControlPlaneConfig, StartError};
use rrgateway::model::{
    EgressPolicy, Explain, Explanation, Noted, Notice, Question, Reports, Revision, Rotated,
    RotationFailed, SecretName, SecretRefused, SecretSink, Source, Spent, Usage, channel, reports,
};
use rrgateway::telemetry::Metrics;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt;
use zeroize::Zeroizing;

pub(crate) const CLIENT: &str = "/v1/clients/default";
pub(crate) const CANARY: &str = "canary-0123456789-0123456789";

pub(crate) struct World {
    pub(crate) directory: TempDir,
    pub(crate) plane: ControlPlane,
    pub(crate) router: Router,
    pub(crate) token: String,
    pub(crate) sink: Arc<Sink>,
    pub(crate) reports: Reports,
    pub(crate) served: watch::Receiver<Option<Arc<Revision>>>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) json: Value,
}

#[derive(Default)]
pub(crate) struct Sink {
    held: Mutex<HashMap<SecretName, String>>,
    refuses: Mutex<bool>,
    retained: Mutex<Option<Vec<SecretName>>>,
    /// How the next change of the master key fails, if it does.
    pub(crate) rotations: Mutex<Option<RotationFailed>>,
}

/// Serves nothing, and says so.
struct Nobody;

impl Explain for Nobody {
    fn explain(&self, _: &Question) -> Explanation {
        Explanation { revision: None, stages: Vec::new() }
    }
}

impl Usage for Nobody {
    fn usage(&self, proxy: &str, meter: Option<&str>) -> Vec<Spent> {
        let key = format!("{proxy} {}", meter.unwrap_or("limits")).into();
        vec![Spent {
            window: "day",
            key,
            spent: 7,
            max: Some(9),
            resets_at_ms: Some(0),
            source: Source::Local,
        }]
    }

    fn notices(&self, before: Option<u64>, most: usize) -> Vec<Notice> {
        let notice = |number| Notice {
            number,
            at_ms: 0,
            what: Noted::Passed {
                proxy: "p".into(),
                meter: None,
                limit: "requestsPerDay".into(),
                percent: 80,
            },
        };
        (1..before.unwrap_or(4)).rev().take(most).map(notice).collect()
    }
}

pub(crate) type Started =
    (ControlPlane, Arc<Sink>, Reports, watch::Receiver<Option<Arc<Revision>>>);

impl World {
    pub(crate) async fn new() -> Self {
        Self::in_directory(tempfile::tempdir().unwrap()).await.unwrap()
    }

    pub(crate) async fn in_directory(directory: TempDir) -> Result<Self, StartError> {
        let (plane, sink, reports, mut served) = Self::start(directory.path()).await?;
        served.wait_for(Option::is_some).await.unwrap();
        let token = std::fs::read_to_string(plane.owner_token_path()).unwrap();
        let (router, token) = (plane.router(), token.trim().to_owned());
        Ok(Self { directory, plane, router, token, sink, reports, served })
    }

    pub(crate) async fn start(directory: &Path) -> Result<Started, StartError> {
        let (publisher, mut subscription) = channel();
        let (reporter, reports_in) = reports(64);
        let sink = Arc::new(Sink::default());
        let plane = ControlPlane::start(ControlPlaneConfig {
            data_dir: directory.to_owned(),
            clock: ManualClock::starting_at(Duration::from_secs(1_700_000_000)).clock(),
            egress: EgressPolicy::default(),
            secrets: Arc::<Sink>::clone(&sink),
            explain: Arc::new(Nobody),
            usage: Arc::new(Nobody),
            publisher,
            reports: reports_in,
            data_url: "http://127.0.0.1:8080".to_owned(),
            claim: None,
            hosts: Vec::new(),
            metrics: Metrics::new(),
        })
        .await?;
        let (served, receiver) = watch::channel(None);
        tokio::spawn(async move {
            while let Some(revision) = subscription.next().await {
                let number = revision.number;
                served.send_replace(Some(revision));
                subscription.accept(number);
            }
        });
        Ok((plane, sink, reporter, receiver))
    }

    /// A target `t` and a credential `up` for it.
    pub(crate) async fn fill(&self) {
        let target = json!({"name": "t", "baseUrl": "https://api.example.com/v1/"});
        assert_eq!(self.put("targets/t", target).await.status, StatusCode::CREATED);
        let up = json!({"name": "up", "kind": "target",
            "auth": {"type": "bearer", "token": CANARY}});
        assert_eq!(self.put("credentials/up", up).await.status, StatusCode::CREATED);
    }

    pub(crate) fn revision(&self) -> Arc<Revision> {
        self.served.borrow().clone().unwrap()
    }

    pub(crate) async fn get(&self, url: &str) -> Answer {
        self.send("GET", url, Some(&self.token), &[], Body::empty()).await
    }

    pub(crate) async fn post(&self, list: &str, document: Value) -> Answer {
        self.write("POST", &format!("{CLIENT}/{list}"), document, &[]).await
    }

    pub(crate) async fn put(&self, path: &str, document: Value) -> Answer {
        self.write("PUT", &format!("{CLIENT}/{path}"), document, &[]).await
    }

    pub(crate) async fn patch(&self, path: &str, document: Value) -> Answer {
        let url = format!("{CLIENT}/{path}");
        let merge = [("content-type", "application/merge-patch+json")];
        let body = Body::from(document.to_string());
        self.send("PATCH", &url, Some(&self.token), &merge, body).await
    }

    /// Posts what is invalid, where the pointers say.
    pub(crate) async fn refuses(&self, list: &str, document: Value, pointers: &[&str]) {
        let answer = self.post(list, document).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{list}");
        let errors = answer.json["errors"].as_array().unwrap();
        let said: Vec<_> = errors.iter().map(|it| it["pointer"].as_str().unwrap()).collect();
        assert_eq!(said, pointers, "{list}");
        assert!(!answer.text.contains("canary"), "{}", answer.text);
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        let url = format!("{CLIENT}/{path}");
        self.send("DELETE", &url, Some(&self.token), &[], Body::empty()).await
    }

    pub(crate) async fn write(
        &self,
        method: &str,
        url: &str,
        it: Value,
        more: &[(&str, &str)],
    ) -> Answer {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(more);
        self.send(method, url, Some(&self.token), &headers, Body::from(it.to_string())).await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        url: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(url);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "localhost:8081");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let json = serde_json::from_str(&text).unwrap_or_default();
        Answer { status: head.status, headers: head.headers, text, json }
    }

    /// Asks until there are as many items; the test runner's patience is the limit.
    pub(crate) async fn eventually(&self, url: &str, count: usize) -> Value {
        loop {
            let found = self.get(url).await.json;
            if found["items"].as_array().unwrap().len() == count {
                return found;
            }
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn all_paths(&self) -> Vec<String> {
        let mut paths =
            vec!["/v1/openapi.json".into(), "/docs".into(), "/v1/revisions/current".into()];
        for list in ["credentials", "targets", "proxies", "requests", "activity"] {
            let list = format!("{CLIENT}/{list}");
            let items = self.get(&list).await.json;
            paths.extend(ids(&items).iter().map(|it| format!("{list}/{it}")));
            paths.push(list);
        }
        paths
    }

    pub(crate) async fn stop(self) -> TempDir {
        let Self { directory, plane, router, reports, .. } = self;
        drop(router);
        plane.stop().await;
        drop(reports);
        directory
    }

    pub(crate) async fn stop_and(self, then: impl FnOnce(&Path)) {
        then(self.stop().await.path());
    }
}

impl Sink {
    pub(crate) fn held(&self, name: &SecretName) -> Option<String> {
        self.held.lock().unwrap().get(name).cloned()
    }

    /// What the vault was told to keep at the start; `None` when it was told nothing.
    pub(crate) fn retained(&self) -> Option<Vec<SecretName>> {
        self.retained.lock().unwrap().clone()
    }

    pub(crate) fn refuse(&self, refuses: bool) {
        *self.refuses.lock().unwrap() = refuses;
    }

    /// Waits until these versions are held and no others; the test runner's patience is the limit.
    pub(crate) async fn holds(&self, credential: &str, versions: &[u32]) {
        let held = || {
            let held = self.held.lock().unwrap();
            let names = held.keys().filter(|it| &*it.credential == credential);
            names.map(|it| it.version).collect::<Vec<_>>()
        };
        while held() != versions {
            tokio::task::yield_now().await;
        }
    }
}

impl SecretSink for Sink {
    fn put(&self, name: &SecretName, secret: Zeroizing<String>) -> Result<String, SecretRefused> {
        if *self.refuses.lock().unwrap() {
            return Err(SecretRefused::new("the disk is full"));
        }
        self.held.lock().unwrap().insert(name.clone(), secret.to_string());
        Ok("f1f1f1f1".to_owned())
    }

    fn fingerprint(&self, client: &str, kept: &str) -> String {
        assert_eq!(client, "default");
        rrauth::KeyDigest::of(format!("a key of the sink's: {kept}")).to_hex()[..8].to_owned()
    }

    fn forget(&self, name: &SecretName) {
        self.held.lock().unwrap().remove(name);
    }

    fn retain(&self, live: &[SecretName]) {
        let before = self.retained.lock().unwrap().replace(live.to_owned());
        assert!(before.is_none() && self.held.lock().unwrap().is_empty(), "once, and first");
    }

    fn rotate(&self) -> Result<Rotated, RotationFailed> {
        match self.rotations.lock().unwrap().take() {
            Some(failed) => Err(failed),
            None => {
                let records = self.held.lock().unwrap().len();
                Ok(Rotated { key_id: "0011223344556677".to_owned(), records })
            }
        }
    }
}

pub(crate) fn ids(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect()
}
