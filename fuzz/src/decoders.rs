//! Whatever an upstream sends as encoded: it comes out the same wherever its chunks end, no more of it
//! than may, and in pieces that are bounded. What is cut into records is cut the same, too.

use rrcore::coding::{Coding, DecodeError, DecodeLimits, Decoder, Encoder, decode};
use rrcore::records::{Framing, Record, RecordTooLong, Records};

/// Of `data`, the first byte names the coding, the second how long chunks are, the third the limit; the
/// rest is content.
///
/// # Panics
/// When what comes out depends on the chunks, is more than may be, or is not what goes in again.
pub fn check(data: &[u8]) {
    let [coding, chunk, limit, content @ ..] = data else { return };
    let coding = CODINGS[usize::from(*coding) % CODINGS.len()];
    let chunk = usize::from(*chunk).max(1);
    let limit = usize::from(*limit) * usize::from(*limit) * 8;

    let whole = decode(coding, content.to_vec().into(), limit);
    let chunked = in_chunks(coding, content, chunk, limit);
    assert_eq!(whole.as_deref().ok(), chunked.as_deref().ok(), "{coding:?}");
    let Ok(plain) = whole else { return };
    assert!(plain.len() <= limit);
    for framing in [Framing::EventStream, Framing::Lines] {
        let cut = |chunk: usize| cut(framing, &plain, chunk);
        assert_eq!(cut(usize::MAX), cut(chunk), "{framing:?}");
    }
    if let Some(mut encoder) = Encoder::new(coding) {
        let mut again = Vec::new();
        for piece in plain.chunks(chunk * 8) {
            encoder.push(piece, &mut again);
        }
        encoder.finish(&mut again);
        assert_eq!(in_chunks(coding, &again, chunk, limit).as_deref(), Ok(&*plain));
    }
}

fn in_chunks(
    coding: Coding,
    content: &[u8],
    chunk: usize,
    limit: usize,
) -> Result<Vec<u8>, DecodeError> {
    let mut decoder = Decoder::new(coding, DecodeLimits::bytes(limit as u64));
    let mut plain = Vec::new();
    for chunk in content.chunks(chunk) {
        decoder.push_all(chunk, |it| {
            assert!(it.len() <= Decoder::STEP);
            plain.extend_from_slice(it);
            assert!(plain.len() <= limit);
            Ok::<_, DecodeError>(())
        })?;
    }
    decoder.finish().map(|()| plain)
}

type Cut = (Vec<(Vec<u8>, Option<Vec<u8>>)>, Result<(), RecordTooLong>);

fn cut(framing: Framing, text: &[u8], chunk: usize) -> Cut {
    let mut records = Records::new(framing, 100);
    let mut cut = Vec::new();
    let mut each = |it: Record<'_>| {
        cut.push((it.raw().to_vec(), it.data().map(|it| it.into_owned())));
        Ok::<_, RecordTooLong>(())
    };
    let mut chunks = text.chunks(chunk.min(text.len()).max(1));
    let ended = chunks
        .try_for_each(|it| records.push(it, &mut each))
        .and_then(|()| records.finish(&mut each));
    (cut, ended)
}

const CODINGS: [Coding; 5] =
    [Coding::Identity, Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];
