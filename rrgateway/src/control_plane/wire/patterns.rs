//! Patterns by what they say, so that each is compiled once however many rules ask for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rrrules::{Pattern, PatternError};

/// The compiled patterns that are in use. Cheap to clone; threads share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patterns {
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    /// By the flags, a slash, and the pattern.
    patterns: HashMap<Box<str>, Pattern>,
    /// At how many of them those that nobody uses are dropped.
    sweep_at: usize,
}

impl Patterns {
    /// `pattern` with `flags`, compiled now if no rule uses it yet.
    pub(crate) fn get(&self, pattern: &str, flags: &str) -> Result<Pattern, PatternError> {
        let name = format!("{flags}/{pattern}").into_boxed_str();
        if let Some(known) = self.lock().patterns.get(&name) {
            return Ok(known.clone());
        }
        // Not under the lock: it takes up to milliseconds. Two threads may both do it.
        let compiled = Pattern::new(pattern, flags)?;
        self.lock().keep(name, compiled.clone());
        Ok(compiled)
    }

    // What a panic left behind is a map of whole patterns.
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    // Swept when it has doubled, so that keeping one costs the same however many there are.
    fn keep(&mut self, name: Box<str>, pattern: Pattern) {
        if self.patterns.len() >= self.sweep_at.max(FEWEST) {
            self.patterns.retain(|_, it| it.is_shared());
            self.sweep_at = self.patterns.len().saturating_mul(2);
        }
        self.patterns.insert(name, pattern);
    }
}

const FEWEST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_the_same_is_compiled_once_while_it_is_used() {
        let patterns = Patterns::default();
        let first = patterns.get("^/[a-z]+$", "").unwrap();
        assert!(first.is_shared(), "it is remembered");
        let (with_flags, again) = (patterns.get("^/[a-z]+$", "i"), patterns.get("^/[a-z]+$", ""));
        assert_eq!(
            (with_flags.unwrap().source(), again.unwrap().source()),
            ("^/[a-z]+$", "^/[a-z]+$")
        );
        assert_eq!(patterns.lock().patterns.len(), 2);
        assert!(patterns.get("(", "").is_err());
    }

    #[test]
    fn what_nobody_uses_is_not_kept_for_ever() {
        let patterns = Patterns::default();
        let used = patterns.get("used", "").unwrap();
        for number in 0..10 * FEWEST {
            drop(patterns.get(&format!("^/{number}$"), "").unwrap());
        }
        assert!(patterns.lock().patterns.len() <= FEWEST + 1);
        assert!(used.is_shared(), "what is used is still known");
    }
}
