//! The bytes of a sealed record.

/// What a record starts with: the format, and which master key it needs.
pub(crate) const FORMAT: u8 = 1;
pub(crate) const KEY_ID: usize = 8;
pub(crate) const NONCE: usize = 12;
/// A data key and its tag.
pub(crate) const WRAPPED: usize = 32 + 16;

/// A record taken apart. Nothing of it is verified yet.
///
/// `format (1) ‖ key id (8) ‖ nonce (12) ‖ wrapped data key (48) ‖ nonce (12) ‖ ciphertext and tag`
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) key_id: &'a [u8; KEY_ID],
    pub(crate) wrap_nonce: &'a [u8; NONCE],
    pub(crate) wrapped: &'a [u8; WRAPPED],
    pub(crate) nonce: &'a [u8; NONCE],
    pub(crate) ciphertext: &'a [u8],
}

impl<'a> Record<'a> {
    /// `None` when it is too short or of a format that is not known.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (&[format], rest) = bytes.split_first_chunk()?;
        if format != FORMAT {
            return None;
        }
        let (key_id, rest) = rest.split_first_chunk()?;
        let (wrap_nonce, rest) = rest.split_first_chunk()?;
        let (wrapped, rest) = rest.split_first_chunk()?;
        let (nonce, ciphertext) = rest.split_first_chunk()?;
        Some(Self { key_id, wrap_nonce, wrapped, nonce, ciphertext })
    }

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let nonce: &[u8] = self.nonce;
        [&[FORMAT], &self.key_id[..], self.wrap_nonce, self.wrapped, nonce, self.ciphertext]
            .concat()
    }
}
