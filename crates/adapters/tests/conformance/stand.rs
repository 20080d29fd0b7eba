//! Where a check happens: a simulator of its own on loopback, the platform's adapter, and one clock
//! for both.

use std::collections::BTreeMap;
use std::sync::Arc;

use evergrant_adapters::{
    AdapterError, AuthorizationRequest, CodeExchange, CredentialError, HeldTokens, HttpClient,
    NetworkPolicy, PlatformAdapter, ProviderKind, ProviderSpec, Registry, parse_providers,
};
use evergrant_model::{
    AccessToken, AccountInfo, AuthorizationCode, FlowState, ManualClock, PkceVerifier,
    ProviderSlug, ScopeSet, SeededEntropy, Timestamp, TokenSet,
};
use evergrant_sandbox::{ClientKind, Sandbox, SandboxOptions, Session, Switch, dev_settings};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use url::Url;

use crate::entry::Entry;
use crate::front::Front;
use crate::verdict::{Verdict, ensure, works};

/// 1 January 2026.
const START_S: i64 = 1_767_225_600;
/// On loopback, where every platform lets an app be tried.
pub(crate) const CALLBACK: &str = "http://127.0.0.1:3000/api/v1/integrations/callback";
pub(crate) const STATE: &str = "st&te=0123456789-abcdefghijklmnopqrstuvwxyz";
const VERIFIER: &str = "evergrant-conformance-verifier-0123456789-abcdef";

/// Puts something around an adapter; the suite itself puts nothing.
pub(crate) type Wrap = fn(Arc<dyn PlatformAdapter>) -> Arc<dyn PlatformAdapter>;

/// A platform in one of the ways in which an operator may set it up.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) slug: ProviderSlug,
    /// The setting that is left out.
    pub(crate) without: Option<String>,
    /// What an operator writes for a simulator at this address; `None` for a platform of the
    /// catalogue.
    pub(crate) section: Option<fn(&str) -> String>,
    pub(crate) wrap: Wrap,
    /// What the adapter calls with.
    pub(crate) http: HttpClient,
    /// What the suite itself calls the simulator with.
    pub(crate) client: reqwest::Client,
}

impl Subject {
    /// What a failure calls it.
    pub(crate) fn label(&self) -> String {
        let without = self
            .without
            .as_ref()
            .map(|setting| format!(" without {setting}"));
        format!("{}{}", self.slug, without.unwrap_or_default())
    }
}

/// Somebody with an account at the platform, as the simulator lists them.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) account_id: String,
}

