//! Writes what was spent of limits.

use serde_json::{Value, json};

use crate::control_plane::config::resource::{Key, Kind};
use crate::control_plane::wire::text::rfc3339;
use crate::model::{Source, Spent, Usage};

/// What was spent of the meter `key`; `None` where that is none.
pub(crate) fn of(usage: &dyn Usage, key: &Key) -> Option<Value> {
    match (key.collection.kind, &key.collection.parent) {
        (Kind::Meter, Some((Kind::Proxy, proxy))) => {
            Some(items(&usage.usage(proxy, Some(&key.id))))
        }
        _ => None,
    }
}

/// What was spent, as it is answered.
pub(crate) fn items(spent: &[Spent]) -> Value {
    let item = |it: &Spent| {
        let Spent { window, key, spent, max, resets_at_ms, source } = it;
        let source = match source {
            Source::Local => "local",
            Source::Store => "store",
        };
        json!({"window": window, "key": key, "spent": spent, "max": max,
            "resetsAt": resets_at_ms.map(rfc3339), "source": source})
    };
    spent.iter().map(item).collect()
}
