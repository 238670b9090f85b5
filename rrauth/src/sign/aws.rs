//! AWS Signature Version 4.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use rrcore::InjectedSecret;
use sha2::{Digest, Sha256};

use crate::hex;
use crate::outbound::signer::{Sign, SignError};
use crate::query;
use crate::sign::aws_key::{DayKey, SigningKeys};
use crate::sign::aws_request::{CanonicalRequest, Scope};
use crate::sign::aws_time::Stamp;
use crate::sign::aws_uri::Paths;
use crate::sign::error::InvalidSigner;
use crate::sign::target;

/// Signs requests to AWS, and to what speaks as AWS does, with Signature Version 4 in the
/// `Authorization` header.
///
/// Signed are the method, the path, the query, the body, and the headers `Host`, `Content-Type` and
/// all `X-Amz-*`. Whatever a client sent to authenticate itself with AWS is removed: headers, and
/// the parameters of a pre-signed URL. Its other `X-Amz-*` headers are part of what it asks for
/// (`X-Amz-Target`, `X-Amz-Meta-*`); they go on, under the signature.
///
/// ```
/// use std::time::Duration;
///
/// use http::Request;
/// use rrauth::{AwsSigV4, Sign};
///
/// let key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// let signer = AwsSigV4::new("AKIDEXAMPLE", key, "us-east-1", "service")?;
///
/// let request = Request::get("https://example.amazonaws.com/").body(())?;
/// let (mut head, ()) = request.into_parts();
/// signer.sign(&mut head, Some(b""), Duration::from_secs(1_440_938_160))?;
///
/// assert_eq!(head.headers["x-amz-date"], "20150830T123600Z");
/// assert_eq!(
///     head.headers["authorization"],
///     "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
///      SignedHeaders=host;x-amz-date, \
///      Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Caveats
/// - AWS accepts a signature for about five minutes around its date: the clock must be right.
/// - A body that a client has cut into signed chunks (`aws-chunked`, or with
///   `X-Amz-Decoded-Content-Length`) cannot be signed anew, and is refused.
/// - With `X-Amz-Copy-Source` a client names what else the credential may read. Whether it may is
///   for the rules before this to say.
pub struct AwsSigV4 {
    access_key_id: String,
    keys: SigningKeys,
    scope: Scope,
    session_token: Option<SessionToken>,
    body: SignedBody,
    sends_digest: bool,
}

struct SessionToken {
    value: HeaderValue,
    secret: InjectedSecret,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SignedBody {
    Always,
    /// `UNSIGNED-PAYLOAD`.
    Never,
}

impl AwsSigV4 {
    /// Signs for `service` (its name in signatures, such as `s3` or `execute-api`) in `region`.
    ///
    /// For S3 paths are signed as they are, and `X-Amz-Content-Sha256` is sent; for everything
    /// else paths are normalised first.
    ///
    /// # Errors
    /// Names `accessKeyId`, `secretAccessKey`, `awsRegion` or `service`: when it is empty or longer
    /// than 8 KiB, when a secret key has characters other than visible ASCII, or when another
    /// field has some that would end it in a signature.
    pub fn new(
        access_key_id: &str,
        secret_access_key: &str,
        region: &str,
        service: &str,
    ) -> Result<Self, InvalidSigner> {
        let is_id = |it: u8| it.is_ascii_graphic() && !b"/,=".contains(&it);
        let is_name = |it: u8| it.is_ascii_alphanumeric() || b"-_.".contains(&it);
        check("accessKeyId", access_key_id, is_id)?;
        check("secretAccessKey", secret_access_key, |it| it.is_ascii_graphic())?;
        check("awsRegion", region, is_name)?;
        check("service", service, is_name)?;
        let paths = match S3.contains(&service) {
            true => Paths::Exact,
            false => Paths::Normalised,
        };
        Ok(Self {
            access_key_id: access_key_id.to_owned(),
            keys: SigningKeys::new(secret_access_key, region, service),
            scope: Scope { paths, also: Vec::new() },
            session_token: None,
            body: SignedBody::Always,
            sends_digest: paths == Paths::Exact,
        })
    }

