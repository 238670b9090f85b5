//! The fields of one event (the HTML standard, §9.2.6).

use std::borrow::Cow;

/// The values of the `data` fields, each but the last followed by LF.
pub(super) fn data(raw: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut values = fields(raw).filter(|it| it.0 == b"data").map(|it| it.1);
    let mut data = Cow::Borrowed(values.next()?);
    for value in values {
        let joined = data.to_mut();
        joined.push(b'\n');
        joined.extend_from_slice(value);
    }
    Some(data)
}

/// The value of the last `event` field that has one.
pub(super) fn kind(raw: &[u8]) -> Option<&[u8]> {
    fields(raw).filter(|it| it.0 == b"event").last().map(|it| it.1).filter(|it| !it.is_empty())
}

/// The same event with other data. Line ends become LF.
pub(super) fn write(raw: &[u8], is_complete: bool, data: Option<&[u8]>, out: &mut Vec<u8>) {
    let start = out.len();
    let mut has_comment = false;
    for (name, value) in fields(raw) {
        match name {
            b"" => has_comment = true,
            b"event" => field(name, value, out),
            // What readers ignore is not for them.
            b"id" if !value.contains(&0) => field(name, value, out),
            b"retry" if value.iter().all(u8::is_ascii_digit) => field(name, value, out),
            _ => {}
        }
    }
    for line in data.into_iter().flat_map(|it| it.split(|it| *it == b'\n')) {
        field(b"data", line, out);
    }
    if has_comment && out.len() == start {
        out.extend_from_slice(b":\n");
    }
    if is_complete {
        out.push(b'\n');
    }
}

fn field(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.push(b'\n');
}

// Name and value of each line; a comment has no name. The empty line at the end is none.
fn fields(raw: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let lines = raw.split(|it| matches!(it, b'\n' | b'\r')).filter(|it| !it.is_empty());
    lines.map(|line| match line.iter().position(|it| *it == b':') {
        None => (line, &[][..]),
        Some(colon) => {
            let (name, value) = line.split_at(colon);
            let value = value.get(1..).unwrap_or_default();
            (name, value.strip_prefix(b" ").unwrap_or(value))
        }
    })
}
