//! One way in which a secret may come back, and how text is read as it.

use zeroize::Zeroizing;

use super::escape::{self, Glance};

/// Some of the forms of a pattern, one bit each.
pub(super) type Forms = u8;

/// A secret in one encoding, as the units that text must have, one after another.
///
/// Any unit may be escaped as text escapes it (see [`escape`]).
pub(super) struct Form {
    kind: Kind,
    units: Zeroizing<Vec<u8>>,
    // Of base64: the bits of the first and last unit that are the secret's.
    edges: (u8, u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    // The bytes themselves.
    Text,
    // With a zero byte between every two, as in UTF-16. Nothing is escaped.
    Wide,
    // Digits, in lower case.
    Hex,
    // Sextets, in either alphabet; lines may be broken.
    Base64,
}

/// How far text has been read as a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// The next unit.
    pub(super) unit: usize,
    /// Where in the text it has to be.
    pub(super) at: usize,
    gap: Gap,
}

// A line break between two units of base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gap {
    None,
    Return,
    Line,
}

impl Form {
    /// Every form of `secret` that is looked for.
    pub(super) fn all(secret: &[u8]) -> Vec<Self> {
        let mut forms = vec![Self::text(secret), Self::hex(secret)];
        forms.extend((0..3).map(|offset| Self::base64(secret, offset)));
        if secret.is_ascii() {
            forms.push(Self::wide(secret));
        }
        forms
    }

    fn text(secret: &[u8]) -> Self {
        Self::of(Kind::Text, secret.to_vec())
    }

    fn wide(secret: &[u8]) -> Self {
        let mut units = Vec::with_capacity(2 * secret.len());
        for byte in secret {
            units.extend([*byte, 0]);
        }
        units.pop();
        Self::of(Kind::Wide, units)
    }

    fn hex(secret: &[u8]) -> Self {
        let mut units = Vec::with_capacity(2 * secret.len());
        for byte in secret {
            for digit in [byte >> 4, byte & 15] {
                units.push(if digit < 10 { b'0' + digit } else { b'a' - 10 + digit });
            }
        }
        Self::of(Kind::Hex, units)
    }

    // What becomes of the secret where `offset` bytes of its first group of three are others'. The
    // units at the edges have bits of its neighbours too.
    fn base64(secret: &[u8], offset: usize) -> Self {
        let (begin, end) = (8 * offset, 8 * (offset + secret.len()));
        let (first, last) = (begin / 6, (end - 1) / 6);
        let mut units = Vec::with_capacity(last + 1 - first);
        for unit in first..=last {
            let bits = (6 * unit..6 * unit + 6).map(|bit| {
                let byte = bit.checked_sub(begin).and_then(|it| secret.get(it / 8));
                byte.map_or(0, |it| it >> (7 - bit % 8) & 1)
            });
            units.push(bits.fold(0, |sextet, bit| sextet << 1 | bit));
        }
        let known = |unit: usize| {
            let bits = (6 * unit..6 * unit + 6).map(|it| u8::from((begin..end).contains(&it)));
            bits.fold(0, |mask, bit| mask << 1 | bit)
        };
        Self { edges: (known(first), known(last)), ..Self::of(Kind::Base64, units) }
    }

    fn of(kind: Kind, units: Vec<u8>) -> Self {
        Self { kind, units: Zeroizing::new(units), edges: (SEXTET, SEXTET) }
    }

    pub(super) fn units(&self) -> usize {
        self.units.len()
    }

    /// The first unit that is the secret's alone: 0, or 1.
    pub(super) fn anchor(&self) -> usize {
        usize::from(self.edges.0 != SEXTET)
    }

    /// Every byte that `unit`, or a line break before it, may begin with.
    pub(super) fn beginnings(&self, unit: usize) -> impl Iterator<Item = u8> {
        let escapes = if self.kind == Kind::Wide { &[][..] } else { &escape::INTRODUCERS };
        let sextets = if self.kind == Kind::Base64 { &STANDARD[..] } else { &[] };
        let others = self.candidates(unit).into_iter().flatten().chain(*b"-_");
        let plain = others.chain(sextets.iter().copied()).filter(move |it| {
            let mut begins = false;
            self.read_plain(&[*it], State::new(unit, 0), &mut |_| begins = true);
            begins
        });
        plain.chain(escapes.iter().copied())
    }

