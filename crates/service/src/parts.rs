//! The dependencies that the program passes to the service.

use std::sync::Arc;

use evergrant_adapters::Registry;
use evergrant_encryption::TokenCipher;
use evergrant_model::{Clock, Entropy};
use evergrant_store::Store;

use crate::outcome::Recorder;
use crate::settings::ServiceSettings;

/// The dependencies of the service.
pub struct ServiceParts {
    /// The database.
    pub store: Store,
    /// Encrypts and decrypts tokens.
    pub cipher: TokenCipher,
    /// The supported platforms.
    pub registry: Registry,
    /// The source of the current time.
    pub clock: Arc<dyn Clock>,
    /// The source of randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Receives every outcome.
    pub recorder: Arc<dyn Recorder>,
    /// The operator's settings.
    pub settings: ServiceSettings,
}