    /// Sends the session token that belongs to a temporary access key.
    ///
    /// # Errors
    /// When it is empty, longer than 8 KiB, or has characters other than visible ASCII.
    pub fn session_token(self, token: &str) -> Result<Self, InvalidSigner> {
        check("sessionToken", token, |it| it.is_ascii_graphic())?;
        let mut value = HeaderValue::from_str(token)
            .map_err(|_| InvalidSigner::new("sessionToken", UNSENDABLE))?;
        value.set_sensitive(true);
        let secret = InjectedSecret::new(token.as_bytes().to_vec());
        Ok(Self { session_token: Some(SessionToken { value, secret }), ..self })
    }

    /// Signs these headers too, where a request has them.
    ///
    /// Leave out what changes on the way. A signature over it would not hold.
    #[must_use]
    pub fn signed_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.scope.also.extend(names);
        self
    }

    /// Sends the digest of the body in `X-Amz-Content-Sha256`. Always done for S3; other services
    /// that want it are OpenSearch Serverless (`aoss`) and VPC Lattice.
    #[must_use]
    pub fn content_sha256(self) -> Self {
        Self { sends_digest: true, ..self }
    }

    /// Leaves the body out of the signature, so that it need not be read first. TLS protects it
    /// then, and requests that do not go over https are refused.
    ///
    /// S3 accepts that, and few other services do.
    #[must_use]
    pub fn unsigned_payload(self) -> Self {
        Self { body: SignedBody::Never, sends_digest: true, ..self }
    }

    fn payload(&self, head: &Parts, body: Option<&[u8]>) -> Result<Cow<'static, str>, SignError> {
        match (self.body, body) {
            (SignedBody::Never, _) if target::is_https(head) => Ok(Cow::Borrowed(UNSIGNED)),
            (SignedBody::Never, _) => {
                Err(SignError::new("without https the body cannot be left unsigned"))
            }
            (SignedBody::Always, Some(body)) => Ok(Cow::Owned(hex::encode(&Sha256::digest(body)))),
            (SignedBody::Always, None) => Err(SignError::new("the body has not been read")),
        }
    }

    // AWS' four steps: a canonical request, its digest in a string to sign, the signature, and the
    // header that carries it.
    fn authorization(
        &self,
        head: &Parts,
        key: &DayKey,
        time: &str,
        payload: &str,
    ) -> Result<(String, String), SignError> {
        let request = CanonicalRequest::new(head, &self.scope)?;
        let signed_headers = request.signed_headers();
        let mut digest = Sha256::new();
        request.write(&signed_headers, payload, &mut |piece| digest.update(piece));
        let digest = hex::encode(&digest.finalize());
        let (scope, id) = (&key.scope, &self.access_key_id);
        let signature = key.key.of_parts(&[
            ALGORITHM.as_bytes(),
            b"\n",
            time.as_bytes(),
            b"\n",
            scope.as_bytes(),
            b"\n",
            digest.as_bytes(),
        ]);
        let signature = hex::encode(&*signature);
        let line = format!(
            "{ALGORITHM} Credential={id}/{scope}, SignedHeaders={signed_headers}, \
             Signature={signature}"
        );
        Ok((line, signature))
    }
}

impl Sign for AwsSigV4 {
    fn headers(&self) -> &[HeaderName] {
        &OURS
    }

    fn needs_body(&self) -> bool {
        self.body == SignedBody::Always
    }

    fn sign(
        &self,
        head: &mut Parts,
        body: Option<&[u8]>,
        wall: Duration,
    ) -> Result<Vec<InjectedSecret>, SignError> {
        refuse_chunks(&head.headers)?;
        let payload = self.payload(head, body)?;
        // Besides the headers, because a client may have written it: AWS takes one or the other.
        remove_presigned(head)?;
        let stamp = Stamp::of(wall);
        let key = self.keys.of(stamp);
        let time = stamp.time(&key.date);
        set(&mut head.headers, X_AMZ_DATE, value(&time)?)?;
        if self.sends_digest {
            set(&mut head.headers, X_AMZ_CONTENT_SHA256, value(&payload)?)?;
        }
        let mut secrets = Vec::with_capacity(2);
        if let Some(token) = &self.session_token {
            set(&mut head.headers, X_AMZ_SECURITY_TOKEN, token.value.clone())?;
            secrets.push(token.secret.clone());
        }
        let (line, signature) = self.authorization(head, &key, &time, &payload)?;
        set(&mut head.headers, AUTHORIZATION, value(&line)?)?;
        secrets.push(InjectedSecret::new(signature.into_bytes()));
        Ok(secrets)
    }
}

