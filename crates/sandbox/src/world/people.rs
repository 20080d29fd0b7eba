//! The demo persons: who can sign in at the simulated platforms, read from `people.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One made-up person, with an account at some of the platforms.
#[derive(Clone, Deserialize)]
pub(crate) struct Person {
    /// The name in control calls, such as `juniper`.
    pub(crate) handle: String,
    pub(crate) name: String,
    /// The colour of the person's pictures, in degrees.
    pub(crate) hue: u16,
    /// The account at each platform, in the platform's own terms.
    #[serde(flatten)]
    accounts: BTreeMap<String, toml::Value>,
}

impl Person {
    /// The account at `platform`, or `None` where the person has none.
    pub(crate) fn account<A: serde::de::DeserializeOwned>(
        &self,
        platform: &str,
    ) -> Option<Result<A, toml::de::Error>> {
        self.accounts
            .get(platform)
            .map(|account| account.clone().try_into())
    }
}

/// Everybody, in the order in which the pages show them.
pub(crate) fn everybody() -> Result<Vec<Person>, toml::de::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        people: Vec<Person>,
    }
    toml::from_str::<File>(include_str!("people.toml")).map(|file| file.people)
}
