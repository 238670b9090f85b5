//! Where the vault's master key comes from, as settings say it: one of three keys.

use std::path::PathBuf;

use anyhow::ensure;

use crate::data_plane::KeySource;

/// What the three say, of which one source of settings may give one; `keys` names them.
pub fn source(
    keys: &str,
    file: Option<PathBuf>,
    variable: Option<String>,
    command: Option<Vec<String>>,
) -> anyhow::Result<Option<KeySource>> {
    let given = [
        file.map(KeySource::File),
        variable.map(KeySource::Variable),
        command.map(KeySource::Command),
    ];
    let mut given = given.into_iter().flatten();
    let source = given.next();
    ensure!(given.next().is_none(), "only one of {keys} can be given");
    let is_empty = match &source {
        Some(KeySource::File(path)) => path.as_os_str().is_empty(),
        Some(KeySource::Variable(name)) => name.is_empty(),
        Some(KeySource::Command(argv)) => argv.first().is_none_or(String::is_empty),
        None => false,
    };
    ensure!(!is_empty, "the one of {keys} that is given is empty");
    Ok(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_three_is_given_and_not_empty() {
        let (file, variable) = (|it: &str| Some(it.into()), |it: &str| Some(it.to_owned()));
        let command = |it: &[&str]| Some(it.iter().map(|it| (*it).to_owned()).collect());
        assert_eq!(source("k", None, None, None).unwrap(), None);
        let found = source("k", None, variable("KEY"), None).unwrap();
        assert_eq!(found, Some(KeySource::Variable("KEY".to_owned())));
        source("k", file("/k"), None, None).unwrap().unwrap();
        source("k", None, None, command(&["get", ""])).unwrap().unwrap();
        for wrong in [
            source("k", file("/k"), variable("KEY"), None),
            source("k", None, variable("KEY"), command(&["get"])),
            source("k", file(""), None, None),
            source("k", None, variable(""), None),
            source("k", None, None, command(&[])),
            source("k", None, None, command(&["", "x"])),
        ] {
            wrong.unwrap_err();
        }
    }
}
