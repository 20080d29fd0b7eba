//! The house keeps its order: crates look only downward, and each fenced dependency stays in its
//! room.

use std::process::Command;

use serde_json::Value;

/// From the bottom up; a crate may use those of the rows below its own.
const LAYERS: &[&[&str]] = &[
    &["evergrant-model"],
    &["evergrant-encryption", "evergrant-resilience"],
    &["evergrant-outbound"],
    &["evergrant-adapters", "evergrant-store"],
    &["evergrant-service"],
    &["evergrant-api"],
    &["evergrant-server"],
];

/// The simulator stands beside the house: it uses the model alone, and only the program may use it.
const SANDBOX: &str = "evergrant-sandbox";

/// What tests need; no crate may use it outside its tests.
const TESTKIT: &str = "evergrant-testkit";

/// A dependency and the only crates that may use it outside their tests.
const FENCES: &[(&str, &[&str])] = &[
    ("sqlx", &["evergrant-store", TESTKIT]),
    ("axum", &["evergrant-api", SANDBOX, "evergrant-server"]),
    ("reqwest", &["evergrant-outbound"]),
    ("aes-gcm", &["evergrant-encryption"]),
];

struct Dependency {
    user: String,
    used: String,
}

/// Every use of one package by another outside tests.
fn dependencies() -> Vec<Dependency> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1"])
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let uses = packages.iter().flat_map(|package| {
        let used = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|used| used["kind"] != "dev");
        used.map(|used| Dependency {
            user: text(package),
            used: text(used),
        })
    });
    uses.collect()
}

fn text(package: &Value) -> String {
    package["name"].as_str().unwrap().to_owned()
}

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&name))
}

fn is_allowed(from: &str, to: &str) -> bool {
    match (from, to) {
        (TESTKIT, _) => true,
        (_, TESTKIT) => false,
        (SANDBOX, below) => below == "evergrant-model",
        (above, SANDBOX) => above == "evergrant-server",
        (above, below) => layer(above) > layer(below),
    }
}

#[test]
fn no_crate_looks_up() {
    let ours = dependencies()
        .into_iter()
        .filter(|dependency| dependency.used.starts_with("evergrant-"));
    let wrong: Vec<_> = ours
        .filter(|one| !is_allowed(&one.user, &one.used))
        .collect();
    let named: Vec<_> = wrong
        .iter()
        .map(|one| format!("{} must not use {}", one.user, one.used))
        .collect();
    assert!(named.is_empty(), "{}", named.join("\n"));
}

#[test]
fn every_crate_has_a_layer() {
    let mut users: Vec<_> = dependencies().into_iter().map(|one| one.user).collect();
    users.dedup();
    for user in users {
        assert!(
            layer(&user).is_some() || [SANDBOX, TESTKIT].contains(&user.as_str()),
            "{user} has no layer"
        );
    }
}

#[test]
fn fenced_dependencies_stay_in_their_rooms() {
    for dependency in dependencies() {
        let fence = FENCES.iter().find(|(used, _)| *used == dependency.used);
        let outside = fence.is_some_and(|(_, rooms)| !rooms.contains(&dependency.user.as_str()));
        assert!(
            !outside,
            "{} must not use {}",
            dependency.user, dependency.used
        );
    }
}

#[test]
fn only_the_settings_read_the_environment() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for file in sources(&root) {
        let path = file.strip_prefix(&root).unwrap().to_str().unwrap();
        let at_home = path.starts_with("server/src/settings")
            || path.ends_with("/build.rs")
            || path.starts_with("testkit/")
            || path.contains("/tests/");
        let reads = std::fs::read_to_string(&file).unwrap().contains("env::var");
        assert!(at_home || !reads, "{path} reads the environment");
    }
}

/// The façade passes calls on to components; state and logic belong to those.
const LONGEST_FACADE: usize = 200;

#[test]
fn the_facade_of_the_service_is_thin() {
    let file = service_sources().join("service.rs");
    let lines = std::fs::read_to_string(file).unwrap().lines().count();
    assert!(lines <= LONGEST_FACADE, "service.rs has {lines} lines");
}

/// `Deref` would hand the fields of one type to every user of another (Rust API guidelines,
/// C-DEREF).
#[test]
fn service_types_do_not_implement_deref() {
    let root = service_sources();
    for file in sources(&root) {
        let text = std::fs::read_to_string(&file).unwrap();
        let place = file.strip_prefix(&root).unwrap().display();
        assert!(!names_deref(&text), "{place} implements Deref");
    }
}

#[test]
fn deref_is_found_however_it_is_written() {
    for text in [
        "impl Deref for A {}",
        "impl std::ops::Deref for A {}",
        "impl<T: Into<Vec<u8>>> ::core::ops::DerefMut for A<T> {}",
        "impl<'a>\n    Deref\n    for A<'a> {}",
        "use std::ops::Deref as _;",
    ] {
        assert!(names_deref(text), "{text}");
    }
    for text in [
        "impl A { fn f() {} }",
        "// impl Deref for A",
        "impl From<Deref2> for A {}",
        "\"impl Deref for\"",
    ] {
        assert!(!names_deref(text), "{text}");
    }
}

/// Whether `Deref` or `DerefMut` is named at all, outside of comments and literals: no use of them
/// is legitimate there.
fn names_deref(text: &str) -> bool {
    fn names(stream: proc_macro2::TokenStream) -> Vec<String> {
        let names = stream.into_iter().flat_map(|tree| match tree {
            proc_macro2::TokenTree::Group(group) => names(group.stream()),
            proc_macro2::TokenTree::Ident(name) => vec![name.to_string()],
            _ => Vec::new(),
        });
        names.collect()
    }
    names(text.parse().unwrap())
        .iter()
        .any(|name| name == "Deref" || name == "DerefMut")
}

fn service_sources() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../service/src")
}

pub(crate) fn sources(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| match path.extension() {
        _ if path.is_dir() => sources(&path),
        Some(extension) if extension == "rs" => vec![path],
        _ => Vec::new(),
    });
    found.collect()
}
