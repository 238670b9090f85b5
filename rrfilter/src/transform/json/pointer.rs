//! Where a value is in a document (RFC 6901).

use std::fmt;
use std::str::FromStr;

use crate::transform::error::InvalidTransform;

/// A JSON pointer (RFC 6901), such as `/items/0/name`; empty for the whole document.
///
/// ```
/// use rrfilter::JsonPointer;
///
/// let pointer = JsonPointer::new("/a~1b/-")?;
/// assert_eq!(pointer.to_string(), "/a~1b/-");
/// let error = JsonPointer::new("/a/~2").unwrap_err();
/// assert_eq!(error.to_string(), "at 3: after `~` comes `0` or `1`");
/// # Ok::<(), rrfilter::InvalidTransform>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JsonPointer {
    tokens: Vec<String>,
}

impl JsonPointer {
    /// Reads `text`.
    ///
    /// # Errors
    ///
    /// When it is not a pointer, or has more than 64 steps.
    pub fn new(text: &str) -> Result<Self, InvalidTransform> {
        if !text.is_empty() && !text.starts_with('/') {
            return Err(InvalidTransform::new("a pointer is empty or starts with `/`").at(0));
        }
        let (mut tokens, mut at) = (Vec::new(), 1);
        for raw in text.split('/').skip(1) {
            tokens.push(unescaped(raw, at)?);
            at += raw.len() + 1;
        }
        if tokens.len() > MAX_STEPS {
            return Err(InvalidTransform::new("a pointer has 64 steps at the most"));
        }
        Ok(Self { tokens })
    }

    /// Whether it means the whole document.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.tokens.is_empty()
    }

    pub(crate) fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// To the member `name` of what this one's member is in.
    pub(super) fn beside(&self, name: &str) -> Self {
        let parent = self.tokens.split_last().map_or(&[][..], |it| it.1);
        Self { tokens: [parent, &[name.to_owned()]].concat() }
    }

    /// Whether what `other` finds is in what this finds, or the same.
    pub(crate) fn holds(&self, other: &Self) -> bool {
        other.tokens.starts_with(&self.tokens)
    }
}

fn unescaped(raw: &str, at: usize) -> Result<String, InvalidTransform> {
    let mut token = String::new();
    let mut chars = raw.char_indices();
    while let Some((offset, char)) = chars.next() {
        token.push(match char {
            '~' => match chars.next() {
                Some((_, '0')) => '~',
                Some((_, '1')) => '/',
                Some(_) | None => {
                    let error = InvalidTransform::new("after `~` comes `0` or `1`");
                    return Err(error.at(at + offset));
                }
            },
            other => other,
        });
    }
    Ok(token)
}

impl FromStr for JsonPointer {
    type Err = InvalidTransform;

    fn from_str(text: &str) -> Result<Self, InvalidTransform> {
        Self::new(text)
    }
}

impl fmt::Display for JsonPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = |it: &String| it.replace('~', "~0").replace('/', "~1");
        self.tokens.iter().try_for_each(|it| write!(f, "/{}", escaped(it)))
    }
}

const MAX_STEPS: usize = 64;
