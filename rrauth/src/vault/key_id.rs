//! The name of a master key.

use std::fmt;

use crate::hex;

/// Names a [`MasterKey`](crate::MasterKey) without saying anything about it: 16 hexadecimal digits.
/// Every record carries that of the key it was sealed under.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId {
    bytes: [u8; 8],
}

impl KeyId {
    pub(crate) const fn new(bytes: [u8; 8]) -> Self {
        Self { bytes }
    }

    pub(crate) const fn bytes(self) -> [u8; 8] {
        self.bytes
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.bytes))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
