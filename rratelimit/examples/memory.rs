//! How much memory a million keys of one sliding limit take.
//!
//! `cargo run --release -p rratelimit --example memory [KEYS]`

use std::time::Duration;

use rratelimit::{Key, Limiter, Policy};
use rrcore::Now;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let keys: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |it| it.parse())?;
    let policy = Policy::per_minute(100);
    let limiter = Limiter::new();
    let before = resident()?;
    // Of each, three requests over ten seconds.
    for round in 0..3 {
        let at = Duration::from_secs(1_800_000_000 + 5 * round);
        let now = Now { monotonic: at, wall: at };
        for key in 0..keys {
            let key = Key::of_bytes([key.to_le_bytes().as_slice()]);
            _ = limiter.admit(&policy, key, now);
        }
    }
    let bytes = resident()?.saturating_sub(before);
    let each = bytes / keys.clamp(1, 1_000_000);
    writeln(&format!("{keys} keys: {} MiB, {each} bytes for each that is remembered", bytes >> 20));
    assert!(each <= 100 || keys < 100_000, "{each}");
    Ok(())
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
