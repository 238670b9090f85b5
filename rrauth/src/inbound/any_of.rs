//! Several verifiers that may all claim one token.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rrcore::Now;

use crate::inbound::judge::holds;
use crate::inbound::proof::Proof;
use crate::inbound::verify::{ShownToken, TokenVerifier, Unproved, Verdict, VerdictFuture};

/// Asks each of its verifiers until one verifies: for issuers that several credentials trust, such as
/// one per audience.
///
/// One whose credential is switched off or has expired stands in nobody's way: the next are asked
/// first. Where none verifies, "nobody can tell" counts for more than "too old", and that for more
/// than "wrong". [`Verdict::NotMine`] where all say so.
///
/// Of many, only those are asked that verify tokens of the issuer which the token names.
pub struct AnyOf<T> {
    verifiers: Arc<[Asked<T>]>,
}

type Asked<T> = Arc<dyn TokenVerifier<T>>;

/// What has been said so far, as long as nobody was let in.
struct SoFar<T> {
    worst: Option<Unproved>,
    // What was proved, by a credential that lets nobody in.
    refused: Option<Proof<T>>,
}

impl<T> AnyOf<T> {
    /// Asks in this order.
    #[must_use]
    pub fn new(verifiers: impl IntoIterator<Item = Arc<dyn TokenVerifier<T>>>) -> Self {
        Self { verifiers: verifiers.into_iter().collect() }
    }

    // Who may know `token`. Each would read all of it to find that it does not.
    #[cfg(feature = "jwt")]
    fn candidates(&self, token: &str) -> impl Iterator<Item = &Asked<T>> {
        let is_many = self.verifiers.len() > FEW;
        let named = is_many.then(|| crate::jwt::policy::JwtPolicy::peek_issuer(token));
        let mut is_asked = false;
        self.verifiers.iter().filter(move |it| match (&named, it.issuer()) {
            (None, _) | (_, None) => true,
            (Some(Some(named)), Some(issuer)) => named == issuer,
            // All would say the same of it: one does.
            (Some(None), Some(_)) => !std::mem::replace(&mut is_asked, true),
        })
    }

    #[cfg(not(feature = "jwt"))]
    fn candidates(&self, _: &str) -> impl Iterator<Item = &Asked<T>> {
        self.verifiers.iter()
    }
}

impl<T: Send + Sync + 'static> TokenVerifier<T> for AnyOf<T> {
    fn verify(&self, token: &str, now: Now) -> Verdict<T> {
        self.verify_shown(ShownToken::new(token, &OnceLock::new()), now)
    }

    fn known(&self, token: ShownToken<'_>, now: Now) -> Verdict<T> {
        let mut so_far = SoFar::nothing();
        for verifier in self.candidates(token.expose()) {
            match verifier.known(token, now) {
                Verdict::NotMine => {}
                Verdict::Ready(said) => {
                    if let Some(proof) = so_far.hear(said, now) {
                        return Verdict::Ready(Ok(proof));
                    }
                }
                waits @ Verdict::Pending(_) => return waits,
            }
        }
        so_far.end()
    }

    fn verify_shown(&self, token: ShownToken<'_>, now: Now) -> Verdict<T> {
        let mut so_far = SoFar::nothing();
        let mut candidates = self.candidates(token.expose());
        while let Some(verifier) = candidates.next() {
            match verifier.verify_shown(token, now) {
                Verdict::NotMine => {}
                Verdict::Ready(said) => {
                    if let Some(proof) = so_far.hear(said, now) {
                        return Verdict::Ready(Ok(proof));
                    }
                }
                Verdict::Pending(wait) => {
                    let rest = candidates.cloned().collect();
                    return Verdict::Pending(so_far.wait(wait, rest, token, now));
                }
            }
        }
        so_far.end()
    }
}

impl<T> SoFar<T> {
    const fn nothing() -> Self {
        Self { worst: None, refused: None }
    }

    // The proof, if it lets somebody in.
    fn hear(&mut self, said: Result<Proof<T>, Unproved>, now: Now) -> Option<Proof<T>> {
        match said {
            Ok(proof) if holds(&proof, now.wall).is_ok() => return Some(proof),
            Ok(proof) => _ = self.refused.get_or_insert(proof),
            Err(why) => self.worst = Some(worse(self.worst.take(), why)),
        }
        None
    }

    fn end(self) -> Verdict<T> {
        match (self.worst, self.refused) {
            (Some(why @ Unproved::Unavailable(_)), _) | (Some(why), None) => {
                Verdict::Ready(Err(why))
            }
            (_, Some(proof)) => Verdict::Ready(Ok(proof)),
            (None, None) => Verdict::NotMine,
        }
    }
}

impl<T: Send + Sync + 'static> SoFar<T> {
    // Goes on with `rest` if `wait` comes to nothing.
    fn wait(
        mut self,
        wait: VerdictFuture<T>,
        rest: Vec<Asked<T>>,
        token: ShownToken<'_>,
        now: Now,
    ) -> VerdictFuture<T> {
        let text = zeroize::Zeroizing::new(token.expose().to_owned());
        let digest = token.taken().clone();
        Box::pin(async move {
            if let Some(proof) = self.hear(wait.await, now) {
                return Ok(proof);
            }
            for verifier in rest {
                let said = match verifier.verify_shown(ShownToken::new(&text, &digest), now) {
                    Verdict::NotMine => continue,
                    Verdict::Ready(said) => said,
                    Verdict::Pending(wait) => wait.await,
                };
                if let Some(proof) = self.hear(said, now) {
                    return Ok(proof);
                }
            }
            match self.end() {
                Verdict::Ready(said) => said,
                // Somebody has said something.
                Verdict::NotMine | Verdict::Pending(_) => {
                    Err(Unproved::Invalid("nobody knows the token".to_owned()))
                }
            }
        })
    }
}

