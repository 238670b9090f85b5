//! The closed catalogue of refusals: code, status, stage and title, in one table.

use http::StatusCode;

/// Where in the path of a request something was decided. In the order of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Framing, hop-by-hop headers, size limits, request id.
    Hygiene,
    /// Which proxy is meant, and the one reading of the path.
    Route,
    /// Who is calling.
    Authenticate,
    /// Whether that caller may use this proxy.
    Authorize,
    /// How often.
    Limit,
    /// Whether this request is allowed.
    Rules,
    /// Whether it has the right shape.
    Validate,
    /// What is changed in it.
    Transform,
    /// What is taken out of it.
    Redact,
    /// As whom we call.
    Inject,
    /// The call.
    Upstream,
    /// What of the response passes.
    Filter,
    /// What was recorded.
    Audit,
}

impl Stage {
    /// Every stage, in the order of the path.
    pub const ALL: &'static [Self] = &[
        Self::Hygiene,
        Self::Route,
        Self::Authenticate,
        Self::Authorize,
        Self::Limit,
        Self::Rules,
        Self::Validate,
        Self::Transform,
        Self::Redact,
        Self::Inject,
        Self::Upstream,
        Self::Filter,
        Self::Audit,
    ];

    /// The name used in problem documents and audit records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hygiene => "hygiene",
            Self::Route => "route",
            Self::Authenticate => "authenticate",
            Self::Authorize => "authorize",
            Self::Limit => "limit",
            Self::Rules => "rules",
            Self::Validate => "validate",
            Self::Transform => "transform",
            Self::Redact => "redact",
            Self::Inject => "inject",
            Self::Upstream => "upstream",
            Self::Filter => "filter",
            Self::Audit => "audit",
        }
    }
}

struct Row {
    code: &'static str,
    status: StatusCode,
    stage: Stage,
    title: &'static str,
}

macro_rules! catalogue {
    ($($variant:ident $code:literal $status:ident $stage:ident $title:literal;)+) => {
        /// Why a request was refused: every code that a caller can meet.
        ///
        /// A code names its status, the stage that usually answers with it, and a title.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = concat!("`", $code, "`: ", $title, ".")] $variant,)+
        }

        impl Code {
            /// Every code there is, in the order of the path.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            const fn row(self) -> Row {
                match self {
                    $(Self::$variant => Row {
                        code: $code,
                        status: StatusCode::$status,
                        stage: Stage::$stage,
                        title: $title,
                    },)+
                }
            }
        }
    };
}

