//! The value of a setting, and the name under which it was set.

use crate::failure::Problems;

/// A value in the environment or in the file.
#[derive(Clone)]
pub(super) enum Value {
    Text(String),
    List(Vec<String>),
}

/// A setting that is set. Without `Debug`, because the value may be a secret.
pub(super) struct Setting {
    pub(super) value: Value,
    /// Name for messages: the environment variable, or the place in the file.
    pub(super) name: String,
}

impl Setting {
    /// Returns the text, or the elements of a list joined by commas.
    pub(super) fn text(&self) -> String {
        match &self.value {
            Value::Text(text) => text.clone(),
            Value::List(texts) => texts.join(","),
        }
    }
}

/// Returns the value as an integer. If it is not an integer in `range`, adds a problem and returns
/// `None`.
pub(super) fn integer(
    setting: Option<Setting>,
    range: std::ops::RangeInclusive<i64>,
    unit: &str,
    problems: &mut Problems,
) -> Option<i64> {
    let setting = setting?;
    let number = setting
        .text()
        .parse()
        .ok()
        .filter(|number| range.contains(number));
    if number.is_none() {
        problems.add(
            format!("{}: {:?} is not valid", setting.name, setting.text()),
            format!(
                "write a whole number of {unit} from {} to {}",
                range.start(),
                range.end()
            ),
        );
    }
    number
}