// Of two reasons, the one that must not be mistaken for the other.
fn worse(one: Option<Unproved>, other: Unproved) -> Unproved {
    let rank = |it: &Unproved| match it {
        Unproved::Invalid(_) => 0,
        Unproved::Expired(_) => 1,
        Unproved::Unavailable(_) => 2,
    };
    match one {
        Some(one) if rank(&one) >= rank(&other) => one,
        Some(_) | None => other,
    }
}

// By hand: `T` need not be `Clone` or `Debug`.
impl<T> Clone for AnyOf<T> {
    fn clone(&self) -> Self {
        Self { verifiers: Arc::clone(&self.verifiers) }
    }
}

impl<T> fmt::Debug for AnyOf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyOf").field("len", &self.verifiers.len()).finish()
    }
}

/// Reading whom a token names costs as much as one verifier that it is not for.
#[cfg(feature = "jwt")]
const FEW: usize = 2;

#[cfg(test)]
mod tests {
    use std::future::ready;
    #[cfg(feature = "jwt")]
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use rrcore::ManualClock;

    use super::*;
    use crate::inbound::credential::{Credential, Kind};

    #[test]
    fn the_first_that_verifies_counts_and_else_the_worst() {
        check("", "not mine");
        check("nn", "not mine");
        check("nig", "2");
        check("gi", "0");
        check("ie", "expired");
        check("ei", "expired");
        check("uei", "unavailable");
        check("eu", "unavailable");
        check("I", "invalid");
        check("IG", "1");
        check("iIg", "2");
        check("UnI", "unavailable");
        check("InEg", "3");
        check("Gi", "0");
        check("og", "1");
        check("oG", "1");
        check("Og", "1");
        check("oi", "0");
        check("eo", "1");
        check("ou", "unavailable");
        check("oo", "0");
    }

    #[cfg(feature = "jwt")]
    #[test]
    fn of_many_those_are_asked_whose_issuer_the_token_names() {
        use base64::Engine;
        let token = |payload: &str| {
            let coded = |it: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(it);
            format!("{}.{}.{}", coded(r#"{"alg":"HS256"}"#), coded(payload), coded("signature"))
        };
        let ours = token(r#"{"iss":"i2","sub":"alice"}"#);
        check_asked(1, &ours, 2);
        check_asked(5, &ours, 2);
        check_asked(5, &token(r#"{"iss":"nobody"}"#), 1);
        check_asked(5, &token("{}"), 2);
        check_asked(5, "no token at all", 2);
    }

    // How many of so many verifiers, each of its own issuer, and one of none are asked.
    #[cfg(feature = "jwt")]
    #[track_caller]
    fn check_asked(issuers: usize, token: &str, expected: usize) {
        let asked = Arc::new(AtomicUsize::new(0));
        let verifier = |issuer: Option<usize>| -> Arc<dyn TokenVerifier<()>> {
            let issuer = issuer.map(|it| format!("i{it}"));
            Arc::new(Counts { issuer, asked: Arc::clone(&asked) })
        };
        let any = AnyOf::new((1..=issuers).map(Some).chain([None]).map(verifier));
        let now = ManualClock::starting_at(Duration::ZERO).clock().now();
        assert!(matches!(any.verify(token, now), Verdict::NotMine));
        assert_eq!(asked.load(Ordering::Relaxed), expected, "{token}");
    }

    #[cfg(feature = "jwt")]
    struct Counts {
        issuer: Option<String>,
        asked: Arc<AtomicUsize>,
    }

    #[cfg(feature = "jwt")]
    impl TokenVerifier<()> for Counts {
        fn verify(&self, _: &str, _: Now) -> Verdict<()> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            Verdict::NotMine
        }

        fn issuer(&self) -> Option<&str> {
            self.issuer.as_deref()
        }
    }

    // A letter is a verifier; a capital one has to wait.
    #[track_caller]
    fn check(verifiers: &str, expected: &str) {
        let any = AnyOf::new(verifiers.chars().enumerate().map(|(at, it)| {
            let verifier: Arc<dyn TokenVerifier<()>> = Arc::new(Says(at, it));
            verifier
        }));
        let now = ManualClock::starting_at(Duration::ZERO).clock().now();
        let said = match any.verify("t", now) {
            Verdict::NotMine => return assert_eq!(expected, "not mine", "{verifiers}"),
            Verdict::Ready(said) => said,
            Verdict::Pending(wait) => tokio_test::block_on(wait),
        };
        let said = match said {
            Ok(proof) => proof.credential.id.to_string(),
            Err(Unproved::Invalid(_)) => "invalid".to_owned(),
            Err(Unproved::Expired(_)) => "expired".to_owned(),
            Err(Unproved::Unavailable(_)) => "unavailable".to_owned(),
        };
        assert_eq!(said, expected, "{verifiers}");
    }

    struct Says(usize, char);

    impl TokenVerifier<()> for Says {
        fn verify(&self, _: &str, _: Now) -> Verdict<()> {
            let credential = Credential::new(self.0.to_string(), "s", Kind::Jwt, ());
            let said = match self.1.to_ascii_lowercase() {
                'n' => return Verdict::NotMine,
                'g' => Ok(Proof::of(credential)),
                'o' => Ok(Proof::of(credential.active(false))),
                'i' => Err(Unproved::Invalid(String::new())),
                'e' => Err(Unproved::Expired(String::new())),
                _ => Err(Unproved::Unavailable(String::new())),
            };
            if self.1.is_ascii_uppercase() {
                Verdict::Pending(Box::pin(ready(said)))
            } else {
                Verdict::Ready(said)
            }
        }
    }
}
