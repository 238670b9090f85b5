//! Authorities, their certificates, listeners that show them, and clients.

use std::convert::Infallible;
use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use rrgateway::listen::{self, Drainer, Limits, Tls, TlsSettings, accept_tls};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Nothing here takes this long, unless it hangs.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

/// An authority of the test's own.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, PEM.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) cert: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        Self { issuer: CertifiedIssuer::self_signed(params, key).unwrap() }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub(crate) fn issue(&self, name: &str) -> Pair {
        self.issue_as(name, |_| {})
    }

    pub(crate) fn issue_as(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        Pair { cert: cert.pem(), key: key.serialize_pem() }
    }

    /// A client that trusts this authority alone, and shows `pair`.
    pub(crate) fn client(&self, pair: Option<&Pair>) -> Client {
        self.client_of(pair, rustls::ALL_VERSIONS)
    }

    pub(crate) fn client_of(
        &self,
        pair: Option<&Pair>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Client {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let config = match pair {
            Some(pair) => builder.with_client_auth_cert(pair.chain(), pair.private_key()).unwrap(),
            None => builder.with_no_client_auth(),
        };
        Client { config }
    }
}

impl Pair {
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(self.cert.as_bytes()).collect::<Result<_, _>>().unwrap()
    }

    fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap()
    }
}

/// The files that settings name, in a directory of the test's.
pub(crate) struct Folder {
    folder: TempDir,
}

impl Folder {
    pub(crate) fn with(pair: &Pair) -> Self {
        let folder = Self { folder: tempfile::tempdir().unwrap() };
        folder.put(pair);
        folder
    }

    /// Replaces certificate and key.
    pub(crate) fn put(&self, pair: &Pair) {
        self.write("cert.pem", &pair.cert, 0o644);
        self.write("key.pem", &pair.key, 0o600);
    }

    pub(crate) fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn settings(&self) -> TlsSettings {
        TlsSettings::new(self.path("cert.pem"), self.path("key.pem"))
    }

    /// Settings that ask clients for a certificate of `authority`.
    pub(crate) fn asking(&self, authority: &Authority) -> TlsSettings {
        self.settings().client_ca(self.write("ca.pem", &authority.pem(), 0o644))
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }
}

/// A listener whose service answers who the client has proved to be: the length of its certificate
/// and its bytes in hexadecimal, or `nobody`.
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    pub(crate) limits: Limits,
    pub(crate) drainer: Drainer,
}

impl Listener {
    pub(crate) fn start(settings: TlsSettings) -> Self {
        Self::start_with(settings, Limits::default())
    }

    pub(crate) fn start_with(settings: TlsSettings, limits: Limits) -> Self {
        let tls = Tls::load(settings).unwrap();
        tokio::spawn(tls.clone().follow());
        let socket = listen::bind("127.0.0.1:0".parse().unwrap(), false).unwrap();
        let address = socket.local_addr().unwrap();
        let socket = tokio::net::TcpListener::from_std(socket).unwrap();
        let (drainer, drain) = listen::drain();
        let service = |_, certificate: Option<listen::PeerCertificate>| {
            service_fn(move |_: Request<Incoming>| {
                let shown = certificate.as_ref().map(|it| hexadecimal(it.der()));
                let body = Full::new(Bytes::from(shown.unwrap_or_else(|| "nobody".to_owned())));
                async move { Ok::<_, Infallible>(Response::new(body)) }
            })
        };
        tokio::spawn(accept_tls(socket, limits.clone(), drain, tls, service));
        Self { address, limits, drainer }
    }
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

/// A client of `localhost`.
#[derive(Clone)]
pub(crate) struct Client {
    config: ClientConfig,
}

impl Client {
    pub(crate) fn speaking(mut self, protocols: &[&str]) -> Self {
        self.config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        self
    }

    pub(crate) async fn connect(
        &self,
        address: SocketAddr,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from("localhost").unwrap();
        let connecting = async {
            let stream = TcpStream::connect(address).await?;
            TlsConnector::from(Arc::new(self.config.clone())).connect(name, stream).await
        };
        tokio::time::timeout(BOUND, connecting).await.expect("an end of the handshake")
    }

    /// Sends one request, and reads the answer to its end.
    pub(crate) async fn get(&self, address: SocketAddr, path: &str) -> std::io::Result<String> {
        let mut stream = self.connect(address).await?;
        get(&mut stream, path).await
    }
}

/// Sends the last request on `stream`, and reads the answer to its end.
pub(crate) async fn get(stream: &mut TlsStream<TcpStream>, path: &str) -> std::io::Result<String> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let asking = async {
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    };
    tokio::time::timeout(BOUND, asking).await.expect("an answer, or an end")
}
