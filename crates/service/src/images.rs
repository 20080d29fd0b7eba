//! Pictures at addresses of ours: signed, so that nobody can make us fetch what they please, and passed on, so that a
//! viewer's own address never reaches a platform.
//!
//! An address holds what it leads to, as the platform named it, and a signature under the encryption key. It is the same
//! on every replica and for as long as the platform names the same picture.

use std::sync::Arc;
use std::time::Duration;

use evergrant_adapters::Picture;
use evergrant_encryption::digest::{base64url, decode_base64url};
use evergrant_model::{ErrorCode, ProviderSlug};
use moka::future::Cache;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::ServiceError;
use crate::error::{code_of, sentence_for};
use crate::service::{Inner, IntegrationsService};

/// What is kept of pictures, in bytes,
const KEPT_BYTES: u64 = 32 << 20;
/// and for how long.
const KEPT_FOR: Duration = Duration::from_hours(1);
/// How many are fetched at once.
const MOST_AT_ONCE: usize = 16;
/// Tells these signatures from any others.
const PURPOSE: &str = "picture";

/// The pictures that were fetched lately.
pub(crate) struct Pictures {
    kept: Cache<String, Arc<Picture>>,
    places: Semaphore,
}

impl Default for Pictures {
    fn default() -> Self {
        let weigh = |_: &String, picture: &Arc<Picture>| u32::try_from(picture.bytes.len()).unwrap_or(u32::MAX);
        let kept = Cache::builder().weigher(weigh).max_capacity(KEPT_BYTES).time_to_live(KEPT_FOR).build();
        Self { kept, places: Semaphore::new(MOST_AT_ONCE) }
    }
}

impl Inner {
    /// Our address of the picture that a platform has for an account of this metadata.
    #[must_use]
    pub fn avatar_address(&self, provider: &str, metadata: &Value) -> Option<String> {
        let target = target(provider, metadata.get("avatar_url")?.as_str()?);
        let base = self.settings.public_url.as_str().trim_end_matches('/');
        let signature = self.cipher.sign(&signed(&target));
        Some(format!("{base}/images/{signature}/{}", base64url(target)))
    }
}

impl IntegrationsService {
    /// The picture at an address of ours, from memory for up to an hour.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` for an address that is none of ours; the platform's trouble otherwise.
    pub async fn picture(&self, signature: &str, target: &str) -> Result<Arc<Picture>, ServiceError> {
        let target = decode_base64url(target).and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(not_found)?;
        if !self.cipher.is_signed(&signed(&target), signature) {
            return Err(not_found());
        }
        let fetched = self.pictures.kept.try_get_with(target.clone(), self.fetch(&target)).await;
        fetched.map_err(|error| ServiceError::new(error.code(), error.detail()))
    }

    async fn fetch(&self, target: &str) -> Result<Arc<Picture>, ServiceError> {
        let (provider, address) = target.split_once(' ').ok_or_else(not_found)?;
        let slug = ProviderSlug::new(provider).map_err(|_| not_found())?;
        let _place = self.pictures.places.acquire().await.map_err(|_| ServiceError::overloaded())?;
        self.registry.picture(&slug, address).await.map(Arc::new).map_err(|error| {
            tracing::debug!(provider, error = &error as &dyn std::error::Error, "a picture was not to be had");
            let code = code_of(&error);
            ServiceError::new(code, sentence_for(code, provider))
        })
    }
}

/// What an address leads to.
fn target(provider: &str, address: &str) -> String {
    format!("{provider} {address}")
}

fn signed(target: &str) -> String {
    format!("{PURPOSE} {target}")
}

fn not_found() -> ServiceError {
    ServiceError::new(ErrorCode::NotFound, "There is no picture at this address.")
}
