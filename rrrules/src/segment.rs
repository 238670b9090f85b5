//! One segment of a path: its canonical spelling, or why it has none.

use crate::path_error::PathErrorKind;

/// What stands between two slashes.
pub(crate) enum Segment {
    /// Nothing, or `.`: stays where it is.
    Here,
    /// `..`.
    Up,
    /// Anything else, in its canonical spelling.
    Name(String),
}

impl Segment {
    /// Decodes `raw` once, and judges what that gives.
    pub(crate) fn parse(raw: &str) -> Result<Self, PathErrorKind> {
        let mut spelling = String::with_capacity(raw.len());
        let mut decoded = Vec::with_capacity(raw.len());
        let mut bytes = raw.bytes();
        while let Some(byte) = bytes.next() {
            let is_escape = byte == b'%';
            let value = if is_escape { escaped(bytes.next(), bytes.next())? } else { plain(byte)? };
            if is_unreserved(value) || (!is_escape && is_delimiter(value)) {
                spelling.push(char::from(value));
            } else {
                escape(value, &mut spelling);
            }
            decoded.push(value);
        }
        let decoded = String::from_utf8(decoded).map_err(|_| PathErrorKind::NotUtf8)?;
        check_characters(&decoded)?;
        match decoded.as_str() {
            "" | "." => Ok(Self::Here),
            ".." => Ok(Self::Up),
            name if is_disguised_dots(name) => Err(PathErrorKind::DisguisedDots),
            _ => Ok(Self::Name(spelling)),
        }
    }
}

/// Whether `byte` may stand in a canonical segment as it is (RFC 3986 §3.3, `pchar`).
pub(crate) const fn is_plain(byte: u8) -> bool {
    is_unreserved(byte) || is_delimiter(byte)
}

/// The value of a hexadecimal digit.
pub(crate) fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|it| u8::try_from(it).ok())
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

// What a segment may hold besides (`sub-delims`, `:`, `@`). Not the same when escaped, so both
// spellings stay. What may not stand in a segment at all, such as `|`, is escaped: many clients
// send it, and then it has one spelling.
const fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@'
    )
}

fn plain(byte: u8) -> Result<u8, PathErrorKind> {
    match byte {
        b'\\' => Err(PathErrorKind::Slash),
        b'?' | b'#' => Err(PathErrorKind::Delimiter),
        0..=b' ' | 0x7f => Err(PathErrorKind::Control),
        0x80.. => Err(PathErrorKind::NotAscii),
        other => Ok(other),
    }
}

fn escaped(high: Option<u8>, low: Option<u8>) -> Result<u8, PathErrorKind> {
    let (Some(high), Some(low)) = (high.and_then(hex), low.and_then(hex)) else {
        return Err(PathErrorKind::BadPercent);
    };
    match high << 4 | low {
        b'/' | b'\\' => Err(PathErrorKind::Slash),
        b'%' => Err(PathErrorKind::EncodedPercent),
        other => Ok(other),
    }
}

fn escape(value: u8, spelling: &mut String) {
    spelling.push('%');
    for digit in [value >> 4, value & 0xf] {
        spelling.extend(char::from_digit(digit.into(), 16).map(|it| it.to_ascii_uppercase()));
    }
}

fn check_characters(decoded: &str) -> Result<(), PathErrorKind> {
    for character in decoded.chars() {
        if character.is_control() {
            return Err(PathErrorKind::Control);
        }
        if is_lookalike(character) {
            return Err(PathErrorKind::Lookalike);
        }
    }
    Ok(())
}

// Servlet containers cut `;parameters` off, others trim spaces or drop what is invisible, some
// before they resolve dot segments.
fn is_disguised_dots(decoded: &str) -> bool {
    let name = decoded.split(';').next().unwrap_or_default();
    let mut visible = name.chars().filter(|it| !it.is_whitespace() && !is_ignorable(*it));
    match (visible.next(), visible.next(), visible.next()) {
        (Some('.'), None, _) | (Some('.'), Some('.'), None) => true,
        (_, _, _) => false,
    }
}

// Default_Ignorable_Code_Point of Unicode, as far as it is assigned.
const fn is_ignorable(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

// Everything outside ASCII whose NFKC form has a `.`, `/` or `\` in it, and the slashes that
// Windows' best-fit tables turn into those.
const fn is_lookalike(character: char) -> bool {
    matches!(
        character,
        '\u{2024}'..='\u{2026}' | '\u{2044}' | '\u{2100}' | '\u{2101}' | '\u{2105}' | '\u{2106}'
            | '\u{2215}' | '\u{2216}' | '\u{2488}'..='\u{249b}' | '\u{29f5}' | '\u{29f8}'
            | '\u{29f9}' | '\u{33c2}' | '\u{33c7}' | '\u{33d8}' | '\u{fe19}' | '\u{fe30}'
            | '\u{fe52}' | '\u{fe68}' | '\u{ff0e}' | '\u{ff0f}' | '\u{ff3c}' | '\u{1f100}'
    )
}
