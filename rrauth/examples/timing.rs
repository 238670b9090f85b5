//! Whether the time of an answer tells a guesser anything: Welch's t between two classes of guesses.
//!
//! ```text
//! cargo run --release -p rrauth --features basic --example timing -- [SAMPLES]
//! ```
//!
//! The method is that of Reparaz, Balasch and Verbauwhede, "Dude, is my code constant time?" (2017):
//! guesses of two classes in random order, the slowest samples cropped, the worst |t| of several
//! crops, and how far the means are apart there. Below 4.5 nothing was found; a comparison that ends at the first difference must be found
//! with more than 10, or the measurement says nothing. Fails when either is not so.
//!
//! Names lie somewhere in memory, and two names are told apart by that alone: four users against four
//! other users fail the test. Where they lie is drawn anew for every thousandth of the samples, so that
//! what is left is whether there is such a user.
//!
//! SAMPLES (1,000,000) are taken, and a thousandth of them where a password is hashed at the default
//! cost. Keep the machine quiet, and the process on one core before all others (`taskset -c 1 chrt
//! -r 1`): what disturbs it hides what there is to find.

#![expect(clippy::print_stdout, reason = "it is a command")]

use std::cell::Cell;
use std::collections::hash_map::RandomState;
use std::error::Error;
use std::hash::{BuildHasher, Hasher};
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::process::ExitCode;

use rrauth::{
    Accounts, Credential, Index, KeyDigest, Kind, PasswordCost, PasswordHash, PasswordVerifier,
    PasswordWorkers, Verdict,
};
use rrcore::Clock;
use tokio::runtime::{Builder, Runtime};

/// What is expected of |t|.
#[derive(Clone, Copy)]
enum Expected {
    Below(f64),
    Above(f64),
}

const SAME: Expected = Expected::Below(4.5);
const CONTROL: Expected = Expected::Above(10.0);
const KEY: &[u8; 32] = b"rk_0123456789abcdef0123456789abc";
const CROPS: [f64; 5] = [0.1, 0.25, 0.5, 0.9, 0.99];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let samples = std::env::args().nth(1).map_or(Ok(1_000_000), |it| it.parse())?;
    let mut report = Report { holds: true };
    println!(
        "{:<58} {:>9} {:>9} {:>9} {:>9}  must be",
        "", "samples", "mean ns", "apart ns", "worst |t|"
    );
    digests(samples, &mut report);
    keys(samples, &mut report);
    passwords(samples, &mut report)?;
    Ok(if report.holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is kept of API keys: a digest that begins like a known one against one that does not.
fn digests(samples: usize, report: &mut Report) {
    let known = KeyDigest::of(KEY);
    let index = index();
    let wrong_at = |first: usize, class: Class, random: &mut Random| {
        let mut bytes = *known.as_bytes();
        let at = if class.is_near { bytes.len() - 1 } else { first };
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= (random.next() as u8) | 1;
        }
        KeyDigest::from_bytes(bytes)
    };
    let row = "control: digests by a loop that ends at a difference";
    report.row(
        row,
        CONTROL,
        samples,
        |c, r| wrong_at(0, c, r),
        |it| {
            let both = it.as_bytes().iter().zip(known.as_bytes());
            black_box(both.map(black_box).all(|(one, other)| one == other));
        },
    );
    let row = "KeyDigest == KeyDigest: last byte wrong or first";
    report.row(
        row,
        SAME,
        samples,
        |c, r| wrong_at(0, c, r),
        |it| {
            black_box(*it == known);
        },
    );
    // The first eight bytes place a digest in the index, so a difference there is another place;
    // to find a digest with 64 given bits is as hard as to find a key of 64 bits.
    let row = "Index::find(digest): last byte wrong or ninth";
    report.row(
        row,
        SAME,
        samples,
        |c, r| wrong_at(8, c, r),
        |it| {
            black_box(index.find(it));
        },
    );
}

/// API keys: a guess that begins like a key against one that does not.
fn keys(samples: usize, report: &mut Report) {
    let index = index();
    let guess = |class: Class, random: &mut Random| {
        let mut guess = *KEY;
        // Enough is left to chance that no guess comes twice: what was seen before is faster.
        let same = if class.is_near { 22 } else { 0 };
        guess.iter_mut().skip(same).for_each(|it| *it = b'A' + (random.next() % 26) as u8);
        guess
    };
    let row = "Index::find(KeyDigest::of(key)): 22 of 32 right or none";
    report.row(row, SAME, samples, guess, |it| {
        black_box(index.find(&KeyDigest::of(it)));
    });
}

