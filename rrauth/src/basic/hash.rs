//! What is kept of a caller's password.

use std::fmt;

use argon2::password_hash::phc;
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, Version};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::basic::cost::PasswordCost;
use crate::basic::error::{MAX_PASSWORD, PasswordHashError};
use crate::random;

/// The Argon2id hash of a password (RFC 9106), with its salt and its cost: all that a store needs
/// to keep of it.
///
/// Compared in constant time. `Debug` shows the cost alone; what a store keeps, the PHC string, is
/// [`to_phc`](Self::to_phc).
///
/// ```
/// use rrauth::PasswordHash;
///
/// let hash = PasswordHash::of("correct horse battery staple")?;
/// let stored = hash.to_phc();
/// assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
///
/// let hash = PasswordHash::parse(&stored)?;
/// assert!(hash.verify("correct horse battery staple"));
/// assert!(!hash.verify("Tr0ub4dor&3"));
/// # Ok::<_, rrauth::PasswordHashError>(())
/// ```
///
/// # Caveats
///
/// Making a hash and verifying one take milliseconds and the memory that the cost says, on the
/// thread that calls: never do it on one that serves requests. [`Accounts`](crate::Accounts) does
/// it elsewhere. The memory that Argon2 works in is freed, not wiped: it does not show the
/// password, but would save somebody who reads it the work of a guess.
#[derive(Clone)]
pub struct PasswordHash {
    cost: PasswordCost,
    salt: phc::Salt,
    output: phc::Output,
}

impl PasswordHash {
    /// Hashes `password` with a new random salt, at the default [`PasswordCost`].
    ///
    /// # Errors
    /// [`PasswordHashError::Password`] if no caller could show it: empty, longer than 1,024 bytes,
    /// or with control characters (RFC 7617 §2); and for want of memory or random bytes.
    pub fn of(password: &str) -> Result<Self, PasswordHashError> {
        Self::with_cost(password, PasswordCost::default())
    }

    /// Hashes `password` with a new random salt, at this cost.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn with_cost(password: &str, cost: PasswordCost) -> Result<Self, PasswordHashError> {
        if !is_password(password) {
            return Err(PasswordHashError::Password);
        }
        let mut salt = [0; phc::Salt::RECOMMENDED_LENGTH];
        random::fill(&mut salt)?;
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        compute(cost, password, &salt, &mut output)?;
        let salt = phc::Salt::new(&salt).map_err(|_| PasswordHashError::Form)?;
        let output = phc::Output::new(&output).map_err(|_| PasswordHashError::Form)?;
        Ok(Self { cost, salt, output })
    }

    /// Reads what [`to_phc`](Self::to_phc) wrote, or any other canonical PHC string of Argon2id
    /// (`$argon2id$v=19$m=…,t=…,p=…$salt$hash`) with a salt of 8 to 48 bytes and a hash of 16 to 64.
    ///
    /// # Errors
    /// [`PasswordHashError::Form`] for anything else, [`PasswordHashError::Cost`] for what would
    /// take too much memory or time.
    pub fn parse(stored: &str) -> Result<Self, PasswordHashError> {
        if stored.len() > MAX_STORED {
            return Err(PasswordHashError::Form);
        }
        let read = phc::PasswordHash::new(stored).map_err(|_| PasswordHashError::Form)?;
        let params = Params::try_from(&read).map_err(|_| PasswordHashError::Form)?;
        let (Some(salt), Some(output)) = (read.salt, read.hash) else {
            return Err(PasswordHashError::Form);
        };
        let cost = PasswordCost::new(params.m_cost(), params.t_cost(), params.p_cost())?;
        let hash = Self { cost, salt, output };
        // Written back the same, it has no other version or algorithm, no parameter that is
        // missing, repeated or unknown, and no second spelling that would make it look changed.
        let is_canonical = hash.to_phc() == stored && output.len() >= MIN_OUTPUT;
        if is_canonical { Ok(hash) } else { Err(PasswordHashError::Form) }
    }

    /// The PHC string, for a store to keep.
    #[must_use]
    pub fn to_phc(&self) -> String {
        let written = phc::PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: self
                .cost
                .params(None)
                .ok()
                .and_then(|it| phc::ParamsString::try_from(&it).ok())
                .unwrap_or_default(),
            salt: Some(self.salt),
            hash: Some(self.output),
        };
        written.to_string()
    }

    /// What it costs to verify.
    #[must_use]
    pub const fn cost(&self) -> PasswordCost {
        self.cost
    }

    /// Whether this is the hash of `password`; `false` also where there is no memory to find out.
    #[must_use]
    pub fn verify(&self, password: &str) -> bool {
        is_password(password) && self.try_verify(password).unwrap_or(false)
    }

    /// Whether this is the hash of `password`, or that there is no memory to find out.
    pub(crate) fn try_verify(&self, password: &str) -> Result<bool, PasswordHashError> {
        let mut output = [0; phc::Output::MAX_LENGTH];
        let expected = self.output.as_bytes();
        let output = output.get_mut(..expected.len()).ok_or(PasswordHashError::Form)?;
        compute(self.cost, password, &self.salt, output)?;
        Ok((*output).ct_eq(expected).into())
    }

    /// What must be equal for two hashes to take equally long.
    pub(crate) fn shape(&self) -> Shape {
        Shape { cost: self.cost, salt: self.salt.len(), output: self.output.len() }
    }

    /// Tells hashes apart, without being one.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(self.to_phc()).into()
    }
}

