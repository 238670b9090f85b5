//! Somebody who does nothing but wait, and notices by how much too long: so long the machine, which
//! others use, too, may hold anybody up.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rrcore::Clock;

pub(crate) struct Witness {
    stop: Sender<()>,
    thread: JoinHandle<Duration>,
}

impl Witness {
    pub(crate) fn start() -> Self {
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || {
            let (clock, mut longest) = (Clock::system(), Duration::ZERO);
            loop {
                let start = clock.monotonic();
                match stopped.recv_timeout(TICK) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return longest,
                }
                longest = longest.max((clock.monotonic() - start).saturating_sub(TICK));
            }
        });
        Self { stop, thread }
    }

    /// The longest that it was held up.
    pub(crate) fn held_up(self) -> Duration {
        drop(self.stop);
        self.thread.join().unwrap()
    }
}

const TICK: Duration = Duration::from_millis(1);
