//! The scanner as a whole: what it accepts, what it tells, and that cuts do not matter.

use proptest::prelude::*;

use super::{Error, ErrorKind, Event, Limits, Scanner};

#[test]
fn events_name_every_part_of_a_document() {
    check(
        r#" {"a\u0062" : [1, -0.5e+3,true ] , "":null}"#,
        "_ { key:ab _ : _ [ 1; , _ -0.5e+3; , true; _ ] _ , _ key: : null; }",
    );
    check("\u{feff}\"x\"", "\"x\";");
    check("12 \n", "12; _");
    check(r#""\ud800\"""#, r#""\ud800\"";"#);
    check(r#"{"\ud83d\ude00":{"a":[]},"a":{}}"#, "{ key:😀 : { key:a : [ ] } , key:a : { } }");
}

#[test]
fn what_is_not_json_is_refused_at_its_first_wrong_byte() {
    refuse("", 0, ErrorKind::Truncated);
    refuse(" ", 1, ErrorKind::Truncated);
    refuse("[1", 2, ErrorKind::Truncated);
    refuse("{\"a\":", 5, ErrorKind::Truncated);
    refuse("\"a", 2, ErrorKind::Truncated);
    refuse("tru", 3, ErrorKind::Truncated);
    refuse("-", 1, ErrorKind::Truncated);
    refuse("1.", 2, ErrorKind::Truncated);
    refuse("[1,]", 3, ErrorKind::Unexpected);
    refuse("[,1]", 1, ErrorKind::Unexpected);
    refuse("[1}", 2, ErrorKind::Unexpected);
    refuse("{\"a\":1]", 6, ErrorKind::Unexpected);
    refuse("{\"a\":1,}", 7, ErrorKind::Unexpected);
    refuse("{a:1}", 1, ErrorKind::Unexpected);
    refuse("{\"a\" 1}", 5, ErrorKind::Unexpected);
    refuse("]", 0, ErrorKind::Unexpected);
    refuse("NaN", 0, ErrorKind::Unexpected);
    refuse("nul1", 3, ErrorKind::Unexpected);
    refuse("/* */1", 0, ErrorKind::Unexpected);
    refuse("1 2", 2, ErrorKind::Trailing);
    refuse("{}{}", 2, ErrorKind::Trailing);
    refuse("01", 1, ErrorKind::Trailing);
    refuse("-a", 1, ErrorKind::Number);
    refuse("[1.e1]", 3, ErrorKind::Number);
    refuse("\"\t\"", 1, ErrorKind::ControlCharacter);
    refuse("\"\\x\"", 2, ErrorKind::Escape);
    refuse("\"\\u12g4\"", 5, ErrorKind::Escape);
}

#[test]
fn only_utf_8_passes() {
    let strings: [(&[u8], u64); 9] = [
        (b"\"\x80\"", 1),
        (b"\"\xc0\xaf\"", 1),
        (b"\"\xe0\x80\xaf\"", 2),
        (b"\"\xed\xa0\x80\"", 2),
        (b"\"\xf0\x80\x80\xaf\"", 2),
        (b"\"\xf4\x90\x80\x80\"", 2),
        (b"\"\xf5\x80\x80\x80\"", 1),
        (b"\"\xe2\x82\"", 3),
        (b"\"12345678\xff\"", 9),
    ];
    for (document, offset) in strings {
        refuse(document, offset, ErrorKind::Encoding);
    }
    refuse(b"\xff\xfe[\0]\0", 0, ErrorKind::Unexpected);
    refuse(b"[\0]\0", 1, ErrorKind::Unexpected);
    refuse(b"\xef\xbb[]", 2, ErrorKind::Unexpected);
    refuse(b"\xef\xbb\xbf", 3, ErrorKind::Truncated);
    refuse(b"\xef\xbb\xbf\xef\xbb\xbf[]", 3, ErrorKind::Unexpected);
}

#[test]
fn two_members_of_one_name_are_refused_however_it_is_spelt() {
    refuse(r#"{"a":1,"a":2}"#, 9, ErrorKind::DuplicateKey);
    refuse(r#"{"a":1,"\u0061":2}"#, 14, ErrorKind::DuplicateKey);
    refuse(r#"{"x":{"a":1},"y":[{"a":1,"b":2,"a":3}]}"#, 33, ErrorKind::DuplicateKey);
    refuse(r#"{"\ud83d\ude00":1,"😀":2}"#, 23, ErrorKind::DuplicateKey);
    check(r#"{"a":{"a":{}},"A":1}"#, "{ key:a : { key:a : { } } , key:A : 1; }");
}

#[test]
fn one_level_beyond_the_limit_is_too_deep() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(scan([nested(128).as_bytes()]).is_ok());
    refuse(nested(129), 128, ErrorKind::TooDeep);
    refuse("{\"a\":".repeat(100_000), 640, ErrorKind::TooDeep);
}

#[test]
fn an_error_stays() {
    let mut scanner = Scanner::new(Limits::default());
    let mut sink = |_: Event<'_>| {};
    let error = scanner.push(b"[1,]", &mut sink).unwrap_err();
    assert_eq!(scanner.push(b"2]", &mut sink), Err(error));
    assert_eq!(scanner.finish(&mut sink), Err(error));
}

#[test]
fn a_string_is_read_alike_wherever_its_special_byte_lies() {
    for special in ["\\n", "\"", "\u{1f}", "\u{7f}", "é", " ", "!", "[", "]", "\u{0}"] {
        for before in 0..20 {
            let text = format!("\"{}{special}\"", "a".repeat(before));
            let serde = serde_json::from_str::<String>(&text).is_ok();
            assert_eq!(scan([text.as_bytes()]).is_ok(), serde, "{text:?}");
        }
    }
}

proptest! {
    // Wrong and right documents alike, in the form of tokens, so that most get beyond their start.
    #[test]
    fn what_it_accepts_is_what_serde_json_accepts(tokens in tokens()) {
        let ours = scan([tokens.as_bytes()]).map(drop);
        let duplicate = matches!(ours, Err(Error { kind: ErrorKind::DuplicateKey, .. }));
        prop_assume!(!duplicate);
        let unmarked = tokens.strip_prefix('\u{feff}').unwrap_or(&tokens);
        let theirs = serde_json::from_str::<serde::de::IgnoredAny>(unmarked);
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{}", tokens);
    }

    #[test]
    fn cuts_change_nothing(tokens in tokens(), cut in 1..7_usize) {
        prop_assert_eq!(scan(tokens.as_bytes().chunks(cut)), scan([tokens.as_bytes()]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    // What is recognised is what is read: byte by byte, too little is there to recognise anything.
    #[test]
    fn names_that_came_before_are_read_as_if_they_had_not(records in records(), cut in 20..90_usize) {
        let text = format!("[{}]", records.iter().map(Record::text).collect::<Vec<_>>().join(","));
        let whole = scan([text.as_bytes()]);
        prop_assert_eq!(&whole, &scan(text.as_bytes().chunks(1)), "{}", text);
        prop_assert_eq!(&whole, &scan(text.as_bytes().chunks(cut)), "{}", text);
        let is_duplicate = records.iter().any(Record::has_duplicate);
        prop_assert_eq!(whole.is_err(), is_duplicate, "{}", text);
        let mut names = std::collections::HashMap::new();
        let mut sink = |event: Event<'_>| {
            if let Event::Key { name, number: Some(number), .. } = event {
                let known = names.entry(number).or_insert_with(|| name.to_owned());
                assert_eq!(known, name, "{number} in {text}");
            }
        };
        assert_eq!(Scanner::new(Limits::default()).push(text.as_bytes(), &mut sink).is_err(), is_duplicate);
    }
}

#[test]
fn names_are_recognised_and_those_of_another_object_are_not_its_own() {
    let mut numbered = 0;
    let mut sink = |event: Event<'_>| {
        if let Event::Key { number, .. } = event {
            numbered += usize::from(number.is_some());
        }
    };
    let mut scanner = Scanner::new(Limits::default());
    scanner
        .push(br#"{"a":1,"b":[{"a":1,"b":{"a":1,"b":1}},{"b":{"b":1},"a":1}]}"#, &mut sink)
        .unwrap();
    assert_eq!(numbered, 7, "all but those of the root");
    let twice = format!("[{}]", [r#"{"a":1,"b":2}"#, r#"{"a":1,"b":2,"a":3}"#].join(","));
    refuse(&twice, 30, ErrorKind::DuplicateKey);
    // Many that are all different, and again.
    let many: Vec<_> =
        (0..1_000).map(|it| format!(r#"{{"n{it}":1,"m{it}":{{"o{it}":2}}}}"#)).collect();
    let many = many.join(",");
    assert!(scan([format!("[{many},{many}]").as_bytes()]).is_ok());
    let wide: Vec<_> = (0..60).map(|it| format!(r#""n{it}":1"#)).collect();
    let (wide, again) = (wide.join(","), wide[7].clone());
    assert!(scan([format!("[{{{wide}}},{{{wide}}}]").as_bytes()]).is_ok());
    let twice = format!("[{{{wide}}},{{{wide},{again}}}]");
    refuse(&twice, twice.len() as u64 - 5, ErrorKind::DuplicateKey);
}

#[derive(Clone, Debug)]
struct Record(Vec<(&'static str, &'static str, Option<Self>)>);

impl Record {
    fn text(&self) -> String {
        let member = |(name, colon, value): &(&str, &str, Option<Self>)| {
            let value = value.as_ref().map_or_else(|| "1".to_owned(), Self::text);
            format!("\"{name}\"{colon}{value}")
        };
        format!("{{{}}}", self.0.iter().map(member).collect::<Vec<_>>().join(","))
    }

    fn has_duplicate(&self) -> bool {
        let names: std::collections::HashSet<_> =
            self.0.iter().map(|it| super::unescape(it.0.as_bytes()).into_owned()).collect();
        names.len() < self.0.len()
            || self.0.iter().filter_map(|it| it.2.as_ref()).any(Self::has_duplicate)
    }
}

// Members mostly come in one order, as in records.
fn records() -> impl Strategy<Value = Vec<Record>> {
    let names = [
        "id",
        "name",
        "a",
        "ab",
        "thirteen_long",
        "fourteen_chars",
        "a name of more than sixteen bytes",
        "a name of more than sixteen bytes, which ends in another way",
        "é",
        "\\u0061b",
        "x\\\":1,\\\"y",
        "x",
        "",
    ];
    let member = |inner: BoxedStrategy<Option<Record>>| {
        let colon = prop::sample::select(vec![":", ":", ":", ": ", " :"]);
        (colon, prop::bool::weighted(0.7), inner)
    };
    let record = move |inner: BoxedStrategy<Option<Record>>| {
        let members = prop::collection::vec(member(inner), names.len());
        let strays = prop::option::weighted(0.2, (0..names.len(), 0..names.len()));
        (members, strays).prop_map(move |(members, stray)| {
            let each = names.iter().zip(members).filter(|it| it.1.1);
            let mut all: Vec<_> =
                each.map(|(name, (colon, _, value))| (*name, colon, value)).collect();
            if let Some((at, name)) = stray {
                all.insert(at.min(all.len()), (names[name], ":", None));
            }
            Record(all)
        })
    };
    let inner = prop::option::weighted(0.2, record(Just(None).boxed())).boxed();
    prop::collection::vec(record(inner), 1..6)
}

fn tokens() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        ",",
        ":",
        " ",
        "\n",
        "\"a\"",
        "\"b\"",
        "\"a\":",
        "\"b\\n\":",
        "\"\\u00e9\"",
        "\"é😀\"",
        "1",
        "-0",
        "1.5e-3",
        "0",
        "1e",
        "true",
        "false",
        "null",
        "nul",
        "\"",
        "\\",
        "\u{feff}",
    ]);
    prop::collection::vec(token, 0..12).prop_map(|it| it.concat())
}

#[track_caller]
fn check(document: &str, expected: &str) {
    let mut copy = Vec::new();
    let mut scanner = Scanner::new(Limits::default());
    let mut sink = |event: Event<'_>| copy.extend_from_slice(event.raw());
    scanner.push(document.as_bytes(), &mut sink).unwrap();
    scanner.finish(&mut sink).unwrap();
    assert_eq!(copy, document.trim_start_matches('\u{feff}').as_bytes());

    assert_eq!(scan([document.as_bytes()]).as_deref(), Ok(expected));
    for cut in 0..document.len() {
        let (first, second) = document.as_bytes().split_at(cut);
        assert_eq!(scan([first, second]).as_deref(), Ok(expected), "cut at {cut}");
    }
    assert_eq!(scan(document.as_bytes().chunks(1)).as_deref(), Ok(expected));
}

#[track_caller]
fn refuse(document: impl AsRef<[u8]>, offset: u64, kind: ErrorKind) {
    let document = document.as_ref();
    assert_eq!(scan([document]), Err(Error { offset, kind }));
    assert_eq!(scan(document.chunks(1)), Err(Error { offset, kind }), "byte by byte");
}

// The events as words; pieces of one thing are put together.
fn scan<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<String, Error> {
    let mut words: Vec<String> = Vec::new();
    let mut inside = false;
    let mut sink = |event: Event<'_>| {
        let raw = String::from_utf8_lossy(event.raw()).into_owned();
        match event {
            Event::Space(_) if words.last().is_some_and(|it| it == "_") => {}
            Event::Space(_) => words.push("_".to_owned()),
            Event::Key { name, .. } => words.push(format!("key:{}", str::from_utf8(name).unwrap())),
            Event::Scalar { raw, last } => {
                if !inside {
                    words.push(String::new());
                }
                inside = !last;
                // One char per byte: a piece may end inside a character.
                let word = words.last_mut().unwrap();
                word.extend(raw.iter().map(|it| char::from(*it)));
                word.push_str(if last { ";" } else { "" });
            }
            _ => words.push(raw),
        }
    };
    let mut scanner = Scanner::new(Limits::default());
    for chunk in chunks {
        scanner.push(chunk, &mut sink)?;
    }
    scanner.finish(&mut sink)?;
    Ok(words.join(" "))
}
