//! Everything that commands say: answers on standard output, failures on standard error.

use std::io::Write;
use std::process::ExitCode;

use crate::failure::Failure;

/// Writes one line to standard output.
///
/// # Errors
///
/// A failure without a word where nobody reads any more.
pub(crate) fn line(text: impl AsRef<str>) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", text.as_ref())?;
    Ok(out.flush()?)
}

/// Writes a value as indented JSON.
///
/// # Errors
///
/// As [`line`].
pub(crate) fn json(value: &serde_json::Value) -> Result<(), Failure> {
    line(format!("{value:#}"))
}

/// Writes rows under a head, each column as wide as its widest cell.
///
/// # Errors
///
/// As [`line`].
pub(crate) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> Result<(), Failure> {
    line(aligned(head, rows))
}

/// Writes why a command failed, and answers what it ends with.
pub(crate) fn failure(failure: &Failure) -> ExitCode {
    let mut out = std::io::stderr().lock();
    for problem in failure.problems() {
        // There is nobody left to tell where standard error is closed as well.
        let _ = writeln!(out, "error: {}", one_line(&problem.what));
        if !problem.remedy.is_empty() {
            let _ = writeln!(out, "  help: {}", one_line(&problem.remedy));
        }
    }
    ExitCode::FAILURE
}

/// The text with control characters made visible: values in it may come from anywhere.
fn one_line(text: &str) -> String {
    let shown = |c: char| {
        if c.is_control() {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    };
    text.chars().map(shown).collect()
}

fn aligned<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let head = head.map(str::to_owned);
    let all = || std::iter::once(&head).chain(rows);
    let widths: [usize; N] = std::array::from_fn(|at| {
        all()
            .filter_map(|row| row.get(at))
            .map(|cell| one_line(cell).chars().count())
            .max()
            .unwrap_or(0)
    });
    let lines = all().map(|row| {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{:width$}", one_line(cell)));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_have_no_tail() {
        let rows = [
            ["1".to_owned(), "juniper".to_owned()],
            ["12".to_owned(), String::new()],
        ];
        assert_eq!(aligned(["id", "name"], &rows), "id  name\n1   juniper\n12");
    }

    #[test]
    fn a_cell_cannot_steer_the_terminal() {
        assert_eq!(
            aligned(["x"], &[["\u{1b}[2J\r\n".to_owned()]]),
            "x\n\\u{1b}[2J\\r\\n"
        );
    }
}
