//! Writes down what was spent by day and month, so that a restart does not forget it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context as _;
use rratelimit::{Limiter, Record, Seed};
use rrcore::{Clock, Now};
use rusqlite::{Connection, params};

use crate::data_plane::limits::file::{self, stored_names, stored_records};
use crate::data_plane::limits::names::Named;
use crate::data_plane::limits::rolls::Rolls;
use crate::data_plane::limits::room::Room;

/// The counters, and what is needed to write them down.
#[derive(Debug)]
pub struct Kept {
    /// What was spent.
    pub limiter: Arc<Limiter>,
    /// What the keys of meters are called.
    pub rolls: Rolls,
    writer: Writer,
}

/// A thread that writes down what has changed, off the path of requests.
#[derive(Debug)]
pub struct Keeper {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

#[derive(Debug)]
struct Writer {
    connection: Connection,
    limiter: Arc<Limiter>,
    rolls: Rolls,
    clock: Clock,
    // When it began.
    began: Now,
    // What could not be written yet.
    records: BTreeMap<[u8; 24], Record>,
    names: Vec<Named>,
    is_failing: bool,
    room: Room,
}

impl Kept {
    /// Opens `<directory>/counters.db`, made now if there is none, and takes over what is in it into
    /// what `make` makes.
    ///
    /// # Errors
    /// When the file cannot be used, or is damaged: better no gateway than one that has forgotten
    /// what was spent. When it is under a seed that this process can no longer take.
    pub fn open(
        directory: &Path,
        clock: &Clock,
        room: Room,
        make: impl FnOnce() -> Limiter,
    ) -> anyhow::Result<Self> {
        let connection = file::open(directory)?;
        let name = directory.join(file::NAME);
        let seed = file::seed(&connection, Seed::in_force)
            .with_context(|| format!("{} cannot be used", name.display()))?;
        seed.install().with_context(|| {
            format!("{} is of another process: one can serve one of them", name.display())
        })?;
        let limiter = Arc::new(make().durable());
        let now = clock.now();
        let damaged = || format!("{} is damaged: {}", name.display(), file::ADVICE);
        file::tidy(&connection, now.wall).with_context(damaged)?;
        let restored = limiter.restore(stored_records(&connection).with_context(damaged)?, now);
        let rolls = Rolls::restored(stored_names(&connection).with_context(damaged)?);
        if restored > 0 {
            tracing::info!(counts = restored, "what was spent by day and month goes on");
        }
        let writer = Writer {
            connection,
            limiter: Arc::clone(&limiter),
            rolls: rolls.clone(),
            clock: clock.clone(),
            began: now,
            records: BTreeMap::new(),
            names: Vec::new(),
            is_failing: false,
            room,
        };
        Ok(Self { limiter, rolls, writer })
    }

    /// From now on, what changes is written down.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn keep(self) -> anyhow::Result<Keeper> {
        let mut writer = self.writer;
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = thread::Builder::new().name("rr-counters".to_owned()).spawn(move || {
            loop {
                let told = stopped.recv_timeout(PAUSE);
                writer.write();
                writer.room.look(writer.limiter.crowded_out(), &writer.clock);
                match told {
                    Err(RecvTimeoutError::Timeout) => {}
                    // Told to, or whoever could tell is gone: that was the last.
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        })?;
        Ok(Keeper { stop, thread })
    }
}

impl Keeper {
    /// Writes down the last of it, and ends. Blocks for as long as that takes.
    pub fn stop(self) {
        _ = self.stop.send(());
        if self.thread.join().is_err() {
            tracing::error!("the thread that writes down what was spent had panicked");
        }
    }
}

impl Writer {
    fn write(&mut self) {
        self.records.extend(self.limiter.changes().into_iter().map(|it| (it.id(), it)));
        self.names.extend(self.rolls.fresh());
        if self.records.is_empty() && self.names.is_empty() {
            return;
        }
        match self.commit() {
            Ok(()) => {
                self.records.clear();
                self.names.clear();
                if std::mem::take(&mut self.is_failing) {
                    tracing::warn!("what is spent by day and month is written down again");
                }
            }
            Err(error) => {
                // It is tried again, with what comes until then. Said once.
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::error!(%error, "what is spent by day and month cannot be written \
                        down: a restart would forget it");
                }
            }
        }
    }

    fn commit(&mut self) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        {
            let mut put = transaction.prepare(PUT)?;
            for (id, record) in &self.records {
                put.execute(params![id, record.value(), file::millis(record.expires_at())])?;
            }
            let mut call = transaction.prepare(CALL)?;
            for Named { meter, since, key, name } in &self.names {
                let since = i64::try_from(*since).unwrap_or(i64::MAX);
                call.execute(params![key.to_bytes(), meter, since, name])?;
            }
        }
        file::expire(&transaction, steady(self.began, self.clock.now()))?;
        transaction.commit()
    }
}

/// What the wall clock shows, but no more than it would if nobody had set it since: one that is ahead
/// for a while must not delete what counts when it is right again.
fn steady(began: Now, now: Now) -> Duration {
    let passed = now.monotonic.saturating_sub(began.monotonic);
    now.wall.min(began.wall.saturating_add(passed))
}

