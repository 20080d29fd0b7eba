//! Users, and the credentials of users and of the host application.

pub(crate) mod api_keys;
pub(crate) mod key_checks;
pub(crate) mod portal_links;
pub(crate) mod sessions;
pub(crate) mod user_ids;
pub(crate) mod users;

pub use api_keys::{ApiKey, ApiKeyRepository, NewApiKey};
pub use key_checks::{KeyCheck, KeyCheckRepository};
pub use portal_links::{NewPortalLink, PortalLink};
pub use sessions::{NewSession, Session, SessionRepository};
pub use users::{CreatedUser, NewUser, User, UserRepository};
