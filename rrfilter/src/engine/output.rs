//! What a filter lets out: spans of the chunk, copied as late as possible.

/// Bytes that leave, the last of which may still be taken back.
#[derive(Debug)]
pub(super) struct Output<'a> {
    out: &'a mut Vec<u8>,
    chunk: &'a [u8],
    // What of the chunk comes after `out`, but has not been copied there yet.
    from: usize,
    to: usize,
    // How many bytes will not be taken back.
    decided: usize,
}

impl<'a> Output<'a> {
    /// Continues after `out`, with what an earlier chunk left undecided.
    pub(super) fn new(out: &'a mut Vec<u8>, undecided: &mut Vec<u8>, chunk: &'a [u8]) -> Self {
        let decided = out.len();
        out.append(undecided);
        Self { out, chunk, from: 0, to: 0, decided }
    }

    /// Lets out `raw`, which ends at `end` in the chunk.
    #[inline]
    pub(super) fn write(&mut self, raw: &[u8], end: usize) {
        // Most follow what was let out last.
        if end.wrapping_sub(raw.len()) == self.to {
            self.to = end;
        } else {
            self.go_on(raw, end);
        }
    }

    fn go_on(&mut self, raw: &[u8], end: usize) {
        self.copy();
        match end.checked_sub(raw.len()) {
            Some(start) => (self.from, self.to) = (start, end),
            // It began in an earlier chunk.
            None => self.out.extend_from_slice(raw),
        }
    }

    /// Lets out what is not in the document.
    pub(super) fn insert(&mut self, bytes: &[u8]) {
        self.copy();
        self.out.extend_from_slice(bytes);
    }

    /// What was let out so far stays.
    pub(super) fn decide(&mut self) {
        self.decided = self.len();
    }

    /// How many bytes may still be taken back.
    pub(super) fn undecided(&self) -> usize {
        self.len() - self.decided
    }

    /// Takes back all but `left` of the undecided bytes.
    pub(super) fn take_back(&mut self, left: usize) {
        let left = self.decided + left;
        if let Some(of_chunk) = left.checked_sub(self.out.len()) {
            self.to = self.to.min(self.from + of_chunk);
        } else {
            self.out.truncate(left);
            self.to = self.from;
        }
    }

    /// Ends with the chunk. What is undecided is moved out of the way.
    pub(super) fn finish(mut self, undecided: &mut Vec<u8>) {
        self.copy();
        undecided.extend(self.out.drain(self.decided.min(self.out.len())..));
    }

    fn len(&self) -> usize {
        self.out.len() + (self.to - self.from)
    }

    fn copy(&mut self) {
        self.out.extend_from_slice(self.chunk.get(self.from..self.to).unwrap_or_default());
        self.from = self.to;
    }
}
