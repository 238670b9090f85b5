//! HTTP message signatures (RFC 9421) with a shared key.

use std::fmt;
use std::fmt::Write as _;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use rrcore::InjectedSecret;

use crate::outbound::signer::{Sign, SignError};
use crate::random;
use crate::sign::component::{Component, Source};
use crate::sign::content_digest::{self, CONTENT_DIGEST};
use crate::sign::error::InvalidSigner;
use crate::sign::mac::MacKey;
use crate::sign::{signature_base, structured};

/// Signs requests with `hmac-sha256`, in `Signature` and `Signature-Input`.
///
/// The components, in the order in which they are signed, are header names and
///
/// | component | is |
/// |---|---|
/// | `@method` | the method |
/// | `@target-uri` | the whole URI |
/// | `@scheme`, `@authority`, `@path`, `@query` | its parts |
/// | `@query-param;name="…"` | one parameter of the query; its name is percent-encoded |
/// | `@request-target` | what the first line of an HTTP/1.1 request says |
/// | `content-digest` | the body: its SHA-256 is sent in `Content-Digest` (RFC 9530) |
/// | a header and `;bs` | its lines, each by itself |
///
/// A request that lacks one of them is refused. Signatures that a client sent are removed, and so
/// is its `Content-Digest` where we write one.
///
/// ```
/// use std::time::Duration;
///
/// use http::Request;
/// use rrauth::{HttpSignature, Sign};
///
/// let signer = HttpSignature::new("key-7", b"0123456789abcdef", ["@method", "@authority"])?;
///
/// let (mut head, ()) = Request::get("https://example.com/").body(())?.into_parts();
/// signer.sign(&mut head, None, Duration::from_secs(1_618_884_473))?;
///
/// assert_eq!(
///     head.headers["signature-input"],
///     r#"sig1=("@method" "@authority");created=1618884473;keyid="key-7";alg="hmac-sha256""#
/// );
/// assert_eq!(head.headers["signature"], "sig1=:7Cme3Rx7dfqQuDOWQmbvMao28OFjE2Pd/SENlEUWL6k=:");
///
/// let error = HttpSignature::new("key-7", b"0123456789abcdef", ["@status"]).unwrap_err();
/// assert_eq!(error.to_string(), "components: @status: requests have no status");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Caveats
/// - What is not covered can be changed on the way. Cover at least `@method`, `@target-uri` and,
///   where requests have bodies, `content-digest`.
/// - Header lines are joined with commas, so that `a` and `b` read like `a, b`; `;bs` tells them
///   apart.
/// - Keys are shared: whoever can verify a signature can make one. Signatures with private keys
///   (Ed25519, ECDSA, RSA) are not made, nor are components of structured fields (`;sf`, `;key`).
pub struct HttpSignature {
    key: MacKey,
    components: Vec<Component>,
    /// The Inner List of the components.
    covered: String,
    /// The parameters that do not change: `;keyid="…"` and on.
    key_id: String,
    names_algorithm: bool,
    tag: Option<String>,
    label: String,
    lifetime: Option<Duration>,
    has_nonce: bool,
    covers_body: bool,
}

impl HttpSignature {
    /// Signs `components` with `key`, whose bytes are as they are, under the name `key_id`.
    ///
    /// # Errors
    /// Names `keyId`: it is empty, longer than 8 KiB, or not visible ASCII and spaces. `key`: it is
    /// empty. `components`: there are none or more than 64, one is unknown, or one comes twice.
    pub fn new(
        key_id: &str,
        key: &[u8],
        components: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, InvalidSigner> {
        check_text("keyId", key_id)?;
        if key.is_empty() {
            return Err(InvalidSigner::new("key", "it is empty"));
        }
        let components = parse(components)?;
        let identifiers: Vec<_> = components.iter().map(|it| it.identifier.as_str()).collect();
        Ok(Self {
            key: MacKey::new(key),
            covered: format!("({})", identifiers.join(" ")),
            key_id: parameter("keyid", key_id),
            names_algorithm: true,
            tag: None,
            label: "sig1".to_owned(),
            lifetime: None,
            has_nonce: false,
            covers_body: components.iter().any(|it| it.source == Source::Field(CONTENT_DIGEST)),
            components,
        })
    }

    /// Names the signature, in place of `sig1`.
    ///
    /// # Errors
    /// When `label` is no key of a dictionary: a lower-case letter, and then these, digits, `_`,
    /// `-`, `.` and `*`; or when it is longer than 8 KiB.
    pub fn label(self, label: &str) -> Result<Self, InvalidSigner> {
        if !structured::is_key(label) || label.len() > LONGEST {
            let problem = "it must be lower-case letters, digits, and _ - . *";
            return Err(InvalidSigner::new("label", problem));
        }
        Ok(Self { label: label.to_owned(), ..self })
    }

    /// Says for which application the signature is.
    ///
    /// # Errors
    /// When it is empty, longer than 8 KiB, or not visible ASCII and spaces.
    pub fn tag(self, tag: &str) -> Result<Self, InvalidSigner> {
        check_text("tag", tag)?;
        Ok(Self { tag: Some(parameter("tag", tag)), ..self })
    }

    /// Says that the signature holds for `lifetime`, to the second. Without, the upstream decides.
    #[must_use]
    pub fn lifetime(self, lifetime: Duration) -> Self {
        Self { lifetime: Some(lifetime), ..self }
    }

    /// Puts 128 random bits into each signature, by which the upstream can tell replays.
    #[must_use]
    pub fn nonce(self) -> Self {
        Self { has_nonce: true, ..self }
    }

    /// Leaves `alg` out, for upstreams that know the algorithm by the key.
    #[must_use]
    pub fn without_algorithm(self) -> Self {
        Self { names_algorithm: false, ..self }
    }

    // §2.3. The order is ours to choose.
    fn parameters(&self, wall: Duration) -> Result<String, SignError> {
        let created = wall.as_secs();
        let mut text = String::with_capacity(self.covered.len() + self.key_id.len() + 128);
        text.push_str(&self.covered);
        let mut integer = |name: &str, value: u64| {
            write!(text, ";{name}={value}").map_err(|_| SignError::new("it cannot be written"))
        };
        integer("created", created)?;
        if let Some(lifetime) = self.lifetime {
            integer("expires", created.saturating_add(lifetime.as_secs()).min(LARGEST))?;
        }
        text.push_str(&self.key_id);
        if self.names_algorithm {
            text.push_str(";alg=\"hmac-sha256\"");
        }
        if self.has_nonce {
            text.push_str(&parameter("nonce", &nonce()?));
        }
        text.push_str(self.tag.as_deref().unwrap_or_default());
        Ok(text)
    }
}

impl Sign for HttpSignature {
    fn headers(&self) -> &[HeaderName] {
        if self.covers_body { &OURS } else { OURS.split_at(2).0 }
    }

