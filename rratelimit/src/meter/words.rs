//! JSON passed over eight bytes at a time: to the end of a string, a line, a container, a plain name.

/// How many containers are open around the next byte, and whether it is in a string of theirs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Depth {
    open: u64,
    in_text: bool,
    escaped: bool,
}

impl Depth {
    /// After the bracket that opens one.
    pub(crate) const fn one() -> Self {
        Self { open: 1, in_text: false, escaped: false }
    }

    /// Whether the last one was closed.
    pub(crate) const fn is_out(self) -> bool {
        self.open == 0
    }

    /// Passes over `chunk`, up to and with the bracket that closes the last one; gives the rest.
    pub(crate) fn skip<'a>(&mut self, chunk: &'a [u8]) -> &'a [u8] {
        // What changes with each word is kept out of memory meanwhile.
        let mut depth = *self;
        let rest = depth.skip_from(chunk);
        *self = depth;
        rest
    }

    #[inline]
    fn skip_from<'a>(&mut self, chunk: &'a [u8]) -> &'a [u8] {
        let mut rest = chunk;
        while let Some((word, after)) = rest.split_first_chunk::<WORD>() {
            if !self.skip_word(u64::from_le_bytes(*word))
                && let Some(at) = self.skip_bytes(word)
            {
                return rest.get(at..).unwrap_or_default();
            }
            rest = after;
        }
        let at = self.skip_bytes(rest).unwrap_or(rest.len());
        rest.get(at..).unwrap_or_default()
    }

    // Where the last one was closed, if it was.
    fn skip_bytes(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_text => self.escaped = true,
                b'"' => self.in_text = !self.in_text,
                b'{' | b'[' if !self.in_text => self.open = self.open.saturating_add(1),
                b'}' | b']' if !self.in_text => self.open = self.open.saturating_sub(1),
                _ => {}
            }
            if self.open == 0 {
                return Some(at + 1);
            }
        }
        None
    }

    // Does nothing, and says so, where it takes a closer look: at escapes, and at where the last
    // one may be closed.
    const fn skip_word(&mut self, word: u64) -> bool {
        if self.escaped || equal(word, b'\\') != 0 {
            return false;
        }
        let quotes = equal(word, b'"') >> 7;
        // Most of a long text.
        if quotes == 0 && self.in_text {
            return true;
        }
        // Of each byte its lowest bit: whether there were, up to and with it, an odd number of
        // quotes, so that it is in a string.
        let mut text = quotes ^ (quotes << 8);
        text ^= text << 16;
        text ^= text << 32;
        text ^= if self.in_text { EACH } else { 0 };
        // `[` and `{` differ in this bit alone, and so do `]` and `}`.
        let bracket = word | (EACH * 0x20);
        let closed = sum(equal(bracket, b'}') >> 7 & !text);
        if closed >= self.open {
            return false;
        }
        let opened = sum(equal(bracket, b'{') >> 7 & !text);
        self.open = self.open.saturating_add(opened) - closed;
        self.in_text = text >> 56 == 1;
        true
    }
}

/// A string after its opening quote, or after `escaped`: what comes before its closing quote, and
/// what comes after it; `None` if it goes on beyond `chunk`.
pub(crate) fn text<'a>(chunk: &'a [u8], escaped: &mut bool) -> (&'a [u8], Option<&'a [u8]>) {
    let mut at = 0;
    loop {
        if std::mem::take(escaped) {
            at += 1;
        }
        let Some(found) = chunk.get(at..).and_then(|it| find(it, *b"\"\\")) else {
            // An escape may be cut after its backslash.
            *escaped = at > chunk.len();
            return (chunk, None);
        };
        at += found;
        if chunk.get(at) == Some(&b'"') {
            return (chunk.get(..at).unwrap_or_default(), chunk.get(at + 1..));
        }
        at += 1;
        *escaped = true;
    }
}

/// Where the line ends: at its line feed or carriage return.
pub(crate) fn line_end(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    let mut passed = 0;
    while let Some((word, after)) = rest.split_first_chunk::<WORD>() {
        // Nearly no byte of a line is as low as those that end it: one question about all of them.
        if is_any_below(u64::from_le_bytes(*word), b'\r' + 1)
            && let Some(at) = word.iter().position(|it| matches!(it, b'\n' | b'\r'))
        {
            return Some(passed + at);
        }
        rest = after;
        passed += WORD;
    }
    rest.iter().position(|it| matches!(it, b'\n' | b'\r')).map(|it| passed + it)
}

/// Where the first byte is that is either of these.
pub(crate) fn find(bytes: &[u8], [one, other]: [u8; 2]) -> Option<usize> {
    let mut rest = bytes;
    let mut passed = 0;
    while let Some((word, after)) = rest.split_first_chunk::<WORD>() {
        let word = u64::from_le_bytes(*word);
        let found = equal(word, one) | equal(word, other);
        if found != 0 {
            // The first byte is the lowest.
            return Some(passed + found.trailing_zeros() as usize / 8);
        }
        rest = after;
        passed += WORD;
    }
    rest.iter().position(|it| *it == one || *it == other).map(|it| passed + it)
}

