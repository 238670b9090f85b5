//! Several verifiers that may all claim one token.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rrcore::Now;

use crate::inbound::verify::{ShownToken, TokenVerifier, Unproved, Verdict, VerdictFuture};

/// Asks each of its verifiers until one verifies: for issuers that several credentials trust, such as
/// one per audience.
///
/// Where none verifies, "nobody can tell" counts for more than "too old", and that for more than
/// "wrong". [`Verdict::NotMine`] where all say so.
pub struct AnyOf<T> {
    verifiers: Arc<[Arc<dyn TokenVerifier<T>>]>,
}

impl<T> AnyOf<T> {
    /// Asks in this order.
    #[must_use]
    pub fn new(verifiers: impl IntoIterator<Item = Arc<dyn TokenVerifier<T>>>) -> Self {
        Self { verifiers: verifiers.into_iter().collect() }
    }
}

impl<T: Send + Sync + 'static> TokenVerifier<T> for AnyOf<T> {
    fn verify(&self, token: &str, now: Now) -> Verdict<T> {
        self.verify_shown(ShownToken::new(token, &OnceLock::new()), now)
    }

    fn known(&self, token: ShownToken<'_>, now: Now) -> Verdict<T> {
        let mut worst = None;
        for verifier in &*self.verifiers {
            match verifier.known(token, now) {
                Verdict::NotMine => {}
                Verdict::Ready(Err(why)) => worst = Some(worse(worst, why)),
                said @ (Verdict::Ready(Ok(_)) | Verdict::Pending(_)) => return said,
            }
        }
        worst.map_or(Verdict::NotMine, |it| Verdict::Ready(Err(it)))
    }

    fn verify_shown(&self, token: ShownToken<'_>, now: Now) -> Verdict<T> {
        let mut worst = None;
        for (at, verifier) in self.verifiers.iter().enumerate() {
            match verifier.verify_shown(token, now) {
                Verdict::NotMine => {}
                Verdict::Ready(Ok(proof)) => return Verdict::Ready(Ok(proof)),
                Verdict::Ready(Err(why)) => worst = Some(worse(worst, why)),
                Verdict::Pending(wait) => {
                    let rest = self.verifiers.get(at + 1..).unwrap_or_default();
                    return Verdict::Pending(self.wait(wait, worst, rest.len(), token, now));
                }
            }
        }
        worst.map_or(Verdict::NotMine, |it| Verdict::Ready(Err(it)))
    }
}

impl<T: Send + Sync + 'static> AnyOf<T> {
    // Goes on with the last `left` verifiers if `wait` comes to nothing.
    fn wait(
        &self,
        wait: VerdictFuture<T>,
        mut worst: Option<Unproved>,
        left: usize,
        token: ShownToken<'_>,
        now: Now,
    ) -> VerdictFuture<T> {
        let verifiers = Arc::clone(&self.verifiers);
        let text = zeroize::Zeroizing::new(token.expose().to_owned());
        let digest = token.taken().clone();
        Box::pin(async move {
            let why = match wait.await {
                Ok(proof) => return Ok(proof),
                Err(why) => why,
            };
            let mut last = worse(worst.take(), why);
            let from = verifiers.len().saturating_sub(left);
            for verifier in verifiers.iter().skip(from) {
                let said = match verifier.verify_shown(ShownToken::new(&text, &digest), now) {
                    Verdict::NotMine => continue,
                    Verdict::Ready(said) => said,
                    Verdict::Pending(wait) => wait.await,
                };
                match said {
                    Ok(proof) => return Ok(proof),
                    Err(why) => last = worse(Some(last), why),
                }
            }
            Err(last)
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

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::time::Duration;

    use rrcore::ManualClock;

    use super::*;
    use crate::inbound::credential::{Credential, Kind};
    use crate::inbound::proof::Proof;

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
            let said = match self.1.to_ascii_lowercase() {
                'n' => return Verdict::NotMine,
                'g' => Ok(Proof::of(Credential::new(self.0.to_string(), "s", Kind::Jwt, ()))),
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
