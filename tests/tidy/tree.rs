//! The files of the workspace, and what their manifests say.

use std::path::Path;
use std::{fs, io};

/// A text file.
#[derive(Debug)]
pub struct File {
    /// From the root of the workspace, with `/`.
    pub path: String,
    pub text: String,
}

/// What is written by a build or a run.
const NOT_OURS: [&str; 2] = ["target", "rr-data"];

/// All files that end in one of `endings`, in the order of their paths.
pub fn files(endings: &[&str]) -> Vec<File> {
    let mut found = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    collect(root, "", endings, &mut found).expect("the tree can be read");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no {endings:?}: moved?");
    found
}

fn collect(folder: &Path, prefix: &str, endings: &[&str], found: &mut Vec<File>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Of the entry itself: a symbolic link is neither a folder nor a file.
        let kind = entry.file_type()?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let is_ours = (!name.starts_with('.') || name == ".ci") && !NOT_OURS.contains(&&*name);
        if is_ours && kind.is_dir() {
            collect(&entry.path(), &format!("{path}/"), endings, found)?;
        } else if is_ours && kind.is_file() && endings.iter().any(|it| path.ends_with(it)) {
            found.push(File { path, text: fs::read_to_string(entry.path())? });
        }
    }
    Ok(())
}

/// The packages that a manifest's normal dependencies name, by whatever name the crate uses them.
pub fn dependencies(manifest: &str) -> Vec<&str> {
    let (mut found, mut is_list, mut is_one) = (Vec::new(), false, false);
    for line in manifest.lines().map(str::trim).filter(|it| !it.starts_with('#')) {
        if let Some(section) = line.strip_prefix('[').and_then(|it| it.split(']').next()) {
            // `[target.'cfg(unix)'.dependencies]` too; not `dev-`, `build-` or `workspace.`.
            let own = section.find("dependencies").filter(|at| match &section[..*at] {
                "" => true,
                before => before.starts_with("target.") && before.ends_with('.'),
            });
            let rest = own.map(|at| &section[at + "dependencies".len()..]);
            is_list = rest == Some("");
            let one = rest.and_then(|it| it.strip_prefix('.'));
            is_one = one.is_some();
            found.extend(one);
        } else if let Some((key, value)) = line.split_once('=') {
            let key = key.split('.').next().unwrap_or(key).trim().trim_matches('"');
            let package = value.split_once("package").map(|it| it.1);
            let renamed = if is_one && key == "package" { Some(value) } else { package };
            found.extend(is_list.then_some(key));
            let is_read = is_list || is_one;
            found.extend(renamed.filter(|_| is_read).and_then(|it| it.split('"').nth(1)));
        }
    }
    found
}

#[track_caller]
fn check(manifest: &str, expected: &[&str]) {
    assert_eq!(dependencies(manifest), expected, "{manifest}");
}

#[test]
fn only_normal_dependencies_count() {
    check(
        "[dependencies]\na.workspace = true\n# b = \"1\"\nc = \"1\"\n\n[lints]\nd = true",
        &["a", "c"],
    );
    check("[dev-dependencies]\na = \"1\"\n[dependencies.b]\nversion = \"1\"", &["b"]);
    check("[workspace.dependencies]\na = \"1\"\n[build-dependencies]\nb = \"1\"", &[]);
    check("[target.'cfg(unix)'.dependencies]\na = { version = \"1\" }", &["a"]);
    check("[target.'cfg(unix)'.dev-dependencies]\na = { version = \"1\" }", &[]);
}

#[test]
fn a_renamed_dependency_is_known_by_both_names() {
    check("[dependencies]\na = { package = \"b\", version = \"1\" }", &["a", "b"]);
    check("[dependencies.a]\npackage = \"b\"", &["a", "b"]);
}
