//! The sandbox as the program and the tests hold it: routes to serve, and the controls without
//! HTTP.

mod consent;
mod notify;
mod serve;

use std::sync::Arc;

use crate::faults::Fault;
use crate::options::{SandboxError, SandboxOptions};
use crate::platform::{Platform, Stage};
use crate::platforms;
use crate::settings::Switch;
use crate::shared::Shared;
use crate::world::grants::{Ending, Whose};
use crate::world::{self, CallCounts};

/// A running simulator of every platform. Clones are handles to the same one.
#[derive(Clone)]
pub struct Sandbox {
    shared: Arc<Shared>,
    platforms: Arc<[Arc<dyn Platform>]>,
}

impl Sandbox {
    /// A sandbox as `options` say, with the grants of the last run if there is a state file.
    ///
    /// # Errors
    ///
    /// [`SandboxError::StateFile`] where the state file is there and does not read.
    pub fn new(options: SandboxOptions) -> Result<Self, SandboxError> {
        let people = world::everybody().map_err(|bad| SandboxError::People(bad.into()))?;
        let platforms = platforms::all(&people).map_err(|bad| SandboxError::People(bad.into()))?;
        let profiles = platforms
            .iter()
            .map(|platform| platform.profile())
            .collect();
        let shared = Arc::new(Shared::new(options, people, profiles)?);
        Ok(Self {
            shared,
            platforms: platforms.into(),
        })
    }

    /// How often each endpoint was called since the start or the last reset.
    #[must_use]
    pub fn calls(&self) -> CallCounts {
        self.shared.world().calls.clone()
    }

    /// Forgets everything: grants, counters, faults, the clock's shift; switches stand as
    /// delivered.
    ///
    /// # Errors
    ///
    /// [`SandboxError::StateFile`] where that cannot be written down.
    pub fn reset(&self) -> Result<(), SandboxError> {
        self.shared.reset();
        self.shared.save()
    }

    /// Moves the sandbox's clock against the given one; a negative number turns it back.
    pub fn advance_seconds(&self, seconds: i64) {
        self.shared.advance_seconds(seconds);
    }

    /// Forces the next answers of an endpoint.
    ///
    /// # Errors
    ///
    /// [`SandboxError::UnknownPlatform`], [`SandboxError::UnknownEndpoint`] or
    /// [`SandboxError::BadFault`].
    pub fn force_next(&self, fault: Fault) -> Result<(), SandboxError> {
        let profile = self.platform(&fault.platform)?.profile();
        if fault.endpoint != "*" && !profile.endpoints.contains(&fault.endpoint.as_str()) {
            let known = format!("{}, *", profile.endpoints.join(", "));
            return Err(SandboxError::UnknownEndpoint {
                platform: profile.slug,
                endpoint: fault.endpoint,
                known,
            });
        }
        if let Some(objection) = fault.objection() {
            return Err(SandboxError::BadFault(objection));
        }
        self.shared.world().faults.push(fault);
        Ok(())
    }

    /// Lets go of every call that a [`FaultKind::Hold`](crate::FaultKind::Hold) holds at this
    /// moment.
    pub fn release(&self) {
        self.shared.release();
    }

    /// Puts a switch of `platform` in a position.
    ///
    /// # Errors
    ///
    /// [`SandboxError::UnknownPlatform`] or [`SandboxError::UnknownSwitch`].
    pub fn set(&self, platform: &str, switch: Switch) -> Result<(), SandboxError> {
        let profile = self.platform(platform)?.profile();
        let known = self
            .shared
            .world()
            .settings
            .entry(profile.slug)
            .or_insert(profile.settings)
            .put(switch);
        if known {
            Ok(())
        } else {
            Err(SandboxError::UnknownSwitch(profile.slug))
        }
    }

