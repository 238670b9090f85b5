//! What the scripts answer. A store may say anything; what is not an answer is none.

use std::time::Duration;

use redis::Value;

/// What became of the units that were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) is_allowed: bool,
    /// One for each limit, in the order asked.
    pub(crate) limits: Vec<AtStore>,
}

/// How a limit stands in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AtStore {
    pub(crate) remaining: u64,
    /// Until there is more.
    pub(crate) reset: Duration,
    pub(crate) wait: Wait,
    /// The window that was taken from.
    pub(crate) mark: u64,
    pub(crate) leased: u64,
    /// Until that window is over, if it has an end.
    pub(crate) window_left: Option<Duration>,
}

/// Until there is room for what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// There is.
    None,
    For(Duration),
    Forever,
}

impl Answer {
    /// `None` unless it is one about so many limits.
    pub(crate) fn read(value: &Value, limits: usize) -> Option<Self> {
        let Value::Array(values) = value else { return None };
        let (first, rest) = values.split_first()?;
        let is_allowed = match first {
            Value::Int(1) => true,
            Value::Int(0) => false,
            _ => return None,
        };
        let limits_read: Vec<_> = rest.chunks(6).map(AtStore::read).collect::<Option<_>>()?;
        (limits_read.len() == limits).then_some(Self { is_allowed, limits: limits_read })
    }
}

impl AtStore {
    fn read(values: &[Value]) -> Option<Self> {
        let [remaining, reset, wait, mark, leased, window_left] = values else { return None };
        Some(Self {
            remaining: number(remaining)?,
            reset: number(reset).map(Duration::from_micros)?,
            wait: Wait::read(wait)?,
            mark: number(mark)?,
            leased: number(leased)?,
            window_left: left(window_left)?,
        })
    }
}

/// What a sign of life is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    /// So many nodes are alive, at least the one that asks.
    Nodes(u64),
    /// Those that are alive make their keys in another way.
    OtherSeed,
}

impl Beat {
    pub(crate) fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Int(-1) => Some(Self::OtherSeed),
            other => number(other).filter(|it| *it > 0).map(Self::Nodes),
        }
    }
}

pub(crate) fn done(value: &Value) -> Option<()> {
    number(value).map(|_| ())
}

pub(crate) fn number(value: &Value) -> Option<u64> {
    let Value::Int(number) = value else { return None };
    u64::try_from(*number).ok()
}

fn left(value: &Value) -> Option<Option<Duration>> {
    match value {
        Value::Int(-1) => Some(None),
        other => number(other).map(|it| Some(Duration::from_micros(it))),
    }
}

impl Wait {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Int(-1) => Some(Self::None),
            Value::Int(-2) => Some(Self::Forever),
            other => number(other).map(|it| Self::For(Duration::from_micros(it))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_an_answer_is_none() {
        let ints = |it: &[i64]| Value::Array(it.iter().map(|it| Value::Int(*it)).collect());
        for (value, is_read) in [
            (ints(&[1, 5, 0, -1, 7, 0, -1]), true),
            (ints(&[0, 5, 1_000, -2, 7, 0, 3]), true),
            (ints(&[2, 5, 0, -1, 7, 0, -1]), false),
            (ints(&[1, -5, 0, -1, 7, 0, -1]), false),
            (ints(&[1, 5, 0, -3, 7, 0, -1]), false),
            (ints(&[1, 5, 0, -1, 7, 0, -2]), false),
            (ints(&[1, 5, 0, -1, 7, 0]), false),
            (ints(&[1]), false),
            (ints(&[]), false),
            (ints(&[1, 5, 0, -1, 7, 0, -1, 5, 0, -1, 7, 0, -1]), false),
            (Value::Nil, false),
            (Value::Int(1), false),
            (Value::SimpleString("OK".to_owned()), false),
        ] {
            assert_eq!(Answer::read(&value, 1).is_some(), is_read, "{value:?}");
        }
    }
}
