#![doc = include_str!("../README.md")]

mod access;
mod aged_cache;
mod assembly;
mod authorization;
mod base;
mod cache;
mod call_rates;
mod connections;
mod database;
mod error;
mod events;
mod failure_log;
mod health;
mod identifiers;
mod jobs;
mod key_check;
mod log_recorder;
mod outcome;
mod parts;
mod process;
mod provider_blocks;
mod providers;
mod public_url;
mod refresh;
mod service;
mod settings;
mod tasks;
mod tokens;

pub use access::api_keys::ApiKeys;
pub use access::authenticator::Authenticator;
pub use access::caller::{Caller, KeyScope};
pub use access::console_session::{
    CONSOLE_SESSION_TTL, ConsoleSessions, PORTAL_LINK_TTL, Presence, SignedIn, csrf_token,
};
pub use access::credential_text::Issued;
pub use access::sessions::{MAX_SESSION_TTL, Sessions, StartedSession};
pub use access::users::{UserRef, Users};
pub use authorization::authorizations::Authorizations;
pub use authorization::finish::FinishRequest;
pub use authorization::kept_credentials::{KeptCredentials, SubmittedForm};
pub use authorization::outcome::{
    CallbackOutcome, CallbackParams, CallbackResult, ErrorDetails, FailedCallback, FlowProgress,
    ReachedAccount,
};
pub use authorization::redirect_allowlist::{
    AllowedRedirects, InvalidRedirect, without_credentials,
};
pub use authorization::session_credentials::CredentialForm;
pub use authorization::start::{ConnectRequest, StartedFlow};
pub use connections::avatars::Avatars;
pub use connections::disconnect::Disconnected;
pub use connections::list::{ConnectionList, Integration, IntegrationList};
pub use error::{FieldFault, ServiceError, SignedInAccount};
pub use events::user_events::{UserEvent, UserEventStreams, UserEvents};
pub use health::{ClockState, DatabaseFile, DatabaseReads, Health, JournalState, Stage};
pub use jobs::job::{JobName, Progress};
pub use key_check::{KeyCheckError, check_key};
pub use log_recorder::LogRecorder;
pub use outcome::{Outcome, Recorder};
pub use parts::ServiceParts;
pub use process::Process;
pub use providers::Providers;
pub use public_url::{InvalidPublicUrl, PublicUrl, is_loopback};
pub use service::IntegrationsService;
pub use settings::ServiceSettings;
pub use tokens::access_token::IssuedToken;
pub use tokens::report_rejected::{RejectedTokens, Report, ReportOutcome};

pub use evergrant_adapters::Picture;
pub use evergrant_adapters::{
    Capabilities, CredentialField, FORM_TEXTS, ProviderSpec, ScopeSpec, SessionSite, either, fill,
};
pub use evergrant_encryption::digest::constant_time_eq;
pub use evergrant_store::{FlowStatus, NewUser, User};
