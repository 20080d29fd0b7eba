//! Selects the checks of each provider, runs them and reports failures.

use std::pin::Pin;
use std::sync::Arc;

use evergrant_adapters::{
    HttpClient, HttpLimits, NetworkPolicy, PlatformAdapter, ProviderSpec, Registry,
};
use evergrant_model::{ManualClock, ProviderSlug, SignedDuration, Timestamp};
use evergrant_sandbox::acme_definition;

use crate::capability::{Capability, Coverage, FIELDS, claimed};
use crate::checks;
use crate::entry::Entry;
use crate::harness::{Harness, Subject, Wrap};
use crate::verdict::Verdict;

/// A claim about a provider and the function that verifies it.
pub(crate) struct Check {
    /// Statement that must hold for the provider; printed if it does not.
    pub(crate) claim: &'static str,
    /// The check applies to providers that claim all of these, and covers each of them.
    pub(crate) needs: &'static [Capability],
    pub(crate) run: Run,
}

pub(crate) type Run = for<'s> fn(&'s Harness) -> Pin<Box<dyn Future<Output = Verdict> + Send + 's>>;

/// Builds a [`Check`] whose body is an async function.
macro_rules! check {
    ($claim:literal, [$($need:expr),* $(,)?], $body:path) => {
        $crate::suite::Check { claim: $claim, needs: &[$($need),*], run: |harness| Box::pin($body(harness)) }
    };
}
pub(crate) use check;

impl Check {
    fn applies(&self, claimed: &[Capability]) -> bool {
        self.needs.iter().all(|need| claimed.contains(need))
    }
}

/// A claim that does not hold for a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) subject: String,
    pub(crate) claim: &'static str,
    reason: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: \"{}\" does not hold: {}",
            self.subject, self.claim, self.reason
        )
    }
}

/// Precondition of every check: the harness could be set up.
const SIMULATED: &str = "the simulator supports the provider";

/// Runs the `selected` checks that apply to the subject. Each check has its own simulator.
async fn failures(subject: &Subject, selected: impl Fn(&Check) -> bool) -> Vec<Failure> {
    let failure = |claim| {
        move |reason| Failure {
            subject: subject.label(),
            claim,
            reason,
        }
    };
    let claimed = match Harness::new(subject).await {
        Ok(harness) => claimed(harness.spec(), &harness.entry),
        Err(reason) => return vec![failure(SIMULATED)(reason)],
    };
    let mut failures = Vec::new();
    for check in checks::all().filter(|check| check.applies(&claimed) && selected(check)) {
        let verdict = match Harness::new(subject).await {
            Ok(harness) => (check.run)(&harness).await,
            Err(reason) => Err(reason),
        };
        failures.extend(verdict.err().map(failure(check.claim)));
    }
    failures
}

/// Returns the claimed capabilities that no check covers.
fn uncovered(spec: &ProviderSpec, entry: &Entry) -> Vec<Capability> {
    let claimed = claimed(spec, entry);
    let covered = |capability: &Capability| {
        checks::all().any(|check| check.needs.contains(capability) && check.applies(&claimed))
    };
    claimed
        .iter()
        .filter(|capability| !covered(capability))
        .copied()
        .collect()
}

/// Returns every provider of the catalogue in each of its configurations, and the simulator's Acme
/// as a custom provider.
fn subjects() -> Vec<Subject> {
    let http = HttpClient::new(HttpLimits::default()).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let subject = |slug: &ProviderSlug, omitted_setting, section| Subject {
        slug: slug.clone(),
        omitted_setting,
        section,
        wrap: unwrapped,
        http: http.clone(),
        client: client.clone(),
    };
    let mut subjects = Vec::new();
    for slug in catalogue_slugs(&http) {
        subjects.push(subject(&slug, None, None));
        for setting in Entry::of(&slug).optional_settings() {
            subjects.push(subject(&slug, Some(setting.to_owned()), None));
        }
    }
    let acme = ProviderSlug::new("acme").unwrap();
    subjects.push(subject(&acme, None, Some(acme_definition)));
    subjects
}

