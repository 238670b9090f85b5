//! Requests to the upstream that are signed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rrauth::InvalidSigner;
use zeroize::Zeroizing;

use crate::control_plane::wire::auth::form::{Auth, Read};
use crate::control_plane::wire::auth::parts::{AwsSigV4, Hmac};
use crate::control_plane::wire::fields::{Fields, Node};
use crate::control_plane::wire::secret;
use crate::model::EgressPolicy;

pub(super) fn aws(fields: &mut Fields<'_>, _: &EgressPolicy) -> Option<Read> {
    // Each in a signer that is right but for it, perhaps: what it takes is its own to say.
    let secret = fields.optional("secretAccessKey", |it| {
        signable(it, |it| rrauth::AwsSigV4::new("any", it, "any", "any"))
    });
    let session = fields.optional("sessionToken", |it| {
        signable(it, |it| rrauth::AwsSigV4::new("any", "any", "any", "any")?.session_token(it))
    });
    let access_key_id = fields.required("accessKeyId", |it| {
        named(it, 128, |it| rrauth::AwsSigV4::new(it, "any", "any", "any"))
    });
    let service = fields.required("service", |it| {
        named(it, 64, |it| rrauth::AwsSigV4::new("any", "any", "any", it))
    });
    let aws_region = fields.required("awsRegion", |it| {
        named(it, 64, |it| rrauth::AwsSigV4::new("any", "any", it, "any"))
    });
    let (secret, session) = (secret?, session?);
    if session.is_some() && secret.is_none() {
        return fields.flaw("secretAccessKey", "give it with the token: they are sealed together");
    }
    let sealed = secret.map(|it| {
        let key = [("secretAccessKey", it.as_str())].into_iter();
        secret::table(key.chain(session.iter().map(|it| ("sessionToken", it.as_str()))))
    });
    let auth = Auth::AwsSigV4(AwsSigV4 {
        access_key_id: access_key_id?,
        service: service?,
        aws_region: aws_region?,
    });
    Some((auth, sealed))
}

type Made = Result<rrauth::AwsSigV4, InvalidSigner>;

fn named(node: Node<'_>, longest: usize, make: impl FnOnce(&str) -> Made) -> Option<String> {
    node.parsed(1..=longest, |text| make(&text).map(|_| text.to_string()))
}

fn signable(node: Node<'_>, make: impl FnOnce(&str) -> Made) -> Option<Zeroizing<String>> {
    let at = node.place();
    let secret = secret::upstream_secret(node)?;
    match make(&secret) {
        Ok(_) => Some(secret),
        Err(why) => at.flaw(why.to_string()),
    }
}

pub(super) fn hmac(fields: &mut Fields<'_>, _: &EgressPolicy) -> Option<Read> {
    let key = fields.optional("key", key);
    let key_id = fields.required("keyId", name);
    let components =
        fields.or("components", by_default(), |it| it.list(MOST_COMPONENTS, |it| it.text(1..=256)));
    let (key_id, components) = (key_id?, components?);
    // With any key: it is the components that may be wrong.
    if let Err(why) = rrauth::HttpSignature::new(&key_id, b"any", &components) {
        return fields.flaw(why.field(), why.to_string());
    }
    Some((Auth::Hmac(Hmac { key_id, components }), key?))
}

// As base64: any bytes may be a key.
fn key(node: Node<'_>) -> Option<Zeroizing<String>> {
    if node.is_text() {
        let text = node.secret(16..=1_024)?;
        return Some(Zeroizing::new(STANDARD.encode(text.as_bytes())));
    }
    secret::bytes(node, 16)
}

fn name(node: Node<'_>) -> Option<String> {
    node.parsed(1..=256, |text| {
        let is_plain = text.bytes().all(|it| it.is_ascii_graphic() && !b"\"\\,/".contains(&it));
        is_plain.then(|| text.to_string()).ok_or("expected visible ASCII, without , / \" and \\")
    })
}

fn by_default() -> Vec<String> {
    ["@method", "@target-uri"].map(str::to_owned).to_vec()
}

const MOST_COMPONENTS: usize = 32;
