//! Values with variables in them.

use rrcore::json::{Event, Limits, Scanner, quote, unescape};

use crate::transform::error::InvalidTransform;
use crate::transform::template::Template;
use crate::transform::values::Values;

/// A JSON value whose strings are templates, compiled: `{"user":"{claim.sub}","limit":1.50}`.
///
/// A string that is one variable and nothing else becomes the variable's value, of its type; where
/// a variable is missing, `null`. Any other string stays one. Names of members are no templates;
/// what is not a string with braces stays byte for byte. See [`Template`] for the variables.
///
/// ```
/// use rrfilter::{JsonTemplate, Values};
///
/// let value = JsonTemplate::new(r#"{"by":"{claim.sub}","level":"{claim.level}","big":1e400}"#)?;
/// let values = Values::none().with("claim.level", 7)?;
/// assert_eq!(value.render(&values), r#"{"by":null,"level":7,"big":1e400}"#);
/// # Ok::<(), rrfilter::InvalidTransform>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonTemplate {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Raw(String),
    Text(Template),
}

impl JsonTemplate {
    /// Compiles `json`, a JSON text.
    ///
    /// # Errors
    ///
    /// When it is not JSON (of which all readers read the same), or a string in it is not a
    /// template. Says where.
    pub fn new(json: &str) -> Result<Self, InvalidTransform> {
        let mut reading = Reading::default();
        let mut sink = |event: Event<'_>| reading.event(&event);
        let mut scanner = Scanner::new(Limits::default());
        let scanned = scanner.push(json.as_bytes(), &mut sink);
        let scanned = scanned.and_then(|()| scanner.finish(&mut sink));
        scanned.map_err(|error| InvalidTransform::new(format!("this is not JSON: {error}")))?;
        reading.end()
    }

    /// The value, with what `values` say: JSON.
    #[must_use]
    pub fn render(&self, values: &Values) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Raw(raw) => out.push_str(raw),
                Part::Text(template) => out.push_str(&rendered(template, values)),
            }
        }
        out
    }

    /// The templates in it.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        self.parts.iter().filter_map(|it| match it {
            Part::Raw(_) => None,
            Part::Text(template) => Some(template),
        })
    }
}

fn rendered(template: &Template, values: &Values) -> String {
    if let Some(variable) = template.only_variable() {
        return values.get(variable).map_or_else(null, ToString::to_string);
    }
    template.render(values).map_or_else(null, |it| quote(&it))
}

fn null() -> String {
    "null".to_owned()
}

#[derive(Default)]
struct Reading {
    parts: Vec<Part>,
    raw: Vec<u8>,
    scalar: Vec<u8>,
    at: usize,
    failed: Option<InvalidTransform>,
}

impl Reading {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Scalar { raw, last } => {
                self.scalar.extend_from_slice(raw);
                if *last {
                    self.scalar();
                }
            }
            Event::Space(_) => self.at += event.raw().len(),
            Event::Comma
            | Event::Colon
            | Event::BeginObject
            | Event::EndObject
            | Event::BeginArray
            | Event::EndArray
            | Event::Key { .. } => {
                self.at += event.raw().len();
                self.raw.extend_from_slice(event.raw());
            }
        }
    }

    fn scalar(&mut self) {
        let raw = std::mem::take(&mut self.scalar);
        let at = self.at;
        self.at += raw.len();
        let said = unescape(&raw);
        if raw.first() != Some(&b'"') || !said.contains(['{', '}']) {
            return self.raw.extend_from_slice(&raw);
        }
        match Template::new(&said) {
            Ok(template) => {
                self.flush();
                self.parts.push(Part::Text(template));
            }
            // Within the string, escapes make offsets differ: the string's own will do.
            Err(error) => {
                self.failed.get_or_insert(InvalidTransform::new(error.why().to_owned()).at(at));
            }
        }
    }

    fn flush(&mut self) {
        if !self.raw.is_empty() {
            let raw = std::mem::take(&mut self.raw);
            self.parts.push(Part::Raw(String::from_utf8_lossy(&raw).into_owned()));
        }
    }

    fn end(mut self) -> Result<JsonTemplate, InvalidTransform> {
        self.flush();
        self.failed.map_or(Ok(JsonTemplate { parts: self.parts }), Err)
    }
}
