//! Faults in definitions, with their positions.

/// A fault in a definition. It names keys and never values, which may be secrets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DefinitionFault {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong and, if known, how to fix it.
    pub message: String,
}

impl std::fmt::Display for DefinitionFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "line {}, column {}: {}",
            self.line, self.column, self.message
        )
    }
}

impl std::error::Error for DefinitionFault {}

/// Returns `; did you mean …?` if a word of `known` is similar to `word`, or else an empty string.
pub(super) fn suggestion<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    let nearest = known.map(|other| (distance(word, other), other)).min();
    match nearest {
        Some((steps, other)) if steps <= 2 || steps * 3 <= other.len() => {
            format!("; did you mean `{other}`?")
        }
        _ => String::new(),
    }
}

/// Returns the Levenshtein distance between two words, in characters.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(b.chars()) {
            let above = *cell;
            left = (diagonal + usize::from(from != to))
                .min(above + 1)
                .min(left + 1);
            diagonal = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        for (a, b, steps) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("token_url", "token_uri", 1),
            ("ab", "ba", 2),
        ] {
            assert_eq!(distance(a, b), steps, "{a} {b}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn only_similar_word_is_suggested() {
        let known = || ["authorization_url", "token_url"].into_iter();
        assert_eq!(
            suggestion("authorize_url", known()),
            "; did you mean `authorization_url`?"
        );
        assert_eq!(suggestion("colour", known()), "");
    }
}
