//! Verifies the table of line counts in the crate's README.

use std::path::Path;

/// Returns the number of lines, in Rust files those above the tests.
fn lines(path: &Path) -> usize {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .take_while(|line| *line != "#[cfg(test)]")
        .count()
}

#[test]
fn readme_line_counts_match_the_files() {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = include_str!("../../README.md");
    let rows = readme
        .split("| platform | TOML | Rust | its Rust files |\n|---|---|---|---|\n")
        .nth(1)
        .unwrap();
    let mut counted = Vec::new();
    for row in rows.lines().take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let slug = cells[0].trim_matches('`').to_owned();
        let toml = lines(&crate_root.join(format!("catalogue/{slug}.toml")));
        let files = cells[3]
            .split(", ")
            .map(|name| name.trim_matches('`'))
            .filter(|name| !name.is_empty());
        let rust: usize = files
            .map(|name| lines(&crate_root.join("src").join(name)))
            .sum();
        assert_eq!(
            (cells[1], cells[2]),
            (toml.to_string().as_str(), rust.to_string().as_str()),
            "{slug}"
        );
        counted.push(format!("{slug}.toml"));
    }
    let mut files: Vec<String> = std::fs::read_dir(crate_root.join("catalogue"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    counted.sort();
    assert_eq!(counted, files, "the table lists every catalogue file");
}
