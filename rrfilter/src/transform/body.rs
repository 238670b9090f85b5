//! Changes to the content of a message.

use crate::transform::error::InvalidTransform;
use crate::transform::fault::{Fault, NotTransformable};
use crate::transform::form;
use crate::transform::json::{Document, Edit};
use crate::transform::media::Format;
use crate::transform::step::{BodyStep, Kind};
use crate::transform::values::Values;
use crate::transform::variable::Variable;

/// What is done to the content of a message, step by step. Content that no step speaks of keeps
/// its bytes: spelling of numbers and strings, order, white space.
///
/// ```
/// use rrfilter::{BodyStep, BodyTransform, Values};
///
/// let body = BodyTransform::new([
///     BodyStep::unwrap("/data")?,
///     BodyStep::rename("/userName", "name")?,
///     BodyStep::set("/meta/by", r#""{claim.sub}""#)?,
/// ])?;
/// let values = Values::none().with("claim.sub", "alice")?;
/// let content = br#"{"data":{"id":9007199254740993, "userName":"Ada"},"took":3}"#;
/// let changed = body.apply(content, &values, 1 << 20).unwrap();
/// assert_eq!(changed, br#"{"id":9007199254740993, "name":"Ada","meta":{"by":"alice"}}"#);
/// # Ok::<(), rrfilter::InvalidTransform>(())
/// ```
#[derive(Clone, Debug)]
pub struct BodyTransform {
    read: Format,
    steps: Vec<Kind>,
    write: Format,
}

impl BodyTransform {
    /// Does nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self { read: Format::Json, steps: Vec::new(), write: Format::Json }
    }

    /// Does `steps`, in order.
    ///
    /// # Errors
    ///
    /// When content is read as a form or as XML in another step than the first, or written as a
    /// form in another than the last, and on more than 256 steps.
    pub fn new(steps: impl IntoIterator<Item = BodyStep>) -> Result<Self, InvalidTransform> {
        let steps: Vec<_> = steps.into_iter().map(BodyStep::into_kind).collect();
        if steps.len() > MAX_STEPS {
            return Err(InvalidTransform::new("there are more than 256 steps"));
        }
        let mut this = Self::none();
        let last = steps.len().saturating_sub(1);
        for (index, step) in steps.iter().enumerate() {
            let (format, place, why) = match step {
                Kind::Edit(_) | Kind::Patch(_) => continue,
                Kind::Read(format) => (format, 0, "content is read once, in the first step"),
                Kind::Write(format) => (format, last, "content is written in the last step"),
            };
            if index != place {
                return Err(InvalidTransform::new(why).within(&index.to_string()));
            }
            match step {
                Kind::Write(_) => this.write = *format,
                Kind::Read(_) | Kind::Edit(_) | Kind::Patch(_) => this.read = *format,
            }
        }
        Ok(Self { steps, ..this })
    }

    /// Whether it does nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// What becomes of `content`, at most `limit` bytes before, between and after the steps.
    ///
    /// # Errors
    ///
    /// When it is not what the first step reads, or a step cannot be done.
    pub fn apply(
        &self,
        content: &[u8],
        values: &Values,
        limit: usize,
    ) -> Result<Vec<u8>, NotTransformable> {
        let mut document = self.document(content, limit).map_err(NotTransformable::reading)?;
        for (index, step) in self.steps.iter().enumerate() {
            apply(step, &mut document, values).map_err(|it| NotTransformable::at(index, it))?;
        }
        match self.write {
            Format::Json | Format::Xml => Ok(document.into_text()),
            Format::Form => match form::from_json(&document) {
                Some(form) if form.len() <= limit => Ok(form),
                Some(_) => Err(NotTransformable::reading(Fault::TooLarge)),
                None => Err(NotTransformable::reading(Fault::NoForm)),
            },
        }
    }

    fn document(&self, content: &[u8], limit: usize) -> Result<Document, Fault> {
        match self.read {
            Format::Json => Document::read(content, limit),
            Format::Form => {
                let form = std::str::from_utf8(content).ok().and_then(form::to_json);
                Document::valid(form.ok_or(Fault::Form)?, limit)
            }
            #[cfg(feature = "xml")]
            Format::Xml => Document::valid(crate::transform::xml::to_json(content, limit)?, limit),
            #[cfg(not(feature = "xml"))]
            Format::Xml => Err(Fault::Xml("the feature `xml` is off")),
        }
    }

    /// What content has to be declared as.
    pub(crate) const fn reads(&self) -> Format {
        self.read
    }

    /// What it becomes, where that is something else.
    pub(crate) fn writes(&self) -> Option<Format> {
        (self.write != self.read).then_some(self.write)
    }

    /// The variables in it: in which step, and where in its value.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (usize, &Variable)> {
        let steps = self.steps.iter().enumerate();
        steps.flat_map(|(index, it)| it.variables().map(move |variable| (index, variable)))
    }
}

fn apply(step: &Kind, document: &mut Document, values: &Values) -> Result<(), Fault> {
    match step {
        Kind::Read(_) | Kind::Write(_) => Ok(()),
        Kind::Edit(edit) => Edit::apply(edit, document, values),
        Kind::Patch(operations) => operations.iter().try_for_each(|it| it.apply(document, values)),
    }
}

const MAX_STEPS: usize = 256;
