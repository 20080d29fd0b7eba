//! Puts the built console into the program: every file below `web/console/dist`, with the brotli
//! file beside it. Where nothing has been built the program is built all the same, and says on its
//! page how to build the console.

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
    fs::write(output(), table(&dist, &files))
}

fn output() -> PathBuf {
    PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("console_files.rs")
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_none_or(|ending| ending != "br") {
            files.push(path);
        }
    }
    Ok(())
}

/// The table as Rust: the path below the root, the file, and the brotli file where there is one.
fn table(dist: &Path, files: &[PathBuf]) -> String {
    let mut rows = String::new();
    for file in files {
        let (name, plain) = (
            file.strip_prefix(dist).unwrap_or(file).to_string_lossy(),
            file.to_string_lossy(),
        );
        let pressed = format!("{plain}.br");
        let has_pressed = Path::new(&pressed).is_file();
        let pressed = if has_pressed {
            format!("Some(include_bytes!({pressed:?}))")
        } else {
            "None".to_owned()
        };
        let _ = writeln!(
            rows,
            "    File {{ name: {name:?}, plain: include_bytes!({plain:?}), pressed: {pressed} }},"
        );
    }
    format!("static FILES: &[File] = &[\n{rows}];\n")
}
