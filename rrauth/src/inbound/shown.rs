//! The one secret that a request shows, and how it was shown.

use std::fmt;
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::api_key;
use crate::inbound::credential::Kind;
use crate::inbound::digest::KeyDigest;
use crate::inbound::verify::ShownToken;

/// Whether callers can show `secret` at all: 1 to 8,192 visible ASCII characters, neither `,` nor
/// `"`, and if it looks like a [generated key](crate::api_key), with the right checksum.
///
/// Ask before accepting a secret of an operator's choice: what fails here never authenticates.
///
/// ```
/// assert!(rrauth::is_showable("sk_test_4eC39HqLyjWDarjtT1zdp7dc"));
/// assert!(!rrauth::is_showable("correct horse battery staple"));
/// ```
#[must_use]
pub fn is_showable(secret: &str) -> bool {
    checked(secret.as_bytes()).is_ok()
}

/// What a request shows.
#[derive(Clone)]
pub(crate) struct Shown {
    pub(crate) way: Way,
    pub(crate) secret: Secret,
}

/// The secret itself, as far as somebody needs it; of the others, only a digest is kept.
#[derive(Clone)]
pub(crate) enum Secret {
    Key(KeyDigest),
    Token(Token),
    /// The digest is that of the user name.
    Pair {
        digest: KeyDigest,
        username: Zeroizing<String>,
        password: Zeroizing<String>,
    },
}

/// A bearer token: one visible word.
#[derive(Clone)]
pub(crate) struct Token {
    text: Text,
    // Taken when somebody asks: a token that is believed already goes by less.
    digest: OnceLock<KeyDigest>,
}

#[derive(Clone)]
enum Text {
    /// The line that it was shown in, as it was taken off the request, and where in it the token
    /// begins: a copy would have to be wiped, which costs more than the copy.
    Line(HeaderValue, usize),
    Copy(Zeroizing<Vec<u8>>),
}

/// How it was shown, which says what it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Raw, or as a user name: the way of API keys.
    Key,
    /// As `Bearer`, which vendors' SDKs do with API keys too.
    Bearer,
}

/// What is kept for verifiers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) tokens: bool,
    pub(crate) passwords: bool,
}

/// Something is shown that cannot be a credential, and why, for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unusable(pub(crate) &'static str);

impl Way {
    pub(crate) const fn suits(self, kind: Kind) -> bool {
        match (self, kind) {
            (Self::Key | Self::Bearer, Kind::ApiKey)
            | (Self::Bearer, Kind::Bearer | Kind::Jwt) => true,
            (Self::Key, Kind::Bearer | Kind::Jwt)
            // None of these is a secret to be found by its digest.
            | (_, Kind::Basic | Kind::JwtVerify | Kind::Introspection | Kind::Mtls) => false,
        }
    }

    const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Key, Self::Key) => Self::Key,
            (Self::Bearer, Self::Key | Self::Bearer) | (Self::Key, Self::Bearer) => Self::Bearer,
        }
    }
}

impl Shown {
    /// Of a key or a user name. That of a token is taken when somebody asks for it.
    pub(crate) const fn digest_at_hand(&self) -> Option<&KeyDigest> {
        match &self.secret {
            Secret::Key(digest) | Secret::Pair { digest, .. } => Some(digest),
            Secret::Token(_) => None,
        }
    }

    /// Of the key, the token or the user name.
    pub(crate) fn digest(&self) -> &KeyDigest {
        match &self.secret {
            Secret::Key(digest) | Secret::Pair { digest, .. } => digest,
            Secret::Token(token) => token.shown().digest(),
        }
    }
}

impl Token {
    /// As verifiers see it.
    pub(crate) fn shown(&self) -> ShownToken<'_> {
        let bytes = match &self.text {
            Text::Line(line, start) => line.as_bytes().get(*start..).unwrap_or_default(),
            Text::Copy(bytes) => bytes,
        };
        // It was checked when it was read.
        ShownToken::of_ascii(bytes, &self.digest)
    }
}

