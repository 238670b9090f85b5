//! Secrets in every encoding, in text of every kind, in pieces of every size.

use bytes::Bytes;
use proptest::prelude::*;

use super::escape::{self, Glance};
use super::form::State;
use super::run::{FormId, Run};
use super::{Masker, Pattern, Patterns, too_short};

mod encodings;
mod frames;
mod rows;

use self::encodings::{Written, all};

const SECRET: &str = "sk_live/4eC39+HqLy\"jW~Da rjt=T1";

#[test]
fn every_encoding_is_masked_at_its_length_and_nothing_else() {
    for secret in [
        SECRET,
        "12345678",
        "aaaaaaaaaaaa",
        "user:p%41s\\word&amp;",
        "\\\\\\\\\\\\\\\\\\\\",
        "%%%%%%%%%%",
        "pässwörd£",
        "密码密码密码😀",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    ] {
        for written in all(secret, 7) {
            check(secret, &written);
        }
    }
}

#[test]
fn what_is_not_the_secret_is_not_touched() {
    let text = include_str!("mod.rs").replace("4eC39", "4eC38");
    let patterns = patterns(&[SECRET]);
    assert_eq!(Masker::whole(&patterns, text.as_bytes()), None);
    for almost in ["sk_live/4eC39+HqLy\"jW~Da rjt=T", "SK_LIVE/4eC39+HqLy\"jW~Da rjt=T1"] {
        assert_eq!(Masker::whole(&patterns, almost.repeat(9).as_bytes()), None, "{almost}");
    }
}

#[test]
fn secrets_that_overlap_are_masked_both() {
    let secrets = patterns(&["abcdefgh1234", "1234ijklmnop", "user:abcdefgh1234"]);
    let masked = |text: &str| Masker::whole(&secrets, text.as_bytes()).unwrap();
    assert_eq!(masked("<abcdefgh1234ijklmnop>"), b"<********************>");
    assert_eq!(masked("<user:abcdefgh1234 >"), b"<***************** >");
}

#[test]
fn a_secret_of_less_than_eight_bytes_is_left_alone() {
    assert!(too_short(b"1234567") && !too_short(b"12345678"));
    assert!(Pattern::new(b"1234567").is_empty());
    assert_eq!(Masker::whole(&patterns(&["1234567"]), b"1234567"), None);
}

#[test]
fn nothing_is_held_back_that_cannot_be_the_secret() {
    let mut masker = Masker::new(patterns(&[SECRET]));
    for event in ["data: {\"a\":1}\n\n", "data: sk_live\n\n", "{\"a\":[1,2]}", ": ping\n\n"] {
        assert_eq!(masker.push(event.into()), event);
    }
    assert_eq!(masker.push("data: sk_li".into()), "data: ");
    assert_eq!(masker.push("fe\n\n".into()), "sk_life\n\n");
    assert_eq!(masker.push("a%".into()), "a");
    assert_eq!(masker.push("zz".into()), "%zz");
    assert_eq!(masker.push("sk_live/4e".into()), "");
    assert_eq!(masker.finish(), "sk_live/4e");
}

#[test]
fn pieces_of_any_size_come_out_alike() {
    let patterns = patterns(&[SECRET, "Da rjt=T1 and more"]);
    let texts: Vec<_> = all(SECRET, 3).into_iter().map(|it| it.text).collect();
    let text = texts.concat();
    let whole = Masker::whole(&patterns, &text).unwrap();
    for size in [1, 2, 3, 5, 17, 100, 255, 256, 500, 1000, 4096, 8191] {
        assert!(in_pieces(&patterns, text.chunks(size)) == whole, "{size}");
    }
    let text = texts.iter().step_by(19).take(12).flatten().copied().collect::<Vec<_>>();
    let whole = Masker::whole(&patterns, &text).unwrap();
    for at in 0..text.len() {
        let (first, second) = text.split_at(at);
        assert!(in_pieces(&patterns, [first, second]) == whole, "{at}");
    }
}

