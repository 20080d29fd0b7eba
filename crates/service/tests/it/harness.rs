//! A service, the platforms that it talks to, and the hands that move time and people.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evergrant_adapters::{
    HttpClient, HttpLimits, NetworkPolicy, PlatformAdapter, Provider, Registry, parse_providers,
};
use evergrant_encryption::CipherError;
use evergrant_model::{
    ApiKeyId, Call, Clock, Entropy, ErrorCode, ManualClock, OsEntropy, ProviderAccountId, ScopeSet,
    Timestamp, UserId,
};
use evergrant_sandbox::{
    Fault, FaultKind, Sandbox, SandboxOptions, Switch, acme_definition, dev_settings,
};
use evergrant_service::{
    CallbackOutcome, CallbackParams, Caller, ConnectRequest, Integration, IntegrationsService,
    KeyScope, LogRecorder, NewUser, Outcome, Recorder, ServiceError, ServiceParts, ServiceSettings,
    StartedFlow,
};
use evergrant_store::{Connection, Store};
use evergrant_testkit::{ExternalAccount, TestDatabase, cipher, insert_accounts, new_year, shared};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use url::Url;

use crate::outcomes::{call, challenge, connected, params, read, slug, take_up_due, until};

pub(crate) const REFRESH: &str = "token.refresh_token";
pub(crate) const EXCHANGE: &str = "token.authorization_code";
/// How long Acme's access tokens live, and Reddit's.
pub(crate) const ACME_LIFE_S: i64 = 3600;
pub(crate) const REDDIT_LIFE_S: i64 = 86_400;
/// Juniper's account ids.
pub(crate) const JUNIPER: &str = "ac-1001";
pub(crate) const KILN: &str = "ac-1002";
pub(crate) const WREN: &str = "ac-1003";

/// The system's randomness, without the jitter that would make a test wait: it alone draws eight
/// bytes at a time.
#[derive(Default)]
pub(crate) struct NoJitter(AtomicU32);