pub(crate) struct Stand {
    pub(crate) adapter: Arc<dyn PlatformAdapter>,
    pub(crate) sandbox: Sandbox,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) entry: Entry,
    pub(crate) front: Front,
    /// Where the simulator is.
    pub(crate) base: String,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) people: Vec<Person>,
    subject: Subject,
    server: AbortHandle,
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Stand {
    pub(crate) async fn new(subject: &Subject) -> Verdict<Self> {
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(START_S)));
        let (sandbox, base, front, server) = serve(clock.clone()).await;
        let mut settings: BTreeMap<String, String> = dev_settings(&base)
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        if let Some(setting) = &subject.without {
            ensure!(
                settings.remove(setting).is_some(),
                "the simulator does not set {setting}"
            );
        }
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
        let people = people(&subject.client, &base, &subject.slug).await;
        let subject = subject.clone();
        let stand = Self {
            adapter,
            sandbox,
            clock,
            entry,
            front,
            base,
            settings,
            people,
            subject,
            server,
        };
        let problem = stand.spec().problem.as_deref().unwrap_or_default();
        ensure!(
            problem.is_empty(),
            "the simulator's settings do not set it up: {problem}"
        );
        ensure!(
            !stand.people.is_empty(),
            "nobody at the simulator has an account there"
        );
        if stand.is_web_app() {
            works(
                "the switch",
                stand
                    .sandbox
                    .set(stand.slug(), Switch::ClientKind(ClientKind::Web)),
            )?;
        }
        Ok(stand)
    }

    /// Left without its setting for PKCE, the app is one on the web, which some platforms treat in
    /// another way.
    fn is_web_app(&self) -> bool {
        self.spec().kind == ProviderKind::OAuth2 && self.subject.without.is_some()
    }

    pub(crate) fn spec(&self) -> &ProviderSpec {
        self.adapter.spec()
    }

    pub(crate) fn slug(&self) -> &str {
        self.subject.slug.as_str()
    }

    /// The first person that the simulator lists.
    pub(crate) fn someone(&self) -> &Person {
        &self.people[0]
    }

    /// Our secret at the platform, wherever it is written.
    pub(crate) fn secret(&self) -> Verdict<&str> {
        let set = self
            .entry
            .secret_setting()
            .and_then(|setting| self.settings.get(setting));
        set.map(String::as_str)
            .or(self.entry.secret())
            .ok_or_else(|| "there is no secret".to_owned())
    }

    /// The same platform for an operator with another secret.
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

    /// How often the platform was called so far.
    pub(crate) fn calls(&self) -> u64 {
        self.sandbox.calls().total(self.slug())
    }

    /// The endpoints that were called, with how often.
    pub(crate) fn calls_by_endpoint(&self) -> BTreeMap<String, u64> {
        let calls = serde_json::to_value(self.sandbox.calls()).unwrap();
        serde_json::from_value(calls[self.slug()].clone()).unwrap()
    }

    pub(crate) fn wanted(&self) -> ScopeSet {
        self.spec().wanted_scopes(&ScopeSet::default()).unwrap()
    }

    /// The consent page's address for everything that the entry asks for.
    pub(crate) fn auth_url(&self) -> Verdict<String> {
        let (state, scopes, verifier) = (FlowState::new(STATE), self.wanted(), verifier());
        let request = AuthorizationRequest {
            redirect_uri: CALLBACK,
            state: &state,
            scopes: &scopes,
            verifier: Some(&verifier),
        };
        works(
            "the consent page's address",
            self.adapter.auth_url(&request),
        )
    }

    /// Where the person's browser goes after they consented, to `scopes` of what was asked for
    /// where that is given.
    pub(crate) fn callback(
        &self,
        auth_url: &str,
        person: &str,
        scopes: Option<&[&str]>,
    ) -> Verdict<Url> {
        let location = works("consent", self.sandbox.approve(auth_url, person, scopes))?;
        works("the callback's address", Url::parse(&location))
    }

    pub(crate) fn code(&self, person: &str) -> Verdict<AuthorizationCode> {
        self.code_for(&self.auth_url()?, person, None)
    }

    pub(crate) fn code_for(
        &self,
        auth_url: &str,
        person: &str,
        scopes: Option<&[&str]>,
    ) -> Verdict<AuthorizationCode> {
        code_in(&self.callback(auth_url, person, scopes)?)
    }

    pub(crate) async fn exchange(
        &self,
        code: &AuthorizationCode,
    ) -> Result<TokenSet, AdapterError> {
        self.exchange_by(&*self.adapter, code).await
    }

    pub(crate) async fn exchange_by(
        &self,
        adapter: &dyn PlatformAdapter,
        code: &AuthorizationCode,
    ) -> Result<TokenSet, AdapterError> {
        let verifier = verifier();
        let exchange = CodeExchange {
            code,
            redirect_uri: CALLBACK,
            verifier: Some(&verifier),
        };
        adapter.exchange_code_for_token(&exchange).await
    }

    pub(crate) async fn bought(&self, person: &str) -> Verdict<TokenSet> {
        works(
            "the code exchange",
            self.exchange(&self.code(person)?).await,
        )
    }

    /// What we hold of a person after they connected, in whichever way the platform has for that.
    pub(crate) async fn connected(&self, person: &str) -> Verdict<HeldTokens> {
        match self.spec().kind {
            ProviderKind::OAuth2 => self.bought(person).await.map(held),
            ProviderKind::Cookies => {
                let accepted = self
                    .adapter
                    .accept_credentials(&self.parts(&self.session(person)?))
                    .await;
                let access = Some(works("the session", accepted)?.session);
                Ok(HeldTokens {
                    access,
                    refresh: None,
                })
            }
        }
    }

    pub(crate) fn session(&self, person: &str) -> Verdict<Session> {
        works("signing in", self.sandbox.session(self.slug(), person))
    }

    /// A session filled into the form, each field by itself.
    pub(crate) fn parts(&self, session: &Session) -> BTreeMap<String, String> {
        let all: BTreeMap<String, String> =
            serde_json::from_value(serde_json::to_value(session).unwrap()).unwrap();
        let fields: Vec<&str> = self
            .adapter
            .credential_fields()
            .iter()
            .map(|field| field.name)
            .collect();
        all.into_iter()
            .filter(|(name, _)| fields.contains(&name.as_str()))
            .collect()
    }

    pub(crate) async fn accounts(
        &self,
        held: &HeldTokens,
    ) -> Result<Vec<AccountInfo>, AdapterError> {
        self.accounts_within(held, &self.wanted()).await
    }

    pub(crate) async fn accounts_within(
        &self,
        held: &HeldTokens,
        granted: &ScopeSet,
    ) -> Result<Vec<AccountInfo>, AdapterError> {
        self.adapter.user_profile(access(held), granted).await
    }

    /// The accounts of somebody who connects now.
    pub(crate) async fn accounts_of(&self, person: &str) -> Verdict<Vec<AccountInfo>> {
        let held = self.connected(person).await?;
        works("the profile", self.accounts(&held).await)
    }

    /// Lets a token become old enough to be renewed.
    pub(crate) fn ripen(&self) {
        self.clock
            .advance_seconds(self.spec().refresh_not_before_seconds);
    }

    /// Plays the person's withdrawal at the platform.
    pub(crate) fn withdraw(&self, person: &str) -> Verdict<usize> {
        works("withdrawing", self.sandbox.revoke_user(self.slug(), person))
    }
}

