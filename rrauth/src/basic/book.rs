//! Who has which password, laid out so that every guess is the same work.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::basic::error::AccountsError;
use crate::basic::hash::{PasswordHash, Shape};
use crate::basic::workers::PasswordWorkers;
use crate::inbound::credential::Credential;

/// Accounts by user name, immutable.
///
/// Each name is tried against the same number of hashes of the same costs: what it lacks is filled
/// with dummies. A name that nobody has is tried against those of whoever its digest names, in vain: so
/// as much is read and compared, in the same way, whether there is such a user or not.
pub(crate) struct Book<T> {
    // By digest of the name, in order.
    names: Box<[u128]>,
    // The first of each group of names.
    firsts: Box<[u128]>,
    // Those of each name in turn.
    slots: Box<[Slot<T>]>,
    per_name: usize,
}

/// Where a name stands in a [`Book`].
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    at: usize,
    /// Whether it is this name's own.
    pub(crate) is_own: bool,
}

/// One hash that a guess is tried against.
pub(crate) struct Slot<T> {
    pub(crate) hash: PasswordHash,
    pub(crate) fingerprint: [u8; 32],
    /// Whose it is; `None`: a dummy.
    holder: Option<Holder<T>>,
}

/// What is collected for one user name: in the order in which they were given.
pub(crate) type Given<T> = (PasswordHash, Arc<Credential<T>>);

struct Holder<T> {
    rank: usize,
    credential: Arc<Credential<T>>,
}

impl<T> Book<T> {
    pub(crate) fn new(
        workers: &PasswordWorkers,
        accounts: BTreeMap<Box<str>, Vec<Given<T>>>,
    ) -> Result<Self, AccountsError> {
        let plan = Plan::of(accounts.values())?;
        let digested = |(name, given): (Box<str>, _)| (workers.name(&name), given);
        let mut accounts: Vec<_> = accounts.into_iter().map(digested).collect();
        accounts.sort_unstable_by_key(|it| it.0);
        let names: Box<[_]> = accounts.iter().map(|it| it.0).collect();
        let firsts = names.iter().step_by(GROUP).copied().collect();
        let slots = accounts.into_iter().flat_map(|it| plan.fill(it.1)).collect();
        Ok(Self { names, firsts, slots, per_name: plan.len() })
    }

    /// Where a guess at the password of `username` is tried, whether anybody is called so or not.
    pub(crate) fn entry(&self, workers: &PasswordWorkers, username: &str) -> Entry {
        let name = workers.name(username);
        let group = self.firsts.partition_point(|it| *it <= name).saturating_sub(1);
        // All of a group is read: else those would be read sooner whom strangers are close to.
        let names = self.names.chunks(GROUP).nth(group).unwrap_or_default();
        // Any slot is as likely for a name that nobody has as for one that somebody has: what was read
        // a moment ago is read sooner.
        let elsewhere = (name & u128::from(u64::MAX)) * self.names.len() as u128;
        let nobody = ((elsewhere >> 64) as u64, Choice::from(0));
        let (at, is_own) = (group as u64 * GROUP as u64..).zip(names).fold(nobody, |found, it| {
            let is_this = it.1.ct_eq(&name);
            (u64::conditional_select(&found.0, &it.0, is_this), found.1 | is_this)
        });
        Entry { at: usize::try_from(at).unwrap_or_default(), is_own: is_own.into() }
    }

    /// What it is tried against; nothing proves anything where the entry is not its own.
    pub(crate) fn slots(&self, entry: Entry) -> &[Slot<T>] {
        let start = entry.at * self.per_name;
        self.slots.get(start..start + self.per_name).unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }
}

/// Of the holders of these slots, the first that may be let in at `wall` time; else the first.
pub(crate) fn choose<'a, T: 'a>(
    slots: impl IntoIterator<Item = &'a Slot<T>>,
    wall: Duration,
) -> Option<&'a Arc<Credential<T>>> {
    let holders = slots.into_iter().filter_map(|it| it.holder.as_ref());
    let chosen = holders.min_by_key(|it| (!is_usable(&it.credential, wall), it.rank));
    chosen.map(|it| &it.credential)
}

/// Whether whoever holds it may be let in at `wall` time.
pub(crate) fn is_usable<T>(credential: &Credential<T>, wall: Duration) -> bool {
    credential.active && credential.expires_at.is_none_or(|end| wall < end)
}