#[test]
fn a_secret_that_repeats_itself_is_masked_wherever_it_may_be() {
    for (secret, text) in [("\\".repeat(9), "\\".repeat(99)), ("a".repeat(9), "a".repeat(999))] {
        let masked = Masker::whole(&patterns(&[&secret]), text.as_bytes()).unwrap();
        assert_eq!(masked, "*".repeat(text.len()).into_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // Text made of what makes it hard: beginnings, escapes, and whole secrets.
    #[test]
    fn any_cut_gives_the_same(
        parts in prop::collection::vec(part(), 1..20),
        cuts in prop::collection::vec(1_usize..400, 1..40),
    ) {
        let text = parts.concat();
        let patterns = patterns(&[SECRET, "abcd\\%&efgh", "pässwörd£"]);
        let expected = brute(&patterns, &text);
        let (mut rest, mut pieces) = (&*text, Vec::new());
        for cut in cuts.iter().cycle() {
            let (piece, after) = rest.split_at(rest.len().min(*cut));
            pieces.push(piece);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(in_pieces(&patterns, pieces), &*expected);
        prop_assert_eq!(Masker::whole(&patterns, &text).unwrap_or(text), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_a_look_rules_out_cannot_be_read(parts in prop::collection::vec(part(), 1..6)) {
        let text = parts.concat();
        let patterns = patterns(&[SECRET, "abcd\\%&efgh", "pässwörd£"]);
        for (pattern, compiled) in patterns.iter().enumerate() {
            for (form, it) in (0..).map_while(|form| Some((form, compiled.form(form)?))) {
                for start in 0..text.len() {
                    let state = State::new(0, start);
                    let mut found = false;
                    let mut run = Run::new(start, FormId { pattern, form }, state);
                    if run.advance(it, &text, &mut |_| found = true) || found {
                        prop_assert!(it.may_go_on(&text, state), "{} {}", form, start);
                    }
                }
            }
        }
    }

    #[test]
    fn a_glance_at_an_escape_says_what_reading_it_does(text in escape()) {
        let mut readings = Vec::new();
        let is_cut_short = escape::read(&text, &mut |it| readings.push(it));
        match escape::glance(&text) {
            Glance::Nothing => prop_assert!(readings.is_empty() && !is_cut_short),
            Glance::One(it) => prop_assert!(readings == [it] && !is_cut_short),
            Glance::Unknown => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    // Each character in a way of its own, and what is around it looks like more of that.
    #[test]
    fn characters_in_many_ways_are_found_by_search_as_byte_by_byte(
        secret in prop::sample::select(MIXED.to_vec()),
        ways in prop::collection::vec((0..9_u8, 0..12_u8), 1..40),
        before in around(),
        after in around(),
        cut in 150..700_usize,
    ) {
        let mut text = vec![b' '; 200];
        text.extend(before);
        for (char, (way, near)) in secret.chars().zip(ways.iter().cycle()) {
            // Now and then something else, which makes it another text.
            text.extend(if *near == 0 { "%41" } else { "" }.bytes());
            text.extend(written(char, *way).bytes());
        }
        text.extend(after);
        text.extend([b' '; 200]);
        let patterns = patterns(&MIXED);
        let expected = brute(&patterns, &text);
        let whole = Masker::whole(&patterns, &text).unwrap_or_else(|| text.clone());
        prop_assert_eq!(String::from_utf8_lossy(&whole), String::from_utf8_lossy(&expected));
        prop_assert_eq!(in_pieces(&patterns, text.chunks(cut)), expected);
        let alone = Patterns::new(&[secret]);
        let whole = Masker::whole(&alone, &text).unwrap_or_else(|| text.clone());
        prop_assert_eq!(whole, brute(&alone, &text));
    }
}

#[test]
fn a_secret_is_found_however_many_escapes_are_before_it() {
    let secret: String = SECRET.bytes().map(|it| format!("%{it:02x}")).collect();
    for before in (0..40).chain(4_060..4_110).chain([9_000]) {
        let text = ["%61".repeat(before), secret.clone(), " ".repeat(200)].concat();
        let masked = Masker::whole(&patterns(&[SECRET]), text.as_bytes()).unwrap();
        let stars = masked.iter().filter(|it| **it == b'*').count();
        assert_eq!((stars, &masked[..3 * before]), (secret.len(), "%61".repeat(before).as_bytes()));
    }
}

#[test]
fn a_secret_that_begins_within_what_may_be_an_escape_is_found() {
    for (secret, text) in [
        ("41/cdefgh", r"%41\/cdefgh"),
        ("1/cdefghi", r"%41\/cdefghi"),
        ("041/cdefg", r"\u0041\/cdefg"),
        ("4/cdefghi", r"%4\u002fcdefghi"),
        ("41a/cdefg", r"%41%61\/cdefg%41a\u002fcdefg"),
        // Among more that looks like escapes, and is or is not.
        (r"ab\cdefghij", r"%61b\\\\cdefghij"),
        ("a%41%42%43%44%45%46%47", "%61%41%42%43%44%45%46%47%48%49%50%51%52%53%54%55%56%57%58%59"),
    ] {
        let text = [text, &" ".repeat(300)].concat();
        let alone = patterns(&[secret]);
        let masked = Masker::whole(&alone, text.as_bytes()).expect(secret);
        assert_eq!(masked, brute(&alone, text.as_bytes()), "{secret}");
    }
}

// Among them are some that begin like an escape, or like what is within one.
const MIXED: [&str; 6] =
    ["sk_live_4eC39", "41%2e/cd\\x9", "\\u0041%&é1", "a%b&c\\d12", "é\u{5bc6}码pass", "25amp;#x41"];

fn written(char: char, way: u8) -> String {
    let code = u32::from(char);
    let utf8 = char.to_string();
    let percent = |prefix: &str| utf8.bytes().map(|it| format!("{prefix}{it:02X}")).collect();
    match way {
        0 => percent("%"),
        1 => percent("%25"),
        2 if code < 0x1_0000 => format!("\\u{code:04x}"),
        3 if code < 0x1_0000 => format!("\\\\u{code:04X}"),
        4 => format!("&#x{code:x};"),
        5 => format!("&amp;#{code};"),
        6 if char.is_ascii_punctuation() => format!("\\{char}"),
        7 if code < 0x100 => format!("\\x{code:02x}"),
        _ => utf8,
    }
}

fn around() -> impl Strategy<Value = Vec<u8>> {
    let part = prop::sample::select(vec![
        "%", "%4", "%41", "\\", "\\u00", "&", "&#", "41", "a", "é", "25", ";",
    ]);
    prop::collection::vec(part, 0..8).prop_map(|it| it.concat().into_bytes())
}

fn escape() -> impl Strategy<Value = Vec<u8>> {
    let rest = prop::collection::vec(
        prop::sample::select(b"025aAdDfFgulxUX#;%&\\\"/nrt\n ".to_vec()),
        0..12,
    );
    (prop::sample::select(b"%\\&".to_vec()), rest)
        .prop_map(|(first, rest)| [&[first], &*rest].concat())
}

fn part() -> impl Strategy<Value = Vec<u8>> {
    let written: Vec<_> = ["abcd\\%&efgh", "pässwörd£", SECRET]
        .iter()
        .flat_map(|it| all(it, 11))
        .map(|it| it.text)
        .collect();
    prop_oneof![
        3 => prop::sample::select(written.clone()),
        2 => (prop::sample::select(written), 0..100_usize).prop_map(|(text, at)| {
            let at = at.min(text.len());
            text[..at].to_vec()
        }),
        2 => prop::collection::vec(prop::sample::select(b"sk_live/abcd\\%&;#x25uU0\n\r+".to_vec()), 0..40),
        2 => prop::collection::vec(any::<u8>(), 0..300),
        1 => prop::sample::select(vec!["\\", "%25", "&amp;", "\\u00", "%", "a", "\\\\\\"])
            .prop_map(|it| it.as_bytes().to_vec()),
    ]
}

// Byte for byte: every place is looked at, and none is searched for.
fn brute(patterns: &Patterns, text: &[u8]) -> Vec<u8> {
    in_pieces(patterns, text.chunks(1))
}

fn patterns(secrets: &[&str]) -> Patterns {
    Patterns::new(secrets)
}

fn in_pieces<'a>(patterns: &Patterns, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut masker = Masker::new(patterns.clone());
    let mut masked = Vec::new();
    for piece in pieces {
        masked.extend(masker.push(Bytes::copy_from_slice(piece)));
    }
    masked.extend(masker.finish());
    masked
}

#[track_caller]
fn check(secret: &str, written: &Written) {
    let patterns = patterns(&[secret]);
    let padded = [&[b' '; 300][..], &written.text, &[b' '; 300]].concat();
    let masked = Masker::whole(&patterns, &padded);
    assert_eq!(Masker::whole(&patterns, &padded), masked, "the search is another the second time");
    let masked = masked.unwrap_or(padded);
    let (before, rest) = masked.split_at(300);
    let (masked, after) = rest.split_at(written.text.len());
    assert!(before.iter().chain(after).all(|it| *it == b' '));
    let shown = |it: &[u8]| String::from_utf8_lossy(it).into_owned();
    assert_eq!(shown(masked), shown(&written.masked()), "{secret:?} as {}", written.how);
}
