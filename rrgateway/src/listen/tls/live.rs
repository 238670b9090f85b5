//! The certificate that is shown now: read again when its files change.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rrcore::Handle;
use rustls::ServerConfig;
use tokio::time::MissedTickBehavior;

use crate::listen::tls::files::Files;
use crate::listen::tls::settings::TlsSettings;

/// TLS with the certificate that its files held when they were last good. All clones are the same.
#[derive(Clone)]
pub struct Tls {
    settings: Arc<TlsSettings>,
    config: Handle<ServerConfig>,
    loaded: [u8; 32],
}

impl Tls {
    /// Reads the files that `settings` name.
    ///
    /// # Errors
    /// Says which of them cannot be used, and why.
    pub fn load(settings: TlsSettings) -> anyhow::Result<Self> {
        let files = Files::read(&settings)?;
        let (config, loaded) = (files.config()?, files.digest());
        drop(files);
        Ok(Self { settings: Arc::new(settings), config: Handle::new(config), loaded })
    }

    /// What the next handshake goes by.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        self.config.get()
    }

    /// Looks at the files again and again, for ever, and goes by what they say once that is good
    /// as a whole: while a certificate and its key are being replaced, they do not fit. What is bad
    /// is logged once. Connections that stand stay as they are.
    pub async fn follow(self) {
        let mut checks = tokio::time::interval(self.settings.check_every);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = Ok(self.loaded);
        loop {
            checks.tick().await;
            let (settings, before) = (Arc::clone(&self.settings), seen.clone());
            // A file may be on a disk that takes its time.
            let look = tokio::task::spawn_blocking(move || look(&settings, &before));
            // It fails only when it panicked, and then knows no more than before.
            let Ok((now, found)) = look.await else { continue };
            seen = now;
            match found {
                Some(Ok(config)) => {
                    self.config.set(config);
                    tracing::info!("the TLS files have changed, and are in force");
                }
                Some(Err(error)) => {
                    let error = format_args!("{error:#}");
                    tracing::error!(%error, "the TLS files have changed, and cannot be used: the certificate stays as it was");
                }
                None => {}
            }
        }
    }

    pub(super) fn handshake_timeout(&self) -> Duration {
        self.settings.handshake_timeout
    }
}

/// The digest of what was read, or why nothing was.
type Seen = Result<[u8; 32], String>;

// What is there now, and what to make of it if that is not what was seen before.
fn look(settings: &TlsSettings, before: &Seen) -> (Seen, Option<anyhow::Result<ServerConfig>>) {
    let files = Files::read(settings);
    let now = match &files {
        Ok(files) => Ok(files.digest()),
        Err(error) => Err(format!("{error:#}")),
    };
    let is_new = now != *before;
    (now, is_new.then(|| files.and_then(|it| it.config())))
}

// Not the configuration: it leads to the key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use rcgen::{CertifiedKey, generate_simple_self_signed};

    #[test]
    fn what_has_not_changed_is_not_read_again_and_bad_files_are_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("cert"), folder.path().join("key"));
        let put = |cert_pem: &str, key_pem: &str| {
            fs::write(&cert, cert_pem).unwrap();
            fs::write(&key, key_pem).unwrap();
            fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
        };
        let (first, second) = (pair(), pair());
        put(&first.0, &first.1);
        let settings = TlsSettings::new(&cert, &key);
        let mut seen = Ok(Tls::load(settings.clone()).unwrap().loaded);
        let mut check = |expected: Option<bool>| {
            let (now, found) = look(&settings, &seen);
            seen = now;
            assert_eq!(found.map(|it| it.is_ok()), expected);
        };
        check(None);
        // The new certificate is there, and its key is not yet.
        put(&second.0, &first.1);
        check(Some(false));
        check(None);
        put(&second.0, &second.1);
        check(Some(true));
        check(None);
        fs::remove_file(&key).unwrap();
        check(Some(false));
        check(None);
        put(&second.0, &second.1);
        check(Some(true));
    }

    #[test]
    fn debugging_shows_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("cert"), folder.path().join("key"));
        let (cert_pem, key_pem) = pair();
        fs::write(&cert, cert_pem).unwrap();
        fs::write(&key, key_pem).unwrap();
        fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
        let settings = TlsSettings::new(&cert, &key);
        let expected = format!("Tls {{ settings: {settings:?}, .. }}");
        assert_eq!(format!("{:?}", Tls::load(settings).unwrap()), expected);
    }

    fn pair() -> (String, String) {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed([]).unwrap();
        (cert.pem(), signing_key.serialize_pem())
    }
}
