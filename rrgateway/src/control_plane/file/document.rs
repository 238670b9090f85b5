//! What a file says: resources, read as the Core API reads them, with what hangs on them.

use crate::control_plane::config::draft::Draft;
use crate::control_plane::config::resource::Kind;
use crate::control_plane::file::names::{self, Names};
use crate::control_plane::file::report::Notes;
use crate::control_plane::file::secrets::{self, Secrets};
use crate::control_plane::wire::fields::pointer_to;
use crate::control_plane::wire::json::Json;
use crate::model::EgressPolicy;

/// What a file says, in an order in which it can be applied: what is referred to comes first.
#[derive(Debug, Default)]
pub(crate) struct Document {
    pub(crate) items: Vec<Item>,
}

/// A credential, a target or a proxy.
#[derive(Debug)]
pub(crate) struct Item {
    /// Where it stands.
    pub(crate) pointer: String,
    pub(crate) kind: Kind,
    /// What stands for it in what refers to it, until something has given it an id.
    pub(crate) id: String,
    /// `None` where something is wrong with it.
    pub(crate) draft: Option<Draft>,
    /// Its rules, filters and meters.
    pub(crate) hanging: Vec<Hanging>,
}

/// A rule, a filter or a meter.
#[derive(Debug)]
pub(crate) struct Hanging {
    /// Where it stands.
    pub(crate) pointer: String,
    pub(crate) kind: Kind,
    /// `None` where something is wrong with it.
    pub(crate) draft: Option<Draft>,
}

impl Document {
    /// Reads all of `json`; what is wrong is noted.
    pub(crate) fn read(
        json: Json,
        egress: &EgressPolicy,
        secrets: &mut Secrets,
        notes: &mut Notes,
    ) -> Self {
        let Json::Object(mut members) = json else {
            notes.error("", "expected version, credentials, targets and proxies");
            return Self::default();
        };
        match take(&mut members, "version") {
            Some(Json::Number(it)) if it.as_u64() == Some(1) => {}
            Some(_) => notes.error("/version", "expected 1"),
            None => notes.error("/version", "this is required: version: 1"),
        }
        match take(&mut members, "client") {
            None => {}
            Some(Json::Text(name)) if name.as_str() == "default" => {}
            Some(_) => notes.error("/client", "expected default: there is one client"),
        }
        let collections = Kind::PARENTS.map(|kind| (kind, items(&mut members, "", kind, notes)));
        for (name, _) in members {
            let kinds = Kind::PARENTS.map(Kind::segment).join(", ");
            let unknown =
                format!("there is no such field here (there are: version, client, {kinds})");
            notes.error(pointer_to("", &name), unknown);
        }
        let mut names = Names::default();
        for (kind, items) in &collections {
            names.add(*kind, items);
        }
        let mut reader = Reader { egress, secrets, names, notes };
        let read = collections.into_iter().flat_map(|(kind, items)| {
            items.into_iter().enumerate().map(move |(index, json)| (kind, index, json))
        });
        Self { items: read.map(|(kind, index, json)| reader.item(kind, index, json)).collect() }
    }
}

struct Reader<'a> {
    egress: &'a EgressPolicy,
    secrets: &'a mut Secrets,
    names: Names,
    notes: &'a mut Notes,
}

impl Reader<'_> {
    fn item(&mut self, kind: Kind, index: usize, mut json: Json) -> Item {
        let pointer = format!("/{}/{index}", kind.segment());
        let (mut hanging, mut plain) = (Vec::new(), Vec::new());
        if let Json::Object(members) = &mut json {
            for kind in kind.hanging() {
                let items = items(members, &pointer, *kind, self.notes);
                let read = items.into_iter().enumerate();
                hanging.extend(read.map(|(at, json)| self.hanging(*kind, &pointer, at, json)));
            }
            if kind == Kind::Proxy {
                self.names.resolve(members, &pointer, self.notes);
            }
            if let Some((_, auth)) = members.iter_mut().find(|it| it.0 == "auth") {
                let pointer = pointer_to(&pointer, "auth");
                plain = self.secrets.resolve(auth, &pointer, self.notes);
            }
        }
        let draft = self.draft(kind, &pointer, json);
        if let Some(Draft::Credential(it)) = &draft
            && let Some(secret) = it.credential.auth.secret_pointer()
        {
            let secret = format!("{pointer}{secret}");
            let inside = format!("{secret}/");
            let plain = plain.iter().filter(|it| **it == secret || it.starts_with(&inside));
            plain.for_each(|it| self.notes.error(it, secrets::PLAIN));
        }
        Item { pointer, kind, id: names::id(kind, index), draft, hanging }
    }

    fn hanging(&mut self, kind: Kind, parent: &str, index: usize, json: Json) -> Hanging {
        let pointer = format!("{parent}/{}/{index}", kind.segment());
        let draft = self.draft(kind, &pointer, json);
        Hanging { pointer, kind, draft }
    }

    fn draft(&mut self, kind: Kind, pointer: &str, json: Json) -> Option<Draft> {
        match Draft::read(kind, json, self.egress) {
            Ok(draft) => Some(draft),
            Err(flaws) => {
                for flaw in flaws {
                    let at = names::as_written(kind, &flaw.pointer);
                    self.notes.error(format!("{pointer}{at}"), flaw.detail);
                }
                None
            }
        }
    }
}

// The list of `kind` in `members`; none is an empty one.
fn items(
    members: &mut Vec<(String, Json)>,
    pointer: &str,
    kind: Kind,
    notes: &mut Notes,
) -> Vec<Json> {
    match take(members, kind.segment()) {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::List(items)) => items,
        Some(Json::Bool(_) | Json::Number(_) | Json::Text(_) | Json::Object(_)) => {
            notes.error(pointer_to(pointer, kind.segment()), "expected a list");
            Vec::new()
        }
    }
}

fn take(members: &mut Vec<(String, Json)>, name: &str) -> Option<Json> {
    let index = members.iter().position(|it| it.0 == name)?;
    Some(members.swap_remove(index).1)
}
