//! Escapes side by side: whatever is passed over is what byte by byte is none of a secret.

use proptest::prelude::*;

use super::super::leads::Leads;
use super::super::row;
use super::encodings::all;
use super::escape;
use super::{Masker, Patterns, brute, in_pieces, patterns};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    // Secrets, and what begins or ends as they do, in text that is escaped throughout.
    #[test]
    fn a_secret_among_escapes_is_found_as_byte_by_byte(
        parts in prop::collection::vec(part(), 1..6),
        way in 0..WAYS,
        others in prop::option::of(0..WAYS),
        cut in 129..900_usize,
    ) {
        let mut text = vec![b' '; 20];
        for (index, part) in parts.iter().enumerate() {
            let way = others.filter(|_| index % 2 == 1).unwrap_or(way);
            text.extend(part.chars().flat_map(|it| written(it, way).into_bytes()));
        }
        text.extend([b' '; 150]);
        check(&patterns(&SECRETS), &text, cut)?;
        for secret in SECRETS {
            check(&patterns(&[secret]), &text, cut)?;
        }
    }

    // A secret in another form, all of that escaped, and cut wherever that may be.
    #[test]
    fn a_form_among_escapes_is_found_as_byte_by_byte(
        secret in prop::sample::select(SECRETS.to_vec()),
        seed in 0..9_u64,
        form in any::<prop::sample::Index>(),
        before in "[a-z0-9]{0,70}",
        way in 0..WAYS,
        cut in 129..900_usize,
    ) {
        let all = all(secret, seed);
        let form = String::from_utf8_lossy(&form.get(&all).text).into_owned();
        let text = [&before, &*form, &before, &form].concat();
        let mut text = text.chars().map(|it| written(it, way)).collect::<String>().into_bytes();
        text.extend([b' '; 150]);
        check(&patterns(&[secret]), &text, cut)?;
    }

    #[test]
    fn what_the_first_bytes_of_an_escape_rule_out_it_does_not_say(
        text in "[%\\\\&][%\\\\&u#amplx0-9a-fA-F/\"nr;]{0,9}[a-z ]{9}",
        sought in prop::collection::vec(any::<u8>(), 0..6),
    ) {
        let leads = Leads::new(|it| sought.contains(&it));
        if !leads.may_be(text.as_bytes()) {
            let is_sought = |it: u32| u8::try_from(it).is_ok_and(|it| sought.contains(&it));
            let mut says = false;
            escape::read(text.as_bytes(), &mut |(value, _)| says |= is_sought(value));
            prop_assert!(!says && !sought.contains(&text.as_bytes()[0]));
        }
    }

    // From one introducer to the next it is one character, or none.
    #[test]
    fn a_row_is_of_single_characters(
        text in "(%[0-9a-f]{2}){0,12}(\\\\u[0-9a-f]{4}){0,9}(&#x[0-9a-f]{2};){0,9}",
        odd in prop::option::of((any::<prop::sample::Index>(), "[%\\\\&;#ux4]")),
        most in 0..20_usize,
    ) {
        let mut text = text.into_bytes();
        if let Some((index, odd)) = odd.filter(|_| !text.is_empty()) {
            let at = index.index(text.len());
            text[at] = odd.as_bytes()[0];
        }
        for start in 0..text.len() {
            let (count, length) = row::row(&text, start, most);
            prop_assert!(count <= most);
            for at in (0..count).map(|it| start + it * length) {
                prop_assert!(escape::INTRODUCERS.contains(&text[at + length]));
                prop_assert!(!text[at + 1..at + length].contains(&b'\\'));
                let mut lengths = Vec::new();
                escape::read(&text[at..], &mut |(_, it)| lengths.push(it));
                let is_pair = |it: usize| it == 2 * length && text[at] == b'\\';
                prop_assert!(lengths.iter().all(|it| *it == length || is_pair(*it)));
            }
        }
    }
}

// What a group of base64 has of the secret's neighbours may be anything.
#[test]
fn a_form_that_begins_near_the_end_of_a_piece_is_found_whatever_is_before_it() {
    let patterns = patterns(&["12345678"]);
    for form in all("12345678", 3) {
        let escaped: String = form.text.iter().map(|it| format!("%{it:02x}")).collect();
        let text = ["%20".repeat(80), escaped, " ".repeat(150)].concat();
        let expected = brute(&patterns, text.as_bytes());
        for cut in 250..270 {
            let (first, second) = text.as_bytes().split_at(cut);
            assert_eq!(in_pieces(&patterns, [first, second]), expected, "{} {cut}", form.how);
        }
    }
}

fn check(patterns: &Patterns, text: &[u8], cut: usize) -> Result<(), TestCaseError> {
    let expected = brute(patterns, text);
    let whole = Masker::whole(patterns, text).unwrap_or_else(|| text.to_vec());
    prop_assert_eq!(String::from_utf8_lossy(&whole), String::from_utf8_lossy(&expected));
    prop_assert_eq!(in_pieces(patterns, text.chunks(cut)), expected);
    Ok(())
}

// Short and long, some with introducers, with breaks, with what is more than one unit.
const SECRETS: [&str; 8] = [
    "12345678",
    "abcabcabcabd",
    "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
    "correct horse battery",
    "pässwörd£密码😀xyz",
    "a%b&c\\d12efgh/ij",
    "lines\nof\r\nsecrets",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
];

fn part() -> impl Strategy<Value = String> {
    let secret = prop::sample::select(SECRETS.to_vec());
    prop_oneof![
        secret.clone().prop_map(String::from),
        (secret.clone(), 0..30_usize).prop_map(|(it, at)| it.chars().skip(at).collect()),
        (secret, 0..30_usize).prop_map(|(it, at)| it.chars().take(at).collect()),
        "[a-z ]{0,40}",
        "[0-9A-Z/+\n]{0,9}",
    ]
}

const WAYS: u8 = 9;

// As text that is escaped throughout has it, or next to it.
fn written(char: char, way: u8) -> String {
    let code = u32::from(char);
    let percent = |it: &str| it.bytes().map(|it| format!("%{it:02x}")).collect::<String>();
    let unicode = |slashes: &str| {
        let mut units = [0; 2];
        let units = char.encode_utf16(&mut units).iter();
        units.map(|it| format!("{slashes}u{it:04x}")).collect::<String>()
    };
    match way {
        0 => percent(char.encode_utf8(&mut [0; 4])),
        1 => unicode("\\"),
        2 => format!("&#x{code:x};"),
        3 => format!("&#{code};"),
        4 => unicode("\\\\"),
        5 if !char.is_ascii_alphanumeric() => percent(char.encode_utf8(&mut [0; 4])),
        6 if char.is_ascii_punctuation() => format!("\\{char}"),
        7 if char.is_ascii_punctuation() => format!("\\\\\\{char}"),
        8 if code % 3 == 0 => percent(char.encode_utf8(&mut [0; 4])),
        8 if code % 3 == 1 => unicode("\\"),
        _ => char.into(),
    }
}
