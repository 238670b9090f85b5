//! Which coding a client asks for (RFC 9110 §12.5.3).

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

use super::names::Coding;

/// The coding that is put on for a request with these headers.
pub(super) fn preferred(request: &HeaderMap) -> Coding {
    let asked = Asked::of(request);
    let mut best = (Coding::Identity, asked.identity.unwrap_or(1));
    // In the order of what they cost. `*` is not asking for any.
    for (coding, weight) in
        [(Coding::Gzip, asked.gzip), (Coding::Brotli, asked.br), (Coding::Deflate, asked.deflate)]
    {
        // Plain content takes more bytes: at the same weight, what is smaller is meant.
        let floor = if best.0 == Coding::Identity { best.1.max(1) } else { best.1 + 1 };
        if let Some(weight) = weight.filter(|it| *it >= floor) {
            best = (coding, weight);
        }
    }
    best.0
}

/// The first weight that each coding is given, in thousandths; what is not understood counts as not
/// being there.
#[derive(Default)]
struct Asked {
    identity: Option<u16>,
    gzip: Option<u16>,
    br: Option<u16>,
    deflate: Option<u16>,
}

impl Asked {
    fn of(request: &HeaderMap) -> Self {
        let mut asked = Self::default();
        let lines = request.get_all(ACCEPT_ENCODING).iter().filter_map(|it| it.to_str().ok());
        for entry in lines.flat_map(|it| it.as_bytes().split(|it| *it == b',')) {
            let end = entry.iter().position(|it| *it == b';');
            let (name, parameter) = entry.split_at(end.unwrap_or(entry.len()));
            if let Some(place) = asked.place(name.trim_ascii()).filter(|it| it.is_none()) {
                *place = weight(parameter.get(1..).unwrap_or_default().trim_ascii());
            }
        }
        asked
    }

    fn place(&mut self, name: &[u8]) -> Option<&mut Option<u16>> {
        let is = |it: &str| name.eq_ignore_ascii_case(it.as_bytes());
        match name.len() {
            4 | 6 if is("gzip") || is("x-gzip") => Some(&mut self.gzip),
            2 if is("br") => Some(&mut self.br),
            7 if is("deflate") => Some(&mut self.deflate),
            8 if is("identity") => Some(&mut self.identity),
            _ => None,
        }
    }
}

fn weight(parameter: &[u8]) -> Option<u16> {
    if parameter.is_empty() {
        return Some(1000);
    }
    let (key, value) = std::str::from_utf8(parameter).ok()?.split_once('=')?;
    let weight: f32 = value.trim().parse().ok()?;
    let is_weight = key.trim().eq_ignore_ascii_case("q") && (0.0..=1.0).contains(&weight);
    is_weight.then_some((weight * 1000.0).round() as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_that_can_be_put_on_is_asked_for() {
        check(&[], Coding::Identity);
        check(&[""], Coding::Identity);
        check(&["gzip"], Coding::Gzip);
        check(&["GZIP"], Coding::Gzip);
        check(&["x-gzip"], Coding::Gzip);
        check(&["br, gzip"], Coding::Gzip);
        check(&["br;q=1, gzip;q=0.9"], Coding::Brotli);
        check(&["gzip;q=0.5", "br;q=0.6"], Coding::Brotli);
        check(&["deflate"], Coding::Deflate);
        check(&["zstd"], Coding::Identity);
        check(&["zstd, br"], Coding::Brotli);
        check(&["*"], Coding::Identity);
        check(&["identity"], Coding::Identity);
        check(&["identity, gzip"], Coding::Gzip);
        check(&["identity;q=1, gzip;q=0.5"], Coding::Identity);
        check(&["gzip;q=0"], Coding::Identity);
        check(&["gzip;q=0.001"], Coding::Gzip);
        check(&["gzip;q=2"], Coding::Identity);
        check(&["gzip;q=x"], Coding::Identity);
        check(&["gzip;level=1"], Coding::Identity);
        check(&["gzip ; Q = 0.3"], Coding::Gzip);
        check(&["gzip;q=x, x-gzip;q=0.4, gzip;q=0, br;q=0.3"], Coding::Gzip);
        check(&["gzip;q=0.2, gzip;q=1, br;q=0.3"], Coding::Brotli);
        check(&["gzip;", "deflate"], Coding::Gzip);
    }

    #[track_caller]
    fn check(lines: &[&str], expected: Coding) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(ACCEPT_ENCODING, line.parse().unwrap());
        }
        assert_eq!(preferred(&headers), expected, "{lines:?}");
    }
}