/// All that the time for a hash depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shape {
    cost: PasswordCost,
    salt: usize,
    output: usize,
}

impl Shape {
    /// A hash of this shape that is nobody's. Whoever found a password for it would have found
    /// one for a hash of zeros, and still nobody's.
    pub(crate) fn dummy(self) -> Result<PasswordHash, PasswordHashError> {
        let zeros = [0; phc::Output::MAX_LENGTH];
        let form = PasswordHashError::Form;
        let salt = phc::Salt::new(zeros.get(..self.salt).ok_or(form)?).map_err(|_| form)?;
        let output = phc::Output::new(zeros.get(..self.output).ok_or(form)?).map_err(|_| form)?;
        Ok(PasswordHash { cost: self.cost, salt, output })
    }
}

/// Whether a caller can show this as a password.
pub(crate) fn is_password(text: &str) -> bool {
    (1..=MAX_PASSWORD).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn compute(
    cost: PasswordCost,
    password: &str,
    salt: &[u8],
    output: &mut [u8],
) -> Result<(), PasswordHashError> {
    let params = cost.params(Some(output.len())).map_err(|_| PasswordHashError::Cost)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    // The lengths of password, salt and output are right: memory is all that can be missing.
    argon2
        .hash_password_into(password.as_bytes(), salt, output)
        .map_err(|_| PasswordHashError::OutOfMemory)
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHash").field("cost", &self.cost).finish_non_exhaustive()
    }
}

