//! Under which key a meter counts a request.

use std::borrow::Cow;
use std::sync::Arc;

use http::request::Parts;
use rratelimit::Key;
use rrauth::Privileges;
use rrcore::Context;
use serde_json::Value;

use crate::data_plane::matched::Matched;
use crate::model::{KeyPart, Meter, Proxy};

/// Makes the keys of one meter.
#[derive(Clone, Debug)]
pub struct KeyMaker {
    /// What all of them have in common.
    prefix: Vec<Arc<str>>,
    parts: Vec<KeyPart>,
    proxy: Arc<str>,
}

/// What a request has for one part; `None`: nothing.
type Found<'a> = Option<Cow<'a, [u8]>>;

impl KeyMaker {
    /// Of the keys of `meter`, which hangs on `proxy`.
    ///
    /// What is made again counts anew, so when it was made is part of the key; except where a whole
    /// client counts together, by the name of the meter.
    /// Gateways that share a store number their revisions each for itself: there, it is not.
    pub fn new(proxy: &Proxy, meter: &Meter, are_shared: bool) -> Self {
        let is_shared = meter.per.contains(&KeyPart::Client);
        let prefix = match is_shared {
            true => vec!["client meter".into(), Arc::clone(&proxy.client), Arc::clone(&meter.name)],
            false => {
                let since = if are_shared { 0 } else { meter.since };
                let since = since.to_string().into();
                let (client, proxy) = (Arc::clone(&proxy.client), Arc::clone(&proxy.id));
                vec!["meter".into(), client, proxy, Arc::clone(&meter.id), since]
            }
        };
        Self { prefix, parts: meter.per.clone(), proxy: Arc::clone(&proxy.id) }
    }

    /// The one key that there is, where all requests count together.
    pub fn only(&self) -> Option<Key> {
        let is_fixed = |it: &KeyPart| matches!(it, KeyPart::Client | KeyPart::Proxy);
        self.parts.iter().all(is_fixed).then(|| self.of_all(std::iter::repeat_with(|| None)))
    }

    /// The key of a request, and what it is called.
    pub fn key(&self, head: &Parts) -> Key {
        self.of_all(self.parts.iter().map(|it| found(it, head)))
    }

    /// What the key of a request is called: the values of its parts.
    pub fn name(&self, head: &Parts) -> String {
        let name = |part: &KeyPart| match (part, found(part, head)) {
            (KeyPart::Client, _) => "default".to_owned(),
            (KeyPart::Proxy, _) => self.proxy.to_string(),
            (_, Some(value)) => shown(&value),
            (_, None) => "(none)".to_owned(),
        };
        self.parts.iter().map(name).collect::<Vec<_>>().join(", ")
    }

    // What is there is told from what is missing, and parts do not run into each other.
    fn of_all<'a>(&self, found: impl Iterator<Item = Found<'a>>) -> Key {
        let mut parts: Vec<Cow<'_, [u8]>> =
            self.prefix.iter().map(|it| Cow::Borrowed(it.as_bytes())).collect();
        for (part, found) in self.parts.iter().zip(found) {
            match (part, found) {
                (KeyPart::Client, _) => {}
                (KeyPart::Proxy, _) => parts.push(Cow::Borrowed(self.proxy.as_bytes())),
                (_, Some(value)) => {
                    parts.push(Cow::Borrowed(b"is"));
                    parts.push(value);
                }
                (_, None) => parts.push(Cow::Borrowed(b"missing")),
            }
        }
        Key::of_bytes(parts.iter().map(|it| &**it))
    }
}

fn found<'a>(part: &KeyPart, head: &'a Parts) -> Found<'a> {
    let context = head.extensions.get::<Context>();
    match part {
        KeyPart::Client | KeyPart::Proxy => None,
        KeyPart::Route => {
            head.extensions.get::<Matched>().map(|it| Cow::Borrowed(it.pattern.as_bytes()))
        }
        KeyPart::Credential => {
            let identity = context.and_then(Context::identity);
            identity.map(|it| Cow::Owned(it.credential().as_bytes().to_vec()))
        }
        KeyPart::Address => {
            let address = context.and_then(Context::address);
            address.map(|it| Cow::Owned(it.network().to_string().into_bytes()))
        }
        KeyPart::Header(name) => {
            let mut lines = head.headers.get_all(name).iter();
            let first = lines.next()?.as_bytes();
            // As if they were one line (RFC 9110 §5.3).
            let join = |mut all: Vec<u8>, line: &http::HeaderValue| {
                all.extend_from_slice(b", ");
                all.extend_from_slice(line.as_bytes());
                all
            };
            match lines.next() {
                None => Some(Cow::Borrowed(first)),
                Some(second) => Some(Cow::Owned(lines.fold(join(first.to_vec(), second), join))),
            }
        }
        KeyPart::Claim(name) => {
            let claims = head.extensions.get::<Privileges>().and_then(Privileges::claims);
            claims.and_then(|it| it.get(name)).map(|it| match it {
                Value::String(text) => Cow::Borrowed(text.as_bytes()),
                other => Cow::Owned(other.to_string().into_bytes()),
            })
        }
    }
}

// Printable, and not too much of it: a header may hold anything.
fn shown(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    text.chars().take(LONGEST).map(|it| if it.is_control() { '\u{fffd}' } else { it }).collect()
}

const LONGEST: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    #[test]
    fn requests_that_agree_in_all_parts_have_one_key() {
        let per =
            [KeyPart::Header("x-a".parse().unwrap()), KeyPart::Header("x-b".parse().unwrap())];
        let maker = KeyMaker { prefix: vec!["m".into()], parts: per.into(), proxy: "p".into() };
        let of = |headers: &[(&str, &str)]| {
            let request = headers
                .iter()
                .fold(Request::get("/"), |it, (name, value)| it.header(*name, *value));
            let (head, ()) = request.body(()).unwrap().into_parts();
            (maker.key(&head), maker.name(&head))
        };
        assert_eq!(
            of(&[("x-a", "1"), ("x-b", "2")]),
            of(&[("x-b", "2"), ("x-a", "1"), ("x-c", "3")])
        );
        assert_eq!(of(&[("x-a", "1")]).1, "1, (none)");
        let all = [
            of(&[]).0,
            of(&[("x-a", "1")]).0,
            of(&[("x-b", "1")]).0,
            of(&[("x-a", ""), ("x-b", "1")]).0,
            of(&[("x-a", "missing")]).0,
            of(&[("x-a", "1"), ("x-a", "2")]).0,
            of(&[("x-a", "1"), ("x-b", "2")]).0,
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(!all[..index].contains(one), "{index}");
        }
        assert_eq!(maker.only(), None);
    }
}
