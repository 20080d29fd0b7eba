//! What Evergrant's credential form keeps of a rejected attempt, so that the owner corrects it and
//! does not copy the session again.
//!
//! The page receives the session only encrypted, and bound to the state of its flow. Nothing is
//! stored.

use std::collections::BTreeMap;

use evergrant_adapters::{PlatformAdapter, Provider};
use evergrant_encryption::digest::{base64url, sha256};
use evergrant_model::FlowState;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::ServiceError;
use crate::tokens::encryption::TokenEncryption;

/// The field that can replace all others.
const PASTED: &str = "pasted";

/// What the owner submits with Evergrant's credential form.
#[derive(Clone, Default)]
pub struct SubmittedForm {
    /// The values by field name.
    pub values: BTreeMap<String, String>,
    /// [`KeptCredentials::sealed`] of the attempt before; `None` at the first one.
    pub kept: Option<String>,
}

/// The values that a rejected attempt leaves for the next one.
#[derive(Clone)]
pub struct KeptCredentials {
    /// The values, encrypted. They belong to one flow.
    pub sealed: String,
    /// The names of their fields.
    pub fields: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Content {
    state_hash: String,
    values: BTreeMap<String, String>,
}

impl Drop for Content {
    fn drop(&mut self) {
        self.values.values_mut().for_each(Zeroize::zeroize);
    }
}

/// Encrypts the values of an attempt; `None` if it has none.
pub(super) fn keep(
    encryption: &TokenEncryption,
    provider: &Provider,
    state: &FlowState,
    submitted: &SubmittedForm,
) -> Result<Option<KeptCredentials>, ServiceError> {
    let completed = complete(encryption, provider, state, submitted);
    let content = Content {
        state_hash: hash(state),
        values: provider.read_credentials(&completed),
    };
    if content.values.is_empty() {
        return Ok(None);
    }
    let Ok(text) = serde_json::to_string(&content).map(Zeroizing::new) else {
        return Ok(None);
    };
    Ok(Some(KeptCredentials {
        sealed: encryption.encrypt_text(&text)?.into_string(),
        fields: content.values.keys().cloned().collect(),
    }))
}

/// Adds the values of the attempt before to those that were submitted. A pasted text with another
/// value replaces all of them: it is another session.
pub(super) fn complete(
    encryption: &TokenEncryption,
    provider: &Provider,
    state: &FlowState,
    submitted: &SubmittedForm,
) -> BTreeMap<String, String> {
    let mut values = submitted.values.clone();
    let Some(kept) = submitted
        .kept
        .as_deref()
        .and_then(|sealed| open(encryption, sealed, state))
    else {
        return values;
    };
    let pasted = values.get(PASTED).cloned().unwrap_or_default();
    let pasted = provider.read_credentials(&BTreeMap::from([(PASTED.to_owned(), pasted)]));
    let differs =
        |(name, text): (&String, &String)| kept.values.get(name).is_some_and(|kept| kept != text);
    if pasted.iter().any(differs) {
        return values;
    }
    for (name, text) in &kept.values {
        let own = values.entry(name.clone()).or_default();
        if own.trim().is_empty() {
            own.clone_from(text);
        }
    }
    values
}

/// Decrypts the values of an attempt; `None` if the text is none of this flow.
fn open(encryption: &TokenEncryption, sealed: &str, state: &FlowState) -> Option<Content> {
    let text = encryption.decrypt_text(sealed)?;
    let content: Content = serde_json::from_str(&text).ok()?;
    (content.state_hash == hash(state)).then_some(content)
}

fn hash(state: &FlowState) -> String {
    base64url(sha256(state.expose()))
}
