//! Includes the built console in the program: every file below `web/console/dist`, with its brotli
//! file if there is one. If the console has not been built, the program serves a page that says how
//! to build it.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> std::io::Result<()> {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/console/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    if dist.is_dir() {
        collect(&dist, &mut files)?;
    }
    files.sort();
    fs::write(output_file(), file_table(&dist, &files))
}

fn output_file() -> PathBuf {
    PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("console_files.rs")
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_none_or(|extension| extension != "br") {
            files.push(path);
        }
    }
    Ok(())
}

/// Returns the Rust source of the table: the path below `dist`, the file, and its brotli file.
fn file_table(dist: &Path, files: &[PathBuf]) -> String {
    let mut rows = String::new();
    for file in files {
        let (name, plain) = (
            file.strip_prefix(dist).unwrap_or(file).to_string_lossy(),
            file.to_string_lossy(),
        );
        let brotli = format!("{plain}.br");
        let has_brotli = Path::new(&brotli).is_file();
        let brotli = if has_brotli {
            format!("Some(include_bytes!({brotli:?}))")
        } else {
            "None".to_owned()
        };
        let _ = writeln!(
            rows,
            "    File {{ name: {name:?}, plain: include_bytes!({plain:?}), brotli: {brotli} }},"
        );
    }
    format!("static FILES: &[File] = &[\n{rows}];\n")
}
