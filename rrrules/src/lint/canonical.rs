//! Which texts can be a path, byte by byte: as automata, to be run beside a pattern.

use crate::segment::is_plain;

/// A way to spell paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spelling {
    form: Form,
    keeps: Keeps,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// The canonical path.
    Canonical,
    /// What a `Deny` sees besides: all escapes decoded.
    Decoded,
    /// What a client may send, that is nearly anything.
    Sent,
}

/// What a path has besides, where a target's options keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeps {
    Nothing,
    /// Escaped slashes and percent signs, and slashes next to each other.
    All,
}

/// What was read of a path so far. Each can still become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Start,
    Slash,
    /// `/.`
    Dot,
    /// `/..`
    Dots,
    Name,
    /// `%`
    Escape,
    /// `%4`
    Digit(u8),
}

impl Spelling {
    pub(super) const fn canonical(keeps: Keeps) -> Self {
        Self { form: Form::Canonical, keeps }
    }

    pub(super) const fn decoded(keeps: Keeps) -> Self {
        Self { form: Form::Decoded, keeps }
    }

    pub(super) const fn sent() -> Self {
        Self { form: Form::Sent, keeps: Keeps::All }
    }

    /// Where `byte` leads; `None` where no path goes on so.
    ///
    /// Lets some texts pass that are no paths, such as escapes of half a character: what is
    /// refused here is refused for good.
    pub(super) fn step(self, place: Place, byte: u8) -> Option<Place> {
        match (self.form, place) {
            (_, Place::Start) => (byte == b'/').then_some(Place::Slash),
            (Form::Sent, _) => (byte != b'\n').then_some(Place::Name),
            (_, Place::Escape) => {
                (byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte)).then_some(Place::Digit(byte))
            }
            (_, Place::Digit(high)) => self.may_escape(value(high, byte)?).then_some(Place::Name),
            (_, Place::Slash | Place::Dot | Place::Dots | Place::Name) => self.in_path(place, byte),
        }
    }

    /// Whether the path may end here.
    pub(super) const fn may_end(self, place: Place) -> bool {
        match place {
            Place::Slash | Place::Name => true,
            Place::Start | Place::Dot | Place::Dots | Place::Escape | Place::Digit(_) => false,
        }
    }

    fn in_path(self, place: Place, byte: u8) -> Option<Place> {
        match (place, byte) {
            (Place::Name, b'/') => Some(Place::Slash),
            (Place::Slash, b'/') => (self.keeps == Keeps::All).then_some(Place::Slash),
            // A dot segment.
            (Place::Dot | Place::Dots, b'/') => None,
            (Place::Slash, b'.') => Some(Place::Dot),
            (Place::Dot, b'.') => Some(Place::Dots),
            (_, b'%') if self.form == Form::Canonical => Some(Place::Escape),
            _ => self.may_have(byte).then_some(Place::Name),
        }
    }

    fn may_have(self, byte: u8) -> bool {
        match self.form {
            Form::Canonical => is_plain(byte),
            Form::Decoded if byte == b'%' => self.keeps == Keeps::All,
            Form::Decoded => !byte.is_ascii_control() && byte != b'\\',
            Form::Sent => true,
        }
    }

    // What needs an escape, and is not refused.
    fn may_escape(self, byte: u8) -> bool {
        match byte {
            b'/' | b'%' => self.keeps == Keeps::All,
            b'-' | b'.' | b'_' | b'~' | b'\\' => false,
            _ => !byte.is_ascii_alphanumeric() && !byte.is_ascii_control(),
        }
    }
}

fn value(high: u8, low: u8) -> Option<u8> {
    let digit = |it: u8| char::from(it).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let is_upper = !low.is_ascii_lowercase();
    is_upper.then(|| Some(digit(high)? << 4 | digit(low)?)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::CanonicalPath;
    use proptest::prelude::*;

    #[test]
    fn what_no_path_has_is_refused() {
        for text in ["", "a", "//", "/./", "/a/..", "/%2e", "/%c3", "/%41", "/%2F", "/%25", "/%0A"] {
            assert!(!takes(Spelling::canonical(Keeps::Nothing), text), "{text}");
        }
        for text in ["/a//b", "/%2F", "/%25"] {
            assert!(takes(Spelling::canonical(Keeps::All), text), "{text}");
        }
        for text in ["/a?b", "/a b", "/é", "/a\\b", "/a#"] {
            assert!(!takes(Spelling::canonical(Keeps::All), text), "{text}");
            assert_eq!(takes(Spelling::decoded(Keeps::Nothing), text), text != "/a\\b", "{text}");
            assert!(takes(Spelling::sent(), text), "{text}");
        }
    }

    proptest! {
        // Or there would be warnings that are wrong.
        #[test]
        fn every_path_is_taken(
            raw in "(/|//|/\\.|\\.|%2e|[a-zA-Z;:@|^]|%[2-7][0-9a-fA-F]|%c3%a9|%E2%82%AC){0,24}",
        ) {
            if let Ok(path) = CanonicalPath::parse(&format!("/{raw}")) {
                let canonical = Spelling::canonical(Keeps::Nothing);
                prop_assert!(takes(canonical, path.as_str()), "{path}");
                if let Some(decoded) = path.decoded() {
                    prop_assert!(takes(Spelling::decoded(Keeps::Nothing), &decoded), "{decoded}");
                }
            }
        }
    }

    fn takes(spelling: Spelling, text: &str) -> bool {
        let end = text.bytes().try_fold(Place::Start, |place, byte| spelling.step(place, byte));
        end.is_some_and(|it| spelling.may_end(it))
    }
}