    /// Plays a person who withdraws every app's access at `platform`, and tells how many grants
    /// that ended.
    ///
    /// # Errors
    ///
    /// [`SandboxError::UnknownPlatform`], [`SandboxError::UnknownPerson`] or
    /// [`SandboxError::StateFile`].
    pub fn revoke_user(&self, platform: &str, person: &str) -> Result<usize, SandboxError> {
        let platform = self.platform_of(platform, person)?;
        let slug = platform.profile().slug;
        let whose = Whose {
            platform: slug,
            person,
            client: None,
        };
        let ended = match platform.app_removed() {
            Some(ending) => self
                .shared
                .world()
                .grants
                .close_all_of(&whose, Some(ending)),
            None => self.shared.world().grants.end_all_of(slug, person),
        };
        self.shared.save()?;
        Ok(ended)
    }

    /// Plays what makes Meta refuse a person's tokens with this subcode of 190, and tells how many
    /// grants it hit. `None` is the person's visit to the platform, which mends 459 and 464.
    ///
    /// # Errors
    ///
    /// As [`revoke_user`](Self::revoke_user), or [`SandboxError::UnknownSubcode`].
    pub fn invalidate(
        &self,
        platform: &str,
        person: &str,
        subcode: Option<u32>,
    ) -> Result<usize, SandboxError> {
        let slug = self.platform_of(platform, person)?.profile().slug;
        let ending = subcode
            .map(|code| Ending::of_subcode(code).ok_or(SandboxError::UnknownSubcode))
            .transpose()?;
        let hit = self.shared.world().grants.close_all_of(
            &Whose {
                platform: slug,
                person,
                client: None,
            },
            ending,
        );
        self.shared.save()?;
        Ok(hit)
    }

    /// The platform, if `person` has an account there.
    pub(crate) fn platform_of(
        &self,
        platform: &str,
        person: &str,
    ) -> Result<&Arc<dyn Platform>, SandboxError> {
        let platform = self.platform(platform)?;
        if platform.cards().iter().any(|card| card.person == person) {
            return Ok(platform);
        }
        let known = platform
            .cards()
            .iter()
            .map(|card| card.person.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        Err(SandboxError::UnknownPerson {
            platform: platform.profile().slug,
            person: person.to_owned(),
            known,
        })
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn platforms(&self) -> &[Arc<dyn Platform>] {
        &self.platforms
    }

    fn platform(&self, slug: &str) -> Result<&Arc<dyn Platform>, SandboxError> {
        let known = || {
            self.platforms
                .iter()
                .map(|p| p.profile().slug)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let found = self
            .platforms
            .iter()
            .find(|platform| platform.profile().slug == slug);
        found.ok_or_else(|| SandboxError::UnknownPlatform(slug.to_owned(), known()))
    }

    fn stage(&self, platform: &Arc<dyn Platform>) -> Stage {
        Stage {
            shared: self.shared.clone(),
            platform: platform.clone(),
        }
    }
}

/// The product's settings, by environment variable, that make it take a sandbox at `base_url` for
/// the platforms.
///
/// ```
/// let settings = evergrant_sandbox::dev_settings("http://127.0.0.1:8081");
/// assert!(settings.contains(&("REDDIT_WWW_BASE", "http://127.0.0.1:8081/reddit/www".to_owned())));
/// ```
#[must_use]
pub fn dev_settings(base_url: &str) -> Vec<(&'static str, String)> {
    let base_url = base_url.trim_end_matches('/');
    platforms::dev_settings(base_url)
}

/// An operator's own definition, for `evergrant.toml`, that takes a sandbox at `base_url` for the
/// platform Acme: a plain OAuth 2.0 server, to try custom platforms against.
///
/// ```
/// let definition = evergrant_sandbox::acme_definition("http://127.0.0.1:8081");
/// assert!(definition.contains("token_url = \"http://127.0.0.1:8081/acme/oauth/token\""));
/// ```
#[must_use]
pub fn acme_definition(base_url: &str) -> String {
    platforms::acme_definition(base_url.trim_end_matches('/'))
}
