//! A proxy's stages, each made once: what serves its requests, and what says what it would do.

use std::collections::HashSet;
use std::sync::Arc;

use http::Extensions;
use rratelimit::{Limiter, MeterLayer, RateLimitLayer};
use rrauth::{
    Access, AuthLayer, BodyInjectLayer, Index, InjectLayer, Injection, Privileges, Requirements,
    StripLayer,
};
use rrcore::{Budget, Clock, Scope};
use rrfilter::{EchoShieldLayer, FilterLayer, RequestFilterLayer, TransformLayer};
use rrrules::{BodyRulesLayer, RulesLayer, ValidateLayer};

use crate::data_plane::callers::Verifiers;
use crate::data_plane::guesses::Guesses;
use crate::data_plane::limits::{Counting, Counts, Measures, ReadAheadLayer};
use crate::data_plane::matched::Matched;
use crate::model::{self, Authentication, Consumer, Presentation, Proxy};

/// What outlives a revision: counters, and the clock that everything is timed by.
#[derive(Clone, Debug)]
pub struct Shared {
    /// What was spent of each limit.
    pub counting: Counting,
    /// How often client addresses have failed: each gateway counts that for itself.
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
    /// The bodies that meters look into.
    pub read_ahead: ReadAheadLayer,
    /// How often.
    pub limit: RateLimitLayer<Counts>,
    /// Whether.
    pub rules: RulesLayer,
    /// Whether it has the right shape.
    pub validate: ValidateLayer,
    /// What is changed in it, and last in its response.
    pub transform: TransformLayer,
    /// What of its body passes.
    pub request_filter: RequestFilterLayer,
    /// What of the response passes.
    pub filter: FilterLayer,
    /// What the upstream's answer costs.
    pub meters: MeterLayer,
    /// What must not come back.
    pub shield: EchoShieldLayer,
    /// As whom.
    pub inject: InjectLayer,
    /// What was spent.
    pub measures: Measures,
    bodies: Budget,
}

/// Who may call.
#[derive(Debug)]
pub enum Callers {
    /// Anybody: there are no such stages. What callers show is taken off.
    Anybody(StripLayer),
    /// Whoever shows one of the bound credentials.
    Known {
        /// Who is calling.
        authenticate: Box<AuthLayer<Index<Arc<Consumer>>>>,
        /// All of them, to be found by the id of their credentials.
        known: Arc<model::Callers>,
        /// Who of them may call this proxy.
        admission: Arc<Admission>,
    },
}

/// Who of the callers may call a proxy.
#[derive(Debug)]
pub struct Admission {
    bound: HashSet<Arc<str>>,
    requirements: Requirements,
}

impl Admission {
    /// Whether `caller` may, with what it was granted as that is in `extensions`.
    pub fn access(&self, caller: &Consumer, extensions: &Extensions) -> Access {
        if !self.bound.contains(&caller.credential) {
            return Access::Denied;
        }
        self.requirements.met_by(extensions.get::<Privileges>()).into()
    }
}

impl Layers {
    /// The stages of `proxy`, which calls its target with `injection`.
    pub fn of(proxy: &Proxy, shared: &Shared, callers: Callers, injection: Arc<Injection>) -> Self {
        let clock = &shared.clock;
        let measures = Measures::of(proxy, &shared.counting, clock);
        Self {
            callers,
            read_ahead: measures.read_ahead(&shared.bodies),
            limit: measures.admission(),
            rules: rules(proxy, clock),
            validate: validate(proxy, shared),
            transform: transform(proxy, shared),
            request_filter: request_filter(proxy, shared),
            filter: filter(proxy, clock),
            shield: shield(proxy, clock),
            meters: measures.meters(),
            measures,
            inject: InjectLayer::new(injection).clock(clock.clone()),
            bodies: shared.bodies.clone(),
        }
    }

    /// The rules, with what it takes to read a body for them.
    pub fn rules_with_bodies(&self) -> BodyRulesLayer {
        self.rules.clone().bodies().budget(&self.bodies)
    }

