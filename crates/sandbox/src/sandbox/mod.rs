//! The handle to a sandbox: its router and, as methods, the controls of the control API.

mod consent;
mod notify;
mod serve;

use std::sync::Arc;

use crate::faults::Fault;
use crate::options::{SandboxError, SandboxOptions};
use crate::platform::{Platform, PlatformContext};
use crate::platforms;
use crate::settings::Switch;
use crate::shared::Shared;
use crate::world::grants::{GrantFilter, InvalidationReason};
use crate::world::{self, CallCounts};

/// A simulator of all platforms. Clones share the same state.
#[derive(Clone)]
pub struct Sandbox {
    shared: Arc<Shared>,
    platforms: Arc<[Arc<dyn Platform>]>,
}

impl Sandbox {
    /// Creates a sandbox and loads the grants from the state file if one is configured.
    ///
    /// # Errors
    ///
    /// Returns [`SandboxError::StateFile`] if the state file exists and cannot be read, and
    /// [`SandboxError::People`] if the built-in people are invalid.
    pub fn new(options: SandboxOptions) -> Result<Self, SandboxError> {
        let people = world::load_people().map_err(|error| SandboxError::People(error.into()))?;
        let platforms =
            platforms::all(&people).map_err(|error| SandboxError::People(error.into()))?;
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

    /// Returns the number of calls to each endpoint since the start or the last reset.
    #[must_use]
    pub fn calls(&self) -> CallCounts {
        self.shared.world().calls.clone()
    }

    /// Removes all grants, counters and faults, and resets switches and clock.
    ///
    /// # Errors
    ///
    /// Returns [`SandboxError::StateFile`] if the state cannot be saved.
    pub fn reset(&self) -> Result<(), SandboxError> {
        self.shared.reset();
        self.shared.save()
    }

    /// Moves the simulated clock forward. Negative values move it back.
    pub fn advance_seconds(&self, seconds: i64) {
        self.shared.advance_seconds(seconds);
    }

    /// Queues a fault for the next calls of an endpoint.
    ///
    /// # Errors
    ///
    /// Returns [`SandboxError::UnknownPlatform`] or [`SandboxError::UnknownEndpoint`] if these do
    /// not exist, and [`SandboxError::BadFault`] if the fault is invalid.
    pub fn inject_fault(&self, fault: Fault) -> Result<(), SandboxError> {
        let profile = self.platform(&fault.platform)?.profile();
        if fault.endpoint != "*" && !profile.endpoints.contains(&fault.endpoint.as_str()) {
            let known = format!("{}, *", profile.endpoints.join(", "));
            return Err(SandboxError::UnknownEndpoint {
                platform: profile.slug,
                endpoint: fault.endpoint,
                known,
            });
        }
        fault.validate().map_err(SandboxError::BadFault)?;
        self.shared.world().faults.push(fault);
        Ok(())
    }

    /// Removes the faults that still wait for a call. Grants, counters, switches and clock are
    /// unchanged.
    pub fn clear_faults(&self) {
        self.shared.world().faults.clear();
    }

    /// Releases all responses that are held by a [`FaultKind::Hold`](crate::FaultKind::Hold) fault.
    pub fn release(&self) {
        self.shared.release();
    }

    /// Sets a switch of `platform`.
    ///
    /// # Errors
    ///
    /// Returns [`SandboxError::UnknownPlatform`] or [`SandboxError::UnknownSwitch`] if these do not
    /// exist.
    pub fn set(&self, platform: &str, switch: Switch) -> Result<(), SandboxError> {
        let profile = self.platform(platform)?.profile();
        let known = self
            .shared
            .world()
            .settings
            .entry(profile.slug)
            .or_insert(profile.settings)
            .apply(switch);
        if known {
            Ok(())
        } else {
            Err(SandboxError::UnknownSwitch(profile.slug))
        }
    }

    /// Revokes the grants of all apps of `person` at `platform`, and returns how many were revoked.
    ///
    /// # Errors
    ///
    /// Returns [`SandboxError::UnknownPlatform`] or [`SandboxError::UnknownPerson`] if these do not
    /// exist, and [`SandboxError::StateFile`] if the state cannot be saved.
    pub fn revoke_user(&self, platform: &str, person: &str) -> Result<usize, SandboxError> {
        let platform = self.platform_with_account(platform, person)?;
        let slug = platform.profile().slug;
        let filter = GrantFilter {
            platform: slug,
            person,
            client: None,
        };
        let revoked = {
            let mut world = self.shared.world();
            if let Some(reason) = platform.app_removal_reason() {
                world.grants.invalidate_matching(&filter, Some(reason))
            } else {
                world.grants.discard_codes(&filter);
                world.grants.revoke_matching(&filter)
            }
        };
        self.shared.save()?;
        Ok(revoked)
    }

    /// Invalidates the person's tokens at one of Meta's platforms with error 190 and this subcode,
    /// and returns how many grants changed. `None` simulates a visit of the person to the platform,
    /// which makes tokens with 459 and 464 valid again.
    ///
    /// # Errors
    ///
    /// Returns [`SandboxError::UnknownPlatform`] or [`SandboxError::UnknownPerson`] if these do not
    /// exist, [`SandboxError::UnknownSubcode`] for any other subcode, and
    /// [`SandboxError::StateFile`] if the state cannot be saved.
    pub fn invalidate(
        &self,
        platform: &str,
        person: &str,
        subcode: Option<u32>,
    ) -> Result<usize, SandboxError> {
        let slug = self.platform_with_account(platform, person)?.profile().slug;
        let reason = subcode
            .map(|code| InvalidationReason::from_subcode(code).ok_or(SandboxError::UnknownSubcode))
            .transpose()?;
        let changed = self.shared.world().grants.invalidate_matching(
            &GrantFilter {
                platform: slug,
                person,
                client: None,
            },
            reason,
        );
        self.shared.save()?;
        Ok(changed)
    }

    /// Returns the platform if `person` has an account there.
    pub(crate) fn platform_with_account(
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

    fn context(&self, platform: &Arc<dyn Platform>) -> PlatformContext {
        PlatformContext {
            shared: self.shared.clone(),
            platform: platform.clone(),
        }
    }
}

/// Returns Evergrant's settings, as environment variables, to use a sandbox at `base_url` instead
/// of the real platforms.
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

/// Returns a section for `evergrant.toml` that defines the platform Acme of a sandbox at
/// `base_url`: a standard OAuth 2.0 server for testing custom providers.
///
/// ```
/// let definition = evergrant_sandbox::acme_definition("http://127.0.0.1:8081");
/// assert!(definition.contains("token_url = \"http://127.0.0.1:8081/acme/oauth/token\""));
/// ```
#[must_use]
pub fn acme_definition(base_url: &str) -> String {
    platforms::acme_definition(base_url.trim_end_matches('/'))
}
