//! HMAC-SHA-256 (RFC 2104) with a key that is taken in once.

use hmac::{Hmac, KeyInit, Mac as _};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A key, kept as the state that HMAC starts from: half of a short message's work is done, and the
/// key itself is not in memory. Wiped when dropped.
#[derive(Clone)]
pub(crate) struct MacKey {
    // Boxed, so that no copies of it stay where it is moved from.
    start: Box<Hmac<Sha256>>,
}

impl MacKey {
    /// A key of any length.
    pub(crate) fn new(key: &[u8]) -> Self {
        let mut block = Zeroizing::new([0; BLOCK]);
        let digest: Zeroizing<[u8; 32]>;
        let key = if key.len() > BLOCK {
            digest = Zeroizing::new(Sha256::digest(key).into());
            &digest[..]
        } else {
            key
        };
        for (place, byte) in block.iter_mut().zip(key) {
            *place = *byte;
        }
        Self { start: Box::new(Hmac::new((&*block).into())) }
    }

    /// The code of the message that `write` gives piece by piece.
    pub(crate) fn of<E>(
        &self,
        write: impl FnOnce(&mut dyn FnMut(&[u8])) -> Result<(), E>,
    ) -> Result<Zeroizing<[u8; 32]>, E> {
        let mut mac = (*self.start).clone();
        write(&mut |piece| mac.update(piece))?;
        Ok(Zeroizing::new(mac.finalize().into_bytes().into()))
    }

    /// The code of the message whose parts follow one another.
    pub(crate) fn of_parts(&self, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        let mut mac = (*self.start).clone();
        parts.iter().for_each(|part| mac.update(part));
        Zeroizing::new(mac.finalize().into_bytes().into())
    }
}

const BLOCK: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;
    use zeroize::ZeroizeOnDrop;

    // RFC 4231 §4.2, §4.3, §4.4 and §4.7.
    #[test]
    fn codes_are_those_of_the_rfc() {
        check(
            &[0x0b; 20],
            b"Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b",
            "881dc200c9833da726e9376c2e32cff7",
        );
        check(
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c7",
            "5a003f089d2739839dec58b964ec3843",
        );
        check(
            &[0xaa; 20],
            &[0xdd; 50],
            "773ea91e36800e46854db8ebd09181a7",
            "2959098b3ef8c122d9635514ced565fe",
        );
        let long = b"Test Using Larger Than Block-Size Key - Hash Key First";
        check(
            &[0xaa; 131],
            long,
            "60e431591ee0b67f0d8a26aacbf5b77f",
            "8e0bc6213728c5140546040f0ee37f54",
        );
    }

    // `Hmac` is three of these, and says nothing of it itself.
    #[test]
    fn the_state_that_stands_for_the_key_is_wiped() {
        fn is_wiped<T: ZeroizeOnDrop>() {}
        is_wiped::<Sha256>();
    }

    #[track_caller]
    fn check(key: &[u8], message: &[u8], first: &str, second: &str) {
        let code = MacKey::new(key).of_parts(&[message]);
        assert_eq!(hex::encode(&*code), format!("{first}{second}"));
        let (one, other) = message.split_at(message.len() / 2);
        let pieces = MacKey::new(key).of(|write| -> Result<(), ()> {
            write(one);
            write(other);
            Ok(())
        });
        assert_eq!(pieces.unwrap(), code);
    }
}
