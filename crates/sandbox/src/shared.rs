//! The shared state of a running sandbox: clock, randomness, options, and the simulated world
//! behind one lock.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evergrant_model::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::faults::Faults;
use crate::options::{SandboxError, SandboxOptions};
use crate::profile::PlatformProfile;
use crate::settings::Settings;
use crate::world::grants::Grants;
use crate::world::{CallCounts, Person, SlidingWindows, StateFile, Window, Windows};

/// Base URL until the public URL or the listener is known.
const FALLBACK_BASE_URL: &str = "http://127.0.0.1:8081";

/// The state that a reset clears.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) grants: Grants,
    pub(crate) calls: CallCounts,
    pub(crate) faults: Faults,
    pub(crate) settings: BTreeMap<&'static str, Settings>,
    windows: Windows,
    sliding: SlidingWindows,
}

impl World {
    fn new(profiles: &[&PlatformProfile], grants: Grants) -> Self {
        let mut world = Self {
            grants,
            ..Self::default()
        };
        for profile in profiles {
            world.calls.register(profile.slug, profile.endpoints);
            world.settings.insert(profile.slug, profile.settings);
        }
        world
    }
}

/// The state behind every [`Sandbox`](crate::Sandbox) handle.
pub(crate) struct Shared {
    options: SandboxOptions,
    clock_offset_seconds: AtomicI64,
    listen_url: OnceLock<String>,
    profiles: Vec<&'static PlatformProfile>,
    people: Vec<Person>,
    state_file: Option<StateFile>,
    world: Mutex<World>,
    /// Notifies responses that are held by a fault.
    release_signal: watch::Sender<()>,
}

impl Shared {
    /// Creates the state for these people and platforms, with the grants from the state file if one
    /// is configured.
    pub(crate) fn new(
        options: SandboxOptions,
        people: Vec<Person>,
        profiles: Vec<&'static PlatformProfile>,
    ) -> Result<Self, SandboxError> {
        let state_file = options.state_file.clone().map(StateFile::new);
        let grants = state_file
            .as_ref()
            .map_or(Ok(Vec::new()), StateFile::load)?;
        let world = Mutex::new(World::new(
            &profiles,
            Grants::restore(grants, options.clock.now()),
        ));
        let (clock_offset_seconds, listen_url) = (AtomicI64::new(0), OnceLock::new());
        Ok(Self {
            options,
            clock_offset_seconds,
            listen_url,
            profiles,
            people,
            state_file,
            world,
            release_signal: watch::Sender::default(),
        })
    }

    /// Locks the world. No panic can occur midway through a change, so a poisoned lock is safe to
    /// use.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the simulated time: the clock of the options plus the offset.
    pub(crate) fn now(&self) -> Timestamp {
        self.options.clock.now()
            + SignedDuration::from_secs(self.clock_offset_seconds.load(Ordering::SeqCst))
    }

    /// Moves the simulated clock. Negative values move it back.
    pub(crate) fn advance_seconds(&self, seconds: i64) {
        let advance = |offset: i64| Some(offset.saturating_add(seconds));
        // Cannot fail, because the closure always returns `Some`.
        let _ = self
            .clock_offset_seconds
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, advance);
    }

    /// Releases every response that is held by a fault.
    pub(crate) fn release(&self) {
        self.release_signal.send_replace(());
    }

    /// Returns a receiver that changes at the next [`release`](Self::release).
    pub(crate) fn subscribe_to_release(&self) -> watch::Receiver<()> {
        self.release_signal.subscribe()
    }

    /// Counts a call of `caller` and returns its usage of the current window.
    pub(crate) fn count_call(&self, caller: String, quota: u32) -> Window {
        let now = self.now();
        self.world().windows.count_call(caller, quota, now)
    }

    /// Returns whether `caller` made fewer than `quota` calls in the last `span_seconds` seconds,
    /// and counts the call if so.
    pub(crate) fn within_limit(&self, caller: String, quota: u32, span_seconds: i64) -> bool {
        let now = self.now();
        self.world()
            .sliding
            .within_limit(caller, quota, span_seconds, now)
    }

    /// Returns 256 random bits as base64url.
    pub(crate) fn random(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.options.entropy.bytes::<32>())
    }

    /// Returns the registered redirect URIs. Empty: any `https` or loopback URL is accepted.
    pub(crate) fn redirect_uris(&self) -> &[String] {
        &self.options.redirect_uris
    }

    /// Returns the base URL of the sandbox, without a trailing slash.
    pub(crate) fn base_url(&self) -> &str {
        let url = self
            .options
            .public_url
            .as_ref()
            .or_else(|| self.listen_url.get());
        url.map_or(FALLBACK_BASE_URL, |url| url.trim_end_matches('/'))
    }

    /// Sets the base URL for sandboxes without a public URL in their options. Later calls are
    /// ignored.
    pub(crate) fn set_listen_url(&self, base_url: String) {
        self.listen_url.get_or_init(|| base_url);
    }

    pub(crate) fn people(&self) -> &[Person] {
        &self.people
    }

    /// Removes grants, faults and counters, and resets switches and clock.
    pub(crate) fn reset(&self) {
        self.clock_offset_seconds.store(0, Ordering::SeqCst);
        let mut world = self.world();
        *world = World::new(&self.profiles, Grants::default());
        world.grants.mark_changed();
    }

    /// Saves the grants if they changed and a state file is configured.
    pub(crate) fn save(&self) -> Result<(), SandboxError> {
        let Some(file) = &self.state_file else {
            return Ok(());
        };
        // Write under the lock, so that an older state cannot overwrite a newer one.
        let mut world = self.world();
        let Some(grants) = world.grants.take_changes() else {
            return Ok(());
        };
        let written = file.write(grants);
        if written.is_err() {
            world.grants.mark_changed();
        }
        written
    }
}
