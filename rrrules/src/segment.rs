//! One segment of a path: its canonical spelling, or why it has none.

use crate::escape::{MAX_DECODINGS, decode, escape, has_overlong_form, has_unicode_escape, hex};
use crate::path_error::PathErrorKind;
use crate::path_options::{EncodedPercent, EncodedSlash, PathOptions};

/// What stands between two slashes.
pub(crate) enum Segment {
    /// Nothing.
    Empty,
    /// `.`: stays where it is.
    Here,
    /// `..`.
    Up,
    /// Anything else.
    Name,
}

impl Segment {
    /// Decodes `raw` once, writes its canonical spelling to the end of `text`, and judges what it
    /// decodes to, however often a server decodes.
    pub(crate) fn parse(
        raw: &str,
        options: PathOptions,
        text: &mut String,
    ) -> Result<Self, PathErrorKind> {
        if is_canonical(raw) {
            text.push_str(raw);
            return Ok(Self::Name);
        }
        let decoded = respell(raw, options, text)?;
        let decoded = String::from_utf8(decoded).map_err(|_| PathErrorKind::NotUtf8)?;
        match decoded.as_str() {
            "" => return Ok(Self::Empty),
            "." => return Ok(Self::Here),
            ".." => return Ok(Self::Up),
            name => check_name(name, options)?,
        }
        // Only where an escaped percent sign is kept.
        if decoded.contains('%') {
            check_further(decoded.into_bytes(), options)?;
        }
        Ok(Self::Name)
    }
}

/// Whether `byte` may stand in a canonical segment as it is (RFC 3986 §3.3, `pchar`).
pub(crate) const fn is_plain(byte: u8) -> bool {
    is_unreserved(byte) || is_delimiter(byte)
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

// Most names. One that starts with a dot may be one in disguise: `..;v=1`.
fn is_canonical(raw: &str) -> bool {
    !raw.is_empty() && !raw.starts_with('.') && raw.bytes().all(is_plain)
}

fn respell(
    raw: &str,
    options: PathOptions,
    spelling: &mut String,
) -> Result<Vec<u8>, PathErrorKind> {
    let mut decoded = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        let is_escape = byte == b'%';
        let value =
            if is_escape { escaped(bytes.next(), bytes.next(), options)? } else { plain(byte)? };
        if is_unreserved(value) || (!is_escape && is_delimiter(value)) {
            spelling.push(char::from(value));
        } else {
            escape(value, spelling);
        }
        decoded.push(value);
    }
    Ok(decoded)
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

fn escaped(high: Option<u8>, low: Option<u8>, options: PathOptions) -> Result<u8, PathErrorKind> {
    let (Some(high), Some(low)) = (high.and_then(hex), low.and_then(hex)) else {
        return Err(PathErrorKind::BadPercent);
    };
    match (high << 4 | low, options.encoded_slash, options.encoded_percent) {
        (b'/', EncodedSlash::Reject, _) | (b'\\', _, _) => Err(PathErrorKind::Slash),
        (b'%', _, EncodedPercent::Reject) => Err(PathErrorKind::EncodedPercent),
        (other, _, _) => Ok(other),
    }
}

// A server that decodes again must find nothing that would have been refused at first. A percent
// sign that starts no escape is one, though: `100%`.
fn check_further(mut decoded: Vec<u8>, options: PathOptions) -> Result<(), PathErrorKind> {
    for _ in 1..=MAX_DECODINGS {
        if has_unicode_escape(&decoded) {
            return Err(PathErrorKind::BadPercent);
        }
        let Some(next) = decode(&decoded) else { return Ok(()) };
        if has_overlong_form(&next) {
            return Err(PathErrorKind::NotUtf8);
        }
        check_name(&String::from_utf8_lossy(&next), options)?;
        decoded = next;
    }
    Err(PathErrorKind::EncodedPercent)
}

// An escaped slash may be one to a server, and what stands around it a segment.
fn check_name(decoded: &str, options: PathOptions) -> Result<(), PathErrorKind> {
    for character in decoded.chars() {
        match (character, options.encoded_slash) {
            ('/', EncodedSlash::Reject) | ('\\', _) => return Err(PathErrorKind::Slash),
            (it, _) if it.is_control() => return Err(PathErrorKind::Control),
            (it, _) if is_lookalike(it) => return Err(PathErrorKind::Lookalike),
            (_, EncodedSlash::Reject | EncodedSlash::Keep) => (),
        }
    }
    if decoded.split('/').any(is_disguised_dots) {
        return Err(PathErrorKind::DisguisedDots);
    }
    Ok(())
}

// Servlet containers cut `;parameters` off, others trim spaces or drop what is invisible or no
// UTF-8, some before they resolve dot segments.
fn is_disguised_dots(decoded: &str) -> bool {
    let name = decoded.split(';').next().unwrap_or_default();
    let mut visible = name.chars().filter(|it| !it.is_whitespace() && !is_ignorable(*it));
    match (visible.next(), visible.next(), visible.next()) {
        (Some('.'), None, _) | (Some('.'), Some('.'), None) => true,
        (_, _, _) => false,
    }
}

// Default_Ignorable_Code_Point of Unicode, as far as it is assigned, and what stands for bytes that
// are no UTF-8.
const fn is_ignorable(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}' | char::REPLACEMENT_CHARACTER
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
