//! Text that others wrote, in a message of one line.

/// `text` with escapes for what would end the line, or be taken for a command by a terminal.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            // Separators of lines and paragraphs.
            '\u{2028}' | '\u{2029}' => line.extend(char.escape_unicode()),
            char if char.is_control() => line.extend(char.escape_default()),
            char => line.push(char),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_the_line() {
        check("rule `a'b` é: \"x\\y\"", "rule `a'b` é: \"x\\y\"");
        check("a\nb\r\tc", r"a\nb\r\tc");
        check("\u{1b}[31m\u{85}\u{2028}\u{2029}\u{7f}", r"\u{1b}[31m\u{85}\u{2028}\u{2029}\u{7f}");
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(one_line(text), expected);
    }
}
