//! The Core API over HTTP: one table of routes, from which router, OpenAPI and docs are made.

mod activity;
mod auth;
mod auth_schema;
mod body;
mod diff;
mod diff_schema;
mod docs;
mod explain;
mod explain_schema;
mod guard;
mod guides;
mod history;
mod log_schema;
mod meter_schema;
mod newest;
mod notifications;
mod openapi;
mod page;
mod problem;
mod render;
mod requests;
mod resources;
mod response_schema;
mod revisions;
mod router;
mod routes;
mod rule_schema;
mod schema;
mod shape;
mod spent;
mod state;
mod usage;
mod vault;

pub(crate) use self::guard::host_name;
pub(crate) use self::router::router;
pub(crate) use self::state::{Api, Seen};
