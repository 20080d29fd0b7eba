//! Architecture tests: the layers of the crates, the crates that may use certain dependencies, and
//! rules for the service.

use std::process::Command;

use serde_json::Value;

/// The layers, from the bottom up. A crate may depend on crates of lower layers only.
const LAYERS: &[&[&str]] = &[
    &["evergrant-model"],
    &["evergrant-encryption", "evergrant-resilience"],
    &["evergrant-outbound"],
    &["evergrant-adapters", "evergrant-store"],
    &["evergrant-service"],
    &["evergrant-api"],
    &["evergrant-server"],
];

/// The simulator, which is outside the layers: it depends on the model only, and only the program
/// depends on it.
const SANDBOX: &str = "evergrant-sandbox";

/// Helpers of tests. No crate may depend on them outside its tests.
const TESTKIT: &str = "evergrant-testkit";

/// Dependencies, each with the only crates that may use it outside their tests.
const RESTRICTED: &[(&str, &[&str])] = &[
    ("sqlx", &["evergrant-store", TESTKIT]),
    ("axum", &["evergrant-api", SANDBOX, "evergrant-server"]),
    ("reqwest", &["evergrant-outbound"]),
    ("aes-gcm", &["evergrant-encryption"]),
];

struct Dependency {
    user: String,
    used: String,
}

/// Returns the dependencies between packages, without those of tests.
fn dependencies() -> Vec<Dependency> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1"])
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let dependencies: Vec<_> = packages
        .iter()
        .flat_map(|package| {
            let used = package["dependencies"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|used| used["kind"] != "dev");
            used.map(|used| Dependency {
                user: name_of(package),
                used: name_of(used),
            })
        })
        .collect();
    assert!(
        dependencies.len() > 100,
        "{} dependencies",
        dependencies.len()
    );
    dependencies
}

fn name_of(package: &Value) -> String {
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
fn crates_depend_on_lower_layers_only() {
    let internal = dependencies()
        .into_iter()
        .filter(|dependency| dependency.used.starts_with("evergrant-"));
    let violations: Vec<_> = internal
        .filter(|dependency| !is_allowed(&dependency.user, &dependency.used))
        .map(|dependency| format!("{} depends on {}", dependency.user, dependency.used))
        .collect();
    assert!(
        violations.is_empty(),
        "a crate may depend on lower layers only; move the code, or pass it in from a higher layer \
         (see LAYERS in layers.rs):\n{}",
        violations.join("\n")
    );
}

#[test]
fn every_crate_has_a_layer() {
    let users = dependencies().into_iter().map(|dependency| dependency.user);
    let mut users: Vec<_> = users.collect();
    users.dedup();
    for user in users {
        assert!(
            layer(&user).is_some() || [SANDBOX, TESTKIT].contains(&user.as_str()),
            "{user} has no layer; add it to LAYERS in layers.rs"
        );
    }
}

#[test]
fn restricted_dependencies_are_used_by_their_crates_only() {
    for Dependency { user, used } in dependencies() {
        let restriction = RESTRICTED.iter().find(|(name, _)| *name == used);
        let Some((_, crates)) = restriction else {
            continue;
        };
        assert!(
            crates.contains(&user.as_str()),
            "{user} must not use {used}; call {} instead",
            crates.join(" or ")
        );
    }
}

#[test]
fn only_the_settings_module_reads_the_environment() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = false;
    for file in sources(&root) {
        let path = file.strip_prefix(&root).unwrap().to_str().unwrap();
        let is_settings = path.starts_with("server/src/settings");
        let is_allowed = is_settings
            || path.ends_with("/build.rs")
            || path.starts_with("testkit/")
            || path.contains("/tests/");
        let reads = std::fs::read_to_string(&file).unwrap().contains("env::var");
        assert!(
            is_allowed || !reads,
            "{path} reads the environment; add a setting in crates/server/src/settings and pass its value"
        );
        found |= is_settings && reads;
    }
    assert!(found, "the search finds the settings module");
}

/// Maximum number of lines of the service's façade, which only delegates to components.
const MAX_FACADE_LINES: usize = 200;

#[test]
fn service_facade_is_short() {
    let file = service_sources().join("service.rs");
    let lines = std::fs::read_to_string(file).unwrap().lines().count();
    assert!(
        lines <= MAX_FACADE_LINES,
        "service.rs has {lines} lines; move state and logic to a component"
    );
}

/// `Deref` exposes the fields and methods of one type through another (Rust API guidelines,
/// C-DEREF).
#[test]
fn service_types_do_not_implement_deref() {
    let root = service_sources();
    let files = sources(&root);
    assert!(files.len() > 50, "{} files", files.len());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let path = file.strip_prefix(&root).unwrap().display();
        assert!(
            !names_deref(&text),
            "{path} implements Deref; delegate with methods instead"
        );
    }
}

#[test]
fn deref_is_found_in_every_spelling() {
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

/// Returns whether the source names `Deref` or `DerefMut` outside of comments and literals. Any use
/// in the service counts.
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

/// Returns the Rust files in a folder and its subfolders.
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
