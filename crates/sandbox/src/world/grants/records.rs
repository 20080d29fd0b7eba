//! Token records for platforms that report why a token is invalid, distinguish used codes from
//! unknown ones, and have several kinds of access token.

use evergrant_model::Timestamp;

use super::grant::{
    Code, Grant, GrantFilter, GrantId, InvalidationReason, StoredToken, TokenDetails, TokenKind,
};
use super::index::{Grants, sha256};

/// The result of consuming a code that was presented at the token endpoint.
pub(crate) enum CodeLookup {
    Unused(Code),
    Consumed,
    Unknown,
}

/// What is known about an access token, valid or not.
pub(crate) struct TokenRecord<'a> {
    pub(crate) id: GrantId,
    pub(crate) grant: &'a Grant,
    /// Kind of the token; each platform defines its own values.
    pub(crate) kind: &'a str,
    pub(crate) issued_at: Timestamp,
    /// `None`: the token never expires.
    pub(crate) expires_at: Option<Timestamp>,
    /// `None`: the token is valid.
    pub(crate) invalid_reason: Option<InvalidationReason>,
}

impl Grants {
    /// Consumes a code. A second attempt returns [`CodeLookup::Consumed`], even if the first one
    /// failed after this step.
    pub(crate) fn take_code(&mut self, code: &str) -> CodeLookup {
        let sha256 = sha256(code);
        match self.codes.remove(&sha256) {
            Some(code) => {
                self.used_codes.insert(sha256);
                CodeLookup::Unused(code)
            }
            None if self.used_codes.contains(&sha256) => CodeLookup::Consumed,
            None => CodeLookup::Unknown,
        }
    }

    /// Adds an access token that stays known after it expires. For a token that is known already,
    /// replaces kind, issue time and expiry.
    pub(crate) fn record_token(
        &mut self,
        id: GrantId,
        token: &str,
        kind: &str,
        (issued_at, expires_at): (Timestamp, Option<Timestamp>),
    ) {
        let Some(grant) = self.active.get_mut(&id) else {
            return;
        };
        let sha256 = sha256(token);
        let details = Some(TokenDetails {
            kind: kind.to_owned(),
            issued_at,
        });
        grant.access.retain(|stored| stored.sha256 != sha256);
        grant.access.push(StoredToken {
            details,
            ..StoredToken::new(&sha256, expires_at)
        });
        self.index.insert(sha256, (id, TokenKind::Access));
        self.changed = true;
    }

    /// Returns what is known about a recorded access token.
    pub(crate) fn token_record(&self, token: &str, now: Timestamp) -> Option<TokenRecord<'_>> {
        let sha256 = sha256(token);
        let (id, _) = self
            .index
            .get(&sha256)
            .filter(|(_, kind)| *kind == TokenKind::Access)?;
        let grant = self.active.get(id)?;
        let stored = grant.access.iter().find(|stored| stored.sha256 == sha256)?;
        let TokenDetails { kind, issued_at } = stored.details.as_ref()?;
        let expired = (!stored.is_valid(now)).then_some(InvalidationReason::Expired);
        Some(TokenRecord {
            id: *id,
            grant,
            kind,
            issued_at: *issued_at,
            expires_at: stored.expires_at,
            invalid_reason: grant.invalid_reason.or(expired),
        })
    }

    /// Invalidates every matching grant for `reason` and discards the unused codes. With `None`,
    /// grants that are suspended for a checkpoint or a missing confirmation become valid again.
    /// Returns how many grants changed; grants that are invalid for good do not.
    pub(crate) fn invalidate_matching(
        &mut self,
        filter: &GrantFilter<'_>,
        reason: Option<InvalidationReason>,
    ) -> usize {
        let mut changed = 0;
        for grant in self.matching(filter) {
            let is_final = !matches!(
                grant.invalid_reason,
                None | Some(InvalidationReason::Checkpoint | InvalidationReason::Unconfirmed)
            );
            if !is_final && grant.invalid_reason != reason {
                grant.invalid_reason = reason;
                changed += 1;
            }
        }
        self.discard_codes(filter);
        self.changed = true;
        changed
    }

    /// Removes one scope from every matching grant and lists it as declined.
    pub(crate) fn revoke_scope(&mut self, filter: &GrantFilter<'_>, scope: &str) {
        for grant in self.matching(filter) {
            if grant.scopes.contains(scope) {
                grant.scopes = grant
                    .scopes
                    .iter()
                    .filter(|granted| *granted != scope)
                    .map(str::to_owned)
                    .collect();
                let declined = grant.selection.declined.iter().chain([scope]);
                grant.selection.declined = declined.map(str::to_owned).collect();
            }
        }
        self.changed = true;
    }

    fn matching(&mut self, filter: &GrantFilter<'_>) -> impl Iterator<Item = &mut Grant> {
        self.active
            .values_mut()
            .filter(move |grant| filter.matches(&grant.platform, &grant.person, &grant.client))
    }
}
