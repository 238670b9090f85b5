//! Both framings, and every way to cut them.

use std::convert::Infallible;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Framing, Record, RecordTooLong, Records};

#[test]
fn an_event_ends_with_an_empty_line_whatever_ends_lines() {
    check("data: a\n\ndata: b\n\n", &["a", "b"]);
    check("data: a\r\rdata: b\r\r", &["a", "b"]);
    check("data: a\r\n\r\ndata: b\r\n\r\n", &["a", "b"]);
    check("data: a\n\r\ndata: b\r\n\n", &["a", "b"]);
    check("\n\r\r\n\ndata: a\n\n\n\n", &["a"]);
    check("data: a\n\ndata: b\n", &["a"]);
    check("data: a\n\ndata: b", &["a"]);
}

#[test]
fn data_is_what_readers_take_for_it() {
    check("data: a\ndata: b\n\n", &["a\nb"]);
    check("data:a\ndata\ndata:  b\n\n", &["a\n\n b"]);
    check("data\n\n", &[""]);
    check("data:\n\n", &[""]);
    check(": data: a\n\nevent: x\n\nDATA: a\n\n data: a\n\n", &[]);
    check("data: a:b\n\n", &["a:b"]);
    check("id: 1\ndata: a\nretry: 9\n\n", &["a"]);
}

#[test]
fn only_the_first_byte_order_mark_is_none_of_the_stream() {
    check("\u{feff}data: a\n\n\u{feff}data: b\n\n", &["a"]);
    check("\u{feff}\ndata: a\n\n", &["a"]);
    check("\u{feff}\u{feff}data: a\n\n", &[]);
    check_lines("\u{feff}1\n\u{feff}2\n", &["1", "\u{feff}2"]);
}

#[test]
fn a_line_is_a_record_also_without_an_end() {
    check_lines("1\n2\r\n\n \r\n3", &["1", "2", "3"]);
    check_lines("1\r2\n", &["1\r2"]);
    check_lines("", &[]);
}

#[test]
fn an_event_written_again_keeps_its_other_fields() {
    let event = ": who\r\nid: 1\r\nevent: b\r\nssn: 1\r\ndata: x\r\ndata: y\r\nretry: 5\r\n\r\n";
    check_written(event, Some("a\nb"), "id: 1\nevent: b\nretry: 5\ndata: a\ndata: b\n\n");
    check_written("id: 1\0\nretry: 5s\ndata: x\n\n", Some(""), "data: \n\n");
    check_written(": 078-05-1120\n\n", None, ":\n\n");
    check_written("event: x\n\n", None, "event: x\n\n");
    check_written("data: x", Some("y"), "data: y\n");
}

#[test]
fn a_record_longer_than_the_most_is_refused() {
    for (framing, text) in [(Framing::Lines, "1234567\n"), (Framing::EventStream, "id: 12\n\n")] {
        for chunk in 1..=text.len() {
            assert!(cut(framing, text.as_bytes(), chunk, text.len()).is_ok());
            assert!(cut(framing, text.as_bytes(), chunk, text.len() - 1).is_err());
        }
    }
}

#[test]
fn what_passes_is_not_in_debug() {
    let mut records = Records::new(Framing::Lines, 100);
    let each = |it: Record<'_>| {
        assert!(!format!("{it:?}").contains("55"));
        Ok::<_, RecordTooLong>(())
    };
    records.push(b"55\n55", each).unwrap();
    assert!(!format!("{records:?}").contains("55"));
}

proptest! {
    #[test]
    fn records_do_not_depend_on_where_chunks_end(
        pieces in vec(prop_oneof![
            Just("\r"), Just("\n"), Just("\r\n"), Just("data"), Just(": "), Just("{}"),
            Just("id"), Just("\u{feff}"), Just(":"), Just("event"),
        ], 0..30),
        chunk in 1..9_usize,
    ) {
        let text = pieces.concat();
        for framing in [Framing::EventStream, Framing::Lines] {
            let whole = cut(framing, text.as_bytes(), usize::MAX, 1000).unwrap();
            prop_assert_eq!(&whole, &cut(framing, text.as_bytes(), chunk, 1000).unwrap());
            let raw: Vec<u8> = whole.iter().flat_map(|it| it.0.clone()).collect();
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            prop_assert_eq!(raw, text.as_bytes());
        }
    }

    #[test]
    fn what_is_written_is_read_again(
        lines in vec("[ -~]{0,9}", 1..4), event in "(event: [a-z]{1,3}\n)?", chunk in 1..9_usize,
    ) {
        let data = lines.join("\n");
        let text = format!("{event}data: x\n\n");
        let mut written = Vec::new();
        Records::new(Framing::EventStream, 100)
            .push(text.as_bytes(), |record| {
                record.write_with(Some(data.as_bytes()), &mut written);
                Ok::<_, RecordTooLong>(())
            })
            .unwrap();
        let read = cut(Framing::EventStream, &written, chunk, 1000).unwrap();
        prop_assert_eq!(read.len(), 1);
        prop_assert_eq!(read[0].1.as_deref(), Some(data.as_bytes()));
    }
}

type Cut = Vec<(Vec<u8>, Option<Vec<u8>>, bool)>;

fn cut(framing: Framing, text: &[u8], chunk: usize, most: usize) -> Result<Cut, RecordTooLong> {
    let mut records = Records::new(framing, most);
    let mut cut = Vec::new();
    let own =
        |it: Record<'_>| (it.raw().to_vec(), it.data().map(|it| it.into_owned()), it.is_complete());
    for chunk in text.chunks(chunk.min(text.len()).max(1)) {
        records.push(chunk, |it| {
            cut.push(own(it));
            Ok::<_, RecordTooLong>(())
        })?;
    }
    let Ok(()) = records.finish(|it| {
        cut.push(own(it));
        Ok::<_, Infallible>(())
    });
    Ok(cut)
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    check_framing(Framing::EventStream, text, expected);
}

#[track_caller]
fn check_lines(text: &str, expected: &[&str]) {
    check_framing(Framing::Lines, text, expected);
}

#[track_caller]
fn check_framing(framing: Framing, text: &str, expected: &[&str]) {
    for chunk in 1..=text.len().max(1) {
        let records = cut(framing, text.as_bytes(), chunk, 1000).unwrap();
        let complete = records.into_iter().filter(|it| it.2);
        let data: Vec<_> =
            complete.filter_map(|it| it.1).map(|it| String::from_utf8(it).unwrap()).collect();
        assert_eq!(data, expected, "{text:?} in chunks of {chunk}");
    }
}

#[track_caller]
fn check_written(event: &str, data: Option<&str>, expected: &str) {
    let mut records = Records::new(Framing::EventStream, 1000);
    let mut written = Vec::new();
    let mut write = |it: Record<'_>| {
        // The second half of a line end, which stands alone.
        if it.raw() != b"\n" {
            it.write_with(data.map(str::as_bytes), &mut written);
        }
        Ok::<_, RecordTooLong>(())
    };
    records.push(event.as_bytes(), &mut write).unwrap();
    records.finish(write).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), expected, "{event:?}");
}
