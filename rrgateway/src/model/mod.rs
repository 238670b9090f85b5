//! What the gateway is told to do: parsed, immutable, owned by neither plane.

mod callers;
mod channel;
mod digest;
mod egress;
mod explain;
mod meter;
mod record;
mod revision;
mod secret;
mod target;
mod usage;

pub use self::callers::{Callers, Consumer, How, JwtKeys, Known, Lapse, Verified};
pub use self::channel::{
    Acceptance, Publisher, Reports, ReportsIn, Subscription, channel, reports,
};
pub use self::digest::Digest;
pub use self::egress::{EgressPolicy, EgressRefused};
pub use self::explain::{
    Changes, Explain, Explained, Explanation, FilterApplies, Finding, LimitLeft, Outcome, Question,
    ScopeSays,
};
pub use self::meter::{Applies, Estimate, KeyPart, Measure, Meter, Place};
pub use self::record::{
    AuthNote, FilterNote, LimitNote, MeterNote, Record, RuleNote, UpstreamNote, ValidationNote,
};
pub use self::revision::{
    Authentication, Lifetime, Limits, Presentation, Proxy, Revision, RouteSpec, TargetCredential,
    Transformation, Validation,
};
pub use self::secret::{Rotated, RotationFailed, SecretName, SecretRefused, SecretSink};
pub use self::target::{BaseUrl, InvalidBaseUrl, Target, Timeouts};
pub use self::usage::{Noted, Notice, Source, Spent, Usage};