// The key is not in there, but nobody needs to know which one it is either.
impl fmt::Debug for AwsSigV4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AwsSigV4({}, {})", self.keys.region(), self.keys.service())
    }
}

fn check(
    field: &'static str,
    value: &str,
    is_allowed: impl Fn(u8) -> bool,
) -> Result<(), InvalidSigner> {
    let problem = if value.is_empty() {
        "it is empty"
    } else if value.len() > LONGEST {
        "it is longer than 8 KiB"
    } else if !value.bytes().all(is_allowed) {
        UNSENDABLE
    } else {
        return Ok(());
    };
    Err(InvalidSigner::new(field, problem))
}

fn refuse_chunks(headers: &HeaderMap) -> Result<(), SignError> {
    let mut codings = headers.get_all(http::header::CONTENT_ENCODING).iter();
    let names_it = |it: &HeaderValue| {
        it.as_bytes().windows(AWS_CHUNKED.len()).any(|it| it.eq_ignore_ascii_case(AWS_CHUNKED))
    };
    // Some clients leave the coding out; none can leave out how long it is without.
    let is_chunked = codings.any(names_it) || headers.contains_key(DECODED_LENGTH);
    match is_chunked {
        true => Err(SignError::new("the body is aws-chunked, for a signature of the client's")),
        false => Ok(()),
    }
}

fn remove_presigned(head: &mut Parts) -> Result<(), SignError> {
    if head.uri.query().is_none_or(str::is_empty) {
        return Ok(());
    }
    for name in PRESIGNED {
        let removed = query::remove(&mut head.uri, name);
        removed.map_err(|_| {
            SignError::new("the request target cannot be written without a signature")
        })?;
    }
    Ok(())
}

fn value(text: &str) -> Result<HeaderValue, SignError> {
    let value = HeaderValue::from_str(text);
    let mut value = value.map_err(|_| SignError::new("the signature is no header value"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) -> Result<(), SignError> {
    let set = headers.try_insert(name, value);
    set.map(drop).map_err(|_| SignError::new("the request has no room for another header"))
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const AWS_CHUNKED: &[u8] = b"aws-chunked";
const DECODED_LENGTH: &str = "x-amz-decoded-content-length";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
const LONGEST: usize = 8 * 1024;
const UNSENDABLE: &str = "it has a character that it cannot have";
/// The services whose paths are names of objects.
const S3: [&str; 4] = ["s3", "s3-object-lambda", "s3-outposts", "s3express"];

const X_AMZ_CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const X_AMZ_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
/// What we write, and what else a client may have authenticated itself with: session tokens of S3
/// Express, regions of Signature Version 4A, and what belongs into the query.
static OURS: [HeaderName; 11] = [
    AUTHORIZATION,
    HeaderName::from_static("x-amz-algorithm"),
    X_AMZ_CONTENT_SHA256,
    HeaderName::from_static("x-amz-credential"),
    X_AMZ_DATE,
    HeaderName::from_static("x-amz-expires"),
    HeaderName::from_static("x-amz-region-set"),
    HeaderName::from_static("x-amz-s3session-token"),
    X_AMZ_SECURITY_TOKEN,
    HeaderName::from_static("x-amz-signature"),
    HeaderName::from_static("x-amz-signedheaders"),
];
/// The parameters of pre-signed URLs; the last is Signature Version 2's.
const PRESIGNED: [&str; 11] = [
    "X-Amz-Algorithm",
    "X-Amz-Content-Sha256",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Region-Set",
    "X-Amz-S3session-Token",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
    "AWSAccessKeyId",
];
