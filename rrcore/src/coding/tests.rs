//! All codings under the same claims.

use std::io::Write;
use std::sync::LazyLock;

use ::brotli::enc::BrotliEncoderParams;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::machine::Machine;
use super::{Coding, DecodeError, DecodeLimits, Decoder, decode};

#[test]
fn one_coding_is_read_from_the_headers_and_no_more() {
    check(&[], Ok(Coding::Identity));
    check(&[""], Ok(Coding::Identity));
    check(&["identity"], Ok(Coding::Identity));
    check(&["GZip"], Ok(Coding::Gzip));
    check(&[" x-gzip "], Ok(Coding::Gzip));
    check(&["identity, deflate"], Ok(Coding::Deflate));
    check(&["gzip, gzip"], Err(DecodeError::Unsupported));
    check(&["gzip", "deflate"], Err(DecodeError::Unsupported));
    check(&["br"], Ok(Coding::Brotli));
    check(&["Zstd"], Ok(Coding::Zstd));
    check(&["gzip, br"], Err(DecodeError::Unsupported));
    check(&["zstd", "br"], Err(DecodeError::Unsupported));
    check(&["dcb"], Err(DecodeError::Unsupported));
    check(&["dcz"], Err(DecodeError::Unsupported));
    check(&["compress"], Err(DecodeError::Unsupported));
    check(&["gzip;q=1"], Err(DecodeError::Unsupported));
}

#[test]
fn every_form_decodes_up_to_the_limit_and_not_one_byte_beyond() {
    let text = "{\"a\":1}".repeat(10_000);
    for (coding, content) in encodings(&text) {
        assert_eq!(decode(coding, content.clone(), text.len()).unwrap(), text);
        assert_eq!(decode(coding, content, text.len() - 1), Err(DecodeError::TooLarge));
    }
}

#[test]
fn a_bomb_costs_the_limit_and_no_more() {
    let zeros = "0".repeat(16 << 20);
    for (coding, content) in encodings(&zeros).into_iter().skip(1) {
        assert!(content.len() < 256 << 10);
        assert_eq!(decode(coding, content, 1 << 20), Err(DecodeError::TooLarge));
    }
}

#[test]
fn content_that_is_cut_short_or_followed_by_something_is_corrupt() {
    for (coding, content) in encodings("{\"ssn\":\"078-05-1120\"}").into_iter().skip(1) {
        for end in 0..content.len() {
            let cut = decode(coding, content.slice(..end), 100);
            assert_eq!(cut, Err(DecodeError::Corrupt), "{coding:?} cut at {end}");
        }
        let followed = [&content[..], b"x"].concat();
        assert_eq!(decode(coding, followed.into(), 100), Err(DecodeError::Corrupt));
        assert_eq!(decode(coding, "{}".into(), 100), Err(DecodeError::Corrupt));
    }
}

#[test]
fn all_members_of_a_gzip_file_are_content() {
    let (coding, content) = encodings("{}").swap_remove(1);
    let twice = [content.clone(), content].concat();
    assert_eq!(decode(coding, twice.into(), 4).unwrap(), "{}{}");
}

#[test]
fn all_frames_of_zstandard_are_content_and_skippable_ones_have_none() {
    let frame = zstandard(3, b"{}");
    let skippable = [&0x184D_2A5F_u32.to_le_bytes()[..], &3_u32.to_le_bytes(), b"abc"].concat();
    check_zstd(&[&frame, &frame], Ok("{}{}"));
    check_zstd(&[&skippable, &frame, &skippable, &frame, &skippable], Ok("{}{}"));
    check_zstd(&[&skippable], Ok(""));
    check_zstd(&[&frame, &skippable[..10]], Err(DecodeError::Corrupt));
    check_zstd(&[&frame, &skippable[..7]], Err(DecodeError::Corrupt));
    check_zstd(&[&frame, &frame[..5]], Err(DecodeError::Corrupt));
    check_zstd(&[&[&frame[..]; 51].concat()], Err(DecodeError::TooLarge));
}

