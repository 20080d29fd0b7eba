//! A pasted session: which fields it has, what is wrong with them, and how it is kept.

use std::collections::BTreeMap;

use evergrant_model::{AccessToken, AccountInfo, ProviderAccountId};
use zeroize::{Zeroize, Zeroizing};

use super::paste::Pasted;
use crate::{AcceptedCredentials, AdapterError, CredentialFault, CredentialField, ErrorClass};

pub(crate) const AUTH_ID: &str = "auth_id";
pub(crate) const USER_AGENT: &str = "user_agent";
pub(crate) const X_BC: &str = "x_bc";
const SESS: &str = "sess";
const AUTH_UID: &str = "auth_uid_";
const PASTED: &str = "pasted";

/// The most of a text that is read.
const LONGEST_BYTES: usize = 8 * 1024;

/// The form: one text with everything in it, or each part by itself.
pub(crate) const FIELDS: &[CredentialField] = &[
    CredentialField {
        name: PASTED,
        label: "Copied request",
        secret: true,
        required: false,
        help: "In the browser's network tools, choose \"Copy as cURL\" on any request to the site and paste it here.",
    },
    part(SESS, "sess", true, true, "The cookie of that name."),
    part(
        AUTH_ID,
        "auth_id",
        false,
        true,
        "The cookie of that name: your account's number.",
    ),
    part(
        USER_AGENT,
        "User-Agent",
        false,
        true,
        "The header of that name; the session is tied to the browser.",
    ),
    part(X_BC, "x-bc", true, true, "The header of that name."),
    part(
        AUTH_UID,
        "auth_uid_",
        true,
        false,
        "The cookie of that name, if there is one.",
    ),
];

const fn part(
    name: &'static str,
    label: &'static str,
    secret: bool,
    required: bool,
    help: &'static str,
) -> CredentialField {
    CredentialField {
        name,
        label,
        secret,
        required,
        help,
    }
}

/// The parts of a session, each fit for a header. Wiped on drop.
pub(crate) struct Session {
    parts: BTreeMap<String, String>,
    given_in: &'static str,
}

impl Session {
    /// What the owner filled in: the parts by themselves win over the pasted text.
    pub(crate) fn read(values: &BTreeMap<String, String>) -> Result<Self, Vec<CredentialFault>> {
        let value = |name: &str| {
            values
                .get(name)
                .map(|text| text.trim())
                .filter(|text| !text.is_empty())
        };
        let text = value(PASTED);
        if text.is_some_and(|text| text.len() > LONGEST_BYTES) {
            return Err(vec![CredentialFault::new(
                PASTED,
                "This is longer than 8 KB. Copy a single request.",
            )]);
        }
        let pasted = text.map(Pasted::read);
        let mut session = Self {
            parts: BTreeMap::new(),
            given_in: if text.is_some() { PASTED } else { SESS },
        };
        let mut faults = Vec::new();
        for field in FIELDS.iter().filter(|field| field.name != PASTED) {
            let found = value(field.name)
                .map(|text| (field.name, text))
                .or_else(|| Some((PASTED, part_of(pasted.as_ref()?, field.name)?.trim())));
            match found.filter(|(_, text)| !text.is_empty()) {
                Some((place, text)) => match objection(field, text) {
                    Some(message) => faults.push(CredentialFault::new(place, message)),
                    None => drop(session.parts.insert(field.name.to_owned(), text.to_owned())),
                },
                None if field.required => faults.push(missing(field, text.is_some())),
                None => {}
            }
        }
        if faults.is_empty() {
            Ok(session)
        } else {
            Err(faults)
        }
    }

    /// What [`Session::accepted`] made for the store.
    pub(crate) fn stored(text: &AccessToken) -> Result<Self, AdapterError> {
        let parts = serde_json::from_str(text.expose());
        let unlike = |_| {
            AdapterError::unsent(
                ErrorClass::BadRequest,
                "the stored session is not one of ours",
            )
        };
        parts
            .map(|parts| Self {
                parts,
                given_in: PASTED,
            })
            .map_err(unlike)
    }

    /// The part of this name; empty where there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.parts.get(name).map_or("", String::as_str)
    }

    /// The field that a fault of the whole is told at.
    pub(crate) fn given_in(&self) -> &'static str {
        self.given_in
    }

    /// The `Cookie` header.
    pub(crate) fn cookies(&self) -> Zeroizing<String> {
        let mut line = Zeroizing::new(String::new());
        for name in [SESS, AUTH_ID, AUTH_UID] {
            if let Some(value) = self.parts.get(name) {
                let divider = if line.is_empty() { "" } else { "; " };
                for piece in [divider, name, "=", value] {
                    line.push_str(piece);
                }
            }
        }
        line
    }

    /// All that is known of the account without the platform: its number.
    pub(crate) fn account(&self) -> Result<AccountInfo, AdapterError> {
        let id = ProviderAccountId::new(self.get(AUTH_ID)).map_err(|_| {
            AdapterError::unsent(
                ErrorClass::BadRequest,
                "the stored session names no account",
            )
        })?;
        Ok(AccountInfo {
            id,
            username: None,
            display_name: None,
            avatar_url: None,
            metadata: serde_json::Map::new(),
        })
    }

    /// The session as it is stored, of the account that the platform confirmed.
    pub(crate) fn accepted(
        &self,
        confirmed: Option<AccountInfo>,
    ) -> Result<AcceptedCredentials, AdapterError> {
        let unfit =
            |_| AdapterError::unsent(ErrorClass::BadRequest, "the session cannot be stored");
        let text = serde_json::to_string(&self.parts).map_err(unfit)?;
        let verified = confirmed.is_some();
        let account = confirmed.map_or_else(|| self.account(), Ok)?;
        Ok(AcceptedCredentials {
            session: AccessToken::new(text),
            account,
            verified,
        })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.parts.values_mut().for_each(Zeroize::zeroize);
    }
}

fn part_of<'p>(pasted: &'p Pasted, name: &str) -> Option<&'p str> {
    match name {
        USER_AGENT => pasted.header("user-agent"),
        X_BC => pasted.header("x-bc"),
        AUTH_UID => pasted.cookie_beginning(AUTH_UID),
        name => pasted.cookie(name),
    }
}

fn missing(field: &CredentialField, from_pasted: bool) -> CredentialFault {
    if from_pasted {
        return CredentialFault::new(PASTED, format!("The pasted text holds no {}.", field.label));
    }
    CredentialFault::new(field.name, format!("Please fill in {}.", field.label))
}

/// What is wrong with a part, in words for its owner.
fn objection(field: &CredentialField, text: &str) -> Option<String> {
    let label = field.label;
    if text.len() > LONGEST_BYTES {
        return Some(format!("{label} is longer than 8 KB."));
    }
    let in_cookie = !matches!(field.name, USER_AGENT | X_BC);
    let fit = |b: u8| matches!(b, b' '..=b'~') && !(in_cookie && matches!(b, b';' | b' '));
    if !text.bytes().all(fit) {
        return Some(format!(
            "{label} has characters that cannot be part of it. Copy it again."
        ));
    }
    let number = (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    (field.name == AUTH_ID && !number).then(|| format!("{label} must be a number."))
}
