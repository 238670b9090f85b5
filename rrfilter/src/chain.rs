//! Filters over a document that arrives in chunks.

use crate::apply::NotFilterable;
use crate::engine::Engine;
use crate::filter::Filter;

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
    engines: Vec<Engine>,
    reports: Vec<Report>,
    failed: Option<NotFilterable>,
    most_buffered: usize,
    held: u64,
}

/// What one filter did, over all documents of a [`Chain`]. Never values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// How many values it removed or masked. An object or array that goes whole counts once.
    pub removed: u64,
    /// How many values each of its paths found, in their order. Of several that find the same
    /// value, the first counts it; what lies in a value that was found is not looked at.
    pub found: Vec<u64>,
}

impl Chain {
    /// Waits for the first byte of a document.
    #[must_use]
    pub fn new(filters: impl IntoIterator<Item = Filter>) -> Self {
        let filters: Vec<_> = filters.into_iter().collect();
        let engines = filters.iter().cloned().map(Engine::new).collect();
        let reports = vec![Report::default(); filters.len()];
        Self { filters, engines, reports, failed: None, most_buffered: 1 << 20, held: 64 << 10 }
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
    pub const fn held(mut self, bytes: u64) -> Self {
        self.held = bytes;
        self
    }

    /// Takes the next bytes of the document. What is known to be left of it is added to `out`.
    ///
    /// # Errors
    ///
    /// When it cannot be filtered. Then, and ever after: the same error.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), NotFilterable> {
        self.failed.map_or(Ok(()), Err)?;
        self.run(Some(chunk), out).inspect_err(|it| self.failed = Some(*it))
    }

    /// Ends the document, and adds to `out` what else is left of it. The next byte is the first of
    /// another document; reports go on.
    ///
    /// # Errors
    ///
    /// When the document is not complete, or nothing would be left of it.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), NotFilterable> {
        self.failed.map_or(Ok(()), Err)?;
        self.run(None, out).inspect_err(|it| self.failed = Some(*it))
    }

    /// What each filter did so far, in their order.
    #[must_use]
    pub fn reports(&self) -> &[Report] {
        &self.reports
    }

    /// Whether some filter needs the whole document at once: nothing leaves before its end.
    #[must_use]
    pub fn needs_buffering(&self) -> bool {
        self.filters.iter().any(Filter::needs_buffering)
    }

    fn run(&mut self, chunk: Option<&[u8]>, out: &mut Vec<u8>) -> Result<(), NotFilterable> {
        let mut bytes = chunk.unwrap_or_default().to_vec();
        for ((engine, filter), report) in
            self.engines.iter_mut().zip(&self.filters).zip(&mut self.reports)
        {
            let mut left = Vec::new();
            engine.push(&bytes, &mut left)?;
            if chunk.is_none() {
                report.removed += engine.finish(&mut left)?.ok_or(NotFilterable::NothingLeft)?;
                *engine = Engine::new(filter.clone());
            }
            bytes = left;
        }
        out.append(&mut bytes);
        Ok(())
    }
}
