//! Whatever a key server answers: no more than it may hold is taken, and nothing is believed but what
//! one of its keys has signed.

use std::sync::LazyLock;
use std::time::Duration;

use rrauth::{JwkSet, JwtAlgorithm, JwtPolicy};

/// # Panics
/// When a set holds what it must not, an error is not one line, or a token is believed that no key in
/// the document has signed.
pub fn check(data: &[u8]) {
    let (public, inline) = (JwkSet::parse_public(data), JwkSet::parse_inline(data));
    for parsed in [&public, &inline] {
        match parsed {
            Ok(keys) => check_set(keys, data),
            Err(error) => assert_is_one_line(&error.to_string()),
        }
    }
    let symmetric =
        |keys: &JwkSet| JwtAlgorithm::ALL.iter().any(|it| it.is_symmetric() && keys.fits(*it));
    match (public, inline) {
        (Ok(public), Ok(inline)) => {
            // Had there been a symmetric key beside these, the operator's set would be refused.
            assert!(!symmetric(&public) && !symmetric(&inline));
            assert_eq!((public.len(), public.skipped()), (inline.len(), inline.skipped()));
        }
        (Ok(public), Err(_)) => assert!(!symmetric(&public)),
        (Err(_), Ok(inline)) => assert!(symmetric(&inline)),
        (Err(_), Err(_)) => {}
    }
}

fn check_set(keys: &JwkSet, data: &[u8]) {
    assert!(keys.len() >= 1 && keys.len() + keys.skipped().len() <= 32);
    keys.skipped().iter().for_each(|it| assert_is_one_line(it));
    let is_escaped = data.contains(&b'\\');
    for (token, of_key) in TOKENS {
        let judged = POLICY.iter().any(|it| it.verify(token, keys, NOW).is_ok());
        let holds = data.windows(of_key.len()).any(|it| it == of_key.as_bytes());
        assert!(!judged || holds || is_escaped, "{token}: {}", data.escape_ascii());
    }
}

#[track_caller]
fn assert_is_one_line(text: &str) {
    assert!(
        !text.is_empty() && text.len() < 400 && !text.chars().any(char::is_control),
        "{text:?}"
    );
}

// RFC 7515 §A.1 and §A.3: a token each, and of what its key is made.
const TOKENS: [(&str, &str); 2] = [
    (
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
         eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
         dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    ),
    (
        "eyJhbGciOiJFUzI1NiJ9.\
         eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
         DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    ),
];

static POLICY: LazyLock<[JwtPolicy; 2]> = LazyLock::new(|| {
    [JwtAlgorithm::Hs256, JwtAlgorithm::Es256]
        .map(|it| JwtPolicy::builder("joe").algorithms([it]).build().expect("it can be meant"))
});

// Just before they expire.
const NOW: Duration = Duration::from_secs(1_300_819_379);
