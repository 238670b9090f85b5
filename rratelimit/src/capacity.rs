//! What becomes of a key for which there is no room.

/// What becomes of a key for which a [`Limiter`](crate::Limiter) has no room, because all that it
/// knows still count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnCapacity {
    /// It is refused, as if it had spent all, until there is room.
    Refuse,
    /// It shares what one key may spend with all others for which there is no room, in each of up to
    /// eighty parts of the table; of a table for more than a million keys, in each part that is for
    /// 12,500 of them.
    ShareOne,
}
