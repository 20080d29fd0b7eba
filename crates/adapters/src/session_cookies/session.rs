//! A pasted session: its fields, their validation, and the stored form.

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

/// Longest value of a field, in bytes.
const MAX_BYTES: usize = 8 * 1024;

/// The form: either one pasted request, or each part by itself.
pub(crate) const FIELDS: &[CredentialField] = &[
    CredentialField {
        name: PASTED,
        label: "Copied request",
        secret: true,
        required: false,
        help: "In the browser's network tools, choose \"Copy as cURL\" on any request to the site and paste it here.",
    },
    part(SESS, "sess", true, true, "The cookie named sess."),
    part(
        AUTH_ID,
        "auth_id",
        false,
        true,
        "The cookie named auth_id: your account number.",
    ),
    part(
        USER_AGENT,
        "User-Agent",
        false,
        true,
        "The User-Agent header. The session is tied to this browser.",
    ),
    part(X_BC, "x-bc", true, true, "The header named x-bc."),
    part(
        AUTH_UID,
        "auth_uid_",
        true,
        false,
        "The cookie whose name begins with auth_uid_, if there is one.",
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

/// The parts of a session, each of which is valid in an HTTP header. Wiped on drop.
pub(crate) struct Session {
    parts: BTreeMap<String, String>,
    fault_field: &'static str,
}

impl Session {
    /// Reads the submitted values. A part in its own field takes precedence over the pasted text.
    pub(crate) fn read(values: &BTreeMap<String, String>) -> Result<Self, Vec<CredentialFault>> {
        let value = |name: &str| {
            values
                .get(name)
                .map(|text| text.trim())
                .filter(|text| !text.is_empty())
        };
        let text = value(PASTED);
        if text.is_some_and(|text| text.len() > MAX_BYTES) {
            return Err(vec![CredentialFault::new(
                PASTED,
                "The pasted text is longer than 8 KB. Copy a single request.",
            )]);
        }
        let pasted = text.map(Pasted::read);
        let mut session = Self {
            parts: BTreeMap::new(),
            fault_field: if text.is_some() { PASTED } else { SESS },
        };
        let mut faults = Vec::new();
        for field in FIELDS.iter().filter(|field| field.name != PASTED) {
            let found = value(field.name)
                .map(|text| (field.name, text))
                .or_else(|| Some((PASTED, part_of(pasted.as_ref()?, field.name)?.trim())));
            match found.filter(|(_, text)| !text.is_empty()) {
                Some((source, text)) => match invalid_part(field, text) {
                    Some(message) => faults.push(CredentialFault::new(source, message)),
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

    /// Parses the stored form that [`Session::accepted`] creates.
    pub(crate) fn stored(text: &AccessToken) -> Result<Self, AdapterError> {
        let parts = serde_json::from_str(text.expose());
        let malformed =
            |_| AdapterError::unsent(ErrorClass::BadRequest, "the stored session is malformed");
        parts
            .map(|parts| Self {
                parts,
                fault_field: PASTED,
            })
            .map_err(malformed)
    }

    /// Returns the part with this name; empty if there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.parts.get(name).map_or("", String::as_str)
    }

    /// Returns the field that a fault of the whole session refers to.
    pub(crate) fn fault_field(&self) -> &'static str {
        self.fault_field
    }

    /// Returns the value of the `Cookie` header.
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

    /// Returns the account without a profile: only its id is known.
    pub(crate) fn account(&self) -> Result<AccountInfo, AdapterError> {
        let id = ProviderAccountId::new(self.get(AUTH_ID)).map_err(|_| {
            AdapterError::unsent(
                ErrorClass::BadRequest,
                "the stored session has no valid account id",
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

    /// Returns the session in its stored form. `confirmed` is the account that the provider
    /// confirmed, if any.
    pub(crate) fn accepted(
        &self,
        confirmed: Option<AccountInfo>,
    ) -> Result<AcceptedCredentials, AdapterError> {
        let unserializable = |_| {
            AdapterError::unsent(
                ErrorClass::BadRequest,
                "the session could not be serialized",
            )
        };
        let text = serde_json::to_string(&self.parts).map_err(unserializable)?;
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

/// Returns the part of a session in a pasted text.
fn part_of<'p>(pasted: &'p Pasted, name: &str) -> Option<&'p str> {
    match name {
        USER_AGENT => pasted.header("user-agent"),
        X_BC => pasted.header("x-bc"),
        AUTH_UID => pasted.cookie_with_prefix(AUTH_UID),
        name => pasted.cookie(name),
    }
}

fn missing(field: &CredentialField, from_pasted: bool) -> CredentialFault {
    if from_pasted {
        return CredentialFault::new(
            PASTED,
            format!("The pasted text contains no {}.", field.label),
        );
    }
    CredentialFault::new(field.name, format!("Please fill in {}.", field.label))
}

/// Returns why a part is invalid, described for its owner.
fn invalid_part(field: &CredentialField, text: &str) -> Option<String> {
    let label = field.label;
    if text.len() > MAX_BYTES {
        return Some(format!("{label} is longer than 8 KB."));
    }
    let in_cookie = !matches!(field.name, USER_AGENT | X_BC);
    let is_allowed = |b: u8| matches!(b, b' '..=b'~') && !(in_cookie && matches!(b, b';' | b' '));
    if !text.bytes().all(is_allowed) {
        return Some(format!(
            "{label} contains invalid characters. Copy it again."
        ));
    }
    let is_number = (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    (field.name == AUTH_ID && !is_number).then(|| format!("{label} must be a number."))
}
