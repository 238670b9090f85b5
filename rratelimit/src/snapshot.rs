//! Counts of days and months, to be written down and read again after a restart.

use std::time::Duration;

use rrcore::Now;

use crate::calendar::{Calendar, grace};
use crate::counter::Counter;
use crate::key::Key;
use crate::limiter::Limiter;
use crate::shard::Place;
use crate::time::{Time, nanos};
use crate::window::Window;

/// What one key has spent of one limit of a day or a month.
///
/// To be stored under its [`id`](Self::id), over what was stored there before; its
/// [`value`](Self::value) means something together with that id only. Means nothing under another
/// [`Seed`](crate::Seed): keep that where the records are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    key: Key,
    limit: u64,
    is_month: bool,
    index: u64,
    count: u64,
}

impl Record {
    /// Of which key and limit it is.
    #[must_use]
    pub fn id(&self) -> [u8; 24] {
        let mut id = [0; 24];
        let (key, limit) = id.split_at_mut(16);
        key.copy_from_slice(&self.key.to_bytes());
        limit.copy_from_slice(&self.limit.to_be_bytes());
        id
    }

    /// Which day or month, and what was spent.
    #[must_use]
    pub fn value(&self) -> [u8; 17] {
        let mut value = [0; 17];
        let (kind, numbers) = value.split_at_mut(1);
        kind.fill(u8::from(self.is_month));
        let (index, count) = numbers.split_at_mut(8);
        index.copy_from_slice(&self.index.to_be_bytes());
        count.copy_from_slice(&self.count.to_be_bytes());
        value
    }

    /// What was stored; `None` if that is no record.
    #[must_use]
    pub fn parse(id: &[u8], value: &[u8]) -> Option<Self> {
        let (key, limit) = id.split_first_chunk()?;
        let (kind, numbers) = value.split_first()?;
        let (index, count) = numbers.split_first_chunk()?;
        let is_month = match kind {
            0 => false,
            1 => true,
            _ => return None,
        };
        Some(Self {
            key: Key::from_bytes(*key),
            limit: u64::from_be_bytes(limit.try_into().ok()?),
            is_month,
            index: u64::from_be_bytes(*index),
            count: u64::from_be_bytes(count.try_into().ok()?),
        })
    }

    /// When it is of no use any more (time since the Unix epoch).
    #[must_use]
    pub fn expires_at(&self) -> Duration {
        Duration::from_nanos(self.window().ends_on_the_wall(self.index))
    }

    const fn window(&self) -> Window {
        if self.is_month { Window::CalendarMonth } else { Window::CalendarDay }
    }

    /// The count as it goes on; `None` if its day or month is over.
    fn calendar(&self, time: Time) -> Option<Calendar> {
        let window = self.window();
        let now = window.on_the_wall(time.wall);
        if now > self.index {
            return None;
        }
        // Written down by a clock that was ahead: it counts in the window that is now, and is to be
        // written down as that, or it would lock out again after each restart.
        let is_ahead = self.is_ahead(time.wall);
        let index = if is_ahead { now } else { self.index };
        let length = nanos(window.length());
        let left = window.ends_on_the_wall(index).saturating_sub(time.wall).min(length);
        let ends = time.at.saturating_add(left);
        let mut calendar = Calendar::restored(index, ends, self.count, window);
        calendar.is_dirty = is_ahead;
        Some(calendar)
    }

    /// Whether its window begins later than by a step that clocks make. Not, where this clock is surely
    /// the wrong one, such as one that a machine starts with until it has asked for the time.
    fn is_ahead(&self, wall: u64) -> bool {
        let window = self.window();
        let begins = window.ends_on_the_wall(self.index.saturating_sub(1));
        wall >= nanos(WRITTEN) && begins.saturating_sub(wall) > grace(window)
    }
}

impl Limiter {
    /// Notes which counts of days and months change, for [`changes`](Self::changes).
    #[must_use]
    pub fn durable(mut self) -> Self {
        self.every(|shard| shard.dirty = Some(Vec::new()));
        self
    }

    /// The counts of days and months that have changed since this was last asked: to be written
    /// down, once a second, say. What those share who found no room is left out.
    ///
    /// Takes as long as there are changes; requests wait for an eightieth of that at the most.
    /// Empty for a limiter that is not [durable](Self::durable).
    #[must_use]
    pub fn changes(&self) -> Vec<Record> {
        let mut records = Vec::new();
        for mut shard in self.shards() {
            for (key, limit, is_month) in
                shard.dirty.as_mut().map(std::mem::take).unwrap_or_default()
            {
                let counters = shard.known(key).map(|it| it.counters_mut()).unwrap_or_default();
                let counter = counters.iter_mut().find(|it| it.limit() == limit);
                if let Some(calendar) = counter.and_then(Counter::calendar) {
                    calendar.is_dirty = false;
                    let mut record =
                        Record { key, limit, is_month, index: 0, count: calendar.count };
                    record.index = calendar.index(record.window());
                    records.push(record);
                }
            }
        }
        records
    }

    /// Takes over what was written down, before anybody asks: for a count that there is already,
    /// nothing is taken over. What a clock that was ahead has written down counts in the day or month
    /// that is now, and is among the [`changes`](Self::changes). Says how many counts there were of days and months that last.
    pub fn restore(&self, records: impl IntoIterator<Item = Record>, now: Now) -> usize {
        let mut restored = 0;
        for record in records {
            self.with_shard(record.key, |shard| {
                let time = shard.advance(now.into());
                let Some(calendar) = record.calendar(time) else { return };
                if shard.known(record.key).is_none() && shard.admit(record.key) == Place::Shared {
                    return;
                }
                let Some(spent) = shard.known(record.key) else { return };
                if spent.counters().iter().all(|it| it.limit() != record.limit) {
                    spent.push(Counter::restored(record.limit, calendar));
                    restored += 1;
                    if let Some(dirty) = shard.dirty.as_mut().filter(|_| calendar.is_dirty) {
                        dirty.push((record.key, record.limit, record.is_month));
                    }
                }
            });
        }
        restored
    }
}

/// January 2026: no clock is right that shows less.
const WRITTEN: Duration = Duration::from_secs(1_767_225_600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_the_same_after_a_journey() {
        let key = Key::of(&["alice"]);
        let record = Record { key, limit: 1 << 63, is_month: true, index: 7, count: u64::MAX };
        assert_eq!(Record::parse(&record.id(), &record.value()), Some(record));
    }

    #[test]
    fn what_is_no_record_is_none() {
        let record =
            Record { key: Key::of(&[]), limit: 1, is_month: false, index: 20_454, count: 1 };
        let (id, value) = (record.id(), record.value());
        for (id, value) in [
            (&id[1..], &value[..]),
            (&id, &value[..16]),
            (&id, &[]),
            (&[], &value),
            (&id, &[2; 17]),
            (&[&id[..], &[0]].concat(), &value),
            (&id, &[&value[..], &[0]].concat()),
        ] {
            assert_eq!(Record::parse(id, value), None, "{id:?} {value:?}");
        }
        assert_eq!(record.expires_at(), Duration::from_secs(20_455 * 86_400));
    }
}
