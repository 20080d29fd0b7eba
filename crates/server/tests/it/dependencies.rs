//! Tests that every dependency has an accepted licence, comes from an accepted registry, and is not
//! banned. The lists are in `deny.toml`, so that `cargo deny check` enforces the same rules.

mod licence;
mod policy;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use policy::Policy;

/// One package of the dependency graph, development and build dependencies included.
struct Package {
    name: String,
    version: String,
    /// The SPDX expression of its manifest; empty if the manifest has none.
    licence: String,
}

#[test]
fn every_dependency_has_an_accepted_licence() {
    let policy = policy();
    let refused = graph(&policy).into_iter().filter_map(|package| {
        let Package {
            name,
            version,
            licence,
        } = package;
        let is_accepted = licence::is_accepted(&licence, &policy.licenses.allow);
        (!is_accepted).then(|| format!("{name} {version}: {licence:?}"))
    });
    assert_none(
        "licences that [licenses] of deny.toml does not allow",
        refused,
    );
}

#[test]
fn no_dependency_is_banned() {
    let policy = policy();
    let banned = graph(&policy).into_iter().filter_map(|package| {
        let reason = policy.reason_against(&package.name)?;
        Some(format!("{} {}: {reason}", package.name, package.version))
    });
    assert_none("packages that [bans] of deny.toml denies", banned);
}

#[test]
fn every_dependency_comes_from_an_accepted_registry() {
    let policy = policy();
    let own = workspace_packages();
    for lock in ["Cargo.lock", "fuzz/Cargo.lock"] {
        let text = std::fs::read_to_string(root().join(lock)).unwrap();
        let external = external_sources(&text, &policy, &own);
        assert_none(
            &format!("sources in {lock} that [sources] of deny.toml does not allow"),
            external.into_iter(),
        );
    }
}

#[test]
fn every_dependency_has_a_version_requirement() {
    let wildcards = metadata()["packages"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(wildcards)
        .collect::<Vec<_>>();
    assert_none("dependencies on any version", wildcards.into_iter());
}

#[test]
fn package_of_another_source_is_found() {
    let lock = r#"
        [[package]]
        name = "evergrant-model"
        version = "0.1.0"
        [[package]]
        name = "serde"
        version = "1.0.0"
        source = "registry+https://github.com/rust-lang/crates.io-index"
        [[package]]
        name = "from-git"
        version = "1.0.0"
        source = "git+https://github.com/example/from-git#0123456"
        [[package]]
        name = "from-elsewhere"
        version = "1.0.0"
        source = "registry+https://crates.example/index"
        [[package]]
        name = "from-a-path"
        version = "1.0.0"
    "#;
    let own = BTreeSet::from(["evergrant-model".to_owned()]);
    assert_eq!(
        external_sources(lock, &policy(), &own),
        [
            "from-git 1.0.0: git+https://github.com/example/from-git#0123456",
            "from-elsewhere 1.0.0: registry+https://crates.example/index",
            "from-a-path 1.0.0: a path outside the workspace",
        ]
    );
}

#[test]
fn wildcard_requirement_is_found() {
    let manifest = serde_json::json!({ "name": "evergrant-model", "dependencies": [
        { "name": "serde", "req": "^1" },
        { "name": "evergrant-encryption", "req": "*", "path": "/crates/encryption" },
        { "name": "anything", "req": "*" },
    ]});
    assert_eq!(wildcards(&manifest), ["evergrant-model: anything"]);
}

fn assert_none(what: &str, found: impl Iterator<Item = String>) {
    let found = found.collect::<BTreeSet<_>>();
    let lines = found.into_iter().collect::<Vec<_>>().join("\n  ");
    assert!(lines.is_empty(), "{what}:\n  {lines}");
}

/// Returns the packages in `lock` that are neither of the workspace nor from an accepted registry.
fn external_sources(lock: &str, policy: &Policy, own: &BTreeSet<String>) -> Vec<String> {
    let lock: toml::Table = toml::from_str(lock).unwrap();
    let packages = lock["package"].as_array().unwrap().iter();
    let refused = packages.filter_map(|package| {
        let text = |key: &str| package.get(key).and_then(toml::Value::as_str);
        let name = text("name").unwrap();
        let source = match text("source") {
            Some(source) if policy.accepts_source(source) => return None,
            None if own.contains(name) || name == "evergrant-fuzz" => return None,
            source => source.unwrap_or("a path outside the workspace"),
        };
        Some(format!("{name} {}: {source}", text("version").unwrap()))
    });
    refused.collect()
}

/// Returns the dependencies of a manifest that accept every version and are not in the workspace.
fn wildcards(manifest: &Value) -> Vec<String> {
    let dependencies = manifest["dependencies"].as_array().unwrap().iter();
    let wildcards = dependencies.filter(|one| one["req"] == "*" && one["path"].is_null());
    wildcards
        .map(|one| {
            let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
            format!("{}: {}", name(manifest), name(one))
        })
        .collect()
}

fn policy() -> Policy {
    Policy::parse(&std::fs::read_to_string(root().join("deny.toml")).unwrap())
}

/// Returns the packages that are built for the targets in `deny.toml`. `cargo tree` resolves
/// features as a build does; `Cargo.lock` and `cargo metadata` also list optional packages that are
/// not enabled.
fn graph(policy: &Policy) -> Vec<Package> {
    let mut args = vec![
        "tree",
        "--workspace",
        "--edges=normal,build,dev",
        "--prefix=none",
    ];
    args.extend(["--format={p}|{l}|"]);
    for target in &policy.graph.targets {
        args.extend(["--target", target]);
    }
    let packages: Vec<_> = cargo(&args).lines().filter_map(package).collect();
    assert!(packages.len() > 100, "{} packages", packages.len());
    packages
}

/// Reads `NAME vVERSION (SOURCE)|LICENCE|`, the line of one package. Lines between the trees of
/// two workspace members are empty.
fn package(line: &str) -> Option<Package> {
    let mut fields = line.split('|');
    let mut words = fields.next()?.split(' ');
    let name = words.next().filter(|name| !name.is_empty())?.to_owned();
    Some(Package {
        name,
        version: words.next().unwrap().trim_start_matches('v').to_owned(),
        licence: fields.next().unwrap().to_owned(),
    })
}

fn workspace_packages() -> BTreeSet<String> {
    let packages = metadata();
    let packages = packages["packages"].as_array().unwrap().iter();
    packages
        .map(|package| package["name"].as_str().unwrap().to_owned())
        .collect()
}

fn metadata() -> Value {
    let text = cargo(&["metadata", "--no-deps", "--format-version=1"]);
    serde_json::from_str(&text).unwrap()
}

/// Returns the standard output of a cargo command, which may download packages of other targets.
fn cargo(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(args)
        .arg("--locked")
        .current_dir(root())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "cargo {}: {stderr}",
        args.join(" ")
    );
    String::from_utf8(output.stdout).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