// How many hashes of each shape one guess is tried against, with the dummy that stands for one.
struct Plan(BTreeMap<Shape, (usize, PasswordHash)>);

impl Plan {
    fn of<'a, T: 'a>(
        accounts: impl Iterator<Item = &'a Vec<Given<T>>>,
    ) -> Result<Self, AccountsError> {
        let mut plan: BTreeMap<Shape, (usize, PasswordHash)> = BTreeMap::new();
        for given in accounts {
            let mut of_this_name = BTreeMap::new();
            for (at, (hash, credential)) in given.iter().enumerate() {
                let credential = || Arc::clone(&credential.id);
                if at >= MAX_PER_NAME {
                    return Err(AccountsError::TooMany { credential: credential() });
                }
                let count = of_this_name.entry(hash.shape()).and_modify(|it| *it += 1).or_insert(1);
                let dummy = hash.shape().dummy();
                let dummy = dummy.map_err(|_| AccountsError::Costs { credential: credential() })?;
                let planned = plan.entry(hash.shape()).or_insert((0, dummy));
                planned.0 = planned.0.max(*count);
                if plan.values().map(|it| it.0).sum::<usize>() > MAX_PER_GUESS {
                    return Err(AccountsError::Costs { credential: credential() });
                }
            }
        }
        Ok(Self(plan))
    }

    fn len(&self) -> usize {
        self.0.values().map(|it| it.0).sum()
    }

    fn fill<T>(&self, given: Vec<Given<T>>) -> Vec<Slot<T>> {
        let mut by_shape: BTreeMap<Shape, Vec<_>> = BTreeMap::new();
        for (rank, (hash, credential)) in given.into_iter().enumerate() {
            let slots = by_shape.entry(hash.shape()).or_default();
            slots.push(Slot::new(hash, Some(Holder { rank, credential })));
        }
        let planned = self.0.iter().flat_map(|(shape, (count, dummy))| {
            let real = by_shape.remove(shape).unwrap_or_default();
            let dummies = count.saturating_sub(real.len());
            real.into_iter().chain((0..dummies).map(|_| Slot::new(dummy.clone(), None)))
        });
        planned.collect()
    }
}

impl<T> Slot<T> {
    fn new(hash: PasswordHash, holder: Option<Holder<T>>) -> Self {
        Self { fingerprint: hash.fingerprint(), hash, holder }
    }
}

