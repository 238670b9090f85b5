//! What a template may name.

use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, SET_COOKIE};

/// Something about a request, its caller, or its response, that has a name in templates.
///
/// No variable stands for what a credential consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
    Claim(Box<str>),
    Subject,
    Credential,
    CredentialKind,
    ClientAddress,
    Header(HeaderName),
    Query(Box<str>),
    Path(Box<str>),
    RequestId,
    RequestMethod,
    RequestPath,
    RequestHost,
    RequestTime,
    Status,
    ResponseHeader(HeaderName),
}

impl Variable {
    /// The variable called `name`, or one short sentence.
    pub(crate) fn named(name: &str) -> Result<Self, &'static str> {
        let whole = match name {
            "identity.subject" => Self::Subject,
            "identity.credential" => Self::Credential,
            "identity.kind" => Self::CredentialKind,
            "client.address" => Self::ClientAddress,
            "request.id" => Self::RequestId,
            "request.method" => Self::RequestMethod,
            "request.path" => Self::RequestPath,
            "request.host" => Self::RequestHost,
            "request.time" => Self::RequestTime,
            "response.status" => Self::Status,
            _ => return Self::of_a_kind(name),
        };
        Ok(whole)
    }

    fn of_a_kind(name: &str) -> Result<Self, &'static str> {
        if let Some(header) = name.strip_prefix("response.header.") {
            return readable(header).map(Self::ResponseHeader);
        }
        let (kind, rest) = name.split_once('.').unwrap_or((name, ""));
        match (kind, rest) {
            ("claim" | "header" | "query" | "path", "") => Err("a name is missing after the dot"),
            ("claim", claim) => Ok(Self::Claim(claim.into())),
            ("header", header) => readable(header).map(Self::Header),
            ("query", parameter) => Ok(Self::Query(parameter.into())),
            ("path", parameter) => Ok(Self::Path(parameter.into())),
            _ => Err("there is no variable of this name"),
        }
    }

    /// Whether it is known only once there is a response.
    pub(crate) const fn is_of_the_response(&self) -> bool {
        match self {
            Self::Status | Self::ResponseHeader(_) => true,
            Self::Claim(_)
            | Self::Subject
            | Self::Credential
            | Self::CredentialKind
            | Self::ClientAddress
            | Self::Header(_)
            | Self::Query(_)
            | Self::Path(_)
            | Self::RequestId
            | Self::RequestMethod
            | Self::RequestPath
            | Self::RequestHost
            | Self::RequestTime => false,
        }
    }
}

fn readable(name: &str) -> Result<HeaderName, &'static str> {
    let name: HeaderName = name.parse().map_err(|_| "this is not the name of a header")?;
    match CREDENTIALS.contains(&name) {
        true => Err("this header holds a credential"),
        false => Ok(name),
    }
}

const CREDENTIALS: [HeaderName; 4] = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, SET_COOKIE];
