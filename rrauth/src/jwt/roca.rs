//! RSA keys that some chips made so badly that they can be factored (ROCA, CVE-2017-15361).

/// Whether a modulus, most significant byte first, has the mark of these chips: modulo each small
/// prime it is a power of 65,537. Of other keys, fewer than one in 100 million has it.
pub(super) fn is_weak(modulus: &[u8]) -> bool {
    PRIMES.into_iter().all(|prime| is_power(remainder(modulus, prime), prime))
}

fn remainder(number: &[u8], divisor: u32) -> u32 {
    number.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % divisor)
}

// Powers repeat before there are as many as the prime.
fn is_power(number: u32, prime: u32) -> bool {
    let powers = std::iter::successors(Some(1), |it| Some(it * 65_537 % prime));
    powers.take(prime as usize).any(|it| it == number)
}

const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_is_weak_and_its_neighbour_is_not() {
        // 65,537^3, and one more.
        assert!(is_weak(&281_487_861_809_153_u64.to_be_bytes()));
        assert!(!is_weak(&281_487_861_809_154_u64.to_be_bytes()));
        assert_eq!(remainder(&[1, 0, 0], 65_521), 15);
    }
}