const PUT: &str = "INSERT OR REPLACE INTO count (id, value, expires_ms) VALUES (?, ?, ?)";
const CALL: &str = "INSERT OR REPLACE INTO name (key, meter, since, name) VALUES (?, ?, ?, ?)";
/// So that a crash loses less than a second.
const PAUSE: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;
    use rratelimit::{Key, Limit, Policy};
    use rrcore::ManualClock;

    #[test]
    fn what_was_spent_by_day_and_month_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::starting_at(Duration::from_secs(1_800_000_000));
        let policy = Policy::new([
            Limit::sliding("minute", 9, Duration::from_secs(60)),
            Limit::calendar_day("day", 9),
            Limit::calendar_month("month", 9),
        ]);
        let (policy, key) = (policy.unwrap(), Key::of(&["a"]));
        let spent = |kept: &Kept| {
            let usage = kept.limiter.usage(&policy, key, clock.clock().now());
            usage.iter().map(|it| it.spent).collect::<Vec<_>>()
        };
        let kept =
            Kept::open(folder.path(), &clock.clock(), Room::default(), Limiter::new).unwrap();
        assert!(kept.limiter.check(&policy, key, clock.clock().now()).is_allowed());
        kept.rolls.of("p/m".into(), 7).note(key, 0, || "ada".to_owned(), |_| true);
        kept.keep().unwrap().stop();

        let kept =
            Kept::open(folder.path(), &clock.clock(), Room::default(), Limiter::new).unwrap();
        assert_eq!(spent(&kept), [0, 1, 1]);
        assert_eq!(kept.rolls.of("p/m".into(), 7).all(), [(key, "ada".into())]);
        assert_eq!(kept.rolls.of("p/m".into(), 8).all(), []);
        drop(kept);
        clock.advance(Duration::from_secs(86_400));
        let kept =
            Kept::open(folder.path(), &clock.clock(), Room::default(), Limiter::new).unwrap();
        assert_eq!(spent(&kept), [0, 0, 1]);
    }

    #[test]
    fn a_clock_that_is_ahead_for_a_while_deletes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let noon = Duration::from_secs(20_833 * 86_400 + 43_200);
        let clock = ManualClock::starting_at(noon);
        let day = Policy::new([Limit::calendar_day("day", 1)]).unwrap();
        let key = |name: &str| Key::of(&[name]);
        let open = || Kept::open(folder.path(), &clock.clock(), Room::default(), Limiter::new);
        let passes = |kept: &Kept, name: &str| {
            kept.limiter.check(&day, key(name), clock.clock().now()).is_allowed()
        };
        let mut kept = open().unwrap();
        assert!(passes(&kept, "a"));
        kept.writer.write();
        // While it runs, by however much.
        clock.set_wall(noon + YEAR);
        assert!(passes(&kept, "b"));
        kept.writer.write();
        clock.set_wall(noon);
        kept.keep().unwrap().stop();
        assert!(!passes(&open().unwrap(), "a"));
        // At a start, by a day, with nothing to write and with something.
        for name in [None, Some("c")] {
            clock.set_wall(noon + DAY);
            let kept = open().unwrap();
            assert!(name.is_none_or(|it| passes(&kept, it)));
            kept.keep().unwrap().stop();
            clock.set_wall(noon);
            assert!(!passes(&open().unwrap(), "a"), "{name:?}");
        }
        // It is not kept for ever.
        clock.set_wall(noon + 3 * DAY);
        drop(open().unwrap());
        clock.set_wall(noon);
        assert!(passes(&open().unwrap(), "a"));
    }

    #[test]
    fn a_count_that_goes_on_when_the_clock_was_set_back_is_written_down_again() {
        let folder = tempfile::tempdir().unwrap();
        let noon = Duration::from_secs(20_833 * 86_400 + 43_200);
        let clock = ManualClock::starting_at(noon);
        let day = Policy::new([Limit::calendar_day("day", 9)]).unwrap();
        let open = || Kept::open(folder.path(), &clock.clock(), Room::default(), Limiter::new);
        let take = |kept: &Kept| {
            let now = clock.clock().now();
            assert!(kept.limiter.check(&day, Key::of(&["a"]), now).is_allowed());
        };
        let mut kept = open().unwrap();
        take(&kept);
        kept.writer.write();
        // As if it had been deleted meanwhile.
        kept.writer.connection.execute("DELETE FROM count", []).unwrap();
        take(&kept);
        kept.keep().unwrap().stop();
        let usage = open().unwrap().limiter.usage(&day, Key::of(&["a"]), clock.clock().now());
        assert_eq!(usage[0].spent, 2);
    }

    const DAY: Duration = Duration::from_secs(86_400);
    const YEAR: Duration = Duration::from_secs(365 * 86_400);

    #[test]
    fn a_file_that_is_damaged_stops_the_start_and_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::starting_at(Duration::from_secs(1_800_000_000)).clock();
        let path = folder.path().join(file::NAME);
        std::fs::write(&path, "no database at all, but long enough to be taken for one").unwrap();
        let error = Kept::open(folder.path(), &clock, Room::default(), Limiter::new).unwrap_err();
        let said = format!("{error:#}");
        assert!(said.contains("counters.db") && said.contains(file::ADVICE), "{said}");
        std::fs::remove_file(&path).unwrap();
        drop(Kept::open(folder.path(), &clock, Room::default(), Limiter::new).unwrap());
        let damage = Connection::open(&path).unwrap();
        damage.execute("INSERT INTO count VALUES (x'01', x'02', 9999999999999)", []).unwrap();
        drop(damage);
        let error = Kept::open(folder.path(), &clock, Room::default(), Limiter::new).unwrap_err();
        assert!(format!("{error:#}").contains(file::ADVICE), "{error:#}");
    }
}
