//! A secret as upstreams write it.

use std::fmt::Write;
use std::ops::Range;

/// Text that has a secret in it, and where.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) how: &'static str,
    pub(super) text: Vec<u8>,
    pub(super) secret: Range<usize>,
}

impl Written {
    pub(super) fn masked(&self) -> Vec<u8> {
        let mut text = self.text.clone();
        for byte in &mut text[self.secret.clone()] {
            if !matches!(byte, b'\r' | b'\n' | 0) {
                *byte = b'*';
            }
        }
        text
    }
}

pub(super) fn all(secret: &str, seed: u64) -> Vec<Written> {
    let mut random = Random(seed);
    let mut all = Vec::new();
    let mut add = |how, text: Vec<u8>| {
        let secret = 1..text.len() + 1;
        all.push(Written { how, text: [b"<", &*text, b">"].concat(), secret });
    };
    let bytes = secret.as_bytes();
    add("itself", bytes.to_vec());
    let reserved = |it: u8| !it.is_ascii_alphanumeric() && !b"-._~".contains(&it);
    add("percent", percent(bytes, true, reserved));
    add("percent, lower", percent(bytes, false, reserved));
    add("percent, all", percent(bytes, true, |_| true));
    add("percent, some", percent(bytes, true, |_| random.next(2) == 0));
    add("percent, twice", percent(&percent(bytes, true, reserved), false, |it| it == b'%'));
    let form = percent(bytes, true, |it| reserved(it) && it != b' ');
    add("form", form.iter().map(|it| if *it == b' ' { b'+' } else { *it }).collect());
    let json = serde_json::to_string(secret).unwrap();
    let json = &json[1..json.len() - 1];
    add("JSON", json.into());
    add("JSON, slashes", json.replace('/', r"\/").into());
    add("JSON, twice", json.replace('\\', r"\\").replace('"', "\\\"").into());
    add("JSON, all", unicode(secret, |_| true, |it| format!("{it:04x}")));
    add("JSON, all, upper", unicode(secret, |_| true, |it| format!("{it:04X}")));
    add("JSON, some", unicode(secret, |_| random.next(2) == 0, |it| format!("{it:04x}")));
    add("decimal entities", entities(secret, |it| format!("&#{it};")));
    add("hex entities", entities(secret, |it| format!("&#x{it:X};")));
    let html = secret.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    add("HTML", html.into());
    add("hex", hex(bytes, |_| false));
    add("hex, upper", hex(bytes, |_| true));
    add("hex, mixed", hex(bytes, |_| random.next(2) == 0));
    add("\\x", bytes.iter().flat_map(|it| format!("\\x{it:02x}").into_bytes()).collect());
    if let Ok(latin) = secret.chars().map(|it| u8::try_from(u32::from(it))).collect() {
        add("ISO 8859-1", latin);
    }
    if secret.is_ascii() {
        let utf_16: Vec<_> = bytes.iter().flat_map(|it| [*it, 0]).collect();
        add("UTF-16", utf_16[..utf_16.len() - 1].to_vec());
    }
    for before in 0..6 {
        for after in 0..3 {
            base64s(secret, before, after, &mut random, &mut all);
        }
    }
    all
}

fn base64s(secret: &str, before: usize, after: usize, random: &mut Random, all: &mut Vec<Written>) {
    let mut bytes: Vec<_> = (0..before).map(|_| random.next(256) as u8).collect();
    bytes.extend(secret.as_bytes());
    bytes.extend((0..after).map(|_| random.next(256) as u8));
    // Every sextet with a bit of the secret.
    let secret = before * 8 / 6..(before + secret.len()).wrapping_mul(8).div_ceil(6);
    for (how, alphabet) in [("base64", STANDARD), ("base64, for URLs", URL_SAFE)] {
        let text = base64(&bytes, alphabet);
        let written = |how, each: &dyn Fn(u8) -> Vec<u8>, width: usize, line: &[u8]| {
            let (mut text_, mut range) = (vec![b'<'], 0..0);
            for (index, byte) in text.iter().enumerate() {
                if index > 0 && index % width == 0 {
                    text_.extend(line);
                }
                if index == secret.start {
                    range.start = text_.len();
                }
                text_.extend(each(*byte));
                if index + 1 == secret.end {
                    range.end = text_.len();
                }
            }
            text_.push(b'>');
            Written { how, text: text_, secret: range }
        };
        let itself = |it| vec![it];
        all.push(written(how, &itself, usize::MAX, b""));
        all.push(written("base64 in lines", &itself, 7, b"\r\n"));
        all.push(written("base64 in many lines", &itself, 1, b"\n"));
        all.push(written("base64 in lines of JSON", &itself, 5, b"\\n"));
        let slash = |it| if it == b'/' { b"\\/".to_vec() } else { vec![it] };
        all.push(written("base64 in JSON", &slash, usize::MAX, b""));
        let url = |it: u8| match it {
            b'+' => b"%2B".to_vec(),
            b'/' => b"%2f".to_vec(),
            b'=' => b"%3D".to_vec(),
            it => vec![it],
        };
        all.push(written("base64 in a URL", &url, usize::MAX, b""));
        let every = |it: u8| format!("%{it:02X}").into_bytes();
        all.push(written("base64, percent", &every, 76, b"%0D%0A"));
    }
}

fn base64(bytes: &[u8], alphabet: &[u8; 64]) -> Vec<u8> {
    let mut text = Vec::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, it| bits << 8 | u32::from(*it));
        let bits = bits << (8 * (3 - group.len()));
        for index in 0..4 {
            let sextet = (bits >> (18 - 6 * index)) as usize & 63;
            text.push(if index <= group.len() { alphabet[sextet] } else { b'=' });
        }
    }
    text
}

fn percent(bytes: &[u8], upper: bool, mut which: impl FnMut(u8) -> bool) -> Vec<u8> {
    let mut text = Vec::new();
    for byte in bytes {
        match (which(*byte), upper) {
            (true, true) => text.extend(format!("%{byte:02X}").bytes()),
            (true, false) => text.extend(format!("%{byte:02x}").bytes()),
            (false, _) => text.push(*byte),
        }
    }
    text
}

fn unicode(
    secret: &str,
    mut which: impl FnMut(char) -> bool,
    digits: impl Fn(u16) -> String,
) -> Vec<u8> {
    let mut text = String::new();
    for it in secret.chars() {
        if which(it) || it == '"' || it == '\\' {
            for unit in it.encode_utf16(&mut [0; 2]) {
                _ = write!(text, "\\u{}", digits(*unit));
            }
        } else {
            text.push(it);
        }
    }
    text.into()
}

fn entities(secret: &str, one: impl Fn(u32) -> String) -> Vec<u8> {
    secret.chars().map(|it| one(it.into())).collect::<String>().into()
}

fn hex(bytes: &[u8], mut upper: impl FnMut(u8) -> bool) -> Vec<u8> {
    let digits = bytes.iter().map(|it| match upper(*it) {
        true => format!("{it:02X}"),
        false => format!("{it:02x}"),
    });
    digits.collect::<String>().into()
}

/// Numbers that look random, and are the same each time.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self, below: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