#[test]
fn a_zstandard_header_is_taken_at_its_word() {
    // Descriptor, then window or dictionary, then size (§3.1.1.1); 104 is a window of 8 MiB.
    check_zstd(&[MAGIC, &[0x00, 104], BLOCK], Ok("{}"));
    check_zstd(&[MAGIC, &[0x00, 105], BLOCK], Err(DecodeError::Corrupt));
    check_zstd(&[MAGIC, &[0x00, 255], BLOCK], Err(DecodeError::Corrupt));
    check_zstd(&[MAGIC, &[0x08, 104], BLOCK], Err(DecodeError::Corrupt));
    check_zstd(&[MAGIC, &[0x01, 104, 0], BLOCK], Ok("{}"));
    check_zstd(&[MAGIC, &[0x01, 104, 7], BLOCK], Err(DecodeError::Corrupt));
    check_zstd(&[MAGIC, &[0x20, 2], BLOCK], Ok("{}"));
    check_zstd(&[MAGIC, &[0x20, 1], BLOCK], Err(DecodeError::Corrupt));
    check_zstd(&[MAGIC, &[0x20, 3], BLOCK], Err(DecodeError::Corrupt));
    check_zstd(&[MAGIC, &[0x20, 101], BLOCK], Err(DecodeError::TooLarge));
    check_zstd(&[MAGIC, &[0x80, 104, 3, 0, 0, 0], BLOCK], Err(DecodeError::Corrupt));
    check_zstd(&[MAGIC, &[0xe0], &[0xff; 8], BLOCK], Err(DecodeError::Corrupt));
}

#[test]
fn a_zstandard_checksum_is_checked() {
    let mut content = zstandard(19, b"{}");
    check_zstd(&[&content], Ok("{}"));
    *content.last_mut().unwrap() ^= 1;
    check_zstd(&[&content], Err(DecodeError::Corrupt));
}

// 1000 sequences in 2 KiB, each of which copies 65,539 bytes.
#[test]
fn one_block_of_zstandard_cannot_be_a_bomb() {
    let sequences = [&[0, 0x83, 0xe8, 0x54, 0, 0, 52][..], &[0; 2000], &[1]].concat();
    let header = (sequences.len() as u32) << 3 | 0b101;
    let header = &header.to_le_bytes()[..3];
    let some = [0x40, 0, 0, b'a', b'b', b'c', b'd', b'e', b'f', b'g', b'h'];
    let content = [MAGIC, &[0x00, 104], &some, header, &sequences].concat();
    let decoded = decode(Coding::Zstd, content.into(), 100 << 20);
    assert_eq!(decoded, Err(DecodeError::Corrupt));
}

#[test]
fn what_brotli_says_is_too_large_is_refused_before_it_is_there() {
    let text: Vec<u8> =
        (0..1_u32 << 18).flat_map(|it| it.wrapping_mul(0x9e37_79b9).to_le_bytes()).collect();
    let start = Bytes::from(brotlied(5, &text)).slice(..16);
    assert_eq!(decode(Coding::Brotli, start.clone(), 100), Err(DecodeError::TooLarge));
    assert_eq!(decode(Coding::Brotli, start, 1 << 20), Err(DecodeError::Corrupt));
}

#[test]
fn brotli_has_no_large_windows() {
    let params = BrotliEncoderParams { large_window: true, lgwin: 25, ..Default::default() };
    let mut content = Vec::new();
    ::brotli::BrotliCompress(&mut &b"{}"[..], &mut content, &params).unwrap();
    assert_eq!(content[0], 0x11);
    assert_eq!(decode(Coding::Brotli, content.into(), 100), Err(DecodeError::Corrupt));
}

