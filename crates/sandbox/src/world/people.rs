//! The demo people who can sign in at the simulated platforms, read from `people.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A fictional person with an account at some of the platforms.
#[derive(Clone, Deserialize)]
pub(crate) struct Person {
    /// Identifies the person in the control API, such as `juniper`.
    pub(crate) handle: String,
    /// Full name, such as `Juniper Vale`.
    pub(crate) name: String,
    /// Hue of the person's pictures, in degrees.
    pub(crate) hue: u16,
    /// Accounts by platform; each platform defines the fields of its own table.
    #[serde(flatten)]
    accounts: BTreeMap<String, toml::Value>,
}

impl Person {
    /// Returns the person's account at `platform`, `None` if they have none, and the error if its
    /// table does not match `A`.
    pub(crate) fn account<A: serde::de::DeserializeOwned>(
        &self,
        platform: &str,
    ) -> Option<Result<A, toml::de::Error>> {
        self.accounts
            .get(platform)
            .map(|account| account.clone().try_into())
    }
}

/// Returns all people in the order in which the pages list them.
pub(crate) fn load_people() -> Result<Vec<Person>, toml::de::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        people: Vec<Person>,
    }
    toml::from_str::<File>(include_str!("people.toml")).map(|file| file.people)
}