impl Secret {
    const fn token(text: Text) -> Self {
        Self::Token(Token { text, digest: OnceLock::new() })
    }

    fn agrees_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Pair { password: a, .. }, Self::Pair { password: b, .. }) => {
                a.as_bytes().ct_eq(b.as_bytes()).into()
            }
            // The word is the same, says the digest.
            (Self::Key(_) | Self::Token(_), _) | (_, Self::Key(_) | Self::Token(_)) => true,
        }
    }

    fn join(&mut self, other: Self) {
        match (&self, &other) {
            (Self::Key(_), _) | (Self::Token(_), Self::Pair { .. }) => *self = other,
            (Self::Token(_) | Self::Pair { .. }, _) => {}
        }
    }
}

/// Adds what stands in another place. Two different secrets are refused: one reader would take the
/// first and another the last.
// What most requests show once is made where it stays, or it would be copied several times.
#[inline]
fn show(all: &mut Option<Shown>, way: Way, secret: Secret) -> Result<(), Unusable> {
    match all {
        None => *all = Some(Shown { way, secret }),
        Some(first) => agree(first, Shown { way, secret })?,
    }
    Ok(())
}

#[cold]
fn agree(first: &mut Shown, next: Shown) -> Result<(), Unusable> {
    if first.digest() != next.digest() || !first.secret.agrees_with(&next.secret) {
        return Err(Unusable("two different credentials are shown"));
    }
    first.way = first.way.or(next.way);
    first.secret.join(next.secret);
    Ok(())
}

/// Whether a line of `Authorization` begins as one with a token does (RFC 6750 §2.1).
pub(crate) fn is_bearer(line: &[u8]) -> bool {
    line.split_at_checked(SCHEME.len()).is_some_and(|(scheme, rest)| {
        scheme.eq_ignore_ascii_case(SCHEME) && rest.first() == Some(&b' ')
    })
}

/// Adds what a line of `Authorization` shows that has been taken off the request.
pub(crate) fn line(
    all: &mut Option<Shown>,
    line: HeaderValue,
    wanted: Wanted,
) -> Result<(), Unusable> {
    let bytes = line.as_bytes();
    if !(wanted.tokens && is_bearer(bytes)) {
        return parameter(all, bytes, wanted);
    }
    let start = SCHEME.len() + 1;
    checked(bytes.get(start..).unwrap_or_default())?;
    show(all, Way::Bearer, Secret::token(Text::Line(line, start)))
}

/// Adds what stands elsewhere in place of such a line: a raw key, `Bearer` and one token, or `Basic`
/// (RFC 9110 §11.4, with exactly one space).
pub(crate) fn parameter(
    all: &mut Option<Shown>,
    value: &[u8],
    wanted: Wanted,
) -> Result<(), Unusable> {
    let Some(space) = value.iter().position(|it| *it == b' ') else { return raw(all, value) };
    let (scheme, rest) = value.split_at(space);
    let token = rest.get(1..).unwrap_or_default();
    if scheme.eq_ignore_ascii_case(SCHEME) {
        let token = checked(token)?;
        let secret = match wanted.tokens {
            true => Secret::token(Text::Copy(Zeroizing::new(token.to_owned()))),
            false => Secret::Key(KeyDigest::of(token)),
        };
        show(all, Way::Bearer, secret)
    } else if scheme.eq_ignore_ascii_case(b"basic") {
        show(all, Way::Key, basic(token, wanted.passwords)?)
    } else {
        Err(Unusable("the authentication scheme is not one of ours"))
    }
}

/// Adds a key that stands alone. An empty value shows nothing: what an SDK sends whose key is not
/// set.
pub(crate) fn raw(all: &mut Option<Shown>, value: &[u8]) -> Result<(), Unusable> {
    if value.is_empty() {
        return Ok(());
    }
    show(all, Way::Key, Secret::Key(KeyDigest::of(checked(value)?)))
}

