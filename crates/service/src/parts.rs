//! What the program hands to the service.

use std::sync::Arc;

use evergrant_adapters::Registry;
use evergrant_encryption::TokenCipher;
use evergrant_model::{Clock, Entropy};
use evergrant_store::Store;

use crate::outcome::Recorder;
use crate::settings::ServiceSettings;

/// What the service is made of.
pub struct ServiceParts {
    /// The database.
    pub store: Store,
    /// Encrypts and decrypts tokens.
    pub cipher: TokenCipher,
    /// The platforms.
    pub registry: Registry,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Receives every outcome.
    pub recorder: Arc<dyn Recorder>,
    /// The operator's settings.
    pub settings: ServiceSettings,
}
