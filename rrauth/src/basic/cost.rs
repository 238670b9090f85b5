//! What one guess at a password costs.

use argon2::Params;

use crate::basic::error::PasswordHashError;

/// The parameters of Argon2id (RFC 9106 §3.1): memory, passes over it, and lanes.
///
/// The default is OWASP's: 19 MiB, two passes, one lane; about 16 ms on a core of 2024.
///
/// ```
/// use rrauth::PasswordCost;
///
/// // The second recommendation of RFC 9106 §4.
/// let cost = PasswordCost::new(64 * 1024, 3, 4).unwrap();
/// assert!(cost > PasswordCost::default());
/// // More than a stored hash may ask for.
/// assert!(PasswordCost::new(2 * 1024 * 1024, 1, 4).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PasswordCost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl PasswordCost {
    /// `memory_kib` KiB, gone over `passes` times, in `lanes` lanes (which are computed one after
    /// the other here).
    ///
    /// # Errors
    /// [`PasswordHashError::Cost`] for less than 8 KiB a lane, and for more than 256 MiB, 1 GiB
    /// times passes, or 16 lanes: whoever can write a hash into a store must not be able to use
    /// up the memory or the time of whoever reads it.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, PasswordHashError> {
        let work = u64::from(memory_kib) * u64::from(passes);
        let is_small = memory_kib <= MAX_MEMORY_KIB && work <= MAX_WORK_KIB && lanes <= MAX_LANES;
        let cost = Self { memory_kib, passes, lanes };
        // The lower bounds are the algorithm's own.
        match cost.params(None) {
            Ok(_) if is_small => Ok(cost),
            Ok(_) | Err(_) => Err(PasswordHashError::Cost),
        }
    }

    /// The parameters for a hash of `output` bytes.
    pub(crate) fn params(self, output: Option<usize>) -> Result<Params, argon2::Error> {
        Params::new(self.memory_kib, self.passes, self.lanes, output)
    }
}

impl Default for PasswordCost {
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 }
    }
}

const MAX_MEMORY_KIB: u32 = 256 * 1024;
const MAX_WORK_KIB: u64 = 1024 * 1024;
const MAX_LANES: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_bounded_from_both_sides() {
        check(19 * 1024, 2, 1, true);
        check(8, 1, 1, true);
        check(7, 1, 1, false);
        check(31, 1, 4, false);
        check(32, 1, 4, true);
        check(8, 0, 1, false);
        check(8, 1, 0, false);
        check(256 * 1024, 4, 16, true);
        check(256 * 1024 + 1, 1, 1, false);
        check(256 * 1024, 5, 1, false);
        check(256 * 1024, 1, 17, false);
        check(8, 131_072, 1, true);
        check(8, 131_073, 1, false);
        check(u32::MAX, u32::MAX, u32::MAX, false);
    }

    #[track_caller]
    fn check(memory_kib: u32, passes: u32, lanes: u32, is_allowed: bool) {
        assert_eq!(PasswordCost::new(memory_kib, passes, lanes).is_ok(), is_allowed);
    }
}
