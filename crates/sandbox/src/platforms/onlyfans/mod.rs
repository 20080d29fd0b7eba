//! OnlyFans, as seen by an app that uses the browser session of an account's owner. There is no
//! OAuth:
//!
//! * A small site signs people in and explains how to copy the session from the browser into an
//!   app.
//! * A session consists of two cookies, the `User-Agent` and the browser's `x-bc` token. All of
//!   them must match.
//! * A guest also gets status 200, with `isAuth` set to false.
//! * The profile of the session's owner contains private data that no app should store.
//!
//! The path prefix is `/onlyfans`.

mod account;
mod api;
mod browser;
mod me;
mod posts;
mod profile;
mod responses;
mod site;

use std::collections::BTreeMap;

use axum::Router;

use self::account::Account;
use self::profile::PROFILE;
pub(super) use self::profile::dev_settings;
use crate::platform::PlatformContext;
use crate::platform::{Card, Platform};
use crate::profile::PlatformProfile;
use crate::world::Person;
use crate::world::{Session, SignIn};

/// The simulated OnlyFans with the accounts of the demo persons.
pub(super) struct OnlyFans {
    cards: Vec<Card>,
    accounts: BTreeMap<String, Account>,
}

impl OnlyFans {
    pub(super) fn new(people: &[Person]) -> Result<Self, toml::de::Error> {
        let (mut cards, mut accounts) = (Vec::new(), BTreeMap::new());
        for person in people {
            let Some(mut account) = person.account::<Account>(PROFILE.slug).transpose()? else {
                continue;
            };
            account.name.clone_from(&person.name);
            cards.push(Card {
                person: person.handle.clone(),
                account_id: account.id.to_string(),
                username: format!("@{}", account.username),
                about: account.about.clone(),
            });
            accounts.insert(person.handle.clone(), account);
        }
        Ok(Self { cards, accounts })
    }
}

impl Platform for OnlyFans {
    fn profile(&self) -> &'static PlatformProfile {
        &PROFILE
    }

    fn cards(&self) -> &[Card] {
        &self.cards
    }

    fn sign_in(&self, context: &PlatformContext, sign_in: &SignIn<'_>) -> Option<Session> {
        browser::sign_in(context, &self.cards, &self.accounts, sign_in)
    }

    fn routes(&self) -> Router<PlatformContext> {
        site::routes().merge(api::routes(self.accounts.clone()))
    }
}
