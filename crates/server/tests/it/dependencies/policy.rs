//! The part of `deny.toml` that the tests enforce. An option that they would ignore is an error.

use serde::Deserialize;

/// The lists of `deny.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    pub(crate) graph: Graph,
    /// Known vulnerabilities: for `cargo deny check advisories` alone, which downloads their list.
    #[serde(rename = "advisories")]
    _advisories: toml::Table,
    pub(crate) licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

/// The targets that releases are built for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Graph {
    pub(crate) targets: Vec<String>,
}

/// The accepted licences, as SPDX identifiers with their exception.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Licenses {
    pub(crate) allow: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Bans {
    /// Two versions of one package are a warning of cargo-deny, and no concern of the tests.
    #[serde(rename = "multiple-versions")]
    _multiple_versions: String,
    wildcards: String,
    allow_wildcard_paths: bool,
    deny: Vec<Banned>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Banned {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Sources {
    unknown_registry: String,
    unknown_git: String,
    allow_registry: Vec<String>,
    allow_git: Vec<String>,
}

impl Policy {
    /// Reads the text of `deny.toml`.
    pub(crate) fn parse(text: &str) -> Self {
        let policy: Self = toml::from_str(text).unwrap();
        let Self { bans, sources, .. } = &policy;
        assert_eq!(bans.wildcards, "deny");
        assert!(bans.allow_wildcard_paths);
        assert_eq!(sources.unknown_registry, "deny");
        assert_eq!(sources.unknown_git, "deny");
        assert!(sources.allow_git.is_empty());
        policy
    }

    /// Returns why this package is banned; `None` if it is not.
    pub(crate) fn reason_against(&self, name: &str) -> Option<&str> {
        let banned = self.bans.deny.iter().find(|banned| banned.name == name)?;
        Some(&banned.reason)
    }

    /// Returns whether `source`, in the spelling of `Cargo.lock`, is an accepted registry.
    pub(crate) fn accepts_source(&self, source: &str) -> bool {
        let registry = source.strip_prefix("registry+");
        registry.is_some_and(|url| self.sources.allow_registry.iter().any(|one| one == url))
    }
}

#[test]
fn banned_package_has_a_reason() {
    let policy = Policy::parse(include_str!("../../../../../deny.toml"));
    assert!(policy.reason_against("openssl").is_some());
    assert!(policy.reason_against("native-tls").is_some());
    assert!(policy.reason_against("aws-lc-sys").is_some());
    assert_eq!(policy.reason_against("ring"), None);
}
