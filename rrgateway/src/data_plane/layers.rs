//! A proxy's stages, each made once: what serves its requests, and what says what it would do.

use std::collections::HashSet;
use std::sync::Arc;

use rratelimit::{Key, Limiter, RateLimitLayer};
use rrauth::{AuthLayer, Index, InjectLayer, Injection};
use rrcore::{Budget, Clock, Scope};
use rrfilter::FilterLayer;
use rrrules::{BodyRulesLayer, RulesLayer, ValidateLayer};

use crate::model::{Authentication, Consumer, Proxy};

/// What outlives a revision: counters, and the clock that everything is timed by.
#[derive(Clone, Debug)]
pub struct Shared {
    /// What was spent of each limit.
    pub limiter: Arc<Limiter>,
    /// The time.
    pub clock: Clock,
    /// Memory for the request bodies that stages look into.
    pub bodies: Budget,
}

/// The stages of one proxy. Their order is the pipeline's.
#[derive(Debug)]
pub struct Layers {
    /// Who is calling, and may they here.
    pub callers: Callers,
    /// How often.
    pub limit: RateLimitLayer,
    /// Whether.
    pub rules: RulesLayer,
    /// Whether it has the right shape.
    pub validate: ValidateLayer,
    /// What of the response passes.
    pub filter: FilterLayer,
    /// As whom.
    pub inject: InjectLayer,
    bodies: Budget,
}

/// Who may call.
#[derive(Debug)]
pub enum Callers {
    /// Anybody: there are no such stages.
    Anybody,
    /// Whoever shows one of the bound credentials.
    Known {
        /// Who is calling.
        authenticate: AuthLayer<Index<Arc<Consumer>>>,
        /// Who of them may call this proxy.
        bound: Arc<HashSet<Arc<str>>>,
    },
}

impl Layers {
    /// The stages of `proxy`, which calls its target with `injection`.
    pub fn of(proxy: &Proxy, shared: &Shared, injection: Arc<Injection>) -> Self {
        let clock = &shared.clock;
        let key = Key::of(&["proxy", &proxy.client, &proxy.id]);
        let limit = RateLimitLayer::new(Arc::clone(&proxy.limits), Arc::clone(&shared.limiter))
            .key(move |_| key)
            .clock(clock.clone());
        Self {
            callers: Callers::of(&proxy.authentication, clock),
            limit,
            rules: rules(proxy, clock),
            validate: validate(proxy, shared),
            filter: filter(proxy, clock),
            inject: InjectLayer::new(injection).clock(clock.clone()),
            bodies: shared.bodies.clone(),
        }
    }

    /// The rules, with what it takes to read a body for them.
    pub fn rules_with_bodies(&self) -> BodyRulesLayer {
        self.rules.clone().bodies().budget(&self.bodies)
    }
}

impl Callers {
    fn of(authentication: &Authentication, clock: &Clock) -> Self {
        match authentication {
            Authentication::None => Self::Anybody,
            Authentication::Credentials { index, headers, bound } => Self::Known {
                authenticate: AuthLayer::new(Arc::clone(index))
                    .headers(headers.iter().cloned())
                    .clock(clock.clone()),
                bound: Arc::new(bound.clone()),
            },
        }
    }
}

/// Whether `caller` may call a proxy that has these credentials `bound`.
pub fn may_call(bound: &HashSet<Arc<str>>, caller: &Consumer) -> bool {
    bound.contains(&caller.credential)
}

fn rules(proxy: &Proxy, clock: &Clock) -> RulesLayer {
    let layer = RulesLayer::new()
        .scope(Scope::TargetCredential, Arc::clone(&proxy.credential.rules))
        .scope(Scope::Proxy, Arc::clone(&proxy.rules))
        .scope(Scope::Target, Arc::clone(&proxy.target.rules))
        .deny_status(proxy.rule_deny_status)
        .clock(clock.clone());
    match &proxy.authentication {
        // The proxy-credential scope is empty and allows.
        Authentication::None => layer,
        Authentication::Credentials { .. } => layer.per_caller(|extensions| {
            extensions.get::<Arc<Consumer>>().map(|it| Arc::clone(&it.rules))
        }),
    }
}

fn validate(proxy: &Proxy, shared: &Shared) -> ValidateLayer {
    let Some(validation) = &proxy.validation else { return ValidateLayer::off() };
    let layer = ValidateLayer::new(Arc::clone(&validation.validator));
    let layer = if validation.watches_responses { layer.responses(WATCHED_BYTES) } else { layer };
    layer.budget(&shared.bodies).clock(shared.clock.clone())
}

fn filter(proxy: &Proxy, clock: &Clock) -> FilterLayer {
    let layer = FilterLayer::new()
        .scope(Scope::TargetCredential, Arc::clone(&proxy.credential.filters))
        .scope(Scope::Target, Arc::clone(&proxy.target.filters))
        .scope(Scope::Proxy, Arc::clone(&proxy.filters))
        .clock(clock.clone());
    match &proxy.authentication {
        Authentication::None => layer,
        Authentication::Credentials { .. } => layer.per_caller(|extensions| {
            extensions.get::<Arc<Consumer>>().map(|it| Arc::clone(&it.filters))
        }),
    }
}

/// Of a response that is looked at, so much is kept until its end.
const WATCHED_BYTES: usize = 1 << 20;
