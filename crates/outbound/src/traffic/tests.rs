//! Tests of admission control.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use evergrant_model::{ManualClock, ProviderAccountId, Timestamp};

use super::*;
use crate::EndpointKind;

/// The text of the endpoint that tests call.
const ENDPOINT: &str = "token api.example";

/// Records the shared calls, and permits every probe or none.
#[derive(Default)]
struct SharedRecorder {
    calls: Mutex<Vec<String>>,
    denies_probes: AtomicBool,
}

#[async_trait]
impl SharedBreakerState for SharedRecorder {
    async fn block(&self, block: &Block) {
        let call = format!(
            "block {} {} {}",
            block.scope,
            block.kind.as_str(),
            block.consecutive_trips
        );
        self.calls.lock().unwrap().push(call);
    }

    async fn may_probe(&self, _block: &Block, _next_probe_at: Timestamp) -> bool {
        !self.denies_probes.load(Ordering::Relaxed)
    }

    async fn unblock(&self, block: &Block) {
        self.calls
            .lock()
            .unwrap()
            .push(format!("unblock {} {}", block.scope, block.kind.as_str()));
    }
}

struct Fixture {
    endpoint: Endpoint,
    traffic: Arc<Traffic>,
    clock: Arc<ManualClock>,
    shared: Arc<SharedRecorder>,
    account: ProviderAccountId,
    other_account: ProviderAccountId,
}

impl Fixture {
    /// Creates a provider that has answered many concurrent calls, so that none is delayed.
    fn new(permits: usize) -> Self {
        let fixture = Self::unproven(permits);
        let (mut state, now) = (lock(&fixture.traffic.state), fixture.traffic.now());
        for _ in 0..64 {
            state.take_retry(&fixture.endpoint, now).unwrap();
        }
        for _ in 0..64 {
            state.processed(&fixture.endpoint, now);
        }
        drop(state);
        fixture
    }

    /// Creates a provider that was not called yet.
    fn unproven(permits: usize) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(
            1_767_225_600,
        )));
        let traffic = Traffic::new(
            ProviderSlug::new("acme").unwrap(),
            Arc::<ManualClock>::clone(&clock),
        );
        let shared = Arc::<SharedRecorder>::default();
        traffic.start(permits, Arc::<SharedRecorder>::clone(&shared));
        let [account, other_account] =
            ["17841", "17842"].map(|id| ProviderAccountId::new(id).unwrap());
        Self {
            endpoint: endpoint(),
            traffic,
            clock,
            shared,
            account,
            other_account,
        }
    }

    fn request(&self, class: RequestClass) -> AdmissionRequest<'_> {
        AdmissionRequest {
            endpoint: &self.endpoint,
            class,
            account: Some(&self.account),
            max_wait: Duration::from_millis(50),
        }
    }

    fn interactive(&self) -> AdmissionRequest<'_> {
        self.request(RequestClass::Interactive)
    }

    fn refresh(&self) -> AdmissionRequest<'_> {
        self.request(RequestClass::Refresh)
    }

    fn for_other_account(&self) -> AdmissionRequest<'_> {
        AdmissionRequest {
            account: Some(&self.other_account),
            ..self.interactive()
        }
    }

    async fn admit(&self) -> Result<Permit, NotAdmitted> {
        self.traffic.admit(self.interactive()).await
    }

    /// Admits a call and settles it with this outcome.
    async fn call(&self, outcome: CallOutcome) -> Result<(), NotAdmitted> {
        self.settle(self.interactive(), outcome).await
    }

    /// Fails five calls of different accounts.
    async fn fail_calls_to(&self, endpoint: &Endpoint) {
        for _ in 0..5 {
            let request = AdmissionRequest {
                endpoint,
                account: None,
                ..self.interactive()
            };
            self.settle(request, CallOutcome::Failed).await.unwrap();
        }
    }

    async fn settle(
        &self,
        request: AdmissionRequest<'_>,
        outcome: CallOutcome,
    ) -> Result<(), NotAdmitted> {
        let permit = self.traffic.admit(request).await?;
        self.traffic.settle(&permit, outcome).await;
        Ok(())
    }

    fn take_shared_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.calls.lock().unwrap())
    }

    fn queued(&self) -> usize {
        self.traffic.semaphore.get().unwrap().waiting()
    }
}

fn endpoint() -> Endpoint {
    Endpoint::new(EndpointKind::Token, "api.example")
}

fn waiting_up_to_a_minute(endpoint: &Endpoint, class: RequestClass) -> AdmissionRequest<'_> {
    AdmissionRequest {
        endpoint,
        class,
        account: None,
        max_wait: Duration::from_mins(1),
    }
}

const BREAKER: Refusal = Refusal::Blocked(BlockKind::Breaker);

mod breaker;
mod queue;
mod rate_limits;
