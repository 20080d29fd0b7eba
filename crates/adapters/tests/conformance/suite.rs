//! The suite: which checks a platform gets, and what came of them.

use std::pin::Pin;
use std::sync::Arc;

use evergrant_adapters::{
    HttpClient, HttpLimits, NetworkPolicy, PlatformAdapter, ProviderSpec, Registry,
};
use evergrant_model::{ManualClock, ProviderSlug, Timestamp};
use evergrant_sandbox::acme_definition;

use crate::capability::{Capability, FIELDS, Judged, claimed};
use crate::checks;
use crate::entry::Entry;
use crate::stand::{Stand, Subject, Wrap};
use crate::verdict::Verdict;

/// One claim, and how to find out whether it is true.
pub(crate) struct Check {
    /// A sentence that holds for the platform or does not.
    pub(crate) claim: &'static str,
    /// It is asked of platforms that claim all of these, and stands for each of them.
    pub(crate) needs: &'static [Capability],
    pub(crate) run: Run,
}

pub(crate) type Run = for<'s> fn(&'s Stand) -> Pin<Box<dyn Future<Output = Verdict> + Send + 's>>;

/// A check whose body is an async function.
macro_rules! check {
    ($claim:literal, [$($need:expr),* $(,)?], $body:path) => {
        $crate::suite::Check { claim: $claim, needs: &[$($need),*], run: |stand| Box::pin($body(stand)) }
    };
}
pub(crate) use check;

impl Check {
    fn applies(&self, claimed: &[Capability]) -> bool {
        self.needs.iter().all(|need| claimed.contains(need))
    }
}

/// A claim that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) platform: String,
    pub(crate) claim: &'static str,
    why: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: \"{}\" does not hold: {}",
            self.platform, self.claim, self.why
        )
    }
}

/// What the simulator owes the suite before anything can be asked.
const PLAYED: &str = "the simulator plays the platform";

/// Holds a platform to what it claims, as far as it is `asked`; each check has a simulator of its
/// own.
async fn failures(subject: &Subject, asked: impl Fn(&Check) -> bool) -> Vec<Failure> {
    let failure = |claim| {
        move |why| Failure {
            platform: subject.label(),
            claim,
            why,
        }
    };
    let claimed = match Stand::new(subject).await {
        Ok(stand) => claimed(stand.spec(), &stand.entry),
        Err(why) => return vec![failure(PLAYED)(why)],
    };
    let mut failures = Vec::new();
    for check in checks::all().filter(|check| check.applies(&claimed) && asked(check)) {
        let verdict = match Stand::new(subject).await {
            Ok(stand) => (check.run)(&stand).await,
            Err(why) => Err(why),
        };
        failures.extend(verdict.err().map(failure(check.claim)));
    }
    failures
}

/// What a platform claims and no check stands for.
fn unproven(spec: &ProviderSpec, entry: &Entry) -> Vec<Capability> {
    let claimed = claimed(spec, entry);
    let proven = |capability: &Capability| {
        checks::all().any(|check| check.needs.contains(capability) && check.applies(&claimed))
    };
    claimed
        .iter()
        .filter(|capability| !proven(capability))
        .copied()
        .collect()
}

/// Every platform of the registry, in each way of setting it up, and the simulator's own as an
/// operator defines it.
fn subjects() -> Vec<Subject> {
    let http = HttpClient::new(HttpLimits::default()).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(0)));
    let registry = Registry::new(
        http.clone(),
        clock,
        &|_: &str| None,
        Vec::new(),
        NetworkPolicy::default(),
    )
    .unwrap();
    let subject = |slug: &ProviderSlug, without, section| {
        let (slug, http, client) = (slug.clone(), http.clone(), client.clone());
        Subject {
            slug,
            without,
            section,
            wrap: as_it_is,
            http,
            client,
        }
    };
    let ways = |slug: &ProviderSlug| -> Vec<Subject> {
        let entry = Entry::of(slug);
        let without = std::iter::once(None).chain(
            entry
                .optional_settings()
                .map(|setting| Some(setting.to_owned())),
        );
        without
            .map(|without| subject(slug, without, None))
            .collect()
    };
    let own = subject(
        &ProviderSlug::new("acme").unwrap(),
        None,
        Some(acme_definition),
    );
    registry
        .specs()
        .flat_map(|spec| ways(&spec.slug))
        .chain([own])
        .collect()
}

fn as_it_is(adapter: Arc<dyn PlatformAdapter>) -> Arc<dyn PlatformAdapter> {
    adapter
}

/// What the suite says of this claim about a platform of the catalogue in a wrapping.
pub(crate) async fn failures_of(slug: &str, wrap: Wrap, claim: &str) -> Vec<Failure> {
    let subject = subjects()
        .into_iter()
        .find(|subject| subject.slug.as_str() == slug)
        .unwrap();
    failures(&Subject { wrap, ..subject }, |check| check.claim == claim).await
}

#[tokio::test]
async fn every_platform_holds_to_all_that_it_claims() {
    let mut found = Vec::new();
    for subject in subjects() {
        found.extend(failures(&subject, |_| true).await);
    }
    let lines: Vec<String> = found.iter().map(Failure::to_string).collect();
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}

#[tokio::test]
async fn every_claimed_capability_has_a_check_and_no_check_is_idle() {
    let mut asked = Vec::new();
    for subject in subjects() {
        let stand = Stand::new(&subject).await.unwrap();
        assert_eq!(
            unproven(stand.spec(), &stand.entry),
            [],
            "{}: add checks for these",
            subject.label()
        );
        let claimed = claimed(stand.spec(), &stand.entry);
        asked.extend(
            checks::all()
                .filter(|check| check.applies(&claimed))
                .map(|check| check.claim),
        );
    }
    let idle: Vec<_> = checks::all()
        .map(|check| check.claim)
        .filter(|claim| !asked.contains(claim))
        .collect();
    assert!(idle.is_empty(), "no platform is asked whether {idle:?}");
}

#[test]
fn a_capability_that_no_check_stands_for_is_noticed() {
    let subject = &subjects()[0];
    let mut spec = ProviderSpec::new(subject.slug.clone(), "Acme");
    spec.replay_window_seconds = 30;
    assert_eq!(
        unproven(&spec, &Entry::of(&subject.slug)),
        [Capability::ReplayWindow(true)]
    );
}

#[test]
fn every_field_of_a_spec_has_its_place_in_the_suite() {
    let spec = ProviderSpec::new(ProviderSlug::new("acme").unwrap(), "Acme");
    let shown = format!("{spec:#?}");
    // The fields of the spec itself stand one step in, those within them further.
    let own = shown
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| !line.starts_with([' ', '}']));
    let fields: Vec<&str> = own
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name)
        .collect();
    let placed: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    let unplaced: Vec<_> = fields
        .iter()
        .filter(|name| !placed.contains(name))
        .collect();
    assert!(
        unplaced.is_empty(),
        "say in FIELDS what these claim: {unplaced:?}"
    );
    let gone: Vec<_> = placed
        .iter()
        .filter(|name| !fields.contains(name))
        .collect();
    assert!(gone.is_empty(), "these are no fields of a spec: {gone:?}");
    let claims = FIELDS
        .iter()
        .filter(|(_, judged)| *judged == Judged::Capability)
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
fn every_claim_is_a_different_sentence() {
    let mut claims: Vec<_> = checks::all().map(|check| check.claim).collect();
    let all = claims.len();
    claims.sort_unstable();
    claims.dedup();
    assert_eq!(claims.len(), all);
}
