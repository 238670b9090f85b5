//! Resources by their names, under which a file knows them.

use std::collections::HashMap;

use crate::control_plane::config::resource::Kind;
use crate::control_plane::file::report::Notes;
use crate::control_plane::wire::fields::pointer_to;
use crate::control_plane::wire::json::Json;

/// The ids that stand for names while there are no others.
#[derive(Debug, Default)]
pub(crate) struct Names {
    ids: HashMap<(Kind, String), String>,
}

/// What refers to something: as a file writes it, and as the Core API does.
const REFERENCES: [(&str, &str, Kind); 3] = [
    ("target", "targetId", Kind::Target),
    ("targetCredential", "targetCredentialId", Kind::Credential),
    ("proxyCredentials", "proxyCredentialIds", Kind::Credential),
];

impl Names {
    /// The names of `items`, which are of `kind`; of two with one name, the first.
    pub(crate) fn add(&mut self, kind: Kind, items: &[Json]) {
        for (index, item) in items.iter().enumerate() {
            if let Some(Json::Text(name)) = item.member("name") {
                let key = (kind, name.as_str().to_owned());
                self.ids.entry(key).or_insert_with(|| id(kind, index));
            }
        }
    }

    /// Writes what `members` of a proxy refer to as the Core API does.
    pub(crate) fn resolve(
        &self,
        members: &mut Vec<(String, Json)>,
        pointer: &str,
        notes: &mut Notes,
    ) {
        for (name, wire, kind) in REFERENCES {
            let is_there = |name: &str| members.iter().any(|it| it.0 == name);
            if is_there(wire) {
                // Left where it is the only one: what is there is not missing too.
                let is_double = is_there(name);
                members.retain(|it| it.0 != wire || !is_double);
                let detail = format!("a file refers to things by their names: write {name}");
                notes.error(pointer_to(pointer, wire), detail);
            }
            let Some((spelling, value)) = members.iter_mut().find(|it| it.0 == name) else {
                continue;
            };
            wire.clone_into(spelling);
            self.replace(value, kind, &pointer_to(pointer, name), notes);
        }
    }

    // A text, or a list of texts; anything else is refused by whoever reads it next.
    fn replace(&self, value: &mut Json, kind: Kind, pointer: &str, notes: &mut Notes) {
        match value {
            Json::Text(name) => {
                let id = self.ids.get(&(kind, name.as_str().to_owned()));
                if id.is_none() {
                    let detail = format!("there is no {} of this name in the file", kind.word());
                    notes.error(pointer, detail);
                }
                // The flaw of a name that is too long would be told of the id.
                let id = id.cloned().unwrap_or_else(|| format!("{NOTHING}{pointer}"));
                *name = id.chars().take(64).collect::<String>().into();
            }
            Json::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.replace(item, kind, &format!("{pointer}/{index}"), notes);
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => {}
        }
    }
}

/// The id that stands for item `index` of `kind`: where it is, and never anything's alias.
pub(crate) fn id(kind: Kind, index: usize) -> String {
    format!("{}[{index}]", kind.segment())
}

/// `pointer`, which is into what the Core API would be sent, as it is in the file.
pub(crate) fn as_written(kind: Kind, pointer: &str) -> String {
    let (first, rest) = match pointer.get(1..).and_then(|it| it.split_once('/')) {
        Some((first, rest)) => (first, format!("/{rest}")),
        None => (pointer.get(1..).unwrap_or_default(), String::new()),
    };
    let reference = REFERENCES.iter().find(|it| kind == Kind::Proxy && it.1 == first);
    reference.map_or_else(|| pointer.to_owned(), |it| format!("/{}{rest}", it.0))
}

const NOTHING: &str = "nothing:";
