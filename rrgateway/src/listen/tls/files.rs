//! Reads certificates and keys, and makes of them what a handshake needs.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self, Ticketer};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{Error, InconsistentKeys, RootCertStore, ServerConfig, SupportedProtocolVersion};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::listen::tls::settings::{TlsSettings, TlsVersion};

/// The files that settings name, as they were at one time.
pub(super) struct Files<'a> {
    settings: &'a TlsSettings,
    cert: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    client_ca: Option<Vec<u8>>,
}

impl<'a> Files<'a> {
    /// Reads them.
    ///
    /// # Errors
    /// Says which cannot be read, and why; a key that everybody may read is not.
    pub(super) fn read(settings: &'a TlsSettings) -> anyhow::Result<Self> {
        let of = |what: &str, path: &Path| format!("cannot read the {what} {}", path.display());
        let cert = read(&settings.cert).with_context(|| of("certificate", &settings.cert))?;
        let key = read_secret(&settings.key).with_context(|| of("key", &settings.key))?;
        let client_ca = settings.client_ca.as_deref();
        let client_ca = client_ca.map(|it| read(it).with_context(|| of("client CA", it)));
        Ok(Self { settings, cert, key, client_ca: client_ca.transpose()? })
    }

    /// Tells contents apart without keeping the key.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        let client_ca = self.client_ca.as_deref().unwrap_or_default();
        for part in [self.cert.as_slice(), self.key.as_slice(), client_ca] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        digest.finalize().into()
    }

    /// What they say.
    ///
    /// # Errors
    /// Says which of them is not what it should be, or does not fit the other.
    pub(super) fn config(&self) -> anyhow::Result<ServerConfig> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions(self.settings.min_version))?;
        let builder = match self.verifier(&provider)? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let config = builder.with_single_cert(self.chain()?, self.private_key()?);
        let mut config = config.map_err(|error| self.unfit(&error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if self.client_ca.is_some() {
            // A session that is taken up again shows no certificate again: one that has expired
            // since would count for a day.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        } else {
            config.ticketer = Ticketer::new()?;
        }
        Ok(config)
    }

    fn chain(&self) -> anyhow::Result<Vec<CertificateDer<'static>>> {
        let path = self.settings.cert.display();
        certificates(&self.cert).with_context(|| format!("the certificate {path}"))
    }

    fn private_key(&self) -> anyhow::Result<PrivateKeyDer<'static>> {
        let path = self.settings.key.display();
        match PrivateKeyDer::from_pem_slice(&self.key) {
            Ok(key) => Ok(key),
            Err(pem::Error::NoItemsFound) => {
                bail!("the key {path} holds no private key in PEM; an encrypted one is not read")
            }
            // What it quotes of the file may be of the key.
            Err(_) => bail!("the key {path} is not PEM"),
        }
    }

    fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> anyhow::Result<Option<Arc<dyn ClientCertVerifier>>> {
        let (Some(text), Some(path)) = (&self.client_ca, &self.settings.client_ca) else {
            return Ok(None);
        };
        let bundle = || format!("the client CA {}", path.display());
        let mut roots = RootCertStore::empty();
        for (number, certificate) in (1..).zip(certificates(text).with_context(bundle)?) {
            let added = roots.add(certificate).with_context(|| format!("certificate {number}"));
            added.with_context(bundle)?;
        }
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
                // Whoever has none may have another credential.
                .allow_unauthenticated()
                .build()
                .with_context(bundle)?;
        Ok(Some(verifier))
    }

    fn unfit(&self, error: &Error) -> anyhow::Error {
        let (cert, key) = (self.settings.cert.display(), self.settings.key.display());
        match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                anyhow::anyhow!("the key {key} is not that of the certificate {cert}")
            }
            other => {
                anyhow::anyhow!("the certificate {cert} and the key {key} cannot be used: {other}")
            }
        }
    }
}

fn versions(least: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    match least {
        TlsVersion::V1_2 => &SINCE_1_2,
        TlsVersion::V1_3 => &SINCE_1_3,
    }
}

fn certificates(text: &[u8]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(text).collect::<Result<_, _>>()?;
    ensure!(!found.is_empty(), "there is no certificate in PEM");
    Ok(found)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    contents(&File::open(path)?)
}

fn read_secret(path: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode() & 0o7777;
    ensure!(mode & OTHERS == 0, "its mode is {mode:04o}: everybody may read it (chmod o= it)");
    contents(&file).map(Zeroizing::new)
}

fn contents(file: &File) -> anyhow::Result<Vec<u8>> {
    let mut contents = Vec::with_capacity(file.metadata()?.len().min(MOST) as usize);
    file.take(MOST + 1).read_to_end(&mut contents)?;
    ensure!(contents.len() as u64 <= MOST, "it is larger than {MOST} bytes");
    Ok(contents)
}

static SINCE_1_2: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
static SINCE_1_3: [&SupportedProtocolVersion; 1] = [&TLS13];
/// Reading or writing, by whoever is neither owner nor of the group.
const OTHERS: u32 = 0o006;
/// Bytes of one file: a bundle of all public roots has a quarter of it.
const MOST: u64 = 1 << 20;
