//! Each operation opens one tracing span with the actor and the correlation id of its call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use evergrant_model::{AccessToken, SignedDuration, UserId};
use evergrant_service::{ConnectRequest, JobName, NewUser, UserRef};
use evergrant_testkit::TestDatabase;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::harness::{TestEnv, account_id, app, call, flow_id, slug};

/// The name and fields of a span.
type Opened = (String, BTreeMap<String, String>);

/// Captures the spans of the service.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<Opened>>>);

impl Spans {
    /// Removes and returns the spans captured so far.
    fn take(&self) -> Vec<Opened> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl<S: tracing::Subscriber> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, _id: &Id, _context: Context<'_, S>) {
        if attributes
            .metadata()
            .target()
            .starts_with("evergrant_service")
        {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            self.0
                .lock()
                .unwrap()
                .push((attributes.metadata().name().to_owned(), fields.0));
        }
    }
}

#[derive(Default)]
struct Fields(BTreeMap<String, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

/// Runs an operation and asserts that it opens one span of this name with the context of the call.
macro_rules! opens {
    ($spans:expr, $name:literal, $operation:expr) => {
        let _ = $operation.await;
        let opened: Vec<_> = $spans
            .take()
            .into_iter()
            .filter(|(name, _)| name == $name)
            .collect();
        assert_eq!(opened.len(), 1, "{}: {opened:?}", $name);
        assert_eq!(opened[0].1["actor"], "command_line", "{}", $name);
        assert_eq!(
            opened[0].1["correlation_id"], "test-correlation",
            "{}",
            $name
        );
        let acme = opened[0]
            .1
            .get("provider")
            .is_none_or(|provider| provider == "acme");
        assert!(acme, "{}: {opened:?}", $name);
    };
}

/// Runs on one thread, so that every span of every task reaches this test's subscriber.
#[tokio::test]
async fn each_operation_opens_one_span_with_call_context() {
    let spans = Spans::default();
    // A second dispatcher keeps `tracing` from caching that no thread is interested in a span.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _guard = tracing_subscriber::registry()
        .with(spans.clone())
        .set_default();
    let env = TestEnv::new(TestDatabase::sqlite()).await;
    let (user, account) = env.connected_user("acme").await;
    spans.take();

    check_connection_spans(&env, &spans, user, &account).await;
    check_access_spans(&env, &spans, user).await;
    let (service, call, account) = (&env.service, call(), account.as_str());
    opens!(
        spans,
        "disconnect_integration",
        service.disconnect_integration(&call, user, &slug("acme"), &account_id(account))
    );
    opens!(spans, "delete_user", service.users().delete(&call, user));
}

/// Checks the operations on flows and connections, except for disconnecting.
async fn check_connection_spans(env: &TestEnv, spans: &Spans, user: UserId, account: &str) {
    let (service, call) = (&env.service, call());
    let (acme, account) = (slug("acme"), account_id(account));
    opens!(
        spans,
        "connected_integrations",
        service.connected_integrations(&call, user)
    );
    let request = ConnectRequest::default();
    opens!(
        spans,
        "initiate_oauth_flow",
        service.initiate_oauth_flow(&call, &acme, user, request)
    );
    opens!(
        spans,
        "access_token",
        service.access_token(&call, user, &acme, &account, SignedDuration::ZERO)
    );
    opens!(
        spans,
        "refresh_token",
        service.refresh_token(&call, user, &acme, &account)
    );
    let token = AccessToken::new("other");
    opens!(
        spans,
        "report_rejected_token",
        service
            .rejected_tokens()
            .report(&call, user, &acme, &account, &token)
    );
    opens!(
        spans,
        "flow_state",
        service
            .authorizations()
            .state(&call, user, &flow_id("unknown"))
    );
}

/// Checks the operations on users, sessions, keys and event streams, except for deletion.
async fn check_access_spans(env: &TestEnv, spans: &Spans, user: UserId) {
    let (service, call) = (&env.service, call());
    let user_ref = UserRef::Id(user);
    opens!(
        spans,
        "create_user",
        service.users().create(&call, &NewUser::default())
    );
    opens!(spans, "get_user", service.users().get(&call, &user_ref));
    opens!(
        spans,
        "create_session",
        service.sessions().create(&call, user, None)
    );
    opens!(
        spans,
        "end_sessions",
        service.sessions().end_all(&call, user)
    );
    opens!(
        spans,
        "create_portal_link",
        service.console().create_link(&call, user, None)
    );
    opens!(
        spans,
        "create_api_key",
        service.api_keys().create(&call, "tests", &[])
    );
    opens!(spans, "list_api_keys", service.api_keys().list(&call));
    opens!(
        spans,
        "open_event_stream",
        service.events().open(&call, user, app(), None)
    );
}

#[tokio::test]
async fn each_job_run_opens_one_span() {
    let spans = Spans::default();
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _guard = tracing_subscriber::registry()
        .with(spans.clone())
        .set_default();
    let env = TestEnv::new(TestDatabase::sqlite()).await;
    for job in JobName::ALL {
        spans.take();
        env.service.process().run_job(*job).await.unwrap();
        let opened: Vec<_> = spans
            .take()
            .into_iter()
            .filter(|(name, _)| name == "job")
            .collect();
        assert_eq!(opened.len(), 1, "{job}");
        assert_eq!(opened[0].1["name"].trim_matches('"'), job.as_str());
        assert_eq!(opened[0].1["correlation_id"].len(), 32, "{job}");
    }
}