const MIN_OUTPUT: usize = 16;
// A salt of 48 bytes and a hash of 64, with room for the numbers.
const MAX_STORED: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_password_that_was_hashed_verifies() {
        let hash = PasswordHash::with_cost("pässword", cheap()).unwrap();
        assert!(hash.verify("pässword"));
        for wrong in ["passwörd", "pässwor", "pässword ", "Pässword", "", "pa\u{308}ssword"] {
            assert!(!hash.verify(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn two_hashes_of_one_password_share_nothing() {
        let (one, other) = (cheap_hash(), cheap_hash());
        assert_ne!(one.to_phc(), other.to_phc());
        assert_ne!(one.fingerprint(), other.fingerprint());
    }

    // Made by the reference implementation: argon2 20190702 (`echo -n password | argon2 somesalt
    // -id -t 2 -m 16 -p 1 -l 32 -e`), as its own test suite has it.
    #[test]
    fn it_is_the_argon2id_of_others() {
        let stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ\
                      $CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(PasswordHash::parse(stored).unwrap().verify("password"));
    }

    #[test]
    fn only_canonical_argon2id_of_bounded_cost_is_read() {
        use PasswordHashError::{Cost, Form};
        let end = "$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        check_parsed(&format!("$argon2id$v=19$m=8,t=1,p=1{end}"), Ok(()));
        check_parsed(&format!("$argon2id$v=19$m=4294967295,t=1,p=1{end}"), Err(Cost));
        check_parsed(&format!("$argon2id$v=19$m=8,t=4294967295,p=1{end}"), Err(Cost));
        check_parsed(&format!("$argon2id$v=19$m=999999,t=1,p=16777215{end}"), Err(Form));
        check_parsed(&format!("$argon2id$v=19$m=262144,t=9,p=1{end}"), Err(Cost));
        check_parsed(&format!("$argon2i$v=19$m=8,t=1,p=1{end}"), Err(Form));
        check_parsed(&format!("$argon2d$v=19$m=8,t=1,p=1{end}"), Err(Form));
        check_parsed(&format!("$argon2id$v=16$m=8,t=1,p=1{end}"), Err(Form));
        check_parsed(&format!("$argon2id$m=8,t=1,p=1{end}"), Err(Form));
        check_parsed(&format!("$argon2id$v=19{end}"), Err(Form));
        check_parsed(&format!("$argon2id$v=19$m=8,p=1{end}"), Err(Form));
        check_parsed(&format!("$argon2id$v=19$t=1,m=8,p=1{end}"), Err(Form));
        check_parsed(&format!("$argon2id$v=19$m=08,t=1,p=1{end}"), Err(Form));
        check_parsed(&format!("$argon2id$v=19$m=8,m=8,t=1,p=1{end}"), Err(Form));
        check_parsed(&format!("$argon2id$v=19$m=8,t=1,p=1,data=c29tZQ{end}"), Err(Form));
        check_parsed(&format!("$argon2id$v=19$m=8,t=1,p=1{end}$"), Err(Form));
        check_parsed(&format!(" $argon2id$v=19$m=8,t=1,p=1{end}"), Err(Form));
        check_parsed("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ", Err(Form));
        check_parsed("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$", Err(Form));
        check_parsed("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFQ", Err(Form));
        check_parsed("$argon2id$v=19$m=8,t=1,p=1$$CTFhFdXPJO1aFaMaO6Mm5c8y", Err(Form));
        check_parsed("$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW", Err(Form));
        check_parsed(&"$argon2id".repeat(99), Err(Form));
        check_parsed("", Err(Form));
    }

    #[test]
    fn a_password_that_nobody_could_show_is_refused() {
        check_password("p", Ok(()));
        check_password(&"p".repeat(1024), Ok(()));
        for bad in ["", &"p".repeat(1025), "a\tb", "a\nb", "a\0b", "\u{7f}", "\u{85}"] {
            check_password(bad, Err(PasswordHashError::Password));
        }
    }

    #[test]
    fn debug_shows_neither_hash_nor_salt() {
        let hash = cheap_hash();
        let shown = format!("{hash:?}");
        for part in hash.to_phc().split('$').skip(4) {
            assert!(!shown.contains(part), "{shown}");
        }
    }

    #[test]
    fn a_dummy_looks_like_the_real_one_and_is_nobodys() {
        let hash = cheap_hash();
        let dummy = hash.shape().dummy().unwrap();
        assert_eq!(dummy.shape(), hash.shape());
        assert!(!dummy.verify("password"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_written_is_read_back(password in "\\PC{1,40}", wrong in "\\PC{1,40}") {
            let hash = PasswordHash::with_cost(&password, cheap()).unwrap();
            let read = PasswordHash::parse(&hash.to_phc()).unwrap();
            prop_assert_eq!(read.to_phc(), hash.to_phc());
            prop_assert!(read.verify(&password));
            prop_assert_eq!(read.verify(&wrong), wrong == password);
        }

        #[test]
        fn no_text_breaks_the_reader(
            text in "(\\$argon2id)?(\\$v=[0-9]{1,3})?\\$[mtp=,0-9]{0,30}\\$[A-Za-z0-9+/.-]{0,90}\\PC{0,90}"
        ) {
            if let Ok(hash) = PasswordHash::parse(&text) {
                prop_assert_eq!(hash.to_phc(), text);
            }
        }
    }

    #[track_caller]
    fn check_parsed(stored: &str, expected: Result<(), PasswordHashError>) {
        assert_eq!(PasswordHash::parse(stored).map(drop), expected, "{stored}");
    }

    #[track_caller]
    fn check_password(password: &str, expected: Result<(), PasswordHashError>) {
        let hash = PasswordHash::with_cost(password, cheap());
        assert_eq!(
            hash.as_ref().map(|it| assert!(it.verify(password))).map_err(|it| *it),
            expected
        );
    }

    fn cheap_hash() -> PasswordHash {
        PasswordHash::with_cost("password", cheap()).unwrap()
    }

    fn cheap() -> PasswordCost {
        PasswordCost::new(8, 1, 1).unwrap()
    }
}
