//! Filters over a document that arrives in chunks.

use crate::engine::Engine;
use crate::error::NotFilterable;
use crate::filter::Filter;
use crate::report::Report;

/// Applies filters one after the other, each to what the one before left, while the document
/// arrives. What leaves does not depend on how the document was cut.
///
/// ```
/// use rrfilter::{Chain, Filter, Operation};
///
/// let hidden = Filter::new("flt_1", Operation::Destroy, ["$..cost"]).unwrap();
/// let mut chain = Chain::new([hidden]);
/// let mut out = Vec::new();
/// chain.push(br#"{"sku":"a","co"#, &mut out).unwrap();
/// assert_eq!(out, br#"{"sku":"a""#);
/// chain.push(br#"st":1.00}"#, &mut out).unwrap();
/// chain.finish(&mut out).unwrap();
/// assert_eq!(out, br#"{"sku":"a"}"#);
/// assert_eq!(chain.reports()[0].removed, 1);
/// ```
///
/// # Caveats
///
/// What has left cannot be called back: an error that is found later only ends the document. Who
/// must not pass a wrong beginning holds it back.
#[derive(Debug)]
pub struct Chain {
    filters: Vec<Filter>,
    parts: Vec<Part>,
    most_buffered: usize,
    failed: Option<NotFilterable>,
}

// Filters that can work in one pass, after one that needs the whole document, if any.
#[derive(Debug)]
struct Part {
    whole: Option<Filter>,
    held: Vec<u8>,
    engine: Engine,
    // What `whole` did.
    report: Report,
}

impl Chain {
    /// Waits for the first byte of a document.
    #[must_use]
    pub fn new(filters: impl IntoIterator<Item = Filter>) -> Self {
        Self::holding(filters, HELD)
    }

    /// The same, and looks for two members of one name in so many bytes: see [`held`](Self::held).
    pub(crate) fn holding(filters: impl IntoIterator<Item = Filter>, bytes: u64) -> Self {
        let filters: Vec<_> = filters.into_iter().collect();
        let parts = parts(&filters, bytes);
        Self { filters, parts, most_buffered: 1 << 20, failed: None }
    }

    /// Holds up to so many bytes of a document where a filter needs it whole: 1 MiB unless told.
    #[must_use]
    pub const fn most_buffered(mut self, bytes: usize) -> Self {
        self.most_buffered = bytes;
        self
    }

    /// Looks for two members of one name, however many an object has, in so many bytes at the start
    /// of each document: 64 KiB unless told. After that, among the first 1,024 of each object.
    #[must_use]
    pub fn held(mut self, bytes: u64) -> Self {
        self.parts = parts(&self.filters, bytes);
        self
    }

    /// Takes the next bytes of the document. What is known to be left of it is added to `out`.
    ///
    /// # Errors
    ///
    /// When it cannot be filtered. Then, and ever after: the same error.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), NotFilterable> {
        self.failed.map_or(Ok(()), Err)?;
        self.take(chunk, out).inspect_err(|it| self.failed = Some(*it))
    }

    /// Ends the document, and adds to `out` what else is left of it. The next byte is the first of
    /// another document; reports go on.
    ///
    /// # Errors
    ///
    /// When the document is not complete, or nothing would be left of it.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), NotFilterable> {
        self.failed.map_or(Ok(()), Err)?;
        self.end(out).inspect_err(|it| self.failed = Some(*it))
    }

    /// What each filter did so far, in their order.
    #[must_use]
    pub fn reports(&self) -> Vec<&Report> {
        self.parts.iter().flat_map(Part::reports).collect()
    }

    /// Whether some filter needs the whole document at once: nothing leaves before its end.
    #[must_use]
    pub fn needs_buffering(&self) -> bool {
        self.filters.iter().any(Filter::needs_buffering)
    }

    fn take(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), NotFilterable> {
        match self.parts.as_mut_slice() {
            [first, ..] if first.whole.is_some() => first.hold(chunk, self.most_buffered),
            [only] => Ok(only.engine.push(chunk, out)?),
            [first, second, ..] => {
                let mut left = Vec::new();
                first.engine.push(chunk, &mut left)?;
                second.hold(&left, self.most_buffered)
            }
            [] => Ok(()),
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), NotFilterable> {
        let mut before: Vec<u8> = Vec::new();
        let last = self.parts.len().saturating_sub(1);
        for (number, part) in self.parts.iter_mut().enumerate() {
            part.hold(&std::mem::take(&mut before), self.most_buffered)?;
            part.end(if number == last { &mut *out } else { &mut before })?;
        }
        Ok(())
    }
}

// There is always one.
fn parts(filters: &[Filter], held: u64) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = filters;
    while !rest.is_empty() || parts.is_empty() {
        let whole = rest.split_first().filter(|it| it.0.needs_buffering());
        let (whole, after) = whole.map_or((None, rest), |(it, after)| (Some(it.clone()), after));
        let count = after.iter().take_while(|it| !it.needs_buffering()).count();
        let (together, after) = after.split_at_checked(count).unwrap_or((after, &[]));
        let found = vec![0; whole.as_ref().map_or(0, Filter::len)];
        let engine = Engine::new(together.iter().cloned(), held);
        parts.push(Part { whole, held: Vec::new(), engine, report: Report { removed: 0, found } });
        rest = after;
    }
    parts
}

impl Part {
    fn hold(&mut self, bytes: &[u8], most: usize) -> Result<(), NotFilterable> {
        if self.held.len().saturating_add(bytes.len()) > most {
            return Err(NotFilterable::TooLarge);
        }
        self.held.extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), NotFilterable> {
        let document = std::mem::take(&mut self.held);
        if let Some(filter) = &self.whole {
            let mut left = Vec::with_capacity(document.len());
            let report = once(filter, &document, &mut left)?;
            self.report.add(&report);
            self.engine.push(&left, out)?;
        }
        if self.engine.finish(out)? { Ok(()) } else { Err(NotFilterable::NothingLeft) }
    }

    fn reports(&self) -> impl Iterator<Item = &Report> {
        self.whole.iter().map(|_| &self.report).chain(self.engine.reports())
    }
}

// Applies a filter that needs the document as a whole, which is checked first: what looks into it
// reads less strictly.
fn once(filter: &Filter, document: &[u8], out: &mut Vec<u8>) -> Result<Report, NotFilterable> {
    let mut check = Engine::new([], u64::MAX);
    check.push(document, out)?;
    check.finish(out)?;
    out.clear();
    let mut engine = Engine::new([filter.for_document(document)?], u64::MAX);
    engine.push(document, out)?;
    if !engine.finish(out)? {
        return Err(NotFilterable::NothingLeft);
    }
    Ok(engine.reports().next().cloned().unwrap_or_default())
}

// What is checked before anything leaves, where nobody says otherwise.
const HELD: u64 = 64 << 10;
