//! From a byte of a text to the line and column that an editor shows.

/// A line and a column, both from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Place {
    /// Where the byte `offset` of `text` stands; past the end counts as the end.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let offset = (0..=offset.min(text.len()))
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        let before = text.get(..offset).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        Self {
            line: before.matches('\n').count() + 1,
            column,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_characters_and_lines() {
        let text = "a = 1\r\né = \"ü\"\n";
        let place = |offset| {
            let Place { line, column } = Place::of(text, offset);
            (line, column)
        };
        assert_eq!(place(0), (1, 1));
        assert_eq!(place(4), (1, 5));
        assert_eq!(place(7), (2, 1));
        assert_eq!(place(9), (2, 2));
        assert_eq!(
            place(8),
            (2, 1),
            "the middle of a character is its beginning"
        );
        assert_eq!(place(99), (3, 1));
    }
}
