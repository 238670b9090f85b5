//! Whence a unit was taken, in the number that a receipt has for each limit.

/// What a receipt says of one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Counted by the store in this window; of a concurrency limit, its permit.
    Store(u64),
    /// Counted by this node alone, in this window.
    Own(u64),
    /// Let through uncounted.
    Nowhere,
}

impl Mark {
    pub(crate) const fn pack(self) -> u64 {
        match self {
            Self::Store(window) => window & WINDOW,
            Self::Own(window) => window & WINDOW | OWN,
            Self::Nowhere => NOWHERE,
        }
    }

    pub(crate) const fn unpack(packed: u64) -> Self {
        match packed & !WINDOW {
            0 => Self::Store(packed),
            OWN => Self::Own(packed & WINDOW),
            _ => Self::Nowhere,
        }
    }
}

// Windows are numbered from 1970, or by nanoseconds since the process began: 62 bits are 146 years.
const WINDOW: u64 = (1 << 62) - 1;
const OWN: u64 = 1 << 62;
const NOWHERE: u64 = 1 << 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_survives_its_number() {
        for mark in
            [Mark::Store(0), Mark::Store(WINDOW), Mark::Own(0), Mark::Own(WINDOW), Mark::Nowhere]
        {
            assert_eq!(Mark::unpack(mark.pack()), mark);
        }
    }
}