const GROUP: usize = 16;
const MAX_PER_NAME: usize = 4;
const MAX_PER_GUESS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::basic::cost::PasswordCost;
    use crate::inbound::credential::Kind;

    #[test]
    fn every_name_is_tried_against_hashes_of_the_same_shapes() {
        check(&[("alice", &[8])], Ok(&[8]));
        check(&[("alice", &[8]), ("bob", &[8])], Ok(&[8]));
        check(&[("alice", &[8, 8]), ("bob", &[8])], Ok(&[8, 8]));
        check(&[("alice", &[8]), ("bob", &[9])], Ok(&[8, 9]));
        check(&[("alice", &[9, 8, 9]), ("bob", &[8, 8])], Ok(&[8, 8, 9, 9]));
        check(&[("alice", &[8, 8, 8, 8])], Ok(&[8, 8, 8, 8]));
        check(&[("alice", &[8, 8, 8, 8, 8])], Err("4"));
        check(&[("alice", &[8; 4]), ("bob", &[9; 4])], Ok(&[8, 8, 8, 8, 9, 9, 9, 9]));
        check(&[("alice", &[8; 4]), ("bob", &[9; 4]), ("carol", &[10])], Err("0"));
    }

    #[test]
    fn of_those_that_fit_the_first_usable_one_is_chosen() {
        let hash = |memory| hash(memory);
        let credential = |id| Credential::new(id, "s", Kind::Basic, ());
        let old = || credential("old").expires_at(Duration::from_secs(1));
        let off = || credential("off").active(false);
        let given = [off(), old(), credential("good"), credential("late")];
        let given: Vec<_> = [9, 8, 9, 8].map(hash).into_iter().zip(given.map(Arc::new)).collect();
        let workers = PasswordWorkers::new().unwrap();
        let book = Book::new(&workers, [("alice".into(), given)].into()).unwrap();
        let chosen = |wall, without: &[&str]| {
            let slots = book.slots(book.entry(&workers, "alice")).iter().filter(|slot| {
                !slot.holder.as_ref().is_some_and(|it| without.contains(&&*it.credential.id))
            });
            choose(slots, Duration::from_secs(wall)).map(|it| it.id.to_string())
        };
        assert_eq!(chosen(0, &[]).as_deref(), Some("old"));
        assert_eq!(chosen(1, &[]).as_deref(), Some("good"));
        assert_eq!(chosen(1, &["good"]).as_deref(), Some("late"));
        assert_eq!(chosen(1, &["good", "late"]).as_deref(), Some("off"));
        assert_eq!(chosen(1, &["good", "late", "off", "old"]), None);
    }

    #[test]
    fn each_name_has_its_own_entry_and_no_other_name_has_one() {
        let workers = PasswordWorkers::new().unwrap();
        for size in [1, 2, 3, 100] {
            let name = |it: usize| format!("user-{it}").into_boxed_str();
            let given = |it: usize| {
                let id = it.to_string();
                (hash(8), Arc::new(Credential::new(&*id, &*id, Kind::Basic, ())))
            };
            let accounts = (0..size).map(|it| (name(it), vec![given(it)])).collect();
            let book = Book::new(&workers, accounts).unwrap();
            for it in 0..size {
                let entry = book.entry(&workers, &name(it));
                let holder = choose(book.slots(entry), Duration::ZERO);
                assert!(entry.is_own);
                assert_eq!(*holder.unwrap().id, it.to_string());
            }
            for it in size..size + 1_000 {
                let entry = book.entry(&workers, &name(it));
                assert!(!entry.is_own);
                assert_eq!(book.slots(entry).len(), 1, "the work is the same");
            }
        }
    }

    #[test]
    fn strangers_are_spread_over_all_slots_alike() {
        const USERS: usize = 100;
        let workers = PasswordWorkers::new().unwrap();
        let given = || vec![(hash(8), Arc::new(Credential::new("c", "s", Kind::Basic, ())))];
        let accounts = (0..USERS).map(|it| (format!("user-{it}").into(), given())).collect();
        let book = Book::new(&workers, accounts).unwrap();
        let mut met = [0; USERS];
        for it in 0..100 * USERS {
            met[book.entry(&workers, &format!("nobody-{it}")).at] += 1;
        }
        // Ten is the standard deviation. By who would be next to them, some would be met 500 times,
        // and some never.
        assert!(met.iter().all(|it| (35..=165).contains(it)), "{met:?}");
    }

    // The memory of each hash that stands for its cost, for every name that there is and one that
    // there is not; or the credential that is one too many.
    #[track_caller]
    fn check(accounts: &[(&str, &[u32])], expected: Result<&[u32], &str>) {
        let given = |memories: &&[u32]| {
            let credential = |at: usize| Credential::new(at.to_string(), "s", Kind::Basic, ());
            let hashes = memories.iter().map(|it| hash(*it)).enumerate();
            hashes.map(|(at, hash)| (hash, Arc::new(credential(at)))).collect()
        };
        let names = accounts.iter().map(|(name, memories)| ((*name).into(), given(memories)));
        let workers = PasswordWorkers::new().unwrap();
        let book = match (Book::new(&workers, names.collect()), expected) {
            (Ok(book), Ok(_)) => book,
            (
                Err(AccountsError::TooMany { credential } | AccountsError::Costs { credential }),
                Err(it),
            ) => {
                return assert_eq!(&*credential, it);
            }
            (book, _) => panic!("{:?}", book.map(|it| it.len())),
        };
        let expected: Vec<_> = expected.unwrap().iter().map(|it| hash(*it).shape()).collect();
        for name in accounts.iter().map(|it| it.0).chain(["nobody", ""]) {
            let slots = book.slots(book.entry(&workers, name));
            let shapes: Vec<_> = slots.iter().map(|it| it.hash.shape()).collect();
            assert_eq!(shapes, expected, "{name}");
        }
    }

    fn hash(memory_kib: u32) -> PasswordHash {
        PasswordHash::with_cost("p", PasswordCost::new(memory_kib, 1, 1).unwrap()).unwrap()
    }
}
