use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use evergrant_model::{ManualClock, ProviderAccountId, Timestamp};
use http::{HeaderName, HeaderValue};

use super::state::SLOW_START_MS;
use super::*;

const HOST: &str = "api.example";

/// Records what is shared, and permits every probe or none.
#[derive(Default)]
struct Shared {
    calls: Mutex<Vec<String>>,
    denies_probes: AtomicBool,
}

#[async_trait]
impl SharedBreakerState for Shared {
    async fn block(&self, block: &Block) {
        let call = format!(
            "block {} {} {}",
            block.host,
            block.kind.as_str(),
            block.consecutive_trips
        );
        self.calls.lock().unwrap().push(call);
    }

    async fn may_probe(&self, _block: &Block, _again_at: Timestamp) -> bool {
        !self.denies_probes.load(Ordering::Relaxed)
    }

    async fn unblock(&self, block: &Block) {
        self.calls
            .lock()
            .unwrap()
            .push(format!("unblock {} {}", block.host, block.kind.as_str()));
    }
}

struct Stand {
    traffic: Arc<Traffic>,
    clock: Arc<ManualClock>,
    shared: Arc<Shared>,
    account: ProviderAccountId,
    other_account: ProviderAccountId,
}

impl Stand {
    fn new(permits: usize) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(
            1_767_225_600,
        )));
        let traffic = Traffic::new(
            ProviderSlug::new("acme").unwrap(),
            Arc::<ManualClock>::clone(&clock),
        );
        let shared = Arc::<Shared>::default();
        traffic.start(permits, Arc::<Shared>::clone(&shared));
        let [account, other_account] =
            ["17841", "17842"].map(|id| ProviderAccountId::new(id).unwrap());
        Self {
            traffic,
            clock,
            shared,
            account,
            other_account,
        }
    }

    fn request(&self, class: RequestClass) -> AdmissionRequest<'_> {
        AdmissionRequest {
            host: HOST,
            class,
            account: Some(&self.account),
            patience: Duration::from_millis(5),
        }
    }

    fn interactive(&self) -> AdmissionRequest<'_> {
        self.request(RequestClass::Interactive)
    }

    fn refresh(&self) -> AdmissionRequest<'_> {
        self.request(RequestClass::Refresh)
    }

    fn of_other_account(&self) -> AdmissionRequest<'_> {
        AdmissionRequest {
            account: Some(&self.other_account),
            ..self.interactive()
        }
    }

    async fn admit(&self) -> Result<Permit, NotAdmitted> {
        self.traffic.admit(self.interactive()).await
    }

    /// A call with this outcome, if it is admitted.
    async fn call(&self, outcome: CallOutcome) -> Result<(), NotAdmitted> {
        let permit = self.admit().await?;
        self.traffic.settle(&permit, outcome).await;
        Ok(())
    }

    fn shared(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.calls.lock().unwrap())
    }

    fn waiting(&self) -> usize {
        self.traffic.semaphore.get().unwrap().waiting()
    }
}

fn patient(host: &str, class: RequestClass) -> AdmissionRequest<'_> {
    AdmissionRequest {
        host,
        class,
        account: None,
        patience: Duration::from_mins(1),
    }
}

const BREAKER: Refusal = Refusal::Blocked(BlockKind::Breaker);

#[tokio::test]
async fn a_host_that_does_not_answer_is_blocked_and_then_probed_by_one_call() {
    let stand = Stand::new(64);
    for _ in 0..5 {
        stand.call(CallOutcome::Failed).await.unwrap();
    }
    assert_eq!(stand.shared(), ["block api.example breaker 1"]);
    assert_eq!(
        stand.admit().await.unwrap_err(),
        NotAdmitted::new(BREAKER, 5)
    );
    stand.clock.advance_seconds(5);
    let probe = stand.admit().await.unwrap();
    assert_eq!(probe.half_open_probe(), Some(BlockKind::Breaker));
    assert!(stand.admit().await.is_err(), "one at a time");
    stand.traffic.settle(&probe, CallOutcome::Failed).await;
    assert_eq!(
        stand.shared(),
        ["block api.example breaker 2"],
        "for longer"
    );
    stand.clock.advance_seconds(9);
    assert!(stand.admit().await.is_err());
    stand.clock.advance_seconds(1);
    stand.call(CallOutcome::Succeeded).await.unwrap();
    assert_eq!(stand.shared(), ["unblock api.example breaker"]);
    assert_eq!(stand.admit().await.unwrap().half_open_probe(), None);
}

