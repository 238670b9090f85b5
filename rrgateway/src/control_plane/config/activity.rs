//! What is written down of a write: who, what, from where, before and after. Never a secret.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::control_plane::config::document;
use crate::control_plane::config::outcome::{Moment, Outcome};
use crate::control_plane::config::resource::{Key, ONLY};
use crate::control_plane::wire::text::rfc3339;
use crate::model::Rotated;

/// Where a write comes from.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// The peer of the connection, where it is known.
    pub(crate) address: Option<IpAddr>,
    /// `req_…`.
    pub(crate) request: String,
}

/// One write, as it is kept.
#[derive(Debug)]
pub(crate) struct Activity {
    pub(crate) action: Action,
    /// What sort of thing was written.
    pub(crate) kind: &'static str,
    /// Which of them.
    pub(crate) id: Arc<str>,
    /// Milliseconds since the Unix epoch.
    pub(crate) at_ms: i64,
    /// As it is answered.
    pub(crate) body: Value,
}

/// What became of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Create,
    Update,
    Delete,
    Rotate,
}

impl Action {
    pub(crate) const ALL: [Self; 4] = [Self::Create, Self::Update, Self::Delete, Self::Rotate];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Rotate => "rotate",
        }
    }
}

impl Activity {
    /// What is kept of `outcome`, under `id`; `None` where nothing was written.
    pub(crate) fn of(id: &str, outcome: &Outcome, moment: Moment, origin: &Origin) -> Option<Self> {
        let (before, after) = (outcome.before.as_deref(), outcome.written.as_deref());
        let (action, key) = match (before, after) {
            (None, None) => return None,
            (None, Some(it)) => (Action::Create, &it.key),
            (Some(_), Some(it)) if outcome.is_rotation => (Action::Rotate, &it.key),
            (Some(_), Some(it)) => (Action::Update, &it.key),
            (Some(it), None) => (Action::Delete, &it.key),
        };
        let (before, after) = (before.map(document::shown), after.map(document::shown));
        let body = body(id, moment, origin, (action, resource(key)), [before, after]);
        let (kind, id) = (key.collection.kind.word(), Arc::clone(&key.id));
        Some(Self { action, kind, id, at_ms: moment.at_ms, body })
    }

    /// What is kept, under `id`, of the vault's having got another master key: its name, which says
    /// nothing of it.
    pub(crate) fn of_vault(id: &str, rotated: &Rotated, moment: Moment, origin: &Origin) -> Self {
        let after = json!({"keyId": rotated.key_id, "records": rotated.records});
        let (action, vault) = (Action::Rotate, json!({"type": VAULT, "id": ONLY}));
        let body = body(id, moment, origin, (action, vault), [None, Some(after)]);
        Self { action, kind: VAULT, id: ONLY.into(), at_ms: moment.at_ms, body }
    }
}

fn body(
    id: &str,
    moment: Moment,
    origin: &Origin,
    (action, resource): (Action, Value),
    [before, after]: [Option<Value>; 2],
) -> Value {
    json!({
        "id": id,
        "at": rfc3339(moment.at_ms),
        "actor": {"id": OWNER.0, "name": OWNER.1, "tokenId": OWNER.2},
        "address": origin.address.map(|it| it.to_canonical().to_string()),
        "action": action.word(),
        "resource": resource,
        "before": before,
        "after": after,
        "revision": moment.revision,
        "requestId": origin.request,
    })
}

// What hangs on something is known by its id only together with that.
fn resource(key: &Key) -> Value {
    let kind = key.collection.kind.word();
    match &key.collection.parent {
        None => json!({"type": kind, "id": key.id}),
        Some((parent, id)) => {
            json!({"type": kind, "id": key.id, "parent": {"type": parent.word(), "id": id}})
        }
    }
}

/// What the vault is called beside the kinds of resource.
pub(crate) const VAULT: &str = "vault";

/// Id, name and token of the one user there is.
const OWNER: (&str, &str, &str) = ("usr_owner", "owner", "tok_owner");