catalogue! {
    MalformedRequest "malformed-request" BAD_REQUEST Hygiene "The request is malformed";
    MethodNotAllowed "method-not-allowed" METHOD_NOT_ALLOWED Hygiene "The method is not allowed here";
    RequestTimeout "request-timeout" REQUEST_TIMEOUT Hygiene "The request took too long to arrive";
    ContentTooLarge "content-too-large" PAYLOAD_TOO_LARGE Hygiene "The request body is too large";
    UriTooLong "uri-too-long" URI_TOO_LONG Hygiene "The request target is too long";
    ExpectationFailed "expectation-failed" EXPECTATION_FAILED Hygiene "The expectation cannot be met";
    HeadersTooLarge "headers-too-large" REQUEST_HEADER_FIELDS_TOO_LARGE Hygiene "The request headers are too large";
    NotImplemented "not-implemented" NOT_IMPLEMENTED Hygiene "The request needs something that is not implemented";
    HttpVersionNotSupported "http-version-not-supported" HTTP_VERSION_NOT_SUPPORTED Hygiene "The HTTP version is not supported";
    Overloaded "overloaded" SERVICE_UNAVAILABLE Hygiene "The gateway is overloaded";
    LoopDetected "loop-detected" LOOP_DETECTED Hygiene "The request has come through this gateway before";
    ProxyNotFound "proxy-not-found" NOT_FOUND Route "There is no such proxy";
    ProxyInactive "proxy-inactive" SERVICE_UNAVAILABLE Route "The proxy is switched off";
    NotReady "not-ready" SERVICE_UNAVAILABLE Route "The gateway has no configuration yet";
    BillingSuspended "billing-suspended" PAYMENT_REQUIRED Route "The account is suspended";
    CredentialMissing "credential-missing" UNAUTHORIZED Authenticate "A credential is needed";
    CredentialInvalid "credential-invalid" UNAUTHORIZED Authenticate "The credential is not valid";
    CredentialExpired "credential-expired" UNAUTHORIZED Authenticate "The credential has expired";
    AuthUnavailable "auth-unavailable" SERVICE_UNAVAILABLE Authenticate "Credentials cannot be checked at the moment";
    NotAuthorized "not-authorized" FORBIDDEN Authorize "The credential may not use this proxy";
    InsufficientScope "insufficient-scope" FORBIDDEN Authorize "The credential lacks a required scope";
    QuotaExceeded "quota-exceeded" TOO_MANY_REQUESTS Limit "The quota is exceeded";
    LimitUnavailable "limit-unavailable" SERVICE_UNAVAILABLE Limit "Limits cannot be checked at the moment";
    RuleDenied "rule-denied" BAD_REQUEST Rules "A rule denies this request";
    UnsupportedMediaType "unsupported-media-type" UNSUPPORTED_MEDIA_TYPE Validate "The media type is not supported";
    ValidationFailed "validation-failed" UNPROCESSABLE_ENTITY Validate "The request is not valid";
    RedactionBlocked "redaction-blocked" UNPROCESSABLE_ENTITY Redact "The content holds what may not pass";
    RequestNotFilterable "request-not-filterable" UNPROCESSABLE_ENTITY Transform "The request body cannot be processed";
    CredentialUnavailable "credential-unavailable" SERVICE_UNAVAILABLE Inject "The upstream credential is not available";
    UpstreamUnreachable "upstream-unreachable" BAD_GATEWAY Upstream "The upstream cannot be reached";
    UpstreamTls "upstream-tls" BAD_GATEWAY Upstream "No trusted connection to the upstream";
    UpstreamInvalidResponse "upstream-invalid-response" BAD_GATEWAY Upstream "The upstream's response is not valid";
    NoHealthyUpstream "no-healthy-upstream" SERVICE_UNAVAILABLE Upstream "No upstream is healthy";
    UpstreamTimeout "upstream-timeout" GATEWAY_TIMEOUT Upstream "The upstream took too long";
    ResponseNotFilterable "response-not-filterable" UNPROCESSABLE_ENTITY Filter "The response cannot be filtered";
    ResponseTooLarge "response-too-large" BAD_GATEWAY Filter "The response is too large to be processed";
    Internal "internal" INTERNAL_SERVER_ERROR Audit "The gateway failed";
    AuditUnavailable "audit-unavailable" SERVICE_UNAVAILABLE Audit "The request cannot be recorded";
}

impl Code {
    /// The name in problem documents and audit records, such as `rule-denied`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().code
    }

    /// The status of a response that carries this code.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.row().status
    }

    /// The stage that answers with this code, unless the refusal says otherwise.
    #[must_use]
    pub const fn stage(self) -> Stage {
        self.row().stage
    }

    /// One short sentence for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.row().title
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn stages_are_listed_in_the_order_of_the_path() {
        assert!(Stage::ALL.is_sorted());
        assert!(Code::ALL.iter().all(|it| Stage::ALL.contains(&it.stage())));
    }

    #[test]
    fn no_two_codes_share_a_name() {
        let names: HashSet<_> = Code::ALL.iter().map(|it| it.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
    }

    #[test]
    fn every_refusal_is_an_error_status() {
        for code in Code::ALL {
            let status = code.status();
            assert!(status.is_client_error() || status.is_server_error(), "{}", code.as_str());
        }
    }
}
