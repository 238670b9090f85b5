//! Says what would become of a request that is only described.

use std::time::Duration;

use http::Request;
use rrcore::{BufferedBody, Clock, Context, Refusal};

use crate::outbound::injection::{Injection, Kind};
use crate::outbound::refusal::unavailable;
use crate::outbound::signing::{self, KnownBody};
use crate::outbound::token::Outlook;

/// Which credential a described request would be sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InjectExplained {
    /// None: the upstream wants none.
    Nothing,
    /// One that does not change.
    Fixed,
    /// A token, and a valid one is at hand.
    TokenAtHand,
    /// A token, which would have to be fetched; whether that succeeds is not known.
    TokenToBeFetched,
    /// A signature. Where it covers the body and that has not been read, it was not tried.
    Signature,
}

pub(crate) fn explain<B>(
    injection: &Injection,
    request: &Request<B>,
    wall: Duration,
) -> Result<InjectExplained, Refusal> {
    injection.admit(request)?;
    let context = Context::new(&Clock::system());
    let mut copy = Request::new(());
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    copy.extensions_mut().clone_from(request.extensions());
    match injection.kind() {
        Kind::None => Ok(InjectExplained::Nothing),
        Kind::Headers { .. } | Kind::Query { .. } | Kind::Unavailable { .. } => {
            injection.apply(&mut copy, &context).map(|()| InjectExplained::Fixed)
        }
        Kind::Token(fetched) => match fetched.tokens.outlook() {
            Outlook::AtHand => Ok(InjectExplained::TokenAtHand),
            Outlook::ToBeFetched => Ok(InjectExplained::TokenToBeFetched),
            Outlook::Unavailable(why) => Err(unavailable(why.to_string())),
        },
        Kind::Signed(signer) => {
            if !signer.needs_body() || copy.extensions().get::<BufferedBody>().is_some() {
                signing::sign(&**signer, &mut copy, KnownBody::AsRead, wall, &context)?;
            }
            Ok(InjectExplained::Signature)
        }
    }
}
