//! The master key's file: made private and whole, refused when it is not.
#![cfg(test)] // tells clippy that this may panic
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Barrier;

use rrauth::{Binding, MasterKey, Vault};
use tempfile::TempDir;

const DIGITS: &str = "5b0f9d2527db9191d327f5ad7f438949cbdf6d95376b2181431705fd4ff35959";

#[test]
fn a_new_key_is_private_whole_and_the_only_file() {
    let (folder, path) = folder();
    let made = fingerprint(MasterKey::load_or_create(&path).unwrap());

    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!((text.len(), text.ends_with('\n')), (65, true));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);

    assert_eq!(fingerprint(MasterKey::load_or_create(&path).unwrap()), made);
    assert_eq!(fingerprint(MasterKey::load(&path).unwrap()), made);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn two_new_keys_differ() {
    let ((_one, first), (_two, second)) = (folder(), folder());
    let first = fingerprint(MasterKey::load_or_create(&first).unwrap());
    assert_ne!(first, fingerprint(MasterKey::load_or_create(&second).unwrap()));
}

#[test]
fn loading_never_makes_a_key() {
    let (folder, path) = folder();
    assert!(MasterKey::load(&path).unwrap_err().is_unusable_key());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn of_many_that_start_at_once_all_get_the_same_key() {
    for _ in 0..20 {
        let (folder, path) = folder();
        let barrier = Barrier::new(8);
        let keys: Vec<_> = std::thread::scope(|scope| {
            let start = || {
                barrier.wait();
                fingerprint(MasterKey::load_or_create(&path).unwrap())
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|it| *it == keys[0]), "{keys:?}");
        MasterKey::load(&path).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }
}

#[test]
fn only_64_digits_on_one_line_are_a_key() {
    check_content(DIGITS, true);
    check_content(&format!("{DIGITS}\n"), true);
    check_content(&format!("{DIGITS}\r\n"), true);
    check_content(&DIGITS.to_uppercase(), true);
    check_content("", false);
    check_content("\n", false);
    check_content("Ww+dJSfbkZHTJ/Wtf0OJScvfbZU3ayGBQxcF/U/zWVk=", false);
    check_content(&DIGITS[..62], false);
    check_content(&DIGITS[..63], false);
    check_content(&format!("{DIGITS}00"), false);
    check_content(&format!("{DIGITS}\n\n"), false);
    check_content(&format!(" {DIGITS}"), false);
    check_content(&format!("{}\n{}", &DIGITS[..32], &DIGITS[32..]), false);
    check_content(&format!("{DIGITS}\n{DIGITS}\n"), false);
    check_content(&format!("{}zz", &DIGITS[..62]), false);
    check_content(&DIGITS.repeat(1_000), false);
}

#[test]
fn a_weak_key_is_refused_with_its_reason_and_its_place() {
    let text: String =
        b"correct horse battery staple, 32".iter().map(|it| format!("{it:02x}")).collect();
    let counting: String = (0..32).map(|it| format!("{it:02x}")).collect();
    for (content, problem) in [
        ("0".repeat(64), "all bytes are zero: it was never set"),
        ("f".repeat(64), "its bytes repeat"),
        ("00112233445566778899aabbccddeeff".repeat(2), "its bytes repeat"),
        ("deadbeef".repeat(8), "its bytes repeat"),
        (counting, "its bytes count up or down"),
        (text, "its bytes spell text"),
    ] {
        let (_folder, path) = folder();
        write(&path, &content, 0o600);
        for refused in [MasterKey::load(&path), MasterKey::load_or_create(&path)] {
            let error = refused.unwrap_err();
            let (said, start) = (error.to_string(), format!("master key {}: ", path.display()));
            assert!(said.starts_with(&(start + problem)), "{said}");
            assert!(error.is_unusable_key() && !said.contains(&content[..8]), "{said}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn a_key_that_others_can_reach_is_refused() {
    for mode in [0o600, 0o400] {
        check_mode(mode, true);
    }
    for mode in [0o644, 0o640, 0o660, 0o604, 0o602, 0o610, 0o601, 0o666, 0o777] {
        check_mode(mode, false);
    }
}

#[test]
fn what_is_not_a_plain_file_is_refused_and_left_alone() {
    let (folder, path) = folder();
    let elsewhere = folder.path().join("elsewhere");
    symlink(&elsewhere, &path).unwrap();
    assert_refused(&path);
    assert!(!elsewhere.exists(), "a dangling symlink was followed");

    write(&elsewhere, DIGITS, 0o600);
    assert_refused(&path);

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_refused(&path);
}

#[test]
fn what_a_crash_left_behind_is_swept_and_nothing_else_is() {
    let (folder, path) = folder();
    let left = folder.path().join(".master.key.0123456789abcdef.tmp");
    let others = [
        ".master.key.tmp",
        ".master.key.backup.tmp",
        "master.key.old",
        ".other.0123456789abcdef.tmp",
    ];
    write(&left, DIGITS, 0o600);
    for other in others {
        write(&folder.path().join(other), DIGITS, 0o600);
    }
    MasterKey::load_or_create(&path).unwrap();
    assert!(!left.exists());
    assert!(others.iter().all(|it| folder.path().join(it).exists()));
}

#[test]
fn a_folder_that_is_missing_is_an_error_that_names_the_file() {
    let (_folder, path) = folder();
    let path = path.join("missing/master.key");
    let error = MasterKey::load_or_create(&path).unwrap_err();
    assert!(error.is_unusable_key() && error.to_string().contains("missing/master.key"), "{error}");
}

#[track_caller]
fn check_content(content: &str, good: bool) {
    let (_folder, path) = folder();
    write(&path, content, 0o600);
    if good {
        assert!(MasterKey::load_or_create(&path).is_ok(), "{content:?}");
    } else {
        assert_refused(&path);
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[track_caller]
fn check_mode(mode: u32, good: bool) {
    let (_folder, path) = folder();
    write(&path, DIGITS, mode);
    assert_eq!(MasterKey::load_or_create(&path).is_ok(), good, "{mode:o}");
}

#[track_caller]
fn assert_refused(path: &Path) {
    for error in [MasterKey::load(path), MasterKey::load_or_create(path)].map(Result::unwrap_err) {
        assert!(error.is_unusable_key());
        assert!(!format!("{error} {error:?}").contains("5b0f9d25"), "{error}");
    }
}

fn write(path: &Path, content: &str, mode: u32) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("master.key");
    (folder, path)
}

fn fingerprint(key: MasterKey) -> String {
    let binding = Binding { client: "c", credential: "c", version: 1, purpose: "p" };
    Vault::new(key).fingerprint(&binding, b"s")
}