/// What is kept of an answer.
pub(crate) fn held(tokens: TokenSet) -> HeldTokens {
    HeldTokens {
        access: Some(tokens.access),
        refresh: tokens.refresh,
    }
}

/// What is held after a renewal: the platform leaves out what stays in force.
pub(crate) fn renewed(before: &HeldTokens, tokens: TokenSet) -> HeldTokens {
    HeldTokens {
        access: Some(tokens.access),
        refresh: tokens.refresh.or_else(|| before.refresh.clone()),
    }
}

pub(crate) fn access(held: &HeldTokens) -> &AccessToken {
    held.access.as_ref().unwrap()
}

pub(crate) fn verifier() -> PkceVerifier {
    PkceVerifier::new(VERIFIER)
}

/// A parameter of an address.
pub(crate) fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

pub(crate) fn code_in(callback: &Url) -> Verdict<AuthorizationCode> {
    query(callback, "code")
        .map(AuthorizationCode::new)
        .ok_or_else(|| "the callback brings no code".to_owned())
}

/// What is wrong with the fields, where the form was not accepted.
pub(crate) fn fields_refused<T: std::fmt::Debug>(
    what: &str,
    outcome: Result<T, CredentialError>,
) -> Verdict {
    match outcome {
        Err(CredentialError::Fields(_)) => Ok(()),
        other => Err(format!("{what} is not told to its owner, but is {other:?}")),
    }
}

async fn serve(clock: Arc<ManualClock>) -> (Sandbox, String, Front, AbortHandle) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let options = SandboxOptions {
        public_url: Some(base.clone()),
        redirect_uris: vec![CALLBACK.to_owned()],
        clock,
        entropy: Arc::new(SeededEntropy::new(7)),
        ..SandboxOptions::default()
    };
    let (sandbox, front) = (Sandbox::new(options).unwrap(), Front::default());
    let router = front.before(sandbox.router());
    let server = tokio::spawn(async move { axum::serve(listener, router).await }).abort_handle();
    (sandbox, base, front, server)
}

fn adapter(
    subject: &Subject,
    clock: &Arc<ManualClock>,
    settings: &BTreeMap<String, String>,
    section: &str,
) -> Arc<dyn PlatformAdapter> {
    let setting = |name: &str| settings.get(name).cloned();
    let (http, own) = (subject.http.clone(), parse_providers(section).unwrap());
    let registry =
        Registry::new(http, clock.clone(), &setting, own, NetworkPolicy::default()).unwrap();
    (subject.wrap)(registry.provider(&subject.slug).unwrap())
}

/// Who has an account at the platform, by the simulator's own list.
async fn people(client: &reqwest::Client, base: &str, slug: &ProviderSlug) -> Vec<Person> {
    let answer = client
        .get(format!("{base}/control/people"))
        .send()
        .await
        .unwrap();
    let listed: Value = answer.json().await.unwrap();
    let person = |person: &Value| {
        let account_id = person["accounts"][slug.as_str()]["id"].as_str()?.to_owned();
        Some(Person {
            name: person["person"].as_str()?.to_owned(),
            account_id,
        })
    };
    listed["people"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(person)
        .collect()
}
