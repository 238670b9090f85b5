//! Whence a unit was taken, in the number that a receipt has for each limit.

use crate::window::Mark;

/// What a receipt says of one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Counted by the store in this window; of a concurrency limit, its permit.
    Store(u64),
    /// Counted by this node alone, where this is.
    Own(Mark),
    /// Let through uncounted.
    Nowhere,
}

impl Origin {
    pub(crate) const fn pack(self) -> Mark {
        match self {
            Self::Store(window) => [window & WINDOW, 0],
            Self::Own([window, rest]) => [window & WINDOW | OWN, rest],
            Self::Nowhere => [NOWHERE, 0],
        }
    }

    pub(crate) const fn unpack([packed, rest]: Mark) -> Self {
        match packed & !WINDOW {
            0 => Self::Store(packed),
            OWN => Self::Own([packed & WINDOW, rest]),
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
    fn an_origin_survives_its_mark() {
        for origin in [
            Origin::Store(0),
            Origin::Store(WINDOW),
            Origin::Own([0, 1]),
            Origin::Own([WINDOW, u64::MAX]),
            Origin::Nowhere,
        ] {
            assert_eq!(Origin::unpack(origin.pack()), origin);
        }
    }
}
