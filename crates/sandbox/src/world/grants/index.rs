//! All active codes and grants, indexed by code and token.
//!
//! Only the SHA-256 of a token is stored. The simulator recognizes tokens but never repeats them,
//! so neither its memory nor its state file can leak one.

use std::collections::{BTreeMap, HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evergrant_model::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::grant::{Code, Grant, GrantFilter, GrantId, StoredToken, TokenKind};
use crate::faults::ConsentFault;

/// How long a rotated refresh token stays valid in the mode `rotate-grace`, in seconds.
const GRACE_SECONDS: i64 = 60;

/// All active codes and grants.
#[derive(Default)]
pub(crate) struct Grants {
    /// Unused authorization codes, by hash.
    pub(super) codes: HashMap<String, Code>,
    pub(super) active: BTreeMap<GrantId, Grant>,
    /// Grant and kind of each token, by hash.
    pub(super) index: HashMap<String, (GrantId, TokenKind)>,
    /// Grants of rotated refresh tokens that are no longer valid, by hash. Not persisted.
    consumed_refresh: HashMap<String, GrantId>,
    next_id: GrantId,
    /// Whether the grants changed since they were last saved.
    pub(super) changed: bool,
    /// Hashes of used codes, for platforms that distinguish used codes from unknown ones.
    pub(super) used_codes: HashSet<String>,
}

impl Grants {
    /// Restores the grants of a previous run that still have a valid token.
    pub(crate) fn restore(grants: Vec<Grant>, now: Timestamp) -> Self {
        let mut restored = Self::default();
        let has_valid_token = |grant: &Grant| {
            grant
                .access
                .iter()
                .chain(&grant.refresh)
                .any(|token| token.is_valid(now))
        };
        for grant in grants.into_iter().filter(has_valid_token) {
            let id = restored.next_id;
            let kinds = [
                (TokenKind::Access, &grant.access),
                (TokenKind::Refresh, &grant.refresh),
            ];
            for (kind, tokens) in kinds {
                restored.index.extend(
                    tokens
                        .iter()
                        .map(|token| (token.sha256.clone(), (id, kind))),
                );
            }
            restored.active.insert(id, grant);
            restored.next_id += 1;
        }
        restored
    }

    /// Returns the grants to save if anything changed since the last call.
    pub(crate) fn take_changes(&mut self) -> Option<Vec<&Grant>> {
        std::mem::take(&mut self.changed).then(|| self.active.values().collect())
    }

    /// Marks the grants as unsaved.
    pub(crate) fn mark_changed(&mut self) {
        self.changed = true;
    }

    /// Stores a code and discards expired ones.
    pub(crate) fn store_code(&mut self, code: &str, consent: Code, now: Timestamp) {
        self.codes.retain(|_, pending| now < pending.expires_at);
        self.codes.insert(sha256(code), consent);
    }

    /// Returns the consent behind an unused code.
    pub(crate) fn pending_code(&mut self, code: &str) -> Option<&mut Code> {
        self.codes.get_mut(&sha256(code))
    }

    /// Consumes a code and creates its grant. Returns `None` for an unknown or used code.
    pub(crate) fn redeem_code(&mut self, code: &str) -> Option<GrantId> {
        let code = self.codes.remove(&sha256(code))?;
        Some(self.create_from_code(code))
    }

    /// Creates the grant of a consumed code.
    pub(crate) fn create_from_code(&mut self, code: Code) -> GrantId {
        let grant = Grant::new(
            code.platform,
            code.client.to_owned(),
            code.person,
            code.consent_fault,
        );
        self.create(Grant {
            scopes: code.scopes,
            selection: code.selection,
            ..grant
        })
    }

    /// Stores a new grant.
    pub(crate) fn create(&mut self, grant: Grant) -> GrantId {
        let id = self.next_id;
        self.next_id += 1;
        self.active.insert(id, grant);
        self.changed = true;
        id
    }

    /// Returns the pending fault of a grant and clears it.
    pub(crate) fn take_pending_fault(&mut self, id: GrantId) -> ConsentFault {
        self.active
            .get_mut(&id)
            .map(|grant| std::mem::take(&mut grant.pending_fault))
            .unwrap_or_default()
    }

    /// Sets when the refresh tokens of a grant expire.
    pub(crate) fn set_refresh_expiry(&mut self, id: GrantId, expires_at: Timestamp) {
        if let Some(grant) = self.active.get_mut(&id) {
            grant.refresh_expires_at = Some(expires_at);
            self.changed = true;
        }
    }

    pub(crate) fn get(&self, id: GrantId) -> Option<&Grant> {
        self.active.get(&id)
    }

    /// Adds an access token and discards expired ones.
    pub(crate) fn add_access_token(
        &mut self,
        id: GrantId,
        token: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) {
        let Some(grant) = self.active.get_mut(&id) else {
            return;
        };
        Self::discard_expired(&mut self.index, &mut grant.access, now);
        let sha256 = sha256(token);
        grant
            .access
            .push(StoredToken::new(&sha256, Some(expires_at)));
        self.index.insert(sha256, (id, TokenKind::Access));
        self.changed = true;
    }

    /// Makes `token` the grant's refresh token. Earlier ones expire now, or in [`GRACE_SECONDS`] if
    /// `graceful`.
    pub(crate) fn replace_refresh_token(
        &mut self,
        id: GrantId,
        token: &str,
        graceful: bool,
        now: Timestamp,
    ) {
        let Some(grant) = self.active.get_mut(&id) else {
            return;
        };
        let expires_at = if graceful {
            now + SignedDuration::from_secs(GRACE_SECONDS)
        } else {
            now
        };
        for older in &mut grant.refresh {
            let earliest = older
                .expires_at
                .map_or(expires_at, |earlier| earlier.min(expires_at));
            older.expires_at = Some(earliest);
        }
        let expired = Self::discard_expired(&mut self.index, &mut grant.refresh, now);
        self.consumed_refresh
            .extend(expired.into_iter().map(|token| (token.sha256, id)));
        let sha256 = sha256(token);
        grant.refresh.push(StoredToken::new(&sha256, None));
        self.index.insert(sha256, (id, TokenKind::Refresh));
        self.changed = true;
    }

    /// Removes expired tokens from a grant and the index, and returns them.
    fn discard_expired(
        index: &mut HashMap<String, (GrantId, TokenKind)>,
        tokens: &mut Vec<StoredToken>,
        now: Timestamp,
    ) -> Vec<StoredToken> {
        let expired: Vec<_> = tokens
            .extract_if(.., |token| !token.is_valid(now))
            .collect();
        for token in &expired {
            index.remove(&token.sha256);
        }
        expired
    }

    /// Returns the grant of a valid token of this kind.
    pub(crate) fn find(
        &self,
        kind: TokenKind,
        token: &str,
        now: Timestamp,
    ) -> Option<(GrantId, &Grant)> {
        let sha256 = sha256(token);
        let (id, _) = self
            .index
            .get(&sha256)
            .filter(|(_, indexed)| *indexed == kind)?;
        let grant = self.active.get(id)?;
        let refresh_expired = kind == TokenKind::Refresh
            && grant
                .refresh_expires_at
                .is_some_and(|expires_at| now >= expires_at);
        let tokens = match kind {
            _ if refresh_expired => return None,
            TokenKind::Access => &grant.access,
            TokenKind::Refresh => &grant.refresh,
        };
        tokens
            .iter()
            .any(|token| token.sha256 == sha256 && token.is_valid(now))
            .then_some((*id, grant))
    }

    /// Returns the grant of a rotated refresh token that is no longer valid.
    pub(crate) fn consumed_refresh(&self, token: &str) -> Option<GrantId> {
        self.consumed_refresh.get(&sha256(token)).copied()
    }

    /// Returns the grant and kind of a token, valid or not.
    pub(crate) fn find_token(&self, token: &str) -> Option<(GrantId, TokenKind, &Grant)> {
        let (id, kind) = self.index.get(&sha256(token))?;
        self.active.get(id).map(|grant| (*id, *kind, grant))
    }

    /// Revokes a grant with all its tokens.
    pub(crate) fn revoke(&mut self, id: GrantId) {
        let Some(grant) = self.active.remove(&id) else {
            return;
        };
        for token in grant.access.iter().chain(&grant.refresh) {
            self.index.remove(&token.sha256);
        }
        self.consumed_refresh.retain(|_, grant| *grant != id);
        self.changed = true;
    }

    /// Revokes one access token; the grant stays valid.
    pub(crate) fn revoke_access_token(&mut self, id: GrantId, token: &str) {
        let sha256 = sha256(token);
        if let Some(grant) = self.active.get_mut(&id) {
            grant.access.retain(|stored| stored.sha256 != sha256);
            self.index.remove(&sha256);
            self.changed = true;
        }
    }

    /// Revokes every matching grant and returns how many there were.
    pub(crate) fn revoke_matching(&mut self, filter: &GrantFilter<'_>) -> usize {
        let ids: Vec<GrantId> = self
            .active
            .iter()
            .filter(|(_, grant)| filter.matches(&grant.platform, &grant.person, &grant.client))
            .map(|(id, _)| *id)
            .collect();
        for id in &ids {
            self.revoke(*id);
        }
        ids.len()
    }

    /// Discards the unused codes of matching grants.
    pub(crate) fn discard_codes(&mut self, filter: &GrantFilter<'_>) {
        self.codes
            .retain(|_, code| !filter.matches(code.platform, &code.person, code.client));
    }
}

/// Returns the SHA-256 of a code or token as base64url.
pub(super) fn sha256(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token))
}
