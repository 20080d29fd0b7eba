//! The output of commands: results on standard output, failures on standard error.

use std::io::Write;
use std::process::ExitCode;

use crate::failure::Failure;

/// Writes one line to standard output.
///
/// # Errors
///
/// A failure that prints nothing if the reader closed the pipe, otherwise the write error.
pub(crate) fn print_line(text: impl AsRef<str>) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", text.as_ref())?;
    Ok(out.flush()?)
}

/// Writes a value to standard output as indented JSON.
///
/// # Errors
///
/// The error of [`print_line`].
pub(crate) fn print_json(value: &serde_json::Value) -> Result<(), Failure> {
    print_line(format!("{value:#}"))
}

/// Writes a table with a header row to standard output. Each column is as wide as its widest cell.
///
/// # Errors
///
/// The error of [`print_line`].
pub(crate) fn print_table<const N: usize>(
    header: [&str; N],
    rows: &[[String; N]],
) -> Result<(), Failure> {
    print_line(aligned(header, rows))
}

/// Writes the problems to standard error, and returns the exit code of the process.
pub(crate) fn print_failure(failure: &Failure) -> ExitCode {
    let mut out = std::io::stderr().lock();
    for problem in failure.problems() {
        // If standard error is closed too, the failure cannot be reported.
        let _ = writeln!(out, "error: {}", escape_controls(&problem.message));
        if !problem.remedy.is_empty() {
            let _ = writeln!(out, "  help: {}", escape_controls(&problem.remedy));
        }
    }
    ExitCode::FAILURE
}

/// Escapes control characters. The text may contain values from the platforms or from users, which
/// must not control the terminal.
fn escape_controls(text: &str) -> String {
    let escape = |c: char| {
        if c.is_control() {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    };
    text.chars().map(escape).collect()
}

fn aligned<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let header = header.map(str::to_owned);
    let all = || std::iter::once(&header).chain(rows);
    let widths: [usize; N] = std::array::from_fn(|at| {
        all()
            .filter_map(|row| row.get(at))
            .map(|cell| escape_controls(cell).chars().count())
            .max()
            .unwrap_or(0)
    });
    let lines = all().map(|row| {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{:width$}", escape_controls(cell)));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_without_trailing_spaces() {
        let rows = [
            ["1".to_owned(), "juniper".to_owned()],
            ["12".to_owned(), String::new()],
        ];
        assert_eq!(aligned(["id", "name"], &rows), "id  name\n1   juniper\n12");
    }

    #[test]
    fn control_characters_in_cells_are_escaped() {
        assert_eq!(
            aligned(["x"], &[["\u{1b}[2J\r\n".to_owned()]]),
            "x\n\\u{1b}[2J\\r\\n"
        );
    }
}
