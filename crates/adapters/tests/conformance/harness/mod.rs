//! The harness of a check: its own simulator on loopback, the provider's adapter, and one clock for
//! both.

mod connect;
mod simulator;
mod subject;
mod tokens;

use std::collections::BTreeMap;
use std::sync::Arc;

use evergrant_adapters::{
    NetworkPolicy, PlatformAdapter, ProviderKind, ProviderSpec, Registry, parse_providers,
};
use evergrant_model::{ManualClock, ScopeSet, Timestamp};
use evergrant_sandbox::{ClientKind, Sandbox, Switch, dev_settings};
use tokio::task::AbortHandle;

use crate::entry::Entry;
use crate::rewriter::ResponseRewriter;
use crate::verdict::{Verdict, ensure, expect_ok};

pub(crate) use simulator::Person;
pub(crate) use subject::{Subject, Wrap};
pub(crate) use tokens::{
    access, after_refresh, code_from, expect_rejected_fields, held_tokens, query, verifier,
};

/// 1 January 2026, in seconds since 1970.
const START_S: i64 = 1_767_225_600;
/// Redirect URI on loopback, which every platform accepts for development.
pub(crate) const CALLBACK: &str = "http://127.0.0.1:3000/api/v1/integrations/callback";
pub(crate) const STATE: &str = "st&te=0123456789-abcdefghijklmnopqrstuvwxyz";

/// A simulator and the adapter under test.
pub(crate) struct Harness {
    pub(crate) adapter: Arc<dyn PlatformAdapter>,
    pub(crate) sandbox: Sandbox,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) entry: Entry,
    pub(crate) rewriter: ResponseRewriter,
    /// Base URL of the simulator.
    pub(crate) base: String,
    pub(crate) settings: BTreeMap<String, String>,
    /// People with an account at the provider. Not empty.
    pub(crate) people: Vec<Person>,
    subject: Subject,
    server: AbortHandle,
}

impl Drop for Harness {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Harness {
    pub(crate) async fn new(subject: &Subject) -> Verdict<Self> {
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(START_S)));
        let (sandbox, base, rewriter, server) = simulator::serve(clock.clone()).await;
        let settings = simulator_settings(subject, &base)?;
        let section = subject.section.map(|section| section(&base));
        let entry = section.as_ref().map_or_else(
            || Entry::of(&subject.slug),
            |section| Entry::in_section(section, &subject.slug),
        );
        let adapter = adapter(
            subject,
            &clock,
            &settings,
            section.as_deref().unwrap_or_default(),
        );
        let people = simulator::people(&subject.client, &base, &subject.slug).await;
        let harness = Self {
            adapter,
            sandbox,
            clock,
            entry,
            rewriter,
            base,
            settings,
            people,
            subject: subject.clone(),
            server,
        };
        harness.ensure_usable()?;
        Ok(harness)
    }

    /// Checks that the simulator supports the subject, and selects the kind of client registration
    /// that the subject needs.
    fn ensure_usable(&self) -> Verdict {
        let problem = self.spec().problem.as_deref().unwrap_or_default();
        ensure!(
            problem.is_empty(),
            "the simulator's settings do not configure the provider: {problem}"
        );
        ensure!(
            !self.people.is_empty(),
            "no person at the simulator has an account at the provider"
        );
        if self.is_web_client() {
            let client = Switch::ClientKind(ClientKind::Web);
            expect_ok("the switch", self.sandbox.set(self.slug(), client))?;
        }
        Ok(())
    }

    /// Returns whether the client registration is that of a web app. An OAuth subject without its
    /// PKCE setting is one; some platforms treat web apps differently.
    fn is_web_client(&self) -> bool {
        self.spec().kind == ProviderKind::OAuth2 && self.subject.omitted_setting.is_some()
    }

    pub(crate) fn spec(&self) -> &ProviderSpec {
        self.adapter.spec()
    }

    pub(crate) fn slug(&self) -> &str {
        self.subject.slug.as_str()
    }

    /// Returns the first person that the simulator lists.
    pub(crate) fn first_person(&self) -> &Person {
        &self.people[0]
    }

    /// Returns the client secret, from the settings or from the entry.
    pub(crate) fn secret(&self) -> Verdict<&str> {
        let set = self
            .entry
            .secret_setting()
            .and_then(|setting| self.settings.get(setting));
        set.map(String::as_str)
            .or(self.entry.secret())
            .ok_or_else(|| "there is no client secret".to_owned())
    }

    /// Returns an adapter of the same provider that is configured with another client secret.
    pub(crate) fn adapter_with_secret(&self, other: &str) -> Verdict<Arc<dyn PlatformAdapter>> {
        let mut settings = self.settings.clone();
        if let Some(setting) = self.entry.secret_setting() {
            settings.insert(setting.to_owned(), other.to_owned());
        }
        let section = match self.subject.section {
            Some(section) => section(&self.base).replace(self.secret()?, other),
            None => String::new(),
        };
        Ok(adapter(&self.subject, &self.clock, &settings, &section))
    }

    /// Returns the number of calls to the provider so far.
    pub(crate) fn calls(&self) -> u64 {
        self.sandbox.calls().total(self.slug())
    }

    /// Returns the number of calls to each endpoint that was called.
    pub(crate) fn calls_by_endpoint(&self) -> BTreeMap<String, u64> {
        let calls = serde_json::to_value(self.sandbox.calls()).unwrap();
        serde_json::from_value(calls[self.slug()].clone()).unwrap()
    }

    /// Returns the scopes that a flow requests.
    pub(crate) fn requested_scopes(&self) -> ScopeSet {
        self.spec().requested_scopes(&ScopeSet::default()).unwrap()
    }

    /// Advances the clock by the minimum age of a token that can be refreshed.
    pub(crate) fn advance_to_minimum_age(&self) {
        self.clock.advance(self.spec().min_refresh_age);
    }

    /// Ends all grants of the person, as if they had removed the app at the platform. Returns the
    /// number of grants.
    pub(crate) fn revoke_as_person(&self, person: &str) -> Verdict<usize> {
        expect_ok(
            "the person's revocation",
            self.sandbox.revoke_user(self.slug(), person),
        )
    }
}

/// Returns the settings that point the registry to the simulator, without the omitted one.
fn simulator_settings(subject: &Subject, base: &str) -> Verdict<BTreeMap<String, String>> {
    let mut settings: BTreeMap<String, String> = dev_settings(base)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    if let Some(setting) = &subject.omitted_setting {
        ensure!(
            settings.remove(setting).is_some(),
            "the simulator does not set {setting}"
        );
    }
    Ok(settings)
}

fn adapter(
    subject: &Subject,
    clock: &Arc<ManualClock>,
    settings: &BTreeMap<String, String>,
    section: &str,
) -> Arc<dyn PlatformAdapter> {
    let setting = |name: &str| settings.get(name).cloned();
    let (http, custom) = (subject.http.clone(), parse_providers(section).unwrap());
    let policy = NetworkPolicy::default();
    let registry = Registry::new(http, clock.clone(), &setting, custom, policy).unwrap();
    (subject.wrap)(registry.provider(&subject.slug).unwrap())
}