fn index() -> Index<()> {
    let credential = |it: u32| Credential::new(it.to_string(), "s", Kind::ApiKey, ());
    let others = (0_u32..1_000).map(|it| (KeyDigest::of(it.to_le_bytes()), credential(it)));
    others.chain([(KeyDigest::of(KEY), credential(1_000))]).collect()
}

/// Passwords: a wrong one of a user against one of nobody. The guess is hashed on another thread,
/// and all of that is measured.
fn passwords(samples: usize, report: &mut Report) -> Result<(), Box<dyn Error>> {
    let runtime = Builder::new_current_thread().build()?;
    let cheap = Passwords::new(&runtime, PasswordCost::new(8, 1, 1)?, samples)?;
    let row = "control: Accounts::verify only where there is a user";
    report.row(row, CONTROL, samples, guess, |(name, password)| {
        if name.starts_with("user") {
            cheap.verify(name, password);
        }
    });
    let row = "control: one SHA-256 more where there is a user";
    report.row(row, CONTROL, samples, guess, |(name, password)| {
        if name.starts_with("user") {
            black_box(KeyDigest::of(password));
        }
        cheap.verify(name, password);
    });
    let row = "the same: four users or four other users";
    report.row(row, SAME, samples, guess_of_users, |(name, password)| {
        cheap.verify(name, password);
    });
    let many = Passwords::many(&runtime, PasswordCost::new(8, 1, 1)?)?;
    let row = "the same: one of 1,000 users or a name never seen";
    report.row(row, SAME, samples, guess_of_many, |(name, password)| {
        many.verify(name, password);
    });
    let row = "Accounts::verify, 8 KiB: wrong password or no user";
    report.row(row, SAME, samples, guess, |(name, password)| {
        cheap.verify(name, password);
    });
    let row = "the same, where the right password is remembered";
    cheap.remember();
    report.row(row, SAME, samples, guess, |(name, password)| {
        cheap.verify(name, password);
    });
    let dear = Passwords::new(&runtime, PasswordCost::default(), samples / 1_000)?;
    let row = "Accounts::verify, 19 MiB: wrong password or no user";
    report.row(row, SAME, samples / 1_000, guess, |(name, password)| {
        dear.verify(name, password);
    });
    Ok(())
}

/// The same users again and again, with one password. Each time they lie elsewhere: a name is placed
/// by its digest under a key that the workers draw.
struct Passwords<'a> {
    runtime: &'a Runtime,
    draws: Vec<Accounts<()>>,
    per_draw: usize,
    guesses: Cell<usize>,
}

impl<'a> Passwords<'a> {
    fn new(
        runtime: &'a Runtime,
        cost: PasswordCost,
        samples: usize,
    ) -> Result<Self, Box<dyn Error>> {
        let hash = PasswordHash::with_cost(PASSWORD, cost)?;
        let draws = (0..DRAWS).map(|_| Self::draw(&hash, USERS)).collect::<Result<_, _>>()?;
        let per_draw = (samples / DRAWS).max(1);
        Ok(Self { runtime, draws, per_draw, guesses: Cell::new(0) })
    }

    fn many(runtime: &'a Runtime, cost: PasswordCost) -> Result<Self, Box<dyn Error>> {
        let hash = PasswordHash::with_cost(PASSWORD, cost)?;
        let draws = vec![Self::draw(&hash, MANY)?];
        Ok(Self { runtime, draws, per_draw: usize::MAX, guesses: Cell::new(0) })
    }

    fn draw(hash: &PasswordHash, users: u64) -> Result<Accounts<()>, Box<dyn Error>> {
        let workers =
            PasswordWorkers::builder().threads(NonZeroUsize::MIN).remembered(16).build()?;
        let mut accounts = Accounts::builder(&workers);
        for user in 0..users {
            let name = format!("user_{user:08}");
            let credential = Credential::new(&*name, &*name, Kind::Basic, ());
            accounts = accounts.insert(name, hash.clone(), credential);
        }
        Ok(accounts.build()?)
    }

    fn verify(&self, name: &str, password: &str) {
        let guesses = self.guesses.replace(self.guesses.get() + 1);
        let draw = self.draws.get(guesses / self.per_draw % self.draws.len());
        draw.into_iter().for_each(|it| self.ask(it, name, password));
    }

    /// Shows the right passwords of all who are guessed at.
    fn remember(&self) {
        for draw in &self.draws {
            (0..GUESSED).for_each(|it| self.ask(draw, &format!("user_{it:08}"), PASSWORD));
        }
    }

    fn ask(&self, accounts: &Accounts<()>, name: &str, password: &str) {
        match accounts.verify(name, password, Clock::system().now()) {
            Verdict::Pending(hashing) => drop(black_box(self.runtime.block_on(hashing))),
            known => drop(black_box(known)),
        }
    }
}

