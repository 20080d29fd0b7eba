//! What is wrong with a definition, said so that the operator finds the place at once.

/// One fault in a definition. Names keys and never values: a value may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DefinitionFault {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong and, where we can tell, what to write instead.
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

/// `; did you mean …?` where one of `known` is close to `word`, else nothing.
pub(super) fn suggestion<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    let nearest = known.map(|other| (distance(word, other), other)).min();
    match nearest {
        Some((steps, other)) if steps <= 2 || steps * 3 <= other.len() => {
            format!("; did you mean `{other}`?")
        }
        _ => String::new(),
    }
}

/// How many letters must be changed, added or dropped to make `a` into `b` (Levenshtein).
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
    fn counts_the_steps_between_words() {
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
    fn suggests_the_near_and_stays_silent_on_the_far() {
        let known = || ["authorization_url", "token_url"].into_iter();
        assert_eq!(
            suggestion("authorize_url", known()),
            "; did you mean `authorization_url`?"
        );
        assert_eq!(suggestion("colour", known()), "");
    }
}
