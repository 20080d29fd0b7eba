use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use evergrant_model::ManualClock;
use reqwest::header::{HeaderName, HeaderValue};

use super::*;

const HOST: &str = "api.example";

/// A keeper who remembers what it was told and lets everybody try, or nobody.
#[derive(Default)]
struct Keeper {
    told: Mutex<Vec<String>>,
    refuses: AtomicBool,
}

#[async_trait]
impl GateKeeper for Keeper {
    async fn close(&self, gate: &ClosedGate) {
        self.told.lock().unwrap().push(format!("close {} {} {}", gate.host, gate.kind.as_str(), gate.trips));
    }

    async fn may_try(&self, _gate: &ClosedGate, _again_at: Timestamp) -> bool {
        !self.refuses.load(Ordering::Relaxed)
    }

    async fn open(&self, gate: &ClosedGate) {
        self.told.lock().unwrap().push(format!("open {} {}", gate.host, gate.kind.as_str()));
    }
}

struct Stand {
    traffic: Arc<Traffic>,
    clock: Arc<ManualClock>,
    keeper: Arc<Keeper>,
}

impl Stand {
    fn new(places: usize) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(1_767_225_600)));
        let shared: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let (traffic, keeper) = (Traffic::new(ProviderSlug::new("acme").unwrap(), shared), Arc::<Keeper>::default());
        traffic.begin(places, Arc::<Keeper>::clone(&keeper));
        Self { traffic, clock, keeper }
    }

    async fn admit(&self) -> Result<Admission, AdapterError> {
        self.traffic.admit(wish(false)).await
    }

    /// A call that ends so, if it may be made.
    async fn call(&self, outcome: Result<(), AdapterError>) -> Result<(), AdapterError> {
        self.admit().await?.note(&outcome).await;
        Ok(())
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.keeper.told.lock().unwrap())
    }
}

fn wish(renewal: bool) -> Wish<'static> {
    Wish { host: HOST, renewal, account: Some("17841"), patience: Duration::from_millis(5) }
}