#[test]
fn a_decoder_that_panics_has_decoded_nothing() {
    assert_eq!(
        super::contained::contained(|| -> Result<(), _> { panic!("on purpose") }),
        Err(DecodeError::Corrupt)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_was_encoded_is_what_comes_out(text in text()) {
        for (coding, content) in encodings(&text) {
            prop_assert_eq!(decode(coding, content.clone(), text.len()).unwrap(), &text);
            if let Some(less) = text.len().checked_sub(1) {
                prop_assert_eq!(decode(coding, content, less), Err(DecodeError::TooLarge));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8_000))]

    #[test]
    fn content_that_was_changed_cannot_do_harm(
        encoding in any::<Index>(),
        changes in vec((any::<Index>(), any::<u8>(), 0..20_u8), 1..6),
        limit in 0..4000_usize,
    ) {
        let (coding, content) = encoding.get(&SAMPLES);
        let mut content = content.to_vec();
        for (place, byte, what) in changes {
            let place = place.index(content.len() + 1);
            match what {
                0 => content.truncate(place),
                1 => content.insert(place, byte),
                2 => drop(content.splice(..place, None)),
                _ => content.iter_mut().skip(place).take(1).for_each(|it| *it = byte),
            }
        }
        is_harmless(*coding, &content, limit);
    }

    #[test]
    fn any_bytes_cannot_do_harm(content in vec(any::<u8>(), 0..100), limit in 0..4000_usize) {
        is_harmless(Coding::Brotli, &content, limit);
        is_harmless(Coding::Gzip, &content, limit);
        is_harmless(Coding::Deflate, &content, limit);
        is_harmless(Coding::Zstd, &[MAGIC, &[0x00, 104], &content].concat(), limit);
    }
}

#[test]
fn a_bomb_comes_out_in_small_pieces_and_stops_at_its_ratio() {
    let zeros = "0".repeat(16 << 20);
    for (coding, content) in encodings(&zeros).into_iter().skip(1) {
        let mut decoder = Decoder::new(coding, DecodeLimits::bytes(u64::MAX).ratio(50));
        let mut total = 0;
        let bombed = decoder.push_all(&content, |it| {
            assert!(it.len() <= Decoder::STEP);
            total += it.len();
            Ok::<_, DecodeError>(())
        });
        assert_eq!(bombed, Err(DecodeError::TooLarge), "{coding:?}");
        assert!(total <= (1 << 20) + 50 * content.len());
        assert_eq!(decoder.push(b"", &mut Vec::new()), Err(DecodeError::TooLarge));
        assert_eq!(decoder.finish(), Err(DecodeError::TooLarge));
    }
}

#[test]
fn the_parts_of_a_gzip_header_are_no_content() {
    let (coding, content) = encodings("{}").swap_remove(1);
    let rest = &content[10..];
    let with = |flags: u8, parts: &[u8]| {
        [&[0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3][..], parts, rest].concat()
    };
    let decoded = |it: Vec<u8>| {
        let whole = decode(coding, it.clone().into(), 10);
        assert_eq!(in_chunks(coding, &it, 1, 10).ok(), whole.clone().ok().map(|it| it.to_vec()));
        whole.map(|it| it.to_vec())
    };
    assert_eq!(decoded(with(0, b"")), Ok(b"{}".to_vec()));
    assert_eq!(decoded(with(1, b"")), Ok(b"{}".to_vec()));
    assert_eq!(decoded(with(4, b"\x02\0ab")), Ok(b"{}".to_vec()));
    assert_eq!(decoded(with(4, b"\0\0")), Ok(b"{}".to_vec()));
    assert_eq!(decoded(with(0x1c, b"\x01\0xname\0comment\0")), Ok(b"{}".to_vec()));
    assert_eq!(decoded(with(0x18, b"\0\0")), Ok(b"{}".to_vec()));
    assert_eq!(decoded(with(0x20, b"")), Err(DecodeError::Corrupt));
    assert!(decoded(with(0x08, b"")).is_err());
    let mut sum = flate2::Crc::new();
    sum.update(&[0x1f, 0x8b, 8, 2, 0, 0, 0, 0, 0, 3]);
    let [low, high, ..] = sum.sum().to_le_bytes();
    assert_eq!(decoded(with(2, &[low, high])), Ok(b"{}".to_vec()));
    assert_eq!(decoded(with(2, &[low, !high])), Err(DecodeError::Corrupt));
    assert_eq!(decoded(with(2, &[!low, high])), Err(DecodeError::Corrupt));
}

#[test]
fn a_decoder_can_go_from_thread_to_thread() {
    fn check<T: Send + Sync + Unpin>() {}
    check::<Decoder>();
    #[cfg(feature = "encoding")]
    check::<super::Encoder>();
}

#[cfg(feature = "encoding")]
#[test]
fn what_was_flushed_can_be_decoded_and_the_end_is_one() {
    let text = "{\"name\":\"value\"},".repeat(10_000);
    for coding in [Coding::Identity, Coding::Gzip, Coding::Deflate, Coding::Brotli] {
        let mut encoder = super::Encoder::new(coding).unwrap();
        let mut decoder = Decoder::new(coding, DecodeLimits::bytes(u64::MAX));
        let (mut content, mut plain) = (Vec::new(), Vec::new());
        let mut pushed = 0;
        for chunk in text.as_bytes().chunks(33_333) {
            encoder.push(chunk, &mut content);
            encoder.flush(&mut content);
            pushed += chunk.len();
            let each = |it: &[u8]| {
                plain.extend_from_slice(it);
                Ok::<_, DecodeError>(())
            };
            decoder.push_all(&content, each).unwrap();
            assert_eq!(plain.len(), pushed, "{coding:?}");
            content.clear();
        }
        encoder.finish(&mut content);
        let rest = decoder.push_all(&content, |_| Err(DecodeError::TooLarge));
        assert_eq!(rest.and_then(|()| decoder.finish()), Ok(()), "{coding:?}");
        assert_eq!(plain, text.as_bytes());
    }
    assert!(super::Encoder::new(Coding::Zstd).is_none());
}

proptest! {
    #[test]
    fn what_comes_out_does_not_depend_on_where_chunks_end(
        encoding in any::<Index>(),
        changes in vec((any::<Index>(), any::<u8>()), 0..2),
        chunk in 1..50_usize,
        limit in 0..4000_usize,
    ) {
        let (coding, content) = encoding.get(&SAMPLES);
        let mut content = content.to_vec();
        for (place, byte) in changes {
            *place.get_mut(&mut content) = byte;
        }
        let whole = decode(*coding, content.clone().into(), limit).map(|it| it.to_vec());
        let chunked = in_chunks(*coding, &content, chunk, limit);
        prop_assert_eq!(whole.ok(), chunked.ok());
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
            plain.extend_from_slice(it);
            Ok::<_, DecodeError>(())
        })?;
    }
    decoder.finish()?;
    Ok(plain)
}