// The highest bit of each byte that is `byte`, and no other bit.
const fn equal(word: u64, byte: u8) -> u64 {
    let differs = word ^ (EACH * byte as u64);
    !(((differs & LOW) + LOW) | differs | LOW)
}

// Whether any byte is below `most`, which is 128 at the most.
const fn is_any_below(word: u64, most: u8) -> bool {
    word.wrapping_sub(EACH * most as u64) & !word & !(EACH * 0x7f) != 0
}

// How many bytes are 1, of bytes that are 0 or 1.
const fn sum(bytes: u64) -> u64 {
    bytes.wrapping_mul(EACH) >> 56
}

/// The name of the next member, if it is written as it reads, and what comes after the colon.
#[inline]
pub(crate) fn plain_name(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let ([b',', b'"', name @ ..] | [b',', b' ', b'"', name @ ..] | [b'"', name @ ..]) = bytes
    else {
        return None;
    };
    let end = find(name, *b"\"\\")?;
    match name.get(end..)? {
        [b'"', b':', b' ', value @ ..] | [b'"', b':', value @ ..] if !value.is_empty() => {
            Some((name.get(..end)?, value))
        }
        _ => None,
    }
}

/// A number or word, and what comes after it; `None` if it may go on beyond `chunk`.
#[inline]
pub(crate) fn scalar(chunk: &[u8]) -> (&[u8], Option<&[u8]>) {
    let is_end = |it: &u8| matches!(it, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r' | b'"');
    match chunk.iter().position(is_end) {
        Some(at) => (chunk.get(..at).unwrap_or_default(), chunk.get(at..)),
        None => (chunk, None),
    }
}

const WORD: usize = 8;
const EACH: u64 = 0x0101_0101_0101_0101;
const LOW: u64 = EACH * 0x7f;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_word_is_passed_over_as_its_bytes_are(bytes in json_like(), cuts in cuts()) {
            let mut slow = Depth::one();
            let expected = slow.skip_bytes(&bytes).map_or(0, |at| bytes.len() - at);
            let mut fast = Depth::one();
            let mut left = 0;
            for piece in pieces(&bytes, &cuts) {
                left = if fast.is_out() { left + piece.len() } else { fast.skip(piece).len() };
            }
            prop_assert_eq!(left, if fast.is_out() { expected } else { 0 });
            prop_assert_eq!(
                (fast.open, fast.in_text, fast.escaped),
                (slow.open, slow.in_text, slow.escaped)
            );
        }

        #[test]
        fn a_string_ends_at_its_first_quote_that_is_not_escaped(bytes in json_like(), cuts in cuts()) {
            let mut escaped = false;
            let end = bytes.iter().position(|it| match it {
                _ if escaped => { escaped = false; false }
                b'\\' => { escaped = true; false }
                it => *it == b'"',
            });
            let (mut at, mut state, mut found) = (0, false, None);
            for piece in pieces(&bytes, &cuts) {
                let (before, after) = text(piece, &mut state);
                if after.is_some() {
                    found = Some(at + before.len());
                    break;
                }
                at += piece.len();
            }
            prop_assert_eq!(found, end);
        }

        #[test]
        fn what_is_found_is_the_first(bytes in prop::collection::vec(0..4_u8, 0..40)) {
            prop_assert_eq!(find(&bytes, [2, 3]), bytes.iter().position(|it| *it >= 2));
        }

        #[test]
        fn a_line_ends_at_the_first_byte_that_ends_lines(
            bytes in prop::collection::vec(prop::sample::select(b"\n\r\t\x0e\x0b a\x8a\xff".to_vec()), 0..40),
            lines in prop::collection::vec(prop::sample::select(b"abcdefgh\n".to_vec()), 0..60),
        ) {
            for bytes in [bytes, lines] {
                let expected = bytes.iter().position(|it| *it == b'\n' || *it == b'\r');
                prop_assert_eq!(line_end(&bytes), expected);
            }
        }

        #[test]
        fn one_byte_below_a_mark_is_seen_wherever_it_is(bytes in any::<[u8; 8]>(), most in 0..=128_u8) {
            let expected = bytes.iter().any(|it| *it < most);
            prop_assert_eq!(is_any_below(u64::from_le_bytes(bytes), most), expected);
        }

        #[test]
        fn bytes_are_equal_one_by_one(bytes in any::<[u8; 8]>(), byte in any::<u8>()) {
            for byte in bytes.into_iter().chain([byte]) {
                let marks = bytes.map(|it| if it == byte { 0x80 } else { 0 });
                prop_assert_eq!(equal(u64::from_le_bytes(bytes), byte), u64::from_le_bytes(marks));
            }
        }
    }

    fn json_like() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop::sample::select(br#"{}[]{}[]""\a:, "#.to_vec());
        prop::collection::vec(byte, 0..64)
    }

    fn cuts() -> impl Strategy<Value = Vec<usize>> {
        prop::collection::vec(0..64_usize, 0..4)
    }

    fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
        let mut cuts: Vec<_> = cuts.iter().map(|it| *it.min(&bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        cuts.windows(2).map(|it| &bytes[it[0]..it[1]]).collect()
    }
}