#[tokio::test]
async fn calls_under_way_when_a_breaker_trips_do_not_trip_it_again() {
    let stand = Stand::new(64);
    let mut under_way = Vec::new();
    for _ in 0..64 {
        under_way.push(stand.admit().await.unwrap());
    }
    for permit in under_way {
        stand.traffic.settle(&permit, CallOutcome::Failed).await;
    }
    assert_eq!(stand.shared(), ["block api.example breaker 1"]);
    assert_eq!(stand.admit().await.unwrap_err().retry_after_seconds, 5);
}

#[tokio::test]
async fn a_call_that_waited_for_a_place_does_not_pass_a_block_that_was_set_meanwhile() {
    let stand = Stand::new(1);
    let first = stand.admit().await.unwrap();
    let second = tokio::spawn({
        let traffic = Arc::clone(&stand.traffic);
        async move {
            traffic
                .admit(patient(HOST, RequestClass::Interactive))
                .await
                .map(drop)
        }
    });
    while stand.waiting() == 0 {
        tokio::task::yield_now().await;
    }
    stand.traffic.block(HOST, BlockKind::Breaker).await;
    drop(first);
    assert_eq!(second.await.unwrap().unwrap_err().refusal, BREAKER);
}

#[tokio::test]
async fn another_replica_may_send_the_probe() {
    let stand = Stand::new(64);
    stand.traffic.block(HOST, BlockKind::Breaker).await;
    stand.clock.advance_seconds(5);
    stand.shared.denies_probes.store(true, Ordering::Relaxed);
    assert!(stand.admit().await.is_err());
}

#[tokio::test]
async fn refusals_are_answers() {
    let stand = Stand::new(64);
    for _ in 0..300 {
        stand.call(CallOutcome::Refused).await.unwrap();
    }
    assert!(stand.shared().is_empty());
}

fn limited(retry_after_seconds: Option<i64>) -> CallOutcome {
    CallOutcome::RateLimited {
        retry_after_seconds,
    }
}

#[tokio::test]
async fn a_stated_wait_pauses_all_calls_and_ends_by_itself() {
    let stand = Stand::new(64);
    stand.call(limited(None)).await.unwrap();
    assert!(
        stand.admit().await.is_ok(),
        "without a stated wait there is nothing to keep"
    );
    stand.call(limited(Some(60))).await.unwrap();
    let paused = NotAdmitted::new(Refusal::Blocked(BlockKind::RateLimit), 60);
    assert_eq!(stand.admit().await.unwrap_err(), paused);
    assert_eq!(
        stand
            .traffic
            .admit(stand.of_other_account())
            .await
            .unwrap_err(),
        paused
    );
    stand.clock.advance_seconds(60);
    assert_eq!(stand.admit().await.unwrap().half_open_probe(), None);
}

#[tokio::test]
async fn a_wait_of_a_day_pauses_its_own_account_for_every_class_and_the_others_for_minutes() {
    let stand = Stand::new(64);
    stand.call(limited(Some(86_400))).await.unwrap();
    assert!(stand.traffic.admit(stand.of_other_account()).await.is_err());
    stand.clock.advance_seconds(LONGEST_SHARED_PAUSE_SECONDS);
    assert!(stand.traffic.admit(stand.of_other_account()).await.is_ok());
    let unknown = AdmissionRequest {
        account: None,
        ..stand.interactive()
    };
    assert!(stand.traffic.admit(unknown).await.is_ok());
    for request in [stand.refresh(), stand.interactive()] {
        assert_eq!(
            stand.traffic.admit(request).await.unwrap_err().refusal,
            Refusal::AllowanceSpent
        );
    }
    stand
        .clock
        .advance_seconds(86_400 - LONGEST_SHARED_PAUSE_SECONDS);
    for request in [stand.refresh(), stand.interactive()] {
        assert!(stand.traffic.admit(request).await.is_ok());
    }
}