    /// Whether `text` from `state` on may be the form, by a look at the next characters that can be
    /// read in one way only.
    pub(super) fn may_go_on(&self, text: &[u8], state: State) -> bool {
        let State { unit, mut at, .. } = state;
        let rest = self.units.iter().enumerate().skip(unit).take(GLANCE);
        for (unit, expected) in rest {
            let Some(byte) = text.get(at).copied() else { return true };
            let is_gap = self.kind == Kind::Base64 && matches!(byte, b'\r' | b'\n');
            let is_space = byte == b'+' && *expected == b' ';
            if !byte.is_ascii() || is_gap || is_space {
                return true;
            }
            let is_plain = self.is(unit, byte);
            if self.kind != Kind::Wide && escape::INTRODUCERS.contains(&byte) {
                match escape::glance(text.get(at..).unwrap_or_default()) {
                    Glance::Nothing if is_plain => at += 1,
                    Glance::Nothing => return false,
                    Glance::One((value, len)) if !is_plain => match u8::try_from(value) {
                        Ok(b'\r' | b'\n' | 0x80..) | Err(_) => return true,
                        Ok(byte) if self.is(unit, byte) => at += len,
                        Ok(_) => return false,
                    },
                    Glance::One(_) | Glance::Unknown => return true,
                }
            } else if is_plain {
                at += 1;
            } else {
                return false;
            }
        }
        true
    }

    /// Where `state` can go by what `text` has for it. The answer is whether there may be more ways
    /// once there is more text.
    pub(super) fn read(&self, text: &[u8], state: State, next: &mut impl FnMut(State)) -> bool {
        let Some(byte) = text.get(state.at) else { return true };
        self.read_plain(text, state, next);
        if !escape::INTRODUCERS.contains(byte) || self.kind == Kind::Wide {
            return false;
        }
        let rest = text.get(state.at..).unwrap_or_default();
        escape::read(rest, &mut |(value, len)| {
            let at = state.at + len;
            if let Some(gap) = self.gap(state, value) {
                return next(State { at, gap, ..state });
            }
            if state.gap == Gap::Return {
                return;
            }
            if let Ok(byte) = u8::try_from(value)
                && self.is(state.unit, byte)
            {
                next(State::new(state.unit + 1, at));
            }
            if let Some(units) = self.is_char(state.unit, value) {
                next(State::new(state.unit + units, at));
            }
        })
    }

    // Without escapes.
    fn read_plain(&self, text: &[u8], state: State, next: &mut impl FnMut(State)) {
        let Some(byte) = text.get(state.at) else { return };
        let (byte, at) = (*byte, state.at + 1);
        if let Some(gap) = self.gap(state, byte.into()) {
            return next(State { at, gap, ..state });
        }
        if state.gap == Gap::Return {
            return;
        }
        // A form (`application/x-www-form-urlencoded`) has a plus for a space.
        let space = byte == b'+' && self.kind == Kind::Text && self.is(state.unit, b' ');
        if space || self.is(state.unit, byte) {
            next(State::new(state.unit + 1, at));
        }
        // ISO 8859-1 has one byte where UTF-8 has two.
        if !byte.is_ascii()
            && let Some(units) = self.is_char(state.unit, byte.into())
        {
            next(State::new(state.unit + units, at));
        }
    }

    fn is(&self, unit: usize, byte: u8) -> bool {
        let Some(expected) = self.units.get(unit) else { return false };
        match self.kind {
            Kind::Text | Kind::Wide => byte == *expected,
            Kind::Hex => byte.to_ascii_lowercase() == *expected,
            Kind::Base64 => {
                let known = match unit {
                    0 => self.edges.0,
                    it if it + 1 == self.units.len() => self.edges.1,
                    _ => SEXTET,
                };
                sextet(byte).is_some_and(|it| it & known == *expected)
            }
        }
    }

    // A character beyond ASCII, and how many units it is.
    fn is_char(&self, unit: usize, value: u32) -> Option<usize> {
        if value < 0x80 || self.kind != Kind::Text {
            return None;
        }
        let mut utf8 = [0; 4];
        let utf8 = char::from_u32(value)?.encode_utf8(&mut utf8).as_bytes();
        let rest = self.units.get(unit..)?;
        rest.starts_with(utf8).then_some(utf8.len())
    }