impl NoJitter {
    /// How often a wait was drawn, which happens once after each failed call.
    pub(crate) fn draws(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Entropy for NoJitter {
    fn fill(&self, buffer: &mut [u8]) {
        if buffer.len() == 8 {
            self.0.fetch_add(1, Ordering::SeqCst);
            buffer.fill(0);
        } else {
            OsEntropy.fill(buffer);
        }
    }
}

/// Logs every outcome, and keeps it for the test.
#[derive(Default)]
pub(crate) struct Recording(Mutex<Vec<(Call, String)>>);

impl Recording {
    /// The outcomes since the last call, each by the name of its variant.
    pub(crate) fn take(&self) -> Vec<(Call, String)> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// How many outcomes of this variant there have been.
    pub(crate) fn count(&self, variant: &str) -> usize {
        self.0
            .lock()
            .unwrap()
            .iter()
            .filter(|(_, outcome)| outcome == variant)
            .count()
    }
}

impl Recorder for Recording {
    fn record(&self, call: &Call, outcome: &Outcome<'_>) {
        LogRecorder.record(call, outcome);
        let shown = format!("{outcome:?}");
        let variant = shown
            .split([' ', '('])
            .next()
            .unwrap_or_default()
            .to_owned();
        self.0.lock().unwrap().push((call.clone(), variant));
    }
}

/// The app's server as a caller.
pub(crate) fn app() -> Caller {
    let key = ApiKeyId::new("0123456789ab").unwrap();
    Caller::App {
        key,
        scopes: KeyScope::ALL.to_vec(),
    }
}

/// A service in the middle of its world.
pub(crate) struct Stand {
    pub(crate) service: IntegrationsService,
    /// Acme as the service calls it.
    pub(crate) acme: Arc<Provider>,
    pub(crate) store: Store,
    /// The stores of all replicas, whose leases run by the database's time.
    stores: Mutex<Vec<Store>>,
    pub(crate) sandbox: Sandbox,
    /// The platforms' clock, and the services' unless a test says otherwise.
    pub(crate) clock: Arc<ManualClock>,
    ours: Arc<dyn Clock>,
    pub(crate) entropy: Arc<NoJitter>,
    /// What all replicas have reported.
    pub(crate) recorder: Arc<Recording>,
    pub(crate) platforms_at: String,
    pub(crate) database: TestDatabase,
}

impl Stand {
    /// Over a database of this test, with Reddit and Acme as the sandbox plays them.
    pub(crate) async fn new(database: TestDatabase) -> Self {
        let store = database.store().await;
        Self::over(database, store).await
    }

    /// The same over a store that was opened in some other way.
    pub(crate) async fn over(database: TestDatabase, store: Store) -> Self {
        let clock = new_year();
        let ours = shared(&clock);
        Self::by(database, store, clock, ours).await
    }

    /// The same where the services have another clock than the platforms.
    pub(crate) async fn by(
        database: TestDatabase,
        store: Store,
        clock: Arc<ManualClock>,
        ours: Arc<dyn Clock>,
    ) -> Self {
        let entropy = Arc::new(NoJitter::default());
        let options = SandboxOptions {
            clock: shared(&clock),
            ..SandboxOptions::default()
        };
        let sandbox = Sandbox::new(options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let platforms_at = format!("http://{}", listener.local_addr().unwrap());
        let serving = sandbox.clone();
        tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
        for platform in ["acme", "reddit"] {
            sandbox
                .set(platform, Switch::TokenQuota(1_000_000))
                .unwrap();
        }
        let (clocks, recorder) = ((&ours, &ours), Arc::new(Recording::default()));
        let definition = acme_definition(&platforms_at);
        let (service, acme) = service(
            &store,
            clocks,
            (&entropy, &recorder),
            &platforms_at,
            &definition,
        );
        let stores = Mutex::new(vec![store.clone()]);
        Self {
            service,
            acme,
            store,
            stores,
            sandbox,
            clock,
            ours,
            entropy,
            recorder,
            platforms_at,
            database,
        }
    }

    /// Another replica over the same database, to which Acme is what `definition` says.
    pub(crate) async fn replica(&self, definition: &str) -> IntegrationsService {
        let store = self.database.store().await;
        self.stores.lock().unwrap().push(store.clone());
        service(
            &store,
            (&self.ours, &self.ours),
            (&self.entropy, &self.recorder),
            &self.platforms_at,
            definition,
        )
        .0
    }

    /// Another replica over the same database.
    pub(crate) async fn twin(&self) -> IntegrationsService {
        self.replica(&acme_definition(&self.platforms_at)).await
    }

    /// A replica whose adapters have a clock of their own, and Acme as it calls it.
    pub(crate) async fn replica_whose_adapters_have(
        &self,
        clock: Arc<dyn Clock>,
    ) -> (IntegrationsService, Arc<Provider>) {
        let (store, acme) = (
            self.database.store().await,
            acme_definition(&self.platforms_at),
        );
        service(
            &store,
            (&self.ours, &clock),
            (&self.entropy, &self.recorder),
            &self.platforms_at,
            &acme,
        )
    }

    /// A replica that finds nobody where Acme's token endpoint should be.
    pub(crate) async fn cut_off(&self) -> IntegrationsService {
        let nobody = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        let path = "/acme/oauth/token";
        let definition = acme_definition(&self.platforms_at);
        self.replica(&definition.replace(
            &format!("{}{path}", self.platforms_at),
            &format!("http://{nobody}{path}"),
        ))
        .await
    }

    /// A new user.
    pub(crate) async fn user(&self) -> UserId {
        self.service
            .users()
            .create(&call(), &NewUser::default())
            .await
            .unwrap()
            .0
            .id
    }

    /// Begins a flow.
    pub(crate) async fn begin(&self, user: UserId, platform: &str) -> StartedFlow {
        self.service
            .initiate_oauth_flow(&call(), platform, user, ConnectRequest::default())
            .await
            .unwrap()
    }

    /// Begins a flow that must be finished with [`VERIFIER`].
    pub(crate) async fn begin_bound(&self, user: UserId, platform: &str) -> StartedFlow {
        let request = ConnectRequest {
            challenge: Some(challenge()),
            ..ConnectRequest::default()
        };
        self.service
            .initiate_oauth_flow(&call(), platform, user, request)
            .await
            .unwrap()
    }

    /// Begins a flow for an account that is connected already.
    pub(crate) async fn begin_again(
        &self,
        user: UserId,
        platform: &str,
        account: &str,
    ) -> StartedFlow {
        let request = ConnectRequest {
            account: Some(account.to_owned()),
            ..ConnectRequest::default()
        };
        self.service
            .initiate_oauth_flow(&call(), platform, user, request)
            .await
            .unwrap()
    }

    /// What the platform sends back when `person` consents.
    pub(crate) fn consent(&self, flow: &StartedFlow, person: &str) -> CallbackParams {
        params(&self.sandbox.approve(&flow.auth_url, person, None).unwrap())
    }

    /// The callback of a platform.
    pub(crate) async fn callback(
        &self,
        platform: &str,
        params: CallbackParams,
    ) -> Result<CallbackOutcome, ServiceError> {
        self.service
            .handle_oauth_callback(&call(), platform, params)
            .await
    }

    /// The whole flow of `person` for `user`; answers the account's id.
    pub(crate) async fn connect(&self, user: UserId, platform: &str, person: &str) -> String {
        let flow = self.begin(user, platform).await;
        connected(
            &self
                .callback(platform, self.consent(&flow, person))
                .await
                .unwrap(),
        )
    }

    /// The whole flow where the platform is to misbehave in this way; answers the account's id.
    pub(crate) async fn connect_misbehaving(
        &self,
        user: UserId,
        platform: &str,
        how: &str,
    ) -> String {
        let flow = self.begin(user, platform).await;
        let url = format!("{}&misbehave={how}", flow.auth_url);
        let back = params(&self.sandbox.approve(&url, "juniper", None).unwrap());
        connected(&self.callback(platform, back).await.unwrap())
    }

    /// A user with so many accounts at `platform` that another program has stored, their tokens
    /// ending at `expires_at`.
    pub(crate) async fn user_with_many(
        &self,
        platform: &str,
        count: usize,
        expires_at: Timestamp,
    ) -> (UserId, Vec<String>) {
        let user = self.user().await;
        let account = |place: usize| ExternalAccount {
            user: user.get(),
            provider: platform.to_owned(),
            id: format!("{platform}-{place}-of-{}", user.get()),
            tokens: self.sandbox.tokens(platform, "juniper").unwrap(),
            expires_at,
        };
        let accounts: Vec<_> = (0..count).map(account).collect();
        insert_accounts(&self.database, &cipher(), &accounts).await;
        (
            user,
            accounts.into_iter().map(|account| account.id).collect(),
        )
    }

    /// A user with Juniper's account at `platform`.
    pub(crate) async fn user_with(&self, platform: &str) -> (UserId, String) {
        let user = self.user().await;
        let account = self.connect(user, platform, "juniper").await;
        (user, account)
    }

    /// The access token, or why there is none.
    pub(crate) async fn read(
        &self,
        user: UserId,
        platform: &str,
        account: &str,
    ) -> Result<String, ErrorCode> {
        read(&self.service, user, platform, account).await
    }

    /// Renews the account now; says why if that fails.
    pub(crate) async fn refresh(
        &self,
        user: UserId,
        platform: &str,
        account: &str,
    ) -> Result<Option<Timestamp>, ErrorCode> {
        self.service
            .refresh_token(&call(), user, platform, account)
            .await
            .map_err(|error| error.code())
    }

    /// The only integration of the user.
    pub(crate) async fn integration(&self, user: UserId) -> Integration {
        let list = self
            .service
            .connected_integrations(&call(), user)
            .await
            .unwrap();
        assert_eq!(list.integrations.len(), 1);
        list.integrations.into_iter().next().unwrap()
    }

    /// The stored row.
    pub(crate) async fn row(&self, user: UserId, platform: &str, account: &str) -> Connection {
        let (platform, account) = (slug(platform), ProviderAccountId::new(account).unwrap());
        self.store
            .connections()
            .owned(user, &platform, &account)
            .await
            .unwrap()
            .unwrap()
    }

    /// The access token that Acme's stored row holds.
    pub(crate) async fn stored(&self, user: UserId, account: &str) -> Result<String, ErrorCode> {
        let sealed = self.row(user, "acme", account).await.tokens.access.unwrap();
        let opened = cipher().decrypt_token(sealed.as_str());
        opened
            .map(|token| token.expose_secret().to_owned())
            .map_err(CipherError::code)
    }

    /// Forces the next answer of an endpoint.
    pub(crate) fn fault(&self, platform: &str, endpoint: &str, kind: FaultKind) {
        self.force(Fault::new(platform, endpoint, kind));
    }

    /// Forces the next answers of an endpoint.
    pub(crate) fn force(&self, fault: Fault) {
        self.sandbox.force_next(fault).unwrap();
    }

    /// How often an endpoint was called.
    pub(crate) fn calls(&self, platform: &str, endpoint: &str) -> u64 {
        self.sandbox.calls().get(platform, endpoint)
    }

    /// Ends once the endpoint has been called this often.
    pub(crate) async fn called(&self, platform: &str, endpoint: &str, times: u64) {
        until(async || self.calls(platform, endpoint) >= times).await;
    }

    /// What `work` comes to while the platforms let go of every call that they hold.
    pub(crate) async fn releasing<T>(&self, work: impl Future<Output = T>) -> T {
        let release = async {
            loop {
                self.sandbox.release();
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            done = work => done,
            () = release => unreachable!("it goes on for ever"),
        }
    }

    /// Moves everybody's clock, the database's too.
    pub(crate) fn pass_seconds(&self, seconds: i64) {
        self.pass_ms(seconds * 1000);
    }

    fn pass_ms(&self, ms: i64) {
        self.clock.advance_ms(ms);
        for store in &*self.stores.lock().unwrap() {
            store.shift_clock(ms);
        }
    }

    /// What `work` comes to while everybody's clock runs, five times as fast as ours.
    pub(crate) async fn passing<T>(&self, work: impl Future<Output = T>) -> T {
        let passing = async {
            loop {
                tokio::time::sleep(Duration::from_millis(1)).await;
                self.pass_ms(5);
            }
        };
        tokio::select! {
            done = work => done,
            () = passing => unreachable!("it goes on for ever"),
        }
    }

    /// The moment at which everybody's clock stands.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What has happened to accounts, oldest first.
    pub(crate) async fn events(&self) -> Vec<String> {
        let of_accounts =
            "SELECT kind FROM evergrant_events WHERE provider_account_id IS NOT NULL ORDER BY id";
        self.database.texts(of_accounts).await
    }

    /// Lets the service take up what is due, and waits until that is done.
    pub(crate) async fn take_up_due(&self) -> usize {
        let taken = take_up_due(&self.service).await.unwrap();
        self.service.process().drain().await;
        taken
    }

    /// Whether the platform still takes this access token.
    pub(crate) async fn works(&self, token: &str) -> bool {
        self.acme
            .user_profile(
                &evergrant_model::AccessToken::new(token),
                &ScopeSet::default(),
            )
            .await
            .is_ok()
    }
}

fn service(
    store: &Store,
    (clock, of_adapters): (&Arc<dyn Clock>, &Arc<dyn Clock>),
    (entropy, recorder): (&Arc<NoJitter>, &Arc<Recording>),
    platforms_at: &str,
    acme: &str,
) -> (IntegrationsService, Arc<Provider>) {
    let settings = dev_settings(platforms_at);
    let lookup = |name: &str| {
        settings
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.clone())
    };
    let http = HttpClient::new(HttpLimits::default()).unwrap();
    let custom = parse_providers(acme).unwrap();
    let registry = Registry::new(
        http,
        Arc::clone(of_adapters),
        &lookup,
        custom,
        NetworkPolicy::default(),
    )
    .unwrap();
    let acme_platform = registry.provider(&slug("acme")).unwrap();
    let service = IntegrationsService::new(ServiceParts {
        store: store.clone(),
        cipher: cipher(),
        registry,
        clock: Arc::clone(clock),
        entropy: Arc::<NoJitter>::clone(entropy),
        recorder: Arc::<Recording>::clone(recorder),
        settings: ServiceSettings::new(Url::parse("http://localhost:8080").unwrap()),
    });
    (service, acme_platform)
}