const PASSWORD: &str = "sesame";
const USERS: u64 = 200;
const MANY: u64 = 1_000;
/// So many users are guessed at, and so many names that nobody has.
const GUESSED: u64 = 4;
/// How often it is drawn anew where users lie.
const DRAWS: usize = 1_000;

fn guess(class: Class, random: &mut Random) -> (String, String) {
    let who = if class.is_near { "user" } else { "nobo" };
    (format!("{who}_{:08}", random.next() % GUESSED), wrong(random))
}

fn guess_of_users(class: Class, random: &mut Random) -> (String, String) {
    let first = if class.is_near { 0 } else { GUESSED };
    (format!("user_{:08}", first + random.next() % GUESSED), wrong(random))
}

fn guess_of_many(class: Class, random: &mut Random) -> (String, String) {
    let of = if class.is_near { MANY } else { 100_000_000 };
    let who = if class.is_near { "user" } else { "nobo" };
    (format!("{who}_{:08}", random.next() % of), wrong(random))
}

fn wrong(random: &mut Random) -> String {
    format!("{:016x}", random.next())
}

/// Which of the two classes: near the truth, or far from it.
#[derive(Clone, Copy)]
struct Class {
    is_near: bool,
}

struct Report {
    holds: bool,
}

impl Report {
    /// Measures and prints one row.
    fn row<I>(
        &mut self,
        name: &str,
        expected: Expected,
        samples: usize,
        guess: impl Fn(Class, &mut Random) -> I,
        mut run: impl FnMut(&I),
    ) {
        // All made before the first is measured: what making one leaves in the processor differs
        // from class to class. The first tenth warms up caches, predictors and allocators.
        let (clock, mut random) = (Clock::system(), Random::new());
        let warm_up = samples / 10;
        let make = |_| {
            let class = Class { is_near: random.next() % 2 == 0 };
            (class, guess(class, &mut random))
        };
        let inputs: Vec<_> = (0..samples + warm_up).map(make).collect();
        let mut measured = Vec::with_capacity(inputs.len());
        for (class, input) in &inputs {
            let begin = clock.monotonic();
            run(black_box(input));
            let took = clock.monotonic().saturating_sub(begin);
            measured.push((*class, took.as_nanos() as f64));
        }
        measured.drain(..warm_up);
        let mean = measured.iter().map(|it| it.1).sum::<f64>() / samples as f64;
        let tests = CROPS.map(|crop| Welch::of(&cropped(&measured, crop)));
        let found = tests.into_iter().max_by(|a, b| a.t.abs().total_cmp(&b.t.abs()));
        let Welch { difference, t } = found.unwrap_or_default();
        let worst = t.abs();
        let (holds, must) = match expected {
            Expected::Below(most) => (worst < most, format!("< {most}")),
            Expected::Above(least) => (worst > least, format!("> {least}")),
        };
        self.holds &= holds;
        let verdict = if holds { "" } else { "  FAILS" };
        println!(
            "{name:<58} {samples:>9} {mean:>9.0} {difference:>+9.1} {worst:>9.2}  {must}{verdict}"
        );
    }
}

/// The samples up to the quantile `crop` of all: what is slower was interrupted.
fn cropped(measured: &[(Class, f64)], crop: f64) -> Vec<(Class, f64)> {
    let mut times: Vec<_> = measured.iter().map(|it| it.1).collect();
    times.sort_by(f64::total_cmp);
    let at = (times.len() as f64 * crop) as usize;
    let most = times.get(at).copied().unwrap_or(f64::MAX);
    measured.iter().filter(|it| it.1 <= most).copied().collect()
}

/// How far the means are apart, and that in units of its standard error: Welch's t.
#[derive(Clone, Copy, Default)]
struct Welch {
    difference: f64,
    t: f64,
}

impl Welch {
    fn of(measured: &[(Class, f64)]) -> Self {
        let (near, far) = (Moments::of(measured, true), Moments::of(measured, false));
        let error = (near.variance / near.count + far.variance / far.count).sqrt();
        let difference = near.mean - far.mean;
        Self { difference, t: if error > 0.0 { difference / error } else { 0.0 } }
    }
}

struct Moments {
    count: f64,
    mean: f64,
    variance: f64,
}

impl Moments {
    fn of(measured: &[(Class, f64)], is_near: bool) -> Self {
        let times = || measured.iter().filter(|it| it.0.is_near == is_near).map(|it| it.1);
        let count = times().count() as f64;
        let mean = times().sum::<f64>() / count;
        let variance = times().map(|it| (it - mean) * (it - mean)).sum::<f64>() / (count - 1.0);
        Self { count, mean, variance }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): fast, and good enough to mix up the order.
struct Random(u64);

impl Random {
    fn new() -> Self {
        Self(RandomState::new().build_hasher().finish())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
