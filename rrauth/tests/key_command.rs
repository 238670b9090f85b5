//! The master key from a command: run without a shell, bounded, and nothing of it told.
#![cfg(test)] // tells clippy that this may panic
#![cfg(unix)]

use std::time::Duration;

use rrauth::MasterKey;

const DIGITS: &str = "5b0f9d2527db9191d327f5ad7f438949cbdf6d95376b2181431705fd4ff35959";
const BASE64: &str = "Ww+dJSfbkZHTJ/Wtf0OJScvfbZU3ayGBQxcF/U/zWVk=";

#[test]
fn what_a_command_prints_is_a_key_or_is_refused() {
    for good in [DIGITS.to_owned(), format!("{DIGITS}\n"), format!("{BASE64}\r\n")] {
        check(&["printf", "%s", &good], None);
    }
    check(&["sh", "-c", &format!("echo {DIGITS}; echo secret-5b0f >&2")], None);
    for bad in ["", "\n", &DIGITS[1..], &format!("{DIGITS}{DIGITS}"), &format!("{DIGITS}\n\n")] {
        check(&["printf", "%s", bad], Some("it does not print exactly 64 hexadecimal digits"));
    }
    check(&["printf", "%s", &"5b0f".repeat(16)], Some("its bytes repeat"));
    check(&["sh", "-c", &format!("echo {DIGITS}; exit 3")], Some("it failed (exit status: 3)"));
    check(&["sh", "-c", "kill -9 $$"], Some("it failed (signal: 9"));
    check(&["/no/such/program", DIGITS], Some("No such file or directory"));
    check(&[], Some("it is empty"));
}

#[test]
fn arguments_reach_the_program_as_they_are() {
    let digits = &DIGITS[..62];
    // A shell would make 59 of `$((60-1))`, and another word of what follows the blank.
    check(&["printf", "%s", &format!("{digits}$((60-1))")], Some("it does not print"));
    check(&["printf", &format!("{digits}%s"), "59"], None);
}

#[test]
fn a_command_that_does_not_end_is_killed() {
    let patience = Duration::from_millis(200);
    for script in ["exec sleep 1000", "exec >&-; exec sleep 1000", "while :; do echo; done"] {
        let argv = ["sh", "-c", script].map(str::to_owned);
        let error = MasterKey::from_command(&argv, patience).unwrap_err();
        assert!(error.is_unusable_key(), "{error}");
    }
    let argv = ["sleep", "1000"].map(str::to_owned);
    let error = MasterKey::from_command(&argv, patience).unwrap_err();
    assert_eq!(
        error.to_string(),
        "master key from the command sleep: it has not ended after 0.2 s"
    );
}

#[test]
fn a_command_that_prints_without_end_is_cut_off() {
    let argv = ["cat", "/dev/zero"].map(str::to_owned);
    let error = MasterKey::from_command(&argv, Duration::from_secs(60)).unwrap_err();
    assert!(error.to_string().contains("it failed (signal: 13"), "{error}");
}

#[track_caller]
fn check(argv: &[&str], expected: Option<&str>) {
    let argv: Vec<_> = argv.iter().map(|it| (*it).to_owned()).collect();
    let key = MasterKey::from_command(&argv, Duration::from_secs(60));
    let Some(problem) = expected else {
        assert_eq!(key.unwrap().id().to_string(), "9f21431332d89aa2");
        return;
    };
    let error = key.unwrap_err();
    let program = argv.first().map_or("", |it| it);
    let start = format!("master key from the command {program}: {problem}");
    assert!(error.to_string().starts_with(&start), "{error}");
    assert!(error.is_unusable_key() && !format!("{error} {error:?}").contains("5b0f"), "{error:?}");
}
