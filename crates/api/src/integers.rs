//! Integers of requests. As in JSON Schema, a number without a fraction is an integer, however it
//! is written: `1`, `1.0`, `1e0`.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Number;

/// Reads an integer or null.
pub(crate) fn optional_integer<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<i64>, D::Error> {
    let number = Option::<Number>::deserialize(deserializer)?;
    let integer = |number: Number| {
        whole_number(&number).ok_or_else(|| D::Error::custom("expected an integer"))
    };
    number.map(integer).transpose()
}

/// Returns a number without a fraction; `None` if it has one or does not fit 53 bits when it is
/// written with a decimal point or an exponent.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
pub(crate) fn whole_number(number: &Number) -> Option<i64> {
    const MAX: f64 = 9_007_199_254_740_991.0;
    let from_decimal = || {
        let decimal = number.as_f64()?;
        (decimal.fract() == 0.0 && decimal.abs() <= MAX).then_some(decimal as i64)
    };
    number.as_i64().or_else(from_decimal)
}

/// Returns `12` for `12.0`: a number without a fraction is an integer, as in JSON.
pub(crate) fn without_zero_fraction(text: &str) -> &str {
    match text.split_once('.') {
        Some((digits, zeros)) if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => digits,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<i64> {
        whole_number(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn number_without_fraction_is_whole() {
        for json in ["7", "7.0", "7e0", "70e-1", "0.7e1"] {
            assert_eq!(read(json), Some(7), "{json}");
        }
        assert_eq!(read("-7.0"), Some(-7));
        assert_eq!(read("9223372036854775807"), Some(i64::MAX));
    }

    #[test]
    fn fraction_and_inexact_number_are_not_whole() {
        for json in [
            "7.5",
            "1e-1",
            "1e300",
            "-1e300",
            "9007199254740993.0",
            "18446744073709551615",
        ] {
            assert_eq!(read(json), None, "{json}");
        }
    }

    #[test]
    fn only_zeros_are_removed_as_fraction() {
        assert_eq!(without_zero_fraction("12.00"), "12");
        for text in ["12", "12.", "12.5", "12.0.0", "", "."] {
            assert_eq!(without_zero_fraction(text), text);
        }
    }
}
