//! The simulated platforms.
//!
//! To add a platform: add an account table for some of the people in `world/people.toml`, and a
//! module here with a [`PlatformProfile`](crate::profile::PlatformProfile) and a [`Platform`]
//! implementation that overrides only what deviates from OAuth.

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

/// Returns every platform with the accounts of `people`.
///
/// # Errors
/// Returns the parse error if an account table does not match its platform.
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

/// Returns the environment variables that point Evergrant at a sandbox at `base_url`, for every
/// platform.
pub(crate) fn dev_settings(base_url: &str) -> Vec<(&'static str, String)> {
    let mut settings = reddit::dev_settings(base_url);
    settings.extend(instagram::dev_settings(base_url));
    settings.extend(instagram_login::dev_settings(base_url));
    settings.extend(tiktok::dev_settings(base_url));
    settings.extend(onlyfans::dev_settings(base_url));
    settings
}

pub(crate) use acme::definition as acme_definition;
