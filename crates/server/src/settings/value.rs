//! A value of a setting, and the name under which it was given.

use crate::failure::Problems;

/// A value as the environment or the file has it.
#[derive(Clone)]
pub(super) enum Value {
    Text(String),
    List(Vec<String>),
}

/// The value of a setting. Without `Debug`: it may be a secret.
pub(super) struct Given {
    /// The value.
    pub(super) value: Value,
    /// What to call the setting in a message: the name under which it was given.
    pub(super) name: String,
}

impl Given {
    /// A single text, or the texts of a list joined by commas.
    pub(super) fn text(&self) -> String {
        match &self.value {
            Value::Text(text) => text.clone(),
            Value::List(texts) => texts.join(","),
        }
    }
}

/// The number that was given, if it is one of `range`; another is noted.
pub(super) fn whole_number(
    given: Option<Given>,
    range: std::ops::RangeInclusive<i64>,
    unit: &str,
    problems: &mut Problems,
) -> Option<i64> {
    let given = given?;
    let number = given
        .text()
        .parse()
        .ok()
        .filter(|number| range.contains(number));
    if number.is_none() {
        let what = format!("{}: {:?} is not acceptable", given.name, given.text());
        problems.add(
            what,
            format!(
                "write a whole number of {unit} from {} to {}",
                range.start(),
                range.end()
            ),
        );
    }
    number
}