    fn gap(&self, state: State, value: u32) -> Option<Gap> {
        if self.kind != Kind::Base64 || state.unit == 0 {
            return None;
        }
        match (state.gap, u8::try_from(value)) {
            (Gap::None, Ok(b'\r')) => Some(Gap::Return),
            (Gap::None | Gap::Return, Ok(b'\n')) => Some(Gap::Line),
            _ => None,
        }
    }

    /// Masks the form in `text` that has lost its case, as far as that leaves it a form.
    pub(super) fn mask_any_case(&self, text: &mut [u8]) {
        if !matches!(self.kind, Kind::Text | Kind::Hex) {
            return;
        }
        let mut at = 0;
        while let Some(rest) = text.get_mut(at..) {
            let Some(begun) = rest.get_mut(..self.units.len()) else { return };
            if begun.eq_ignore_ascii_case(&self.units) {
                begun.fill(b'*');
            }
            at += 1;
        }
    }

    /// Every `N` bytes without an escape that the form can have from its anchor on.
    pub(super) fn openings<const N: usize>(&self) -> Vec<[u8; N]> {
        let mut openings = Vec::new();
        let mut begun = vec![([0; N], State::new(self.anchor(), 0))];
        while let Some((text, state)) = begun.pop() {
            if state.at == N {
                openings.push(text);
                continue;
            }
            for byte in self.candidates(state.unit).into_iter().flatten() {
                let mut text = text;
                if let Some(last) = text.get_mut(state.at) {
                    *last = byte;
                }
                // A line that is broken before the anchor belongs to what leads there.
                self.read_plain(&text, state, &mut |next| {
                    if next.unit > self.anchor() {
                        begun.push((text, next));
                    }
                });
            }
        }
        openings.sort_unstable();
        openings.dedup();
        openings
    }

    /// The units from the anchor on, at most so many, that are the secret's alone, each by the bytes that
    /// it may be in text without line breaks. There are none of a form that has no escapes.
    pub(super) fn alone(&self, most: usize) -> Vec<[Option<u8>; 4]> {
        if self.kind == Kind::Wide {
            return Vec::new();
        }
        let end = self.units.len() - usize::from(self.edges.1 != SEXTET);
        let end = end.min(self.anchor() + most);
        let written = |unit| {
            let is_gap = |it: &u8| self.kind == Kind::Base64 && matches!(it, b'\r' | b'\n');
            self.candidates(unit).map(|it| it.filter(|it| !is_gap(it)))
        };
        (self.anchor()..end).map(written).collect()
    }

    /// The bytes that the unit before the anchor may be, in text without escapes.
    pub(super) fn edge(&self) -> impl Iterator<Item = u8> {
        let sextets = if self.anchor() > 0 { &STANDARD[..] } else { &[] };
        let url_safe = if self.anchor() > 0 { &b"-_"[..] } else { &[] };
        sextets.iter().chain(url_safe).copied().filter(|it| self.is(0, *it))
    }

    // Bytes that may be, or begin, a unit. Some of them are not.
    fn candidates(&self, unit: usize) -> [Option<u8>; 4] {
        let Some(byte) = self.units.get(unit).copied() else { return [None; 4] };
        match self.kind {
            Kind::Wide => [Some(byte), None, None, None],
            Kind::Hex => [Some(byte), Some(byte.to_ascii_uppercase()), None, None],
            Kind::Text => {
                let latin = match (byte, self.units.get(unit + 1)) {
                    (0xc2, Some(second)) => Some(*second),
                    (0xc3, Some(second)) => Some(*second | 0x40),
                    _ => None,
                };
                [Some(byte), (byte == b' ').then_some(b'+'), latin, None]
            }
            Kind::Base64 => {
                let standard = STANDARD.get(usize::from(byte)).copied();
                let url_safe = match byte {
                    62 => Some(b'-'),
                    63 => Some(b'_'),
                    _ => None,
                };
                [standard, url_safe, Some(b'\n'), Some(b'\r')]
            }
        }
    }
}

impl State {
    pub(super) const fn new(unit: usize, at: usize) -> Self {
        Self { unit, at, gap: Gap::None }
    }
}

fn sextet(byte: u8) -> Option<u8> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(value)
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const SEXTET: u8 = 0x3f;
// What agrees in so many units is read in earnest.
const GLANCE: usize = 16;
