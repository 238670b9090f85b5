//! The type that every proxy's stack is erased to.

use std::convert::Infallible;

use http::{Request, Response};
use tower::util::BoxCloneSyncService;

use crate::data_plane::body::{RequestBody, ResponseBody};

/// A proxy's whole stack, its types erased once so that proxies can share a table.
pub type RouteStack = BoxCloneSyncService<Request<RequestBody>, Response<ResponseBody>, Infallible>;
