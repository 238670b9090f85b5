//! What a rule or filter hangs on.

/// The four places that rules and filters hang on, in the order in which denials are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The credential that the caller showed.
    ProxyCredential,
    /// The credential that is shown to the upstream.
    TargetCredential,
    /// The proxy.
    Proxy,
    /// The upstream API.
    Target,
}

impl Scope {
    /// All four, in the order in which denials are reported.
    pub const ALL: [Self; 4] =
        [Self::ProxyCredential, Self::TargetCredential, Self::Proxy, Self::Target];

    /// The name in problem documents and audit records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProxyCredential => "proxyCredential",
            Self::TargetCredential => "targetCredential",
            Self::Proxy => "proxy",
            Self::Target => "target",
        }
    }
}
