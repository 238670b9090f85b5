//! Puts a coding on while its content arrives.

use std::fmt;
use std::io::{self, Write};

use ::brotli::CompressorWriter;
use ::brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::HeaderMap;

use super::accept::preferred;
use super::names::Coding;

/// Encodes content chunk by chunk, fast rather than well.
///
/// ```
/// use rrcore::coding::{Coding, Encoder, decode};
///
/// let mut encoder = Encoder::new(Coding::Gzip).unwrap();
/// let mut content = Vec::new();
/// encoder.push(b"{\"a\":", &mut content);
/// encoder.flush(&mut content);
/// encoder.push(b"1}", &mut content);
/// encoder.finish(&mut content);
/// assert_eq!(decode(Coding::Gzip, content.into(), 7).unwrap(), "{\"a\":1}");
/// ```
pub struct Encoder {
    stream: Stream,
}

enum Stream {
    Identity,
    Gzip(GzEncoder<Vec<u8>>),
    Deflate(ZlibEncoder<Vec<u8>>),
    Brotli(Box<CompressorWriter<Vec<u8>>>),
}

impl Encoder {
    /// Puts on `coding`; `None` for zstd, which cannot be put on.
    #[must_use]
    pub fn new(coding: Coding) -> Option<Self> {
        let stream = match coding {
            Coding::Identity => Stream::Identity,
            Coding::Gzip => Stream::Gzip(GzEncoder::new(Vec::new(), Compression::fast())),
            Coding::Deflate => Stream::Deflate(ZlibEncoder::new(Vec::new(), Compression::fast())),
            Coding::Brotli => {
                let params =
                    BrotliEncoderParams { quality: 3, lgwin: WINDOW, ..Default::default() };
                let writer = CompressorWriter::with_params(Vec::new(), BUFFER, &params);
                Stream::Brotli(Box::new(writer))
            }
            Coding::Zstd => return None,
        };
        Some(Self { stream })
    }

    /// The coding that the `Accept-Encoding` lines of `request` ask for, of those that can be put
    /// on: [`Coding::Identity`] unless another is preferred to it (RFC 9110 §12.5.3).
    #[must_use]
    pub fn asked_for(request: &HeaderMap) -> Coding {
        preferred(request)
    }

    /// Takes `plain`; what is encoded so far is appended to `out`, but what may get smaller with what
    /// follows.
    pub fn push(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        self.write(out, |it| it.write_all(plain));
    }

    /// Appends all of what was pushed: whoever decodes `out` has it. Costs a few bytes each time.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        self.write(out, |it| it.flush());
    }

    /// Ends the content.
    pub fn finish(self, out: &mut Vec<u8>) {
        let last = match self.stream {
            Stream::Identity => Ok(Vec::new()),
            Stream::Gzip(it) => it.finish(),
            Stream::Deflate(it) => it.finish(),
            Stream::Brotli(it) => Ok(it.into_inner()),
        };
        debug_assert!(last.is_ok(), "a vector takes whatever is written to it");
        out.append(&mut last.unwrap_or_default());
    }

    fn write(&mut self, out: &mut Vec<u8>, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        let written = match &mut self.stream {
            Stream::Identity => write(out),
            Stream::Gzip(it) => write(it).map(|()| out.append(it.get_mut())),
            Stream::Deflate(it) => write(it).map(|()| out.append(it.get_mut())),
            Stream::Brotli(it) => write(it).map(|()| out.append(it.get_mut())),
        };
        debug_assert!(written.is_ok(), "a vector takes whatever is written to it");
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}

// 256 KiB of history.
const WINDOW: i32 = 18;
const BUFFER: usize = 16 * 1024;
