//! Which coding a client asks for (RFC 9110 §12.5.3).

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

use super::names::Coding;

/// The coding that is put on for a request with these headers.
pub(super) fn preferred(request: &HeaderMap) -> Coding {
    let mut best = (Coding::Identity, weight(request, &["identity"]).unwrap_or(1));
    // In the order of what they cost. `*` is not asking for any.
    let names: [(Coding, &[&str]); 3] = [
        (Coding::Gzip, &["gzip", "x-gzip"]),
        (Coding::Brotli, &["br"]),
        (Coding::Deflate, &["deflate"]),
    ];
    for (coding, names) in names {
        // Plain content takes more bytes: at the same weight, what is smaller is meant.
        let floor = if best.0 == Coding::Identity { best.1.max(1) } else { best.1 + 1 };
        if let Some(weight) = weight(request, names).filter(|it| *it >= floor) {
            best = (coding, weight);
        }
    }
    best.0
}

// In thousandths; what is not understood counts as not being there.
fn weight(request: &HeaderMap, names: &[&str]) -> Option<u16> {
    let lines = request.get_all(ACCEPT_ENCODING).iter().filter_map(|it| it.to_str().ok());
    let mut entries = lines.flat_map(|it| it.split(','));
    entries.find_map(|entry| {
        let (name, parameter) = entry.split_once(';').unwrap_or((entry, ""));
        let is_named = names.iter().any(|it| name.trim().eq_ignore_ascii_case(it));
        if !is_named {
            return None;
        }
        let parameter = parameter.trim();
        if parameter.is_empty() {
            return Some(1000);
        }
        let (key, value) = parameter.split_once('=')?;
        let weight: f32 = value.trim().parse().ok()?;
        let is_weight = key.trim().eq_ignore_ascii_case("q") && (0.0..=1.0).contains(&weight);
        is_weight.then_some((weight * 1000.0).round() as u16)
    })
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
