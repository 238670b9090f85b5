//! Forms (`application/x-www-form-urlencoded`) as JSON, and JSON as forms.

use std::collections::HashMap;

use rrcore::json::{quote, unescape};

use crate::transform::json::{Document, Member, members};
use crate::transform::pairs::{decoded, halves, pieces, push};

/// The pairs of a form as an object of strings, in their order; a name that comes several times
/// becomes an array of them. `None` where something in it is not UTF-8.
pub(crate) fn to_json(form: &str) -> Option<Vec<u8>> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut members: Vec<(String, String, bool)> = Vec::new();
    for piece in pieces(form).filter(|it| !it.is_empty()) {
        let (name, value) = halves(piece);
        let (name, value) = (decoded(name)?, quote(&decoded(value)?));
        let place = places.get(&*name).and_then(|it| members.get_mut(*it));
        if let Some((_, values, are_several)) = place {
            *are_several = true;
            values.push(',');
            values.push_str(&value);
        } else {
            places.insert(name.clone().into_owned(), members.len());
            members.push((quote(&name), value, false));
        }
    }
    let mut out = String::from("{");
    for (at, (name, values, are_several)) in members.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let (open, close) = if *are_several { ("[", "]") } else { ("", "") };
        out.extend([comma, name, ":", open, values, close]);
    }
    out.push('}');
    Some(out.into_bytes())
}

/// An object of scalars, and of arrays of them, as a form: `null` is left out, numbers keep their
/// spelling. `None` for anything else.
pub(crate) fn from_json(document: &Document) -> Option<Vec<u8>> {
    let object = Some(document.text()).filter(|it| it.starts_with(b"{"))?;
    let mut out = String::new();
    for Member { name, value } in members(object)? {
        let name = unescape(name?);
        match value.first()? {
            b'{' => return None,
            b'[' => {
                for Member { value, .. } in members(value)? {
                    pair(&name, value, &mut out)?;
                }
            }
            _ => pair(&name, value, &mut out)?,
        }
    }
    Some(out.into_bytes())
}

fn pair(name: &str, value: &[u8], out: &mut String) -> Option<()> {
    match value.first()? {
        b'{' | b'[' => return None,
        b'n' => {}
        _ => push(name, &unescape(value), out),
    }
    Some(())
}
