//! What is counted besides requests to a proxy: under which keys, in which windows, how much.

use std::sync::Arc;

use http::HeaderName;
use rratelimit::Policy;
use rrrules::{Effect, RuleSet, Subject};

/// A meter of a proxy.
#[derive(Debug)]
pub struct Meter {
    /// `mtr_…`, or what the client chose.
    pub id: Arc<str>,
    /// The revision that made it: one that is made again under the same id counts anew.
    pub since: u64,
    /// Unique among the meters of the proxy.
    pub name: Arc<str>,
    /// What it adds up.
    pub measure: Measure,
    /// Who counts together: all of these together are a key.
    pub per: Vec<KeyPart>,
    /// How much in which window: limits named `<name>.<window>`. Its label is [`Meter::label`].
    pub policy: Policy,
    /// Whether it says what holds when a shared store does not answer; otherwise the gateway does.
    pub tells_store_failure: bool,
    /// Whether the client gave limits. Otherwise the policy only has windows to count in.
    pub is_limited: bool,
    /// Which requests it is about.
    pub applies: Applies,
}

/// What a meter adds up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Requests: one each.
    Requests,
    /// A number that the upstream answers.
    Value {
        /// Where it is in the response.
        place: Place,
        /// What is taken before it is known.
        estimate: Option<Estimate>,
        /// What a response without it counts as.
        on_missing: u64,
    },
}

/// Where a number is found in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a body of JSON, or in the records of an event stream.
    Body(rrcore::json::SingularPath),
    /// In a header.
    Header(HeaderName),
}

/// What is taken before a number is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Estimate {
    /// Always this.
    Fixed(u64),
    /// As the request says there.
    Told(Place),
}

/// A part of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPart {
    /// The tenant: meters of the same name count together, whichever proxy they hang on.
    Client,
    /// The proxy.
    Proxy,
    /// The route by which a request came.
    Route,
    /// The credential that was shown.
    Credential,
    /// The network of the client's address.
    Address,
    /// The value of a header.
    Header(HeaderName),
    /// A claim of a verified token.
    Claim(Arc<str>),
}

/// Which requests a meter is about.
#[derive(Clone, Debug, Default)]
pub struct Applies {
    /// Rules of which one must deny; `None`: it is about all.
    pub included: Option<Arc<RuleSet>>,
    /// Rules of which none may allow.
    pub excluded: Option<Arc<RuleSet>>,
}

impl Applies {
    /// Whether the body must be read to tell.
    #[must_use]
    pub fn looks_at_body(&self) -> bool {
        self.included.iter().chain(&self.excluded).any(|it| it.looks_at_body())
    }

    /// Whether it is about `subject`. What cannot be told is metered.
    #[must_use]
    pub fn to(&self, subject: &Subject<'_>) -> bool {
        let says = |rules: &RuleSet, effect: Effect| rules.decide(subject).effect == effect;
        let is_included = self.included.as_ref().is_none_or(|it| says(it, Effect::Deny));
        is_included && !self.excluded.as_ref().is_some_and(|it| says(it, Effect::Allow))
    }
}

impl Meter {
    /// What the policy of a meter is called among those of all proxies: their ids, which have no
    /// slashes.
    #[must_use]
    pub fn label(proxy: &str, meter: &str) -> String {
        format!("{proxy}/{meter}")
    }
}
