//! Whose requests a meter counts together.

use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use serde::{Deserialize, Serialize};

use crate::control_plane::wire::fields::{Flaw, Node};
use crate::model::KeyPart;

/// As it is stored and answered: one part, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Per {
    One(Part),
    Several(Vec<Part>),
}

/// What tells one count from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Part {
    Word(Word),
    Named(Named),
}

/// What needs no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Word {
    Client,
    Proxy,
    Route,
    Credential,
    Address,
}

/// A value by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Named {
    Header(String),
    Claim(String),
}

impl Per {
    pub(crate) const PROXY: Self = Self::One(Part::Word(Word::Proxy));

    pub(crate) fn read(node: Node<'_>) -> Option<Self> {
        if !node.is_list() {
            return Part::read(node).map(Self::One);
        }
        if node.is_empty_list() {
            return node.flaw("name one at least, or leave this out: it is proxy then");
        }
        let place = node.place();
        let parts = node.list(MOST_PARTS, Part::read)?;
        let is_repeated = (1..parts.len()).any(|at| {
            parts
                .get(..at)
                .is_some_and(|before| parts.get(at).is_some_and(|it| before.contains(it)))
        });
        if is_repeated {
            place.flaw("one of these is named twice")
        } else {
            Some(Self::Several(parts))
        }
    }

    pub(crate) fn parts(&self) -> &[Part] {
        match self {
            Self::One(part) => std::slice::from_ref(part),
            Self::Several(parts) => parts,
        }
    }

    /// What the data plane makes keys of.
    pub(crate) fn compiled(&self) -> Result<Vec<KeyPart>, Flaw> {
        self.parts().iter().map(Part::compiled).collect()
    }
}

impl Part {
    fn read(node: Node<'_>) -> Option<Self> {
        if node.is_text() {
            return node.word(&WORDS).map(Self::Word);
        }
        if !node.is_object() {
            return node.flaw(EXPECTED);
        }
        let place = node.place();
        let mut fields = node.object()?;
        let header = fields.optional("header", |it| it.parsed(1..=256, |it| header(&it)));
        let claim = fields.optional("claim", |it| it.text(1..=256));
        fields.close();
        match (header?, claim?) {
            (Some(name), None) => Some(Self::Named(Named::Header(name))),
            (None, Some(name)) => Some(Self::Named(Named::Claim(name))),
            (None, None) | (Some(_), Some(_)) => place.flaw("expected either header or claim"),
        }
    }

    fn compiled(&self) -> Result<KeyPart, Flaw> {
        Ok(match self {
            Self::Word(Word::Client) => KeyPart::Client,
            Self::Word(Word::Proxy) => KeyPart::Proxy,
            Self::Word(Word::Route) => KeyPart::Route,
            Self::Word(Word::Credential) => KeyPart::Credential,
            Self::Word(Word::Address) => KeyPart::Address,
            Self::Named(Named::Header(name)) => {
                let name = HeaderName::from_bytes(name.as_bytes());
                KeyPart::Header(name.map_err(|_| Flaw::new("/per", NO_HEADER))?)
            }
            Self::Named(Named::Claim(name)) => KeyPart::Claim(name.as_str().into()),
        })
    }
}

// A count says whose it is: what proves who calls must not be in it, and is gone from the request
// anyway.
fn header(text: &str) -> Result<String, &'static str> {
    let name = HeaderName::from_bytes(text.as_bytes()).map_err(|_| NO_HEADER)?;
    match [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, API_KEY].contains(&name) {
        true => Err("this header proves who calls: count per credential, or per claim"),
        false => Ok(name.as_str().to_owned()),
    }
}

const WORDS: [(&str, Word); 5] = [
    ("proxy", Word::Proxy),
    ("credential", Word::Credential),
    ("address", Word::Address),
    ("client", Word::Client),
    ("route", Word::Route),
];
const EXPECTED: &str = "expected a word, {\"header\": name}, {\"claim\": name}, or a list of these";
const NO_HEADER: &str = "not a header name";
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const MOST_PARTS: usize = 8;