// RFC 7617 §2: user name and password around the first colon. Where nobody verifies passwords, the
// user name is a key and the password is not looked at: SDKs that send a key this way leave it empty
// or fill it with anything.
fn basic(token: &[u8], passwords: bool) -> Result<Secret, Unusable> {
    if token.len() > LONGEST {
        return Err(TOO_LONG);
    }
    let mut decoded = Zeroizing::new(vec![0; token.len()]);
    let length = STANDARD.decode_slice(token, &mut decoded).map_err(|_| NOT_BASIC)?;
    let pair = decoded.get(..length).ok_or(NOT_BASIC)?;
    let colon = pair.iter().position(|it| *it == b':').ok_or(NOT_BASIC)?;
    let (name, password) = pair.split_at(colon);
    if !passwords {
        return Ok(Secret::Key(KeyDigest::of(checked(name)?)));
    }
    let (username, password) = (text(name)?, text(password.get(1..).unwrap_or_default())?);
    Ok(Secret::Pair { digest: KeyDigest::of(name), username, password })
}

// RFC 7617 §2: no control characters; UTF-8 is what the challenge asks for.
fn text(bytes: &[u8]) -> Result<Zeroizing<String>, Unusable> {
    let text = std::str::from_utf8(bytes).map_err(|_| NOT_BASIC)?;
    if text.chars().any(char::is_control) { Err(NOT_BASIC) } else { Ok(text.to_owned().into()) }
}

fn checked(secret: &[u8]) -> Result<&[u8], Unusable> {
    if secret.len() > LONGEST {
        return Err(TOO_LONG);
    }
    if secret.is_empty() || !is_visible(secret) {
        return Err(Unusable("the credential is not one visible word"));
    }
    if secret.starts_with(api_key::PREFIX.as_bytes()) {
        let is_well_formed = std::str::from_utf8(secret).is_ok_and(api_key::is_well_formed);
        if !is_well_formed {
            return Err(Unusable("the checksum of the key does not hold"));
        }
    }
    Ok(secret)
}

// Looser than token68 (RFC 9110 §11.2), so that imported keys work; what makes a list or a parameter
// stays out.
fn is_visible(secret: &[u8]) -> bool {
    // As numbers, and all of a chunk without a way out: as many at a time as a register holds.
    let odd =
        |it: u8| u8::from((it.wrapping_sub(b'!') > b'~' - b'!') | (it == b',') | (it == b'"'));
    let fits = |chunk: &[u8; 32]| chunk.iter().map(|it| odd(*it)).fold(0, |any, it| any | it) == 0;
    match secret.last_chunk() {
        Some(last) => fits(last) && secret.as_chunks().0.iter().all(fits),
        None => secret.iter().all(|it| odd(*it) == 0),
    }
}

// By hand: nothing of it is for logs.
impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").field("way", &self.way).finish_non_exhaustive()
    }
}

const SCHEME: &[u8] = b"bearer";
// What a header line may hold anyway; hashing stays cheap beyond any doubt.
const LONGEST: usize = 8 * 1024;
const TOO_LONG: Unusable = Unusable("the credential is longer than 8 KiB");
const NOT_BASIC: Unusable = Unusable("the Basic credential cannot be decoded");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_odd_byte_anywhere_is_seen() {
        for length in [1, 2, 31, 32, 33, 63, 64, 65, 100] {
            assert!(checked(&vec![b'k'; length]).is_ok());
            for at in 0..length {
                for byte in 0..=255_u8 {
                    let mut secret = vec![b'k'; length];
                    secret[at] = byte;
                    let fits = byte.is_ascii_graphic() && byte != b',' && byte != b'"';
                    assert_eq!(checked(&secret).is_ok(), fits, "{byte} at {at} of {length}");
                }
            }
        }
    }
}
