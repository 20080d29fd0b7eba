//! OnlyFans, as far as an app sees it that was given the session of an account's own owner. There
//! is no OAuth here:
//!
//! * a small site signs people in and explains how the session gets from their browser into an app;
//! * a session is two cookies, the browser's name and a token of the browser, and all of them must
//!   come together;
//! * a guest gets 200 too, with `isAuth` false;
//! * the profile of the session's owner holds private things that no app should keep.
//!
//! It lives under the path prefix `/onlyfans`.

mod account;
mod answers;
mod api;
mod browser;
mod facts;
mod me;
mod posts;
mod site;

use std::collections::BTreeMap;

use axum::Router;

use self::account::Account;
use self::facts::PROFILE;
pub(super) use self::facts::dev_settings;
use crate::platform::Stage;
use crate::platform::{Card, Platform};
use crate::profile::PlatformProfile;
use crate::world::Person;
use crate::world::{Session, SignIn};

/// OnlyFans with the accounts of the demo persons.
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

    fn sign_in(&self, stage: &Stage, sign_in: &SignIn<'_>) -> Option<Session> {
        browser::sign_in(stage, &self.cards, &self.accounts, sign_in)
    }

    fn routes(&self) -> Router<Stage> {
        site::routes().merge(api::routes(self.accounts.clone()))
    }
}
