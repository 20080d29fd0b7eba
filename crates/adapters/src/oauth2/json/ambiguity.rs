//! Members that were sent several times with different values.

use serde_json::Value;

/// Appends the pointer of each value in which two versions of one member differ.
pub(super) fn record_differences(
    at: &str,
    first: &Value,
    second: &Value,
    differences: &mut Vec<String>,
) {
    match (first, second) {
        (Value::Object(one), Value::Object(other)) => {
            for name in one
                .keys()
                .chain(other.keys().filter(|name| !one.contains_key(*name)))
            {
                let (one, other) = (one.get(name), other.get(name));
                let (null, at) = (Value::Null, format!("{at}/{}", escaped(name)));
                let (one, other) = (one.unwrap_or(&null), other.unwrap_or(&null));
                record_differences(&at, one, other, differences);
            }
        }
        (first, second) if first == second => {}
        _ => differences.push(at.to_owned()),
    }
}

/// Returns the JSON pointer of the value at `path`.
pub(super) fn pointer(path: &[String]) -> String {
    let steps = path.iter().flat_map(|name| ["/".to_owned(), escaped(name)]);
    steps.collect()
}

/// Escapes a name for a JSON pointer (RFC 6901 §3).
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
