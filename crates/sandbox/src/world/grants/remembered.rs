//! Grants of platforms that remember: they say why a token no longer works, tell a used code from
//! an unknown one, and have several kinds of access token.

use evergrant_model::Timestamp;

use super::grant::{About, Code, Ending, Grant, GrantId, Held, TokenKind};
use super::index::{Grants, sha256};

/// Which grants are meant.
pub(crate) struct Whose<'a> {
    pub(crate) platform: &'a str,
    pub(crate) person: &'a str,
    /// `None`: those of every app.
    pub(crate) client: Option<&'a str>,
}

impl Whose<'_> {
    fn is(&self, platform: &str, person: &str, client: &str) -> bool {
        self.platform == platform
            && self.person == person
            && self.client.is_none_or(|only| only == client)
    }
}

/// A code, as it came to the token endpoint.
pub(crate) enum Presented {
    Fresh(Code),
    Spent,
    Unknown,
}

/// A token of a known grant, working or not.
pub(crate) struct Remembered<'a> {
    pub(crate) id: GrantId,
    pub(crate) grant: &'a Grant,
    /// In the platform's own words.
    pub(crate) kind: &'a str,
    pub(crate) issued_at: Timestamp,
    /// `None`: it has no end of its own.
    pub(crate) expires_at: Option<Timestamp>,
    /// `None`: it works.
    pub(crate) ending: Option<Ending>,
}

impl Grants {
    /// Takes the code away, whatever becomes of it.
    pub(crate) fn take_code(&mut self, code: &str) -> Presented {
        let sha256 = sha256(code);
        match self.codes.remove(&sha256) {
            Some(code) => {
                self.used_codes.insert(sha256);
                Presented::Fresh(code)
            }
            None if self.used_codes.contains(&sha256) => Presented::Spent,
            None => Presented::Unknown,
        }
    }

    /// Opens the grant that a taken code stands for.
    pub(crate) fn open_taken(&mut self, code: Code) -> GrantId {
        self.open_for(code)
    }

    /// Adds an access token that is remembered past its end. One that is known already gets a new
    /// end.
    pub(crate) fn remember(
        &mut self,
        id: GrantId,
        token: &str,
        kind: &str,
        (issued_at, expires_at): (Timestamp, Option<Timestamp>),
    ) {
        let Some(grant) = self.live.get_mut(&id) else {
            return;
        };
        let sha256 = sha256(token);
        let about = Some(About {
            kind: kind.to_owned(),
            issued_at,
        });
        grant.access.retain(|held| held.sha256 != sha256);
        grant.access.push(Held {
            about,
            ..Held::new(&sha256, expires_at)
        });
        self.index.insert(sha256, (id, TokenKind::Access));
        self.changed = true;
    }

    /// What is known of an access token.
    pub(crate) fn recall(&self, token: &str, now: Timestamp) -> Option<Remembered<'_>> {
        let sha256 = sha256(token);
        let (id, _) = self
            .index
            .get(&sha256)
            .filter(|(_, kind)| *kind == TokenKind::Access)?;
        let grant = self.live.get(id)?;
        let held = grant.access.iter().find(|held| held.sha256 == sha256)?;
        let About { kind, issued_at } = held.about.as_ref()?;
        let expired = (!held.works(now)).then_some(Ending::Expired);
        let ending = grant.ended.or(expired);
        Some(Remembered {
            id: *id,
            grant,
            kind,
            issued_at: *issued_at,
            expires_at: held.expires_at,
            ending,
        })
    }

    /// Ends every grant of theirs, remembering why, and tells how many had not ended before. `None`
    /// takes them up again where the person themselves is allowed to: those that were merely
    /// suspended.
    pub(crate) fn close_all_of(&mut self, whose: &Whose<'_>, ending: Option<Ending>) -> usize {
        let mut changed = 0;
        for grant in self
            .live
            .values_mut()
            .filter(|grant| whose.is(&grant.platform, &grant.person, &grant.client))
        {
            let is_over = !matches!(
                grant.ended,
                None | Some(Ending::Checkpoint | Ending::Unconfirmed)
            );
            if !is_over && grant.ended != ending {
                grant.ended = ending;
                changed += 1;
            }
        }
        self.codes
            .retain(|_, code| !whose.is(code.platform, &code.person, code.client));
        self.changed = true;
        changed
    }

    /// Takes one permission back from every grant of theirs.
    pub(crate) fn withdraw_scope(&mut self, whose: &Whose<'_>, scope: &str) {
        for grant in self
            .live
            .values_mut()
            .filter(|grant| whose.is(&grant.platform, &grant.person, &grant.client))
        {
            if grant.scopes.contains(scope) {
                grant.scopes = grant
                    .scopes
                    .iter()
                    .filter(|held| *held != scope)
                    .map(str::to_owned)
                    .collect();
                let declined = grant.selection.declined.iter().chain([scope]);
                grant.selection.declined = declined.map(str::to_owned).collect();
            }
        }
        self.changed = true;
    }
}