#[tokio::test]
async fn a_platform_that_does_not_know_us_is_left_to_the_operator() {
    let stand = Stand::new(64);
    stand.call(CallOutcome::Refused).await.unwrap();
    assert!(
        stand.shared().is_empty(),
        "a definition that does not fit one call is no reason"
    );
    stand.call(CallOutcome::RegistrationRefused).await.unwrap();
    assert_eq!(stand.shared(), ["block api.example config 1"]);
    assert_eq!(
        stand.admit().await.unwrap_err().refusal,
        Refusal::Blocked(BlockKind::Registration)
    );
    stand.clock.advance_seconds(60);
    stand.call(CallOutcome::Refused).await.unwrap();
    assert_eq!(
        stand.shared(),
        ["block api.example config 2"],
        "a refusal shows nothing about us"
    );
    stand.clock.advance_seconds(120);
    stand.call(CallOutcome::Succeeded).await.unwrap();
    assert_eq!(stand.shared(), ["unblock api.example config"]);
}

#[tokio::test]
async fn blocked_refreshes_block_no_other_class() {
    let stand = Stand::new(64);
    stand
        .traffic
        .block(Block::REFRESHES, BlockKind::MassRejection)
        .await;
    assert!(stand.traffic.admit(stand.refresh()).await.is_err());
    assert!(stand.admit().await.is_ok());
}

#[tokio::test]
async fn places_are_bounded_and_so_is_the_queue_for_them() {
    let stand = Stand::new(1);
    let held = stand.admit().await.unwrap();
    assert_eq!(stand.traffic.free_permits(), Some(0));
    let late = stand.admit().await.unwrap_err();
    assert_eq!(
        late,
        NotAdmitted::new(Refusal::NoPlaceInTime, COME_BACK_SECONDS)
    );
    let mut queue = tokio::task::JoinSet::new();
    for _ in 0..LONGEST_QUEUE {
        let traffic = Arc::clone(&stand.traffic);
        queue.spawn(async move {
            traffic
                .admit(patient(HOST, RequestClass::Interactive))
                .await
                .map(drop)
        });
    }
    while stand.waiting() < LONGEST_QUEUE {
        tokio::task::yield_now().await;
    }
    let refused = stand
        .traffic
        .admit(patient(HOST, RequestClass::Refresh))
        .await
        .unwrap_err();
    assert_eq!(refused.refusal, Refusal::QueueFull);
    drop(held);
    assert!(
        queue
            .join_all()
            .await
            .into_iter()
            .all(|admitted| admitted.is_ok())
    );
    assert_eq!(
        (stand.waiting(), stand.traffic.free_permits()),
        (0, Some(1))
    );
}

#[tokio::test]
async fn a_waiting_refresh_is_admitted_before_an_interactive_call_that_came_first() {
    let stand = Stand::new(1);
    let held = stand.admit().await.unwrap();
    let (admitted, mut order) = tokio::sync::mpsc::unbounded_channel();
    for class in [RequestClass::Interactive, RequestClass::Refresh] {
        let (traffic, admitted, before) = (
            Arc::clone(&stand.traffic),
            admitted.clone(),
            stand.waiting(),
        );
        tokio::spawn(async move {
            let permit = traffic.admit(patient(HOST, class)).await;
            admitted.send(class).unwrap();
            drop(permit);
        });
        while stand.waiting() == before {
            tokio::task::yield_now().await;
        }
    }
    drop(held);
    let order = [order.recv().await.unwrap(), order.recv().await.unwrap()];
    assert_eq!(order, [RequestClass::Refresh, RequestClass::Interactive]);
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .collect()
}

