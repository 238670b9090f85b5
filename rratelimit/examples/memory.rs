//! How much memory a million keys of one sliding limit take, and how long the longest call takes
//! while ever new keys come: all at once, and so that old ones make room.
//!
//! `cargo run --release -p rratelimit --example memory [KEYS]`

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use rratelimit::{Key, Limiter, Policy, Seed};
use rrcore::{Clock, Now};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let keys: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |it| it.parse())?;
    if let Some(micros) = std::env::args().skip_while(|it| it != CHURN).nth(1) {
        let all = newcomers(keys, Duration::from_micros(micros.parse()?))?;
        return Ok(std::io::stdout().write_all(&all)?);
    }
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

/// Asks for ever new keys, one each time that `apart` has passed; several times over, each in a
/// process of its own, as a machine that others use holds up any call: what a call takes is the least
/// that it took. Under one seed, a table grows at the same key each time.
fn churn(keys: u64, apart: Duration) -> Result<(), Box<dyn std::error::Error>> {
    let mut least = vec![u32::MAX; usize::try_from(keys)?];
    for _ in 0..ROUNDS {
        let micros = apart.as_micros().to_string();
        let mut child = Command::new(std::env::current_exe()?);
        let told = child.args([&keys.to_string(), CHURN, &micros]).stderr(Stdio::inherit());
        let told = told.output()?.stdout;
        for (least, took) in least.iter_mut().zip(told.chunks_exact(4)) {
            *least = u32::from_le_bytes(took.try_into()?).min(*least);
        }
    }
    let above = |micros: u32| least.iter().filter(|it| **it > micros * 1_000).count();
    let longest = least.iter().max().copied().unwrap_or_default() / 1_000;
    writeln(&format!(
        "the longest call {longest} µs; calls above 50 µs: {}, above 200: {}, above 1000: {}",
        above(50),
        above(200),
        above(1_000)
    ));
    Ok(())
}

/// One round, and the nanoseconds that each call took.
fn newcomers(keys: u64, apart: Duration) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    Seed::new([7; 16]).install()?;
    let (policy, limiter, clock) = (Policy::per_minute(100), Limiter::new(), Clock::system());
    let mut all = Vec::with_capacity(usize::try_from(keys)? * 4);
    let (mut passed, mut allowed) = (Duration::ZERO, 0);
    let (before, started) = (resident()?, clock.monotonic());
    for key in 0..keys {
        passed += apart;
        let began = clock.monotonic();
        allowed += u64::from(limiter.admit(&policy, name(key), at(passed)));
        let took = (clock.monotonic() - began).as_nanos();
        all.extend(u32::try_from(took).unwrap_or(u32::MAX).to_le_bytes());
    }
    let each = (clock.monotonic() - started).as_nanos() / u128::from(keys.max(1));
    let mib = resident()?.saturating_sub(before + all.len() as u64) >> 20;
    eprintln(&format!(
        "{keys} new keys, {apart:?} apart: {allowed} allowed, {mib} MiB more, {each} ns each"
    ));
    Ok(all)
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

#[expect(clippy::print_stderr, reason = "an example")]
fn eprintln(text: &str) {
    eprintln!("{text}");
}

#[expect(clippy::print_stdout, reason = "an example")]
fn writeln(text: &str) {
    println!("{text}");
}

const CHURN: &str = "churn";
const ROUNDS: usize = 4;
/// What `Limiter::new` remembers.
const CAPACITY: u64 = 1_000_000;
