//! A proxy for profile pictures, with signed URLs.
//!
//! The signature prevents callers from making Evergrant fetch arbitrary URLs. The proxy hides
//! the viewer's IP address from the platform. A signed address contains the platform's address of
//! the picture and a signature under the encryption key, so it is the same on every replica and
//! changes only if the platform changes the picture's URL or the operator the key.

use std::sync::Arc;
use std::time::Duration;

use evergrant_adapters::Picture;
use evergrant_encryption::TokenCipher;
use evergrant_encryption::digest::{base64url, decode_base64url};
use evergrant_model::{Call, ErrorCode, ProviderSlug};
use moka::future::Cache;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::ServiceError;
use crate::error::{code_of, sentence_for};
use crate::providers::Providers;
use crate::public_url::PublicUrl;

/// The maximum size of the cache, in bytes.
const CACHE_BYTES: u64 = 32 << 20;
/// The lifetime of a cached picture.
const CACHE_TTL: Duration = Duration::from_hours(1);
/// The maximum number of pictures fetched concurrently.
const MAX_FETCHES: usize = 16;
/// The prefix of the signed text, which separates these signatures from others under the same key.
const PURPOSE: &str = "picture";

/// Signs the URLs of profile pictures, and fetches and caches the pictures.
pub struct Avatars {
    cipher: Arc<TokenCipher>,
    providers: Providers,
    public_url: PublicUrl,
    cache: Cache<String, Arc<Picture>>,
    fetches: Semaphore,
}

impl Avatars {
    /// Creates the proxy of an Evergrant at `public_url`.
    pub(crate) fn new(
        cipher: Arc<TokenCipher>,
        providers: Providers,
        public_url: PublicUrl,
    ) -> Self {
        let weight = |_: &String, picture: &Arc<Picture>| {
            u32::try_from(picture.bytes.len()).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder().weigher(weight).max_capacity(CACHE_BYTES);
        let cache = cache.time_to_live(CACHE_TTL).build();
        Self {
            cipher,
            providers,
            public_url,
            cache,
            fetches: Semaphore::new(MAX_FETCHES),
        }
    }

    /// Returns the signed URL of an account's picture; `None` if the metadata names none.
    #[must_use]
    pub fn address(&self, provider: &ProviderSlug, metadata: &Value) -> Option<String> {
        let target = format!("{provider} {}", metadata.get("avatar_url")?.as_str()?);
        let signature = self.cipher.sign(&signed_text(&target));
        let path = format!("/images/{signature}/{}", base64url(target));
        Some(self.public_url.join(&path))
    }

    /// Returns the picture at a signed URL, from the cache for up to an hour.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` if the signature is invalid; otherwise the code of the failed request.
    #[tracing::instrument(
        name = "fetch_avatar", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn fetch(
        &self,
        call: &Call,
        signature: &str,
        target: &str,
    ) -> Result<Arc<Picture>, ServiceError> {
        let target = decode_base64url(target)
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(not_found)?;
        if !self.cipher.is_signed(&signed_text(&target), signature) {
            return Err(not_found());
        }
        let fetched = self
            .cache
            .try_get_with(target.clone(), self.fetch_uncached(&target))
            .await;
        fetched.map_err(Arc::unwrap_or_clone)
    }

    /// Fetches the picture of `target`, a provider's slug and a URL separated by a space.
    async fn fetch_uncached(&self, target: &str) -> Result<Arc<Picture>, ServiceError> {
        let (provider, address) = target.split_once(' ').ok_or_else(not_found)?;
        let slug = ProviderSlug::new(provider).map_err(|_| not_found())?;
        let permit = self.fetches.acquire().await;
        let _permit = permit.map_err(|error| ServiceError::overloaded().caused_by(error))?;
        let picture = self.providers.registry().picture(&slug, address).await;
        picture.map(Arc::new).map_err(|error| {
            let code = code_of(&error);
            ServiceError::new(code, sentence_for(code, provider)).caused_by(error)
        })
    }
}

fn signed_text(target: &str) -> String {
    format!("{PURPOSE} {target}")
}

fn not_found() -> ServiceError {
    ServiceError::new(ErrorCode::NotFound, "No picture was found at this address.")
}
