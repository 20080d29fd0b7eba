//! What every part of a running sandbox shares: its time, its randomness, and one world behind a
//! lock.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evergrant_model::Timestamp;
use tokio::sync::watch;

use crate::faults::Faults;
use crate::options::{SandboxError, SandboxOptions};
use crate::profile::PlatformProfile;
use crate::settings::Settings;
use crate::world::grants::Grants;
use crate::world::{CallCounts, Person, SlidingWindows, StateFile, Window, Windows};

/// Where pages point while nobody has said where the sandbox is.
const NOWHERE: &str = "http://127.0.0.1:8081";

/// Everything that a reset brings back to its beginning.
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
            world.calls.expect(profile.slug, profile.endpoints);
            world.settings.insert(profile.slug, profile.settings);
        }
        world
    }
}

/// The sandbox itself; [`Sandbox`](crate::Sandbox) is a handle to it.
pub(crate) struct Shared {
    options: SandboxOptions,
    shift_s: AtomicI64,
    served_at: OnceLock<String>,
    profiles: Vec<&'static PlatformProfile>,
    people: Vec<Person>,
    state_file: Option<StateFile>,
    world: Mutex<World>,
    gate: watch::Sender<()>,
}

impl Shared {
    /// A sandbox of these people and platforms, with the grants of the last run if there is a state
    /// file.
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
        let (shift_s, served_at) = (AtomicI64::new(0), OnceLock::new());
        Ok(Self {
            options,
            shift_s,
            served_at,
            profiles,
            people,
            state_file,
            world,
            gate: watch::Sender::default(),
        })
    }

    /// The world, locked. Nothing in it is left half changed, so a poisoned lock is taken over.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.options
            .clock
            .now()
            .plus_seconds(self.shift_s.load(Ordering::SeqCst))
    }

    pub(crate) fn advance_seconds(&self, seconds: i64) {
        let later = |shift: i64| Some(shift.saturating_add(seconds));
        // The closure always answers, so this cannot fail.
        let _ = self
            .shift_s
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, later);
    }

    /// Lets go of every call that a fault holds.
    pub(crate) fn release(&self) {
        self.gate.send_replace(());
    }

    /// Hears of the next [`release`](Self::release).
    pub(crate) fn gate(&self) -> watch::Receiver<()> {
        self.gate.subscribe()
    }

    /// Counts one call of `caller` in the window that is open now.
    pub(crate) fn spend(&self, caller: String, quota: u32) -> Window {
        let now = self.now();
        self.world().windows.spend(caller, quota, now)
    }

    /// Counts one call of `caller` in the `span_s` seconds just gone by, and tells whether it may
    /// go on.
    pub(crate) fn has_room(&self, caller: String, quota: u32, span_s: i64) -> bool {
        let now = self.now();
        self.world().sliding.spend(caller, quota, span_s, now)
    }

    /// 256 random bits as text fit for addresses and headers.
    pub(crate) fn random(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.options.entropy.bytes::<32>())
    }

    pub(crate) fn redirect_uris(&self) -> &[String] {
        &self.options.redirect_uris
    }

    /// The base of the sandbox's own addresses, without a final slash.
    pub(crate) fn base_url(&self) -> &str {
        let told = self
            .options
            .public_url
            .as_ref()
            .or_else(|| self.served_at.get());
        told.map_or(NOWHERE, |url| url.trim_end_matches('/'))
    }

    /// Tells where the sandbox listens; what the options say goes before.
    pub(crate) fn serve_at(&self, base_url: String) {
        self.served_at.get_or_init(|| base_url);
    }

    pub(crate) fn people(&self) -> &[Person] {
        &self.people
    }

    /// Back to the first moment: no grants, no faults, switches as delivered, the clock unshifted.
    pub(crate) fn reset(&self) {
        self.shift_s.store(0, Ordering::SeqCst);
        let mut world = self.world();
        *world = World::new(&self.profiles, Grants::default());
        world.grants.mark_changed();
    }

    /// Writes the grants down if they changed and there is a place for them.
    pub(crate) fn save(&self) -> Result<(), SandboxError> {
        let Some(file) = &self.state_file else {
            return Ok(());
        };
        // Written under the lock: a later state can never be overtaken by an earlier one.
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