    /// The injection, with what it takes to sign a body, or to send one again.
    pub fn inject_with_bodies(&self) -> BodyInjectLayer {
        self.inject.clone().bodies().budget(&self.bodies)
    }
}

impl Callers {
    /// Who may call `proxy`, with the `verifiers` of them.
    pub fn of(proxy: &Proxy, shared: &Shared, verifiers: &Verifiers) -> Self {
        let (callers, headers, bound, allow_query, requirements, failures) =
            match &proxy.authentication {
                Authentication::None { headers } => {
                    let strip = StripLayer::new(headers.iter().cloned());
                    return Self::Anybody(strip.clock(shared.clock.clone()));
                }
                Authentication::Credentials {
                    callers,
                    headers,
                    bound,
                    allow_query,
                    requirements,
                    failures,
                } => (callers, headers, bound, allow_query, requirements, failures),
            };
        let layer = AuthLayer::new(Arc::clone(&callers.index))
            .headers(headers.iter().cloned())
            .allow_query(*allow_query)
            .clock(shared.clock.clone());
        let mut layer = verifiers.beside(layer, bound);
        if let Some(policy) = failures {
            let (limiter, policy) = (Arc::clone(&shared.limiter), Arc::clone(policy));
            layer = layer.failures(Guesses::new(limiter, policy, Arc::clone(&proxy.client)));
        }
        let admission = Admission { bound: bound.clone(), requirements: requirements.clone() };
        Self::Known {
            authenticate: Box::new(layer),
            known: Arc::clone(callers),
            admission: Arc::new(admission),
        }
    }
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
        Authentication::None { .. } => layer,
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

fn transform(proxy: &Proxy, shared: &Shared) -> TransformLayer {
    TransformLayer::new(Arc::clone(&proxy.transformation.transform))
        .claims(|extensions, name| extensions.get::<Privileges>()?.claims()?.get(name).cloned())
        .parameters(|extensions, name| extensions.get::<Matched>()?.parameter(name))
        .budget(&shared.bodies)
        .clock(shared.clock.clone())
}

fn request_filter(proxy: &Proxy, shared: &Shared) -> RequestFilterLayer {
    let layer = RequestFilterLayer::new()
        .scope(Scope::TargetCredential, Arc::clone(&proxy.credential.filters))
        .scope(Scope::Target, Arc::clone(&proxy.target.filters))
        .scope(Scope::Proxy, Arc::clone(&proxy.filters))
        .budget(&shared.bodies)
        .clock(shared.clock.clone());
    match &proxy.authentication {
        Authentication::None { .. } => layer,
        Authentication::Credentials { .. } => layer.per_caller(|extensions| {
            extensions.get::<Arc<Consumer>>().map(|it| Arc::clone(&it.filters))
        }),
    }
}

// Where nothing is injected, nothing can come back.
fn shield(proxy: &Proxy, clock: &Clock) -> EchoShieldLayer {
    let is_off = !proxy.echo_shield || proxy.credential.present == Presentation::None;
    let layer = if is_off { EchoShieldLayer::off() } else { EchoShieldLayer::new() };
    layer.clock(clock.clone())
}

fn filter(proxy: &Proxy, clock: &Clock) -> FilterLayer {
    let layer = FilterLayer::new()
        .scope(Scope::TargetCredential, Arc::clone(&proxy.credential.filters))
        .scope(Scope::Target, Arc::clone(&proxy.target.filters))
        .scope(Scope::Proxy, Arc::clone(&proxy.filters))
        .clock(clock.clone());
    match &proxy.authentication {
        Authentication::None { .. } => layer,
        Authentication::Credentials { .. } => layer.per_caller(|extensions| {
            extensions.get::<Arc<Consumer>>().map(|it| Arc::clone(&it.filters))
        }),
    }
}

/// Of a response that is looked at, so much is kept until its end.
const WATCHED_BYTES: usize = 1 << 20;
