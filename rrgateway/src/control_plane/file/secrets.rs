//! Secrets, which a file only names: `{"env": "NAME"}` or `{"file": "PATH"}`.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::control_plane::file::report::Notes;
use crate::control_plane::wire::fields::pointer_to;
use crate::control_plane::wire::json::Json;

/// Finds secrets where a file says they are.
#[derive(Debug)]
pub(crate) struct Secrets {
    /// What paths are relative to.
    directory: PathBuf,
    missing: usize,
}

/// A text in `auth` that the file itself has: no secret may be.
pub(crate) type Plain = Vec<String>;

enum Found {
    Secret(Zeroizing<String>),
    Missing(String),
    Wrong(String),
}

impl Secrets {
    /// Relative paths start at `directory`.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), missing: 0 }
    }

    /// Puts the secrets that `auth`, at `pointer`, names in their places; returns where texts are
    /// that it does not name. One that is not there is a warning: it may be where the file is
    /// applied.
    pub(crate) fn resolve(&mut self, auth: &mut Json, pointer: &str, notes: &mut Notes) -> Plain {
        let mut plain = Plain::new();
        self.visit(auth, pointer, notes, &mut plain);
        plain
    }

    fn visit(&mut self, json: &mut Json, pointer: &str, notes: &mut Notes, plain: &mut Plain) {
        if let Some((source, name)) = reference(json) {
            let found = if source == ENV { environment(name) } else { self.read(name) };
            let secret = match found {
                Found::Secret(secret) => secret,
                Found::Missing(why) => {
                    notes.warning(pointer, why);
                    self.stand_in()
                }
                Found::Wrong(why) => {
                    notes.error(pointer, why);
                    self.stand_in()
                }
            };
            *json = Json::Text(secret);
            return;
        }
        match json {
            Json::Text(_) => plain.push(pointer.to_owned()),
            Json::Object(members) => {
                for (name, it) in members {
                    self.visit(it, &pointer_to(pointer, name), notes, plain);
                }
            }
            Json::List(items) => {
                for (index, it) in items.iter_mut().enumerate() {
                    self.visit(it, &format!("{pointer}/{index}"), notes, plain);
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }

    fn read(&self, path: &str) -> Found {
        let mut text = Zeroizing::new(String::new());
        let read = File::open(self.directory.join(path))
            .and_then(|it| it.take(MOST_BYTES).read_to_string(&mut text));
        match read {
            Ok(_) if text.len() as u64 == MOST_BYTES => {
                Found::Wrong("this file is too large for a secret".to_owned())
            }
            // Editors end a file with a line break; no secret does.
            Ok(_) => Found::Secret(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())),
            Err(error) => match error.kind() {
                std::io::ErrorKind::InvalidData => Found::Wrong("this file is no text".to_owned()),
                kind => Found::Missing(format!("this file cannot be read here: {kind}")),
            },
        }
    }

    // A secret that any reader takes, and that no other credential has.
    fn stand_in(&mut self) -> Zeroizing<String> {
        self.missing += 1;
        Zeroizing::new(format!("not-available-here-{:08}", self.missing))
    }
}

/// What is wrong where a secret stands in the file itself.
pub(crate) const PLAIN: &str =
    "a file has no secrets in it: write {\"env\": \"NAME\"} or {\"file\": \"PATH\"}";

fn reference(json: &Json) -> Option<(&'static str, &str)> {
    let Json::Object(members) = json else { return None };
    let [(source, Json::Text(name))] = members.as_slice() else { return None };
    let source = [ENV, FILE].into_iter().find(|it| it == source)?;
    Some((source, name))
}

fn environment(name: &str) -> Found {
    match std::env::var(name) {
        Ok(secret) => Found::Secret(Zeroizing::new(secret)),
        Err(std::env::VarError::NotPresent) => {
            Found::Missing("this environment variable is not set here".to_owned())
        }
        Err(std::env::VarError::NotUnicode(_)) => {
            Found::Wrong("this environment variable is no text".to_owned())
        }
    }
}

const ENV: &str = "env";
const FILE: &str = "file";
const MOST_BYTES: u64 = 64 << 10;
