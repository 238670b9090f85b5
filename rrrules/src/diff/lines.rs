//! Requests from a file, one JSON document a line.

use std::io::{self, BufRead};

use crate::diff::described::Described;
use crate::diff::line_error::LineError;
use crate::diff::read;
use crate::json::{self, JsonError};

/// What a line describes a request by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineForm {
    /// An audit record: see [`Described::from_record`].
    Record,
    /// A request: see [`Described::from_json`].
    Request,
}

/// The requests in a file that has a JSON document on each line, read as they are asked for.
///
/// Lines that are empty are passed over. A line that describes no request is an error, and the next
/// one is read all the same; after a line that cannot be read, or is above 16 MiB, it ends.
///
/// ```
/// use rrrules::{LineForm, Lines};
///
/// let file = r#"{"method":"GET","path":"/a","queryKeys":[],"status":200,"stage":null}
/// {"method":"GET","path":"/api/x/..%2f","queryKeys":[],"status":400,"stage":"route"}
/// {"path":"/a"}"#;
/// let mut lines = Lines::new(file.as_bytes(), LineForm::Record);
/// assert_eq!(lines.next().unwrap()?.path().as_str(), "/a");
/// assert_eq!(lines.next().unwrap().unwrap_err().to_string(), "line 3: /method: this is required");
/// assert_eq!((lines.next().is_none(), lines.skipped()), (true, 1));
/// # Ok::<(), rrrules::LineError>(())
/// ```
#[derive(Debug)]
pub struct Lines<R> {
    from: R,
    form: LineForm,
    line: u64,
    skipped: u64,
    is_over: bool,
}

impl<R: BufRead> Lines<R> {
    /// Reads lines of this form.
    pub const fn new(from: R, form: LineForm) -> Self {
        Self { from, form, line: 0, skipped: 0, is_over: false }
    }

    /// How many records were passed over so far, because no rule was ever asked about them.
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }

    // `None` at the end.
    fn text(&mut self) -> Result<Option<String>, LineError> {
        let mut bytes = Vec::new();
        let mut limited = io::Read::take(&mut self.from, MAX_LINE + 1);
        self.line += 1;
        let fail = |reason: &dyn ToString| LineError::new(self.line, reason.to_string());
        let read = limited.read_until(b'\n', &mut bytes).map_err(|error| fail(&error))?;
        if read as u64 > MAX_LINE {
            return Err(fail(&format!("more than the {MAX_LINE} bytes allowed")));
        }
        match (read, String::from_utf8(bytes)) {
            (0, _) => Ok(None),
            (_, Ok(text)) => Ok(Some(text)),
            (_, Err(_)) => Err(fail(&"not UTF-8")),
        }
    }

    fn read(&self, text: &str) -> Result<Option<Described>, JsonError> {
        let document = json::parse(text)?;
        match self.form {
            LineForm::Record => read::record(&document),
            LineForm::Request => read::request(&document).map(Some),
        }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<Described, LineError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_over {
            let text = match self.text() {
                Ok(Some(text)) => text,
                Ok(None) => break,
                Err(error) => {
                    self.is_over = true;
                    return Some(Err(error));
                }
            };
            if text.trim().is_empty() {
                continue;
            }
            match self.read(&text) {
                Ok(Some(request)) => return Some(Ok(request)),
                Ok(None) => self.skipped += 1,
                Err(error) => return Some(Err(LineError::new(self.line, error))),
            }
        }
        self.is_over = true;
        None
    }
}

/// In bytes.
const MAX_LINE: u64 = 16 << 20;
