//! Every live code and grant, found by what was given out for it.
//!
//! Tokens are known by their SHA-256 alone: a simulator has to recognise them, never to repeat
//! them, so neither its memory nor its state file can leak one.

use std::collections::{BTreeMap, HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evergrant_model::Timestamp;
use sha2::{Digest, Sha256};

use super::grant::{Code, Grant, GrantId, Held, TokenKind};
use crate::faults::Misbehaviour;

/// How long a rotated refresh token still works where rotation is graceful.
const GRACE_S: i64 = 60;

/// Every live code and grant.
#[derive(Default)]
pub(crate) struct Grants {
    pub(super) codes: HashMap<String, Code>,
    pub(super) live: BTreeMap<GrantId, Grant>,
    /// The grant and kind of each token, by hash.
    pub(super) index: HashMap<String, (GrantId, TokenKind)>,
    /// The grants of rotated refresh tokens that have ended, by hash; a restart forgets them.
    spent: HashMap<String, GrantId>,
    next: GrantId,
    pub(super) changed: bool,
    /// The codes that were used, by hash, at a platform that tells them from unknown ones.
    pub(super) used_codes: HashSet<String>,
}

impl Grants {
    /// Takes up those grants of an earlier run that still have a working token.
    pub(crate) fn restore(grants: Vec<Grant>, now: Timestamp) -> Self {
        let mut restored = Self::default();
        let lives = |grant: &Grant| {
            grant
                .access
                .iter()
                .chain(&grant.refresh)
                .any(|token| token.works(now))
        };
        for grant in grants.into_iter().filter(lives) {
            let id = restored.next;
            let kinds = [
                (TokenKind::Access, &grant.access),
                (TokenKind::Refresh, &grant.refresh),
            ];
            for (kind, held) in kinds {
                restored
                    .index
                    .extend(held.iter().map(|token| (token.sha256.clone(), (id, kind))));
            }
            restored.live.insert(id, grant);
            restored.next += 1;
        }
        restored
    }

    /// The grants to write down, if anything changed since the last call.
    pub(crate) fn take_changes(&mut self) -> Option<Vec<&Grant>> {
        std::mem::take(&mut self.changed).then(|| self.live.values().collect())
    }

    /// Says that the last changes were not written down after all.
    pub(crate) fn mark_changed(&mut self) {
        self.changed = true;
    }

    pub(crate) fn put_code(&mut self, code: &str, content: Code, now: Timestamp) {
        self.codes.retain(|_, waiting| now < waiting.expires_at);
        self.codes.insert(sha256(code), content);
    }

    /// The code, still unused.
    pub(crate) fn code(&mut self, code: &str) -> Option<&mut Code> {
        self.codes.get_mut(&sha256(code))
    }

    /// Uses the code up, and opens the grant that it stands for.
    pub(crate) fn redeem(&mut self, code: &str) -> Option<GrantId> {
        let code = self.codes.remove(&sha256(code))?;
        Some(self.open_for(code))
    }

    /// Takes up the grant that a code stands for.
    pub(super) fn open_for(&mut self, code: Code) -> GrantId {
        let grant = Grant::new(
            code.platform,
            code.client.to_owned(),
            code.person,
            code.misbehaviour,
        );
        self.open(Grant {
            scopes: code.scopes,
            selection: code.selection,
            ..grant
        })
    }

    /// Takes up a new grant, which has no tokens yet.
    pub(crate) fn open(&mut self, grant: Grant) -> GrantId {
        let id = self.next;
        self.next += 1;
        self.live.insert(id, grant);
        self.changed = true;
        id
    }

    /// What is to go wrong with this grant now; it is forgotten with the asking.
    pub(crate) fn take_trouble(&mut self, id: GrantId) -> Misbehaviour {
        self.live
            .get_mut(&id)
            .map(|grant| std::mem::take(&mut grant.trouble))
            .unwrap_or_default()
    }

    /// Lets every refresh token of the grant end at `end` at the latest.
    pub(crate) fn end_refresh_at(&mut self, id: GrantId, end: Timestamp) {
        if let Some(grant) = self.live.get_mut(&id) {
            grant.refresh_ends_at = Some(end);
            self.changed = true;
        }
    }

    pub(crate) fn get(&self, id: GrantId) -> Option<&Grant> {
        self.live.get(&id)
    }

    /// Adds an access token, and forgets those that have ended.
    pub(crate) fn add_access(
        &mut self,
        id: GrantId,
        token: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) {
        let Some(grant) = self.live.get_mut(&id) else {
            return;
        };
        Self::forget_ended(&mut self.index, &mut grant.access, now);
        let sha256 = sha256(token);
        grant.access.push(Held::new(&sha256, Some(expires_at)));
        self.index.insert(sha256, (id, TokenKind::Access));
        self.changed = true;
    }

    /// Makes `token` the grant's refresh token. Those before it end now, or in a minute where
    /// `graceful`.
    pub(crate) fn replace_refresh(
        &mut self,
        id: GrantId,
        token: &str,
        graceful: bool,
        now: Timestamp,
    ) {
        let Some(grant) = self.live.get_mut(&id) else {
            return;
        };
        let end = if graceful {
            now.plus_seconds(GRACE_S)
        } else {
            now
        };
        for older in &mut grant.refresh {
            older.expires_at = Some(older.expires_at.map_or(end, |earlier| earlier.min(end)));
        }
        let ended = Self::forget_ended(&mut self.index, &mut grant.refresh, now);
        self.spent
            .extend(ended.into_iter().map(|token| (token.sha256, id)));
        let sha256 = sha256(token);
        grant.refresh.push(Held::new(&sha256, None));
        self.index.insert(sha256, (id, TokenKind::Refresh));
        self.changed = true;
    }

    fn forget_ended(
        index: &mut HashMap<String, (GrantId, TokenKind)>,
        tokens: &mut Vec<Held>,
        now: Timestamp,
    ) -> Vec<Held> {
        let ended: Vec<_> = tokens.extract_if(.., |token| !token.works(now)).collect();
        for token in &ended {
            index.remove(&token.sha256);
        }
        ended
    }

    /// The grant that a working token of this kind belongs to.
    pub(crate) fn find(
        &self,
        kind: TokenKind,
        token: &str,
        now: Timestamp,
    ) -> Option<(GrantId, &Grant)> {
        let sha256 = sha256(token);
        let (id, _) = self.index.get(&sha256).filter(|(_, held)| *held == kind)?;
        let grant = self.live.get(id)?;
        let has_ended =
            kind == TokenKind::Refresh && grant.refresh_ends_at.is_some_and(|end| now >= end);
        let held = match kind {
            _ if has_ended => return None,
            TokenKind::Access => &grant.access,
            TokenKind::Refresh => &grant.refresh,
        };
        held.iter()
            .any(|token| token.sha256 == sha256 && token.works(now))
            .then_some((*id, grant))
    }

    /// The grant of a refresh token that was rotated and has ended.
    pub(crate) fn spent(&self, token: &str) -> Option<GrantId> {
        self.spent.get(&sha256(token)).copied()
    }

    /// The grant and kind of a token, working or not.
    pub(crate) fn trace(&self, token: &str) -> Option<(GrantId, TokenKind, &Grant)> {
        let (id, kind) = self.index.get(&sha256(token))?;
        self.live.get(id).map(|grant| (*id, *kind, grant))
    }

    /// Ends a grant with all its tokens.
    pub(crate) fn end(&mut self, id: GrantId) {
        let Some(grant) = self.live.remove(&id) else {
            return;
        };
        for token in grant.access.iter().chain(&grant.refresh) {
            self.index.remove(&token.sha256);
        }
        self.spent.retain(|_, grant| *grant != id);
        self.changed = true;
    }

    /// Ends one access token, and nothing else.
    pub(crate) fn end_access(&mut self, id: GrantId, token: &str) {
        let sha256 = sha256(token);
        if let Some(grant) = self.live.get_mut(&id) {
            grant.access.retain(|held| held.sha256 != sha256);
            self.index.remove(&sha256);
            self.changed = true;
        }
    }

    /// Ends every grant of a person at a platform to one client.
    pub(crate) fn end_all_for(&mut self, platform: &str, person: &str, client: &str) {
        let meant = |grant: &Grant| {
            grant.platform == platform && grant.person == person && grant.client == client
        };
        let ids: Vec<GrantId> = self
            .live
            .iter()
            .filter(|(_, grant)| meant(grant))
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            self.end(id);
        }
    }

    /// Ends every grant of a person at a platform, and tells how many there were.
    pub(crate) fn end_all_of(&mut self, platform: &str, person: &str) -> usize {
        let theirs = |grant: &Grant| grant.platform == platform && grant.person == person;
        let ids: Vec<GrantId> = self
            .live
            .iter()
            .filter(|(_, grant)| theirs(grant))
            .map(|(id, _)| *id)
            .collect();
        for id in &ids {
            self.end(*id);
        }
        self.codes
            .retain(|_, code| code.platform != platform || code.person != person);
        ids.len()
    }
}

pub(super) fn sha256(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token))
}
