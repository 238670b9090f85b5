//! Which thresholds of a window have been told of.

use crate::threshold::Threshold;

/// How many parts of the window ago each threshold was told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    nearly: u8,
    spent: u8,
}

impl Told {
    pub(crate) const NOTHING: Self = Self { nearly: NEVER, spent: NEVER };

    /// That many parts of the window have passed since; `whole` of them make a window.
    pub(crate) fn age(&mut self, parts: u64, whole: u64) {
        for told in [&mut self.nearly, &mut self.spent] {
            let age = u64::from(*told).saturating_add(parts);
            *told =
                if *told == NEVER || age > whole { NEVER } else { age.try_into().unwrap_or(NEVER) };
        }
    }

    /// The threshold to be told of, now that `spent` of `capacity` are, of which more than `nearly`
    /// are nearly all. Where two are passed at once, the higher one.
    #[inline]
    pub(crate) fn crossing(&mut self, spent: u64, nearly: u64, capacity: u64) -> Option<Threshold> {
        if spent <= nearly { None } else { self.passed(spent >= capacity) }
    }

    /// As [`crossing`](Self::crossing), where it is known that nearly all are spent.
    pub(crate) fn passed(&mut self, is_spent: bool) -> Option<Threshold> {
        let nearly = std::mem::replace(&mut self.nearly, 0) == NEVER;
        if is_spent && std::mem::replace(&mut self.spent, 0) == NEVER {
            return Some(Threshold::Spent);
        }
        nearly.then_some(Threshold::NearlySpent)
    }
}

const NEVER: u8 = u8::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_threshold_is_told_of_once_in_a_window() {
        let mut told = Told::NOTHING;
        let spent = [79, 80, 81, 99, 100, 101, 85, 100];
        let heard: Vec<_> = spent.into_iter().filter_map(|it| told.crossing(it, 80, 100)).collect();
        assert_eq!(heard, [Threshold::NearlySpent, Threshold::Spent]);
        told.age(60, 60);
        assert_eq!(told.crossing(100, 80, 100), None);
        told.age(61, 60);
        assert_eq!(told.crossing(100, 80, 100), Some(Threshold::Spent));
        assert_eq!(told.crossing(99, 80, 100), None);
    }
}
