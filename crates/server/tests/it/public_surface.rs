//! Test that the public names (routes, settings, commands, error codes) match `public_surface.txt`,
//! so that a rename is visible in the diff of that file.
//!
//! `UPDATE_DOCS=1 cargo test -p evergrant-server --test it public_surface` updates the file.

#[path = "../../src/settings/key.rs"]
mod key;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use evergrant_model::ErrorCode;
use serde_json::Value;

use crate::program::run;

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the variable that updates generated files"
)]
fn public_surface_is_unchanged() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/public_surface.txt");
    let surface = surface();
    if std::env::var("UPDATE_DOCS").is_ok() {
        std::fs::write(&file, &surface).unwrap();
    }
    let listed = std::fs::read_to_string(&file).unwrap_or_default();
    let (listed, surface): (Vec<_>, Vec<_>) = (listed.lines().collect(), surface.lines().collect());
    assert_eq!(
        listed, surface,
        "public names have changed; if that is intended, run the test with UPDATE_DOCS=1"
    );
}

fn surface() -> String {
    let (public, private) = evergrant_api::undocumented_paths();
    let gets = |paths: Vec<&str>| {
        paths
            .into_iter()
            .map(|path| format!("GET {path}"))
            .collect()
    };
    let sections: [(&str, Vec<String>); 9] = [
        ("Routes of the OpenAPI document", documented_routes()),
        ("Other routes of the public listener", gets(public)),
        ("Routes of the private listener", gets(private)),
        ("Settings: variable, key in evergrant.toml", settings()),
        ("Platforms", providers()),
        (
            "Settings of the platforms: variables, or keys of [platforms] in lower case",
            provider_settings(),
        ),
        ("Keys of [providers.NAME]", definition_keys()),
        ("Commands", commands("evergrant")),
        (
            "Error codes",
            ErrorCode::ALL
                .iter()
                .map(|code| code.as_str().to_owned())
                .collect(),
        ),
    ];
    let mut text = String::new();
    for (title, lines) in sections {
        assert!(!lines.is_empty(), "{title}");
        writeln!(text, "# {title}\n{}\n", lines.join("\n")).unwrap();
    }
    text.truncate(text.trim_end().len() + 1);
    text
}

fn documented_routes() -> Vec<String> {
    let document: Value = serde_json::from_str(&evergrant_api::openapi_json()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let routes = paths.flat_map(|(path, methods)| {
        methods
            .as_object()
            .unwrap()
            .keys()
            .map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    routes.collect()
}

fn settings() -> Vec<String> {
    let both = key::ALL
        .iter()
        .map(|key::Key { env, section, name }| format!("{env} {section}.{name}"));
    both.chain(key::ENVIRONMENT_ONLY.map(str::to_owned))
        .collect()
}

fn providers() -> Vec<String> {
    let mut names: Vec<_> = catalogue()
        .iter()
        .map(|file| file.file_stem().unwrap().display().to_string())
        .collect();
    names.sort();
    names
}

/// Returns the settings that the definitions of the catalogue name.
fn provider_settings() -> Vec<String> {
    let mut names = BTreeSet::new();
    for file in catalogue() {
        let text = std::fs::read_to_string(file).unwrap();
        collect_settings(&toml::from_str(&text).unwrap(), &mut names);
    }
    names.into_iter().collect()
}

fn collect_settings(table: &toml::Table, names: &mut BTreeSet<String>) {
    for (key, value) in table {
        match value {
            toml::Value::String(name) if key.ends_with("_env") => drop(names.insert(name.clone())),
            toml::Value::Table(inner) if key == "hosts" || key == "variables" => {
                names.extend(inner.keys().cloned());
            }
            toml::Value::Table(inner) => collect_settings(inner, names),
            _ => {}
        }
    }
}

/// Returns the keys of the table in the README of the adapters. A test there compares the table
/// with the schema.
fn definition_keys() -> Vec<String> {
    let readme = std::fs::read_to_string(adapters().join("README.md")).unwrap();
    let (_, rows) = readme.split_once("\n| key |").unwrap();
    let rows = rows
        .lines()
        .skip(1)
        .take_while(|row| !row.starts_with("## "));
    rows.filter_map(|row| row.strip_prefix("| `")?.split_once('`'))
        .map(|(key, _)| key.to_owned())
        .collect()
}

fn catalogue() -> Vec<PathBuf> {
    std::fs::read_dir(adapters().join("catalogue"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect()
}

fn adapters() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../adapters")
}

/// Returns the usage and the options of a command, followed by those of its subcommands.
fn commands(path: &str) -> Vec<String> {
    let args: Vec<_> = path.split(' ').skip(1).chain(["--help"]).collect();
    let help = run(&args, &[], "").stdout;
    let mut lines = vec![
        help.lines()
            .find_map(|line| line.strip_prefix("Usage: "))
            .unwrap()
            .to_owned(),
    ];
    lines.extend(
        help.lines()
            .map(str::trim_start)
            .filter(|line| line.starts_with('-'))
            .map(option),
    );
    let subcommands = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    for name in subcommands
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
    {
        lines.extend(commands(&format!("{path} {name}")));
    }
    lines
}

/// Returns the names, the value name and the possible values of an option, without its description.
fn option(line: &str) -> String {
    let (names, description) = line.split_once("  ").unwrap_or((line, ""));
    let values = description
        .find("[possible values:")
        .map_or("", |at| &description[at..]);
    format!("  {names} {values}").trim_end().to_owned()
}
