//! The same question, asked by many at once, is answered once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{OnceCell, OwnedSemaphorePermit};

use crate::basic::workers::PairKey;

/// The answers that are being worked out.
pub(crate) struct Flights<V> {
    under_way: Arc<UnderWay<V>>,
}

/// One answer, for all who wait for it. It holds a place in the queue until the last of them has
/// it or has gone.
pub(crate) struct Flight<V> {
    /// Whoever asks first works it out; if that one goes, the next does.
    pub(crate) answer: OnceCell<V>,
    key: PairKey,
    under_way: Arc<UnderWay<V>>,
    _place: OwnedSemaphorePermit,
}

type UnderWay<V> = Mutex<HashMap<PairKey, Weak<Flight<V>>>>;

impl<V> Flights<V> {
    pub(crate) fn new() -> Self {
        Self { under_way: Arc::default() }
    }

    /// The flight that has begun for `key`, or a new one, if there is a place for it.
    pub(crate) fn join(
        &self,
        key: PairKey,
        place: impl FnOnce() -> Option<OwnedSemaphorePermit>,
    ) -> Option<Arc<Flight<V>>> {
        // Declared before the lock, so dropped after it: the last to hold a flight takes the lock.
        let begun: Option<Arc<Flight<V>>>;
        let mut under_way = lock(&self.under_way);
        begun = under_way.get(&key).and_then(Weak::upgrade);
        // An answer that is there already was for those who asked before.
        if let Some(flight) = &begun
            && !flight.answer.initialized()
        {
            return Some(Arc::clone(flight));
        }
        let flight = Flight {
            answer: OnceCell::new(),
            key,
            under_way: Arc::clone(&self.under_way),
            _place: place()?,
        };
        let flight = Arc::new(flight);
        under_way.insert(key, Arc::downgrade(&flight));
        Some(flight)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        lock(&self.under_way).len()
    }
}

impl<V> Drop for Flight<V> {
    fn drop(&mut self) {
        let mut under_way = lock(&self.under_way);
        // By now it may be another flight's.
        if under_way.get(&self.key).is_some_and(|it| it.strong_count() == 0) {
            under_way.remove(&self.key);
        }
    }
}

fn lock<V>(under_way: &UnderWay<V>) -> MutexGuard<'_, HashMap<PairKey, Weak<Flight<V>>>> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::basic::workers::PasswordWorkers;

    #[test]
    fn a_question_is_under_way_once_until_it_is_answered_or_dropped() {
        let workers = PasswordWorkers::new().unwrap();
        let flights = Flights::<&str>::new();
        let join = |key| flights.join([key; 32], || workers.place()).unwrap();

        let (first, second) = (join(1), join(1));
        assert!(Arc::ptr_eq(&first, &second));
        assert!(!Arc::ptr_eq(&first, &join(2)));
        first.answer.set("known").unwrap();
        let third = join(1);
        assert!(!Arc::ptr_eq(&first, &third), "what is known is not asked");
        drop((first, second));
        assert!(Arc::ptr_eq(&third, &join(1)), "the old flight does not end the new one");
        drop(third);
        assert_eq!(flights.len(), 0);
    }

    #[test]
    fn without_a_place_there_is_no_flight_but_one_can_be_joined() {
        let workers = PasswordWorkers::new().unwrap();
        let flights = Flights::<()>::new();
        let begun = flights.join([1; 32], || workers.place());
        assert!(flights.join([1; 32], || None).is_some());
        assert!(flights.join([2; 32], || None).is_none());
        drop(begun);
        assert!(flights.join([1; 32], || None).is_none());
    }

    #[test]
    fn the_last_to_leave_an_answered_flight_may_be_the_one_who_joins() {
        let workers = PasswordWorkers::new().unwrap();
        let flights = Arc::new(Flights::<()>::new());
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (flights, workers) = (Arc::clone(&flights), workers.clone());
                std::thread::spawn(move || {
                    for _ in 0..2_000 {
                        let flight = flights.join([1; 32], || workers.place()).unwrap();
                        drop(flight.answer.set(()));
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|it| it.join().unwrap());
        assert_eq!(flights.len(), 0);
    }
}