    fn needs_body(&self) -> bool {
        self.covers_body
    }

    fn sign(
        &self,
        head: &mut Parts,
        body: Option<&[u8]>,
        wall: Duration,
    ) -> Result<Vec<InjectedSecret>, SignError> {
        if self.covers_body {
            let body = body.ok_or_else(|| SignError::new("the body has not been read"))?;
            set(&mut head.headers, CONTENT_DIGEST, &content_digest::of(body))?;
        }
        let parameters = self.parameters(wall)?;
        let code =
            self.key.of(|out| signature_base::write(head, &self.components, &parameters, out))?;
        let mut signature = String::with_capacity(self.label.len() + 48);
        signature.push_str(&self.label);
        signature.push('=');
        structured::push_bytes(&*code, &mut signature);
        set(&mut head.headers, SIGNATURE_INPUT, &format!("{}={parameters}", self.label))?;
        set(&mut head.headers, SIGNATURE, &signature)?;
        // The value alone: what was parsed is printed without its label, with or without padding,
        // and from its bytes in hex or in another alphabet.
        let value = signature.get(self.label.len() + 2..).unwrap_or_default();
        let value = value.trim_end_matches([':', '=']);
        Ok([value.as_bytes(), &*code].map(|it| InjectedSecret::new(it.to_vec())).into())
    }
}

impl fmt::Debug for HttpSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpSignature{}", self.covered)
    }
}

fn parse(
    components: impl IntoIterator<Item = impl AsRef<str>>,
) -> Result<Vec<Component>, InvalidSigner> {
    let invalid = |text: &str, problem: &str| {
        InvalidSigner::new("components", format!("{}: {problem}", text.escape_debug()))
    };
    let mut parsed = Vec::<Component>::new();
    for text in components {
        let text = text.as_ref();
        let component = Component::parse(text).map_err(|problem| invalid(text, &problem))?;
        if parsed.iter().any(|it| it.identifier == component.identifier) {
            return Err(invalid(text, "it comes twice"));
        }
        parsed.push(component);
        if parsed.len() > MOST_COMPONENTS {
            return Err(InvalidSigner::new("components", "there are more than 64"));
        }
    }
    if parsed.is_empty() {
        return Err(InvalidSigner::new("components", "there are none"));
    }
    Ok(parsed)
}

fn check_text(field: &'static str, text: &str) -> Result<(), InvalidSigner> {
    let problem = if text.is_empty() {
        "it is empty"
    } else if text.len() > LONGEST {
        "it is longer than 8 KiB"
    } else if !structured::is_string(text) {
        "it must be visible ASCII and spaces"
    } else {
        return Ok(());
    };
    Err(InvalidSigner::new(field, problem))
}

fn parameter(name: &str, value: &str) -> String {
    let mut text = format!(";{name}=");
    structured::push_string(value, &mut text);
    text
}

fn nonce() -> Result<String, SignError> {
    let mut bytes = [0; 16];
    random::fill(&mut bytes).map_err(|error| SignError::new(error.to_string()))?;
    Ok(crate::hex::encode(&bytes))
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) -> Result<(), SignError> {
    let value = HeaderValue::from_str(value);
    let mut value = value.map_err(|_| SignError::new("the signature is no header value"))?;
    value.set_sensitive(true);
    let set = headers.try_insert(name, value);
    set.map(drop).map_err(|_| SignError::new("the request has no room for another header"))
}

const LONGEST: usize = 8 * 1024;
const MOST_COMPONENTS: usize = 64;
/// The largest Integer of structured fields (RFC 9651 §3.3.1).
const LARGEST: u64 = 999_999_999_999_999;
const SIGNATURE: HeaderName = HeaderName::from_static("signature");
const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");
static OURS: [HeaderName; 3] = [SIGNATURE, SIGNATURE_INPUT, CONTENT_DIGEST];