#[tokio::test]
async fn what_responses_say_about_limits_holds_for_their_host() {
    let stand = Stand::new(64);
    stand.traffic.share_among(2);
    let left = headers(&[
        ("x-ratelimit-remaining", "4.0"),
        ("x-ratelimit-reset", "30"),
    ]);
    stand.traffic.observe_response(HOST, &left);
    assert!(
        stand.admit().await.is_ok() && stand.admit().await.is_ok(),
        "half of four, for there are two replicas"
    );
    assert_eq!(stand.admit().await.unwrap_err().retry_after_seconds, 31);
    let elsewhere = AdmissionRequest {
        host: "www.example",
        ..stand.interactive()
    };
    assert!(stand.traffic.admit(elsewhere).await.is_ok());
    stand.clock.advance_seconds(30);
    assert!(stand.admit().await.is_ok());
    stand
        .traffic
        .observe_response(HOST, &headers(&[("x-app-usage", "{\"call_count\":100}")]));
    assert!(stand.admit().await.is_err());
    stand.clock.advance_seconds(60);
    assert!(stand.admit().await.is_ok());
}

#[tokio::test]
async fn a_header_that_pauses_an_account_pauses_no_other() {
    let stand = Stand::new(64);
    let usage = "{\"17841\":[{\"estimated_time_to_regain_access\":7}]}";
    stand
        .traffic
        .observe_response(HOST, &headers(&[("x-business-use-case-usage", usage)]));
    assert_eq!(stand.admit().await.unwrap_err().retry_after_seconds, 421);
    assert!(stand.traffic.admit(stand.of_other_account()).await.is_ok());
    stand.clock.advance_seconds(420);
    assert!(stand.admit().await.is_ok());
}

#[tokio::test]
async fn once_a_block_ends_the_calls_that_waited_do_not_all_come_at_once() {
    let stand = Stand::new(64);
    stand.call(CallOutcome::Succeeded).await.unwrap();
    stand.traffic.block(HOST, BlockKind::Breaker).await;
    stand.traffic.set_blocks(Vec::new());
    assert!(stand.admit().await.is_ok());
    let (every_ms, for_ms) = SLOW_START_MS;
    assert_eq!(
        stand.traffic.take_allowance(stand.interactive()),
        Err(every_ms),
        "unblocked by another replica"
    );
    stand.clock.advance_seconds(for_ms / 1000);
    assert!((0..100).all(|_| stand.traffic.take_allowance(stand.interactive()).is_ok()));
}

#[tokio::test]
async fn an_operation_calls_again_only_where_it_could_begin_now() {
    let stand = Stand::new(4);
    let refresh = stand.traffic.admit(stand.refresh()).await.unwrap();
    let interactive = stand.admit().await.unwrap();
    assert!(stand.traffic.admits_again(&refresh));
    stand.traffic.pause_host(HOST, 10).await;
    assert!(
        !stand.traffic.admits_again(&refresh),
        "the platform has asked for a pause"
    );
    stand.clock.advance_ms(10_000);
    assert!(stand.traffic.admits_again(&refresh));
    stand
        .traffic
        .block(Block::REFRESHES, BlockKind::MassRejection)
        .await;
    stand.clock.advance_ms(86_400_000);
    assert!(
        !stand.traffic.admits_again(&refresh),
        "one call probes the platform, and this is not the one"
    );
    assert!(
        stand.traffic.admits_again(&interactive),
        "the block concerns refreshes alone"
    );
}

#[tokio::test]
async fn a_block_is_found_behind_one_that_lasts_longer() {
    let stand = Stand::new(4);
    let mass_rejection = || {
        stand
            .traffic
            .active_block(Block::REFRESHES, BlockKind::MassRejection)
    };
    assert_eq!(mass_rejection(), None);
    stand
        .traffic
        .block(Block::REFRESHES, BlockKind::MassRejection)
        .await;
    stand.traffic.pause_host(HOST, 86_400).await;
    let longest = stand.traffic.block_for(HOST, RequestClass::Refresh);
    assert_eq!(longest.map(|block| block.kind), Some(BlockKind::RateLimit));
    assert_eq!(
        mass_rejection().map(|block| block.kind),
        Some(BlockKind::MassRejection)
    );
}
