//! Which headers a transformation may touch.

use http::HeaderName;
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, EXPECT, HOST, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

use crate::transform::error::InvalidTransform;
use crate::transform::headers::{Edit, HeaderEdits};

/// Refuses what may not be done to the headers of a request.
pub(crate) fn check_request(edits: &HeaderEdits) -> Result<(), InvalidTransform> {
    check(edits, |edit, name| match edit {
        _ if *name == HOST => Err("this header says where the request goes"),
        _ if *name == EXPECT => Err(OF_THE_MESSAGE),
        Edit::Rename | Edit::Set | Edit::Append if *name == AUTHORIZATION => {
            Err("this header holds a credential: it can be removed, and nothing else")
        }
        Edit::Remove | Edit::Rename | Edit::Set | Edit::Append => Ok(()),
    })
}

/// Refuses what may not be done to the headers of a response.
pub(crate) fn check_response(edits: &HeaderEdits) -> Result<(), InvalidTransform> {
    check(edits, |_, _| Ok(()))
}

fn check(
    edits: &HeaderEdits,
    may: impl Fn(Edit, &HeaderName) -> Result<(), &'static str>,
) -> Result<(), InvalidTransform> {
    for (edit, key, name) in edits.names() {
        let why = if OF_THE_CONNECTION.contains(name) {
            Err(OF_THE_MESSAGE)
        } else if name.as_str().starts_with("rr-") {
            Err("headers that begin with `rr-` are the gateway's own")
        } else {
            may(edit, name)
        };
        let within = |it| InvalidTransform::new(it).within(key.as_str()).within(edit.as_str());
        why.map_err(within)?;
    }
    Ok(())
}

const OF_THE_MESSAGE: &str = "this header says where the message ends, or is the connection's own";
// RFC 9110 §7.6.1, RFC 9112 §6 and §7; and how the content is encoded, which is not ours to say.
const OF_THE_CONNECTION: [HeaderName; 12] = [
    CONNECTION,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    HeaderName::from_static("http2-settings"),
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];