/// Returns the slugs of the catalogue in its order.
fn catalogue_slugs(http: &HttpClient) -> Vec<ProviderSlug> {
    let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(0)));
    let registry = Registry::new(
        http.clone(),
        clock,
        &|_: &str| None,
        Vec::new(),
        NetworkPolicy::default(),
    )
    .unwrap();
    registry.specs().map(|spec| spec.slug.clone()).collect()
}

fn unwrapped(adapter: Arc<dyn PlatformAdapter>) -> Arc<dyn PlatformAdapter> {
    adapter
}

/// Runs the check of one claim for a catalogue provider whose adapter is wrapped by `wrap`.
pub(crate) async fn failures_of(slug: &str, wrap: Wrap, claim: &str) -> Vec<Failure> {
    let subject = subjects()
        .into_iter()
        .find(|subject| subject.slug.as_str() == slug)
        .unwrap();
    failures(&Subject { wrap, ..subject }, |check| check.claim == claim).await
}

#[tokio::test]
async fn every_provider_meets_its_claims() {
    let mut found = Vec::new();
    for subject in subjects() {
        found.extend(failures(&subject, |_| true).await);
    }
    let lines: Vec<String> = found.iter().map(Failure::to_string).collect();
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}

#[tokio::test]
async fn every_claimed_capability_has_a_check_and_every_check_is_used() {
    let mut used = Vec::new();
    for subject in subjects() {
        let harness = Harness::new(&subject).await.unwrap();
        assert_eq!(
            uncovered(harness.spec(), &harness.entry),
            [],
            "{}: these capabilities have no check",
            subject.label()
        );
        let claimed = claimed(harness.spec(), &harness.entry);
        used.extend(
            checks::all()
                .filter(|check| check.applies(&claimed))
                .map(|check| check.claim),
        );
    }
    let unused: Vec<_> = checks::all()
        .map(|check| check.claim)
        .filter(|claim| !used.contains(claim))
        .collect();
    assert!(
        unused.is_empty(),
        "checks that apply to no provider: {unused:?}"
    );
}

#[test]
fn capability_without_a_check_is_reported() {
    let subject = &subjects()[0];
    let mut spec = ProviderSpec::new(subject.slug.clone(), "Acme");
    spec.replay_window = SignedDuration::from_secs(30);
    assert_eq!(
        uncovered(&spec, &Entry::of(&subject.slug)),
        [Capability::ReplayWindow(true)]
    );
}

#[test]
fn every_spec_field_is_listed_in_fields() {
    let spec = ProviderSpec::new(ProviderSlug::new("acme").unwrap(), "Acme");
    let shown = format!("{spec:#?}");
    // The spec's own fields are indented by one step, nested fields by more.
    let own = shown
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| !line.starts_with([' ', '}']));
    let fields: Vec<&str> = own
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name)
        .collect();
    let listed: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    let missing: Vec<_> = fields
        .iter()
        .filter(|name| !listed.contains(name))
        .collect();
    assert!(
        missing.is_empty(),
        "add these fields to FIELDS: {missing:?}"
    );
    let removed: Vec<_> = listed
        .iter()
        .filter(|name| !fields.contains(name))
        .collect();
    assert!(
        removed.is_empty(),
        "FIELDS lists fields that the spec does not have: {removed:?}"
    );
}

#[test]
fn capability_fields_are_read_by_claimed() {
    let claims = FIELDS
        .iter()
        .filter(|(_, coverage)| *coverage == Coverage::Capability)
        .map(|(name, _)| *name);
    let source = include_str!("capability.rs")
        .split("fn claimed")
        .nth(1)
        .unwrap();
    for name in claims {
        assert!(
            source.contains(&format!("spec.{name}")),
            "claimed() does not read {name}"
        );
    }
}

#[test]
fn claims_are_unique() {
    let mut claims: Vec<_> = checks::all().map(|check| check.claim).collect();
    let all = claims.len();
    claims.sort_unstable();
    claims.dedup();
    assert_eq!(claims.len(), all);
}
