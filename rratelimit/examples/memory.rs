//! How much memory a million keys of one sliding limit take, and how long the longest call takes
//! while ever new keys come: all at once, and so that old ones make room.
//!
//! `cargo run --release -p rratelimit --example memory [KEYS]`

use std::time::Duration;

use rratelimit::{Key, Limiter, Policy};
use rrcore::{Clock, Now};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let keys: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |it| it.parse())?;
    let policy = Policy::per_minute(100);
    let limiter = Limiter::new();
    let before = resident()?;
    // Of each, three requests over ten seconds.
    for round in 0..3 {
        for key in 0..keys {
            _ = limiter.admit(&policy, name(key), at(Duration::from_secs(5 * round)));
        }
    }
    let bytes = resident()?.saturating_sub(before);
    let each = bytes / keys.clamp(1, CAPACITY);
    writeln(&format!("{keys} keys: {} MiB, {each} bytes for each that is remembered", bytes >> 20));
    assert!(each <= 100 || keys < 100_000, "{each}");
    drop(limiter);
    // In a window there are six in ten of those that fit, or all.
    for apart in [Duration::from_micros(100), Duration::ZERO] {
        churn(keys, apart)?;
    }
    Ok(())
}

/// Asks for ever new keys, one each time that `apart` has passed.
fn churn(keys: u64, apart: Duration) -> std::io::Result<()> {
    let (policy, limiter, clock) = (Policy::per_minute(100), Limiter::new(), Clock::system());
    let (before, mut passed) = (resident()?, Duration::ZERO);
    let (mut longest, mut allowed) = (Duration::ZERO, 0);
    let mut long = [(100, 0), (500, 0), (1_000, 0), (5_000, 0)];
    let began = clock.monotonic();
    for key in 0..keys {
        passed += apart;
        let began = clock.monotonic();
        allowed += u64::from(limiter.admit(&policy, name(key), at(passed)));
        let took = clock.monotonic() - began;
        longest = longest.max(took);
        for (micros, calls) in &mut long {
            *calls += u64::from(took > Duration::from_micros(*micros));
        }
    }
    let (each, mib) = (
        (clock.monotonic() - began).as_nanos() / u128::from(keys.max(1)),
        resident()?.saturating_sub(before) >> 20,
    );
    writeln(&format!(
        "{keys} new keys, {apart:?} apart: {allowed} allowed, {mib} MiB more, {each} ns each; the \
         longest call {longest:?}; (µs, calls that took longer): {long:?}"
    ));
    Ok(())
}

fn name(key: u64) -> Key {
    Key::of_bytes([key.to_le_bytes().as_slice()])
}

fn at(passed: Duration) -> Now {
    let at = Duration::from_secs(1_800_000_000) + passed;
    Now { monotonic: at, wall: at }
}

/// What is in memory, in bytes; 0 where the system does not say.
fn resident() -> std::io::Result<u64> {
    let Ok(text) = std::fs::read_to_string("/proc/self/statm") else { return Ok(0) };
    let pages = text.split(' ').nth(1).and_then(|it| it.parse::<u64>().ok());
    Ok(pages.unwrap_or(0) * 4_096)
}

#[expect(clippy::print_stdout, reason = "an example")]
fn writeln(text: &str) {
    println!("{text}");
}

/// What `Limiter::new` remembers.
const CAPACITY: u64 = 1_000_000;
