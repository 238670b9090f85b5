//! A message's content from what was sent to what leaves, in bounded steps.

use bytes::{Buf, Bytes};
use rrcore::Facts;
use rrcore::coding::{Coding, DecodeLimits, Decoder, Encoder};

use crate::fault::Fault;
use crate::policy::Bounds;
use crate::work::Work;

/// Undoes the coding, filters, and puts a coding on again where one is asked for.
pub(crate) struct Flow {
    // What was sent and has not been looked at yet.
    input: Bytes,
    // The decoder has more to give before it takes more.
    more: bool,
    decoder: Option<Decoder>,
    plain: Vec<u8>,
    work: Work,
    left: Vec<u8>,
    encoder: Option<Encoder>,
    // What was encoded, but may not have come out yet.
    is_waiting: bool,
    out: Vec<u8>,
    sent: u64,
    looked_at: u64,
}

impl Flow {
    /// From content in `coding` to content in `asked`. Zstandard cannot be put on: what asks for it is
    /// left plain.
    pub(crate) fn new(coding: Coding, work: Work, asked: Coding, bounds: Bounds) -> Self {
        let limits = DecodeLimits::bytes(u64::MAX).ratio(bounds.ratio);
        let decoder = (coding != Coding::Identity).then(|| Decoder::new(coding, limits));
        let encoder = (asked != Coding::Identity).then(|| Encoder::new(asked)).flatten();
        Self {
            input: Bytes::new(),
            more: false,
            decoder,
            plain: Vec::new(),
            work,
            left: Vec::new(),
            encoder,
            is_waiting: false,
            out: Vec::new(),
            sent: 0,
            looked_at: 0,
        }
    }

    pub(crate) const fn work(&self) -> &Work {
        &self.work
    }

    pub(crate) fn facts(&self) -> Facts {
        self.work.facts()
    }

    /// How many bytes of plain content the filters have seen.
    pub(crate) const fn looked_at(&self) -> u64 {
        self.looked_at
    }

    /// Whether no content has come at all.
    pub(crate) const fn is_untouched(&self) -> bool {
        self.sent == 0
    }

    /// Whether it is not known yet that the coding can be undone at all.
    pub(crate) const fn is_undecoded(&self) -> bool {
        self.decoder.is_some() && self.looked_at == 0
    }

    /// Whether there is nothing left to do without more input.
    pub(crate) fn is_hungry(&self) -> bool {
        self.input.is_empty() && !self.more
    }

    /// Takes the next bytes, when [hungry](Self::is_hungry).
    pub(crate) fn feed(&mut self, data: Bytes) {
        self.sent = self.sent.saturating_add(data.len() as u64);
        self.input = data;
    }

    /// Does a bounded part of what there is to do.
    pub(crate) fn step(&mut self) -> Result<(), Fault> {
        let Some(decoder) = &mut self.decoder else {
            let piece = self.input.split_to(self.input.len().min(Decoder::STEP));
            return self.filter(&piece);
        };
        let mut plain = std::mem::take(&mut self.plain);
        plain.clear();
        let step = decoder.push(&self.input, &mut plain)?;
        self.input.advance(step.read.min(self.input.len()));
        self.more = step.more;
        let filtered = self.filter(&plain);
        self.plain = plain;
        filtered
    }

    /// Ends the content, when [hungry](Self::is_hungry).
    pub(crate) fn end(&mut self) -> Result<(), Fault> {
        if let Some(decoder) = &self.decoder {
            decoder.finish()?;
        }
        let Some(mut encoder) = self.encoder.take() else {
            return self.work.finish(&mut self.out);
        };
        self.left.clear();
        self.work.finish(&mut self.left)?;
        encoder.push(&self.left, &mut self.out);
        encoder.finish(&mut self.out);
        self.is_waiting = false;
        Ok(())
    }

    /// Brings out all that has been filtered.
    pub(crate) fn flush(&mut self) {
        if let Some(encoder) = self.encoder.as_mut().filter(|_| self.is_waiting) {
            encoder.flush(&mut self.out);
            self.is_waiting = false;
        }
    }

    /// How much can be taken.
    pub(crate) const fn ready(&self) -> usize {
        self.out.len()
    }

    /// Whether anything is on its way out.
    pub(crate) const fn has_any(&self) -> bool {
        self.is_waiting || !self.out.is_empty()
    }

    /// What leaves.
    pub(crate) fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.out).into()
    }

    fn filter(&mut self, plain: &[u8]) -> Result<(), Fault> {
        if plain.is_empty() {
            return Ok(());
        }
        self.looked_at = self.looked_at.saturating_add(plain.len() as u64);
        let Some(encoder) = &mut self.encoder else {
            return self.work.push(plain, &mut self.out);
        };
        self.left.clear();
        self.work.push(plain, &mut self.left)?;
        if !self.left.is_empty() {
            encoder.push(&self.left, &mut self.out);
            self.is_waiting = true;
        }
        Ok(())
    }
}
