//! Headers that rules see and that do not go on.

use http::{Extensions, HeaderMap, HeaderName};

/// Names of headers that do not go on, such as those that `Connection` nominates (RFC 9110 §7.6.1): a
/// request extension, for whoever removes them below the rules.
///
/// The request is judged twice then, with them and without them, and what denies either denies: such
/// a header is not hidden from a rule that asks for its absence, and of no use to one that asks for
/// it.
///
/// ```
/// use http::{HeaderMap, HeaderName, HeaderValue};
/// use rrrules::Withheld;
///
/// let withheld = Withheld::new([HeaderName::from_static("x-ticket")]);
/// let mut headers = HeaderMap::new();
/// headers.insert("x-ticket", HeaderValue::from_static("7"));
/// withheld.remove_from(&mut headers);
/// assert!(headers.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Withheld {
    names: Vec<HeaderName>,
}

impl Withheld {
    /// These.
    pub fn new(names: impl IntoIterator<Item = HeaderName>) -> Self {
        Self { names: names.into_iter().collect() }
    }

    /// Whether nothing is withheld.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Removes them.
    pub fn remove_from(&self, headers: &mut HeaderMap) {
        for name in &self.names {
            headers.remove(name);
        }
    }

    /// What is left of `headers` once they are removed; `None` where that is all of them.
    pub(crate) fn rest(extensions: &Extensions, headers: &HeaderMap) -> Option<HeaderMap> {
        let withheld = extensions.get::<Self>()?;
        withheld.names.iter().any(|it| headers.contains_key(it)).then(|| {
            let mut rest = headers.clone();
            withheld.remove_from(&mut rest);
            rest
        })
    }
}