// Texts of all kinds, for blocks of all kinds; short ones, so that a change hits what steers.
static SAMPLES: LazyLock<Vec<(Coding, Bytes)>> = LazyLock::new(|| {
    let noise: Vec<u8> = (0..99_u32).map(|it| (it.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
    let skewed: Vec<u8> = noise.iter().map(|it| b'a' + it.leading_zeros() as u8).collect();
    let json = |it: u8| format!("{{\"id\":{it},\"name\":\"user {}\"}},", it.wrapping_mul(77));
    let json: String = (0..60).map(json).collect();
    let texts = [&b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaab"[..], &noise, &skewed, json.as_bytes()];
    texts.into_iter().flat_map(encodings).collect()
});

// Not `decode`, which would hide a panic.
#[track_caller]
fn is_harmless(coding: Coding, content: &[u8], limit: usize) {
    let mut machine = Machine::new(coding, limit);
    let (mut rest, mut plain) = (content, Vec::new());
    loop {
        let before = plain.len();
        let Ok(step) = machine.step(rest, &mut plain, 1000) else { return };
        assert!(plain.len() - before <= 1000);
        rest = &rest[step.read..];
        if plain.len() > limit || rest.is_empty() && !step.more {
            return;
        }
    }
}

// Words that repeat, and bytes that do not: all kinds of blocks.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![Just(b"{\"name\":".to_vec()), vec(any::<u8>(), 0..20), vec(0..3_u8, 40)];
    vec(word, 0..60).prop_map(|it| it.concat())
}

fn encodings(text: impl AsRef<[u8]>) -> Vec<(Coding, Bytes)> {
    let text = text.as_ref();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text).unwrap();
    zlib.write_all(text).unwrap();
    bare.write_all(text).unwrap();
    vec![
        (Coding::Identity, Bytes::copy_from_slice(text)),
        (Coding::Gzip, gzip.finish().unwrap().into()),
        (Coding::Deflate, zlib.finish().unwrap().into()),
        (Coding::Deflate, bare.finish().unwrap().into()),
        (Coding::Brotli, brotlied(2, text).into()),
        (Coding::Brotli, brotlied(5, text).into()),
        (Coding::Zstd, zstandard(1, text).into()),
        (Coding::Zstd, zstandard(19, text).into()),
    ]
}

fn brotlied(quality: i32, text: &[u8]) -> Vec<u8> {
    let size_hint = text.len();
    let params = BrotliEncoderParams { quality, size_hint, lgwin: 18, ..Default::default() };
    let mut content = Vec::new();
    ::brotli::BrotliCompress(&mut &text[..], &mut content, &params).unwrap();
    content
}

// At high levels as streams are sent: without the size, with a checksum.
fn zstandard(level: i32, text: &[u8]) -> Vec<u8> {
    let mut zstd = ::zstd::Encoder::new(Vec::new(), level).unwrap();
    if level < 10 {
        zstd.set_pledged_src_size(Some(text.len() as u64)).unwrap();
    } else {
        zstd.include_checksum(true).unwrap();
        zstd.window_log(18).unwrap();
    }
    zstd.write_all(text).unwrap();
    zstd.finish().unwrap()
}

#[track_caller]
fn check_zstd(parts: &[&[u8]], expected: Result<&str, DecodeError>) {
    let decoded = decode(Coding::Zstd, parts.concat().into(), 100);
    assert_eq!(decoded, expected.map(|it| Bytes::copy_from_slice(it.as_bytes())), "{parts:?}");
}

#[track_caller]
fn check(lines: &[&str], expected: Result<Coding, DecodeError>) {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(CONTENT_ENCODING, line.parse().unwrap());
    }
    assert_eq!(Coding::of(&headers), expected, "{lines:?}");
}

const MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
// The last block, raw, of two bytes.
const BLOCK: &[u8] = &[0b10001, 0, 0, b'{', b'}'];