fn error(class: ErrorClass) -> Result<(), AdapterError> {
    Err(AdapterError::new(class, "for a test"))
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_left_alone_and_tried_by_one() {
    let stand = Stand::new(64);
    for _ in 0..5 {
        stand.call(error(ErrorClass::Unknown)).await.unwrap();
    }
    assert_eq!(stand.told(), ["close api.example breaker 1"]);
    let refused = stand.admit().await.unwrap_err();
    assert_eq!((refused.class(), refused.retry_after_seconds()), (ErrorClass::Transient, Some(5)));
    assert!(refused.is_surely_unprocessed());
    stand.clock.advance_seconds(5);
    let trial = stand.admit().await.unwrap();
    assert_eq!(trial.trial(), Some(GateKind::Breaker));
    assert!(stand.admit().await.is_err(), "one at a time");
    trial.note(&error(ErrorClass::Transient)).await;
    assert_eq!(stand.told(), ["close api.example breaker 2"], "for longer");
    stand.clock.advance_seconds(9);
    assert!(stand.admit().await.is_err());
    stand.clock.advance_seconds(1);
    stand.call(Ok(())).await.unwrap();
    assert_eq!(stand.told(), ["open api.example breaker"]);
    assert_eq!(stand.admit().await.unwrap().trial(), None);
}

#[tokio::test]
async fn those_who_were_under_way_when_a_gate_was_closed_do_not_close_it_again() {
    let stand = Stand::new(64);
    let mut under_way = Vec::new();
    for _ in 0..64 {
        under_way.push(stand.admit().await.unwrap());
    }
    for call in under_way {
        call.note(&error(ErrorClass::Unknown)).await;
    }
    assert_eq!(stand.told(), ["close api.example breaker 1"]);
    assert_eq!(stand.admit().await.unwrap_err().retry_after_seconds(), Some(5));
}

#[tokio::test]
async fn those_who_waited_for_a_place_do_not_pass_a_gate_that_was_closed_meanwhile() {
    let stand = Stand::new(1);
    let first = stand.admit().await.unwrap();
    let patient = Wish { patience: Duration::from_mins(1), ..wish(false) };
    let second = tokio::spawn({
        let traffic = Arc::clone(&stand.traffic);
        async move { traffic.admit(patient).await.map(drop) }
    });
    while stand.traffic.waiting.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    stand.traffic.close(HOST, GateKind::Breaker).await;
    drop(first);
    assert_eq!(second.await.unwrap().unwrap_err().class(), ErrorClass::Transient);
}

#[tokio::test]
async fn another_replica_may_be_the_one_who_tries() {
    let stand = Stand::new(64);
    stand.traffic.close(HOST, GateKind::Breaker).await;
    stand.clock.advance_seconds(5);
    stand.keeper.refuses.store(true, Ordering::Relaxed);
    assert!(stand.admit().await.is_err());
}

#[tokio::test]
async fn refusals_are_answers() {
    let stand = Stand::new(64);
    for _ in 0..100 {
        for class in [ErrorClass::NeedsReauth, ErrorClass::BadRequest, ErrorClass::ScopeMissing] {
            stand.call(error(class)).await.unwrap();
        }
    }
    assert!(stand.told().is_empty());
}

#[tokio::test]
async fn a_stated_wait_pauses_everybody_and_ends_by_itself() {
    let stand = Stand::new(64);
    let limited = || AdapterError::new(ErrorClass::RateLimited, "for a test");
    stand.call(Err(limited())).await.unwrap();
    assert!(stand.admit().await.is_ok(), "without a time there is nothing to keep");
    stand.call(Err(limited().with_retry_after(Some(60)))).await.unwrap();
    let refused = stand.admit().await.unwrap_err();
    assert_eq!((refused.class(), refused.retry_after_seconds()), (ErrorClass::RateLimited, Some(60)));
    stand.clock.advance_seconds(60);
    assert_eq!(stand.admit().await.unwrap().trial(), None);
    stand.call(Err(limited().with_retry_after(Some(86_400)))).await.unwrap();
    stand.clock.advance_seconds(LONGEST_PAUSE_S);
    assert!(stand.admit().await.is_ok(), "a wait of a day is that one account's");
}

const LONGEST_PAUSE_S: i64 = 15 * 60;

#[tokio::test]
async fn a_platform_that_does_not_know_us_is_left_to_the_operator() {
    let stand = Stand::new(64);
    stand.call(error(ErrorClass::ConfigError)).await.unwrap();
    assert!(stand.told().is_empty(), "a definition that does not fit one call is no reason");
    let unknown = AdapterError::new(ErrorClass::ConfigError, "for a test").with_platform_code(Some("invalid_client"));
    stand.call(Err(unknown)).await.unwrap();
    assert_eq!(stand.told(), ["close api.example config 1"]);
    assert_eq!(stand.admit().await.unwrap_err().class(), ErrorClass::ConfigError);
    stand.clock.advance_seconds(60);
    stand.call(error(ErrorClass::NeedsReauth)).await.unwrap();
    assert_eq!(stand.told(), ["close api.example config 2"], "a refusal shows nothing about us");
    stand.clock.advance_seconds(120);
    stand.call(Ok(())).await.unwrap();
    assert_eq!(stand.told(), ["open api.example config"]);
}

#[tokio::test]
async fn stopped_renewals_stop_nothing_else() {
    let stand = Stand::new(64);
    stand.traffic.close(ClosedGate::RENEWALS, GateKind::Refusals).await;
    assert!(stand.traffic.admit(wish(true)).await.is_err());
    assert!(stand.admit().await.is_ok());
}

#[tokio::test]
async fn places_are_bounded_and_so_is_the_queue_for_them() {
    let stand = Stand::new(1);
    let held = stand.admit().await.unwrap();
    assert_eq!(stand.traffic.free_places(), Some(0));
    let late = stand.admit().await.unwrap_err();
    assert_eq!((late.class(), late.retry_after_seconds()), (ErrorClass::RateLimited, Some(COME_BACK_SECONDS)));
    let patient = Wish { patience: Duration::from_mins(1), ..wish(false) };
    let mut queue = tokio::task::JoinSet::new();
    for _ in 0..LONGEST_QUEUE {
        let traffic = Arc::clone(&stand.traffic);
        queue.spawn(async move { traffic.admit(patient).await.map(drop) });
    }
    while stand.traffic.waiting.load(Ordering::Relaxed) < LONGEST_QUEUE {
        tokio::task::yield_now().await;
    }
    let refused = stand.traffic.admit(patient).await.unwrap_err();
    assert_eq!(refused.to_string(), "too many calls wait already");
    drop(held);
    assert!(queue.join_all().await.into_iter().all(|admitted| admitted.is_ok()));
    assert_eq!((stand.traffic.waiting.load(Ordering::Relaxed), stand.traffic.free_places()), (0, Some(1)));
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

#[tokio::test]
async fn what_answers_say_about_limits_is_heeded_host_by_host() {
    let stand = Stand::new(64);
    stand.traffic.share_among(2);
    stand.traffic.heed(HOST, &headers(&[("x-ratelimit-remaining", "4.0"), ("x-ratelimit-reset", "30")]));
    assert!(stand.admit().await.is_ok() && stand.admit().await.is_ok(), "half of four, for there are two replicas");
    assert_eq!(stand.admit().await.unwrap_err().retry_after_seconds(), Some(31));
    assert!(stand.traffic.admit(Wish { host: "www.example", ..wish(false) }).await.is_ok());
    stand.clock.advance_seconds(30);
    assert!(stand.admit().await.is_ok());
    stand.traffic.heed(HOST, &headers(&[("x-app-usage", "{\"call_count\":100}")]));
    assert!(stand.admit().await.is_err());
    stand.clock.advance_seconds(60);
    assert!(stand.admit().await.is_ok());
}

#[tokio::test]
async fn an_account_that_is_paused_pauses_nobody_else() {
    let stand = Stand::new(64);
    let usage = "{\"17841\":[{\"estimated_time_to_regain_access\":7}]}";
    stand.traffic.heed(HOST, &headers(&[("x-business-use-case-usage", usage)]));
    assert_eq!(stand.admit().await.unwrap_err().retry_after_seconds(), Some(421));
    assert!(stand.traffic.admit(Wish { account: Some("17842"), ..wish(false) }).await.is_ok());
    stand.clock.advance_seconds(420);
    assert!(stand.admit().await.is_ok());
}

#[tokio::test]
async fn once_a_gate_opens_those_who_waited_do_not_all_come_at_once() {
    let stand = Stand::new(64);
    stand.call(Ok(())).await.unwrap();
    stand.traffic.close(HOST, GateKind::Breaker).await;
    stand.traffic.set_gates(Vec::new());
    assert!(stand.admit().await.is_ok());
    let (every_ms, for_ms) = FIRST_PACE_MS;
    assert_eq!(stand.traffic.take_allowance(wish(false)), Err(every_ms), "opened by another replica");
    stand.clock.advance_seconds(for_ms / 1000);
    assert!((0..100).all(|_| stand.traffic.take_allowance(wish(false)).is_ok()));
}

#[tokio::test]
async fn whoever_has_a_place_calls_again_only_where_it_could_begin_now() {
    let stand = Stand::new(4);
    assert!(stand.traffic.lets_pass_now(wish(true)));
    stand.traffic.pause(HOST, 10).await;
    assert!(!stand.traffic.lets_pass_now(wish(true)), "the platform has asked for a pause");
    stand.clock.advance_ms(10_000);
    assert!(stand.traffic.lets_pass_now(wish(true)));
    stand.traffic.close(ClosedGate::RENEWALS, GateKind::Refusals).await;
    stand.clock.advance_ms(86_400_000);
    assert!(!stand.traffic.lets_pass_now(wish(true)), "one tries the gate, and this is not the one");
    assert!(stand.traffic.lets_pass_now(wish(false)), "which holds back renewals alone");
}

#[tokio::test]
async fn a_gate_is_found_behind_one_that_stays_closed_for_longer() {
    let stand = Stand::new(4);
    let refusals = || stand.traffic.gate_in_force(ClosedGate::RENEWALS, GateKind::Refusals);
    assert_eq!(refusals(), None);
    stand.traffic.close(ClosedGate::RENEWALS, GateKind::Refusals).await;
    stand.traffic.pause(HOST, 86_400).await;
    assert_eq!(stand.traffic.closed_gate(HOST, true).map(|gate| gate.kind), Some(GateKind::Limit));
    assert_eq!(refusals().map(|gate| gate.kind), Some(GateKind::Refusals));
}
