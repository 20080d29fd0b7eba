#![doc = include_str!("../README.md")]

mod cache;
mod callback;
mod completion;
mod connect;
mod credentials;
mod disconnect;
mod error;
mod failed_refresh;
mod finish;
mod giving_up;
mod housekeeping;
mod key_check;
mod pasted;
mod read;
mod redirects;
mod refresh;
mod retry;
mod service;
mod session_checks;
mod settings;
mod status;
mod users;
mod vault;

pub use callback::{CallbackEnd, CallbackOutcome, CallbackParams};
pub use completion::ReachedAccount;
pub use connect::{ConnectRequest, StartedFlow};
pub use credentials::{Caller, Issued, KeyScope, LONGEST_SESSION_SECONDS, StartedSession};
pub use disconnect::Disconnected;
pub use error::{FieldFault, ServiceError};
pub use finish::{FinishRequest, FlowState};
pub use key_check::{KeyTrouble, check_key};
pub use pasted::CredentialForm;
pub use read::IssuedToken;
pub use redirects::{AllowedRedirects, InvalidRedirect, is_loopback};
pub use service::{IntegrationsService, ServiceParts};
pub use settings::ServiceSettings;
pub use status::{Integration, IntegrationList};
pub use users::UserRef;

pub use evergrant_adapters::{Capabilities, CredentialField, ProviderKind, ProviderSpec, ScopeSpec};
pub use evergrant_store::{FlowStatus, NewUser, User};
