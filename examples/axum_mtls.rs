//! Client certificates in an axum service: the listener verifies them in the handshake, and the layer
//! knows whose they are by the SPIFFE id in them.
//!
//! `cargo run --example axum_mtls`

mod support;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::routing::get;
use axum::{Extension, Router};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rrauth::{
    AuthLayer, CertificateRule, ClientCertificate, ClientCertificates, Credential, Index, Kind,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What this service wants to know of a caller; its handlers get it as an extension.
#[derive(Clone)]
struct Team(&'static str);

#[tokio::main]
async fn main() -> support::Result<()> {
    let authority = Authority::new()?;
    let address = serve(authority.server()?, app()?).await?;

    let engines = authority.client(Some("spiffe://example.org/build/engines"))?;
    assert_eq!(ask(address, &engines).await?, (StatusCode::OK, "hello engines\n".to_owned()));

    println!("a certificate of the same authority for somebody else is good, and nobody's here");
    let sales = authority.client(Some("spiffe://example.org/sales"))?;
    assert_eq!(ask(address, &sales).await?.0, StatusCode::UNAUTHORIZED);

    println!("so is whoever shows none");
    let nobody = authority.client(None)?;
    assert_eq!(ask(address, &nobody).await?.0, StatusCode::UNAUTHORIZED);

    println!("one of another authority does not survive the handshake");
    let stranger = Authority::new()?.leaf("spiffe://example.org/build/engines")?;
    assert!(ask(address, &authority.client_showing(Some(stranger))?).await.is_err());
    Ok(())
}

fn app() -> support::Result<Router> {
    let builders = Credential::new("cred_1", "builders", Kind::Mtls, Team("engines"));
    // The whole name, as if between `^` and `$`.
    let rule = CertificateRule::new(r"spiffe://example\.org/build/[a-z]+", builders)?;
    let authenticate =
        AuthLayer::new(Index::builder().build()).connections(ClientCertificates::new([rule]));
    Ok(Router::new()
        .route("/", get(async |team: Extension<Team>| format!("hello {}\n", team.0.0)))
        .layer(authenticate))
}

/// Accepts connections; each request carries what the client has proved in the handshake.
async fn serve(config: ServerConfig, app: Router) -> support::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(serve_one(acceptor.clone(), connection, app.clone()));
        }
    });
    Ok(address)
}

async fn serve_one(acceptor: TlsAcceptor, connection: TcpStream, app: Router) {
    // No handshake, no request. A service of yours gives it a time limit, too.
    let Ok(tls) = acceptor.accept(connection).await else { return };
    let shown = tls.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let certificate = match shown.map(|it| ClientCertificate::from_der(it)) {
        // The only place where one may come from: a header proves nothing.
        Some(Ok(it)) => Some(Extension(Arc::new(it))),
        Some(Err(_)) => return,
        None => None,
    };
    let app = match certificate {
        Some(it) => app.layer(it),
        None => app,
    };
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new());
    _ = server.serve_connection(TokioIo::new(tls), TowerToHyperService::new(app)).await;
}

async fn ask(to: SocketAddr, config: &ClientConfig) -> support::Result<(StatusCode, String)> {
    let connection = TcpStream::connect(to).await?;
    let connector = TlsConnector::from(Arc::new(config.clone()));
    let tls = connector.connect(ServerName::try_from("localhost")?, connection).await?;
    let (mut client, driver) = hyper::client::conn::http1::handshake(TokioIo::new(tls)).await?;
    tokio::spawn(driver);
    let request = Request::get("/").header("host", "localhost").body(Empty::<Bytes>::new())?;
    let (head, body) = client.send_request(request).await?.into_parts();
    println!("GET / -> {}", head.status);
    Ok((head.status, String::from_utf8(body.collect().await?.to_bytes().to_vec())?))
}

/// Issues certificates, for this example alone.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key.
type Leaf = (CertificateDer<'static>, PrivateKeyDer<'static>);

impl Authority {
    fn new() -> support::Result<Self> {
        let mut params = CertificateParams::new([])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Ok(Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)? })
    }

    fn leaf(&self, name: &str) -> support::Result<Leaf> {
        let mut params = CertificateParams::new([])?;
        params.subject_alt_names = vec![match name.starts_with("spiffe:") {
            true => SanType::URI(name.try_into()?),
            false => SanType::DnsName(name.try_into()?),
        }];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::try_from(key.serialize_der())?;
        Ok((certificate.der().clone(), key))
    }

    fn roots(&self) -> support::Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone())?;
        Ok(roots)
    }

    fn server(&self) -> support::Result<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        // Whoever shows a certificate shows a good one; whoever shows none gets a 401.
        let roots = Arc::new(self.roots()?);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
            .allow_unauthenticated()
            .build()?;
        let (certificate, key) = self.leaf("localhost")?;
        Ok(ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate], key)?)
    }

    fn client(&self, name: Option<&str>) -> support::Result<ClientConfig> {
        self.client_showing(name.map(|it| self.leaf(it)).transpose()?)
    }

    fn client_showing(&self, leaf: Option<Leaf>) -> support::Result<ClientConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(self.roots()?);
        Ok(match leaf {
            Some((certificate, key)) => config.with_client_auth_cert(vec![certificate], key)?,
            None => config.with_no_client_auth(),
        })
    }
}
