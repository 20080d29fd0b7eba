//! Splits codes and messages of providers into words.

/// Splits text into lower-case words, at anything but letters, digits and apostrophes, and where
/// camel case begins a word.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous_is_lower = false;
    for c in text.chars().take(500) {
        let is_letter = c.is_alphanumeric() || matches!(c, '\'' | '’');
        if !is_letter || (c.is_uppercase() && previous_is_lower) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| is_letter) {
            let c = if c == '’' { '\'' } else { c };
            word.extend(c.to_lowercase());
        }
        previous_is_lower = c.is_lowercase() || c.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}
