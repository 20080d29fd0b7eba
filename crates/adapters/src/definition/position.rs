//! Converts byte offsets to the lines and columns that an editor shows.

/// A line and a column, both from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Position {
    /// Returns the position of the byte `offset` of `text`. An offset past the end is the end, and
    /// one inside a character is the start of that character.
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
    fn position_counts_lines_and_characters() {
        let text = "a = 1\r\né = \"ü\"\n";
        let position = |offset| {
            let Position { line, column } = Position::of(text, offset);
            (line, column)
        };
        assert_eq!(position(0), (1, 1));
        assert_eq!(position(4), (1, 5));
        assert_eq!(position(7), (2, 1));
        assert_eq!(position(9), (2, 2));
        assert_eq!(position(8), (2, 1), "inside a character");
        assert_eq!(position(99), (3, 1));
    }
}
