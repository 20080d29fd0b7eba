//! The platforms that the sandbox plays.
//!
//! To add one: an account table for some of the people in `world/people.toml`, and a file here with
//! a [`PlatformProfile`](crate::profile::PlatformProfile) and a [`Platform`] that holds only its
//! departures.

mod acme;
mod instagram;
mod instagram_login;
mod meta;
mod onlyfans;
mod reddit;
mod tiktok;

use std::sync::Arc;

use crate::platform::Platform;
use crate::world::Person;

/// Every platform, with its accounts of `people`.
pub(crate) fn all(people: &[Person]) -> Result<Vec<Arc<dyn Platform>>, toml::de::Error> {
    Ok(vec![
        Arc::new(reddit::Reddit::new(people)?),
        Arc::new(instagram::Instagram::new(people)?),
        Arc::new(instagram_login::InstagramLogin::new(people)?),
        Arc::new(tiktok::TikTok::new(people)?),
        Arc::new(onlyfans::OnlyFans::new(people)?),
        Arc::new(acme::Acme::new(people)?),
    ])
}

/// The product's settings for every platform, in a sandbox at `base_url`.
pub(crate) fn dev_settings(base_url: &str) -> Vec<(&'static str, String)> {
    let mut settings = reddit::dev_settings(base_url);
    settings.extend(instagram::dev_settings(base_url));
    settings.extend(instagram_login::dev_settings(base_url));
    settings.extend(tiktok::dev_settings(base_url));
    settings.extend(onlyfans::dev_settings(base_url));
    settings
}

pub(crate) use acme::definition as acme_definition;
