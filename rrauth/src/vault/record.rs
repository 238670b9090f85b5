//! The bytes of a sealed record.

use crate::vault::key_id::KeyId;

pub(crate) const NONCE: usize = 12;
/// A data key and its tag.
pub(crate) const WRAPPED: usize = 32 + 16;

/// How a record is laid out. Only the newest is written; all are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Without the version of the secret, which was in the associated data only.
    One,
    Two,
}

/// A record taken apart. Nothing of it is verified yet.
///
/// `format (1) ‖ key id (8) ‖ version of the secret (4, big-endian; from format 2 on) ‖ nonce (12) ‖
/// wrapped data key (48) ‖ nonce (12) ‖ ciphertext and tag`
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) head: Head,
    pub(crate) wrap_nonce: &'a [u8; NONCE],
    pub(crate) wrapped: &'a [u8; WRAPPED],
    pub(crate) nonce: &'a [u8; NONCE],
    pub(crate) ciphertext: &'a [u8],
}

/// What a record says of itself in clear. All of it is also in its associated data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) format: Format,
    pub(crate) key_id: KeyId,
    /// `None` in format 1.
    pub(crate) version: Option<u32>,
}

/// What the bytes of a record are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// Too short.
    Cut,
    /// Of a format that is not known here.
    Format(u8),
}

impl Format {
    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }
}

impl<'a> Record<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (head, rest) = Head::parse(bytes)?;
        Self::parts(head, rest).ok_or(Malformed::Cut)
    }

    fn parts(head: Head, rest: &'a [u8]) -> Option<Self> {
        let (wrap_nonce, rest) = rest.split_first_chunk()?;
        let (wrapped, rest) = rest.split_first_chunk()?;
        let (nonce, ciphertext) = rest.split_first_chunk()?;
        Some(Self { head, wrap_nonce, wrapped, nonce, ciphertext })
    }

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let Head { format, key_id, version } = self.head;
        let version = version.map(u32::to_be_bytes);
        let version = version.as_ref().map_or(&[][..], |it| it);
        [
            &[format.byte()],
            &key_id.bytes()[..],
            version,
            self.wrap_nonce,
            self.wrapped,
            self.nonce,
            self.ciphertext,
        ]
        .concat()
    }
}

// Here, so that the name of a key need not know of records.
impl KeyId {
    /// Which key `sealed` says it needs; `None` where it does not begin as a record does. Nothing is
    /// verified: only [`Vault::open`](crate::Vault::open) tells whether it is true.
    #[must_use]
    pub fn of_record(sealed: &[u8]) -> Option<Self> {
        Head::parse(sealed).ok().map(|(head, _)| head.key_id)
    }
}

impl Head {
    pub(crate) fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[format], rest) = bytes.split_first_chunk().ok_or(Malformed::Cut)?;
        let format = match format {
            1 => Format::One,
            2 => Format::Two,
            other => return Err(Malformed::Format(other)),
        };
        let (&key_id, rest) = rest.split_first_chunk().ok_or(Malformed::Cut)?;
        let (version, rest) = match format {
            Format::One => (None, rest),
            Format::Two => {
                let (&version, rest) = rest.split_first_chunk().ok_or(Malformed::Cut)?;
                (Some(u32::from_be_bytes(version)), rest)
            }
        };
        Ok((Self { format, key_id: KeyId::new(key_id), version }, rest))
    }
}
