//! A pasted session: its fields, their validation, and the stored form.

use std::collections::BTreeMap;

use evergrant_model::{AccessToken, AccountInfo, ProviderAccountId, Timestamp};
use zeroize::{Zeroize, Zeroizing};

use super::paste::{self, Cause, Part, Reading};
use super::site::Site;
use super::texts::{FORM_TEXTS, either, fill};
use crate::{
    AcceptedCredentials, AdapterError, CredentialFault, CredentialField, ErrorClass, SessionSite,
};

pub(crate) const AUTH_ID: &str = "auth_id";
pub(crate) const USER_AGENT: &str = "user_agent";
pub(crate) const X_BC: &str = "x_bc";
const SESS: &str = "sess";
const AUTH_UID: &str = "auth_uid_";
const PASTED: &str = "pasted";

/// Longest value of a part, in bytes.
const MAX_BYTES: usize = 8 * 1024;
/// Longest pasted text, in bytes.
const MAX_PASTED_BYTES: usize = 64 * 1024;

/// The form: either one pasted text, or each part by itself.
pub(crate) const FIELDS: &[CredentialField] = &[
    CredentialField {
        name: PASTED,
        label: FORM_TEXTS.paste,
        secret: true,
        required: false,
        help: FORM_TEXTS.other_forms,
    },
    part(
        SESS,
        "sess",
        true,
        true,
        "The cookie named sess: in the developer tools under Application or Storage, Cookies.",
    ),
    part(
        AUTH_ID,
        "auth_id",
        false,
        true,
        "The cookie named auth_id beside sess: your account number.",
    ),
    part(
        USER_AGENT,
        "User-Agent",
        false,
        true,
        "The request header named User-Agent, under Network. The session is tied to this browser.",
    ),
    part(
        X_BC,
        "x-bc",
        true,
        true,
        "The request header named x-bc, under Network, of a request to api2.",
    ),
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

/// What the form was filled in with, before it is validated.
pub(crate) struct Submitted<'v> {
    values: &'v BTreeMap<String, String>,
    /// What the pasted text contains; `None` without a text.
    pasted: Option<Reading>,
    is_too_long: bool,
}

impl<'v> Submitted<'v> {
    /// Reads the submitted values. Cookies whose life ends by `now` do not count.
    pub(crate) fn read(values: &'v BTreeMap<String, String>, site: &Site, now: Timestamp) -> Self {
        let text = filled(values, PASTED);
        let is_too_long = text.is_some_and(|text| text.len() > MAX_PASTED_BYTES);
        Self {
            values,
            pasted: text
                .filter(|_| !is_too_long)
                .map(|text| paste::read(text, site, now)),
            is_too_long,
        }
    }

    /// Returns the value of a part and the field that it comes from. A part in its own field takes
    /// precedence over the pasted text.
    fn value(&self, part: Part) -> Option<(&'static str, &str)> {
        let own = filled(self.values, part.field()).map(|text| (part.field(), text));
        own.or_else(|| Some((PASTED, self.pasted.as_ref()?.get(part)?)))
    }

    /// Returns the values of all parts that were found, by field name.
    pub(crate) fn parts(&self) -> BTreeMap<String, String> {
        let found = |part: Part| Some((part.field().to_owned(), self.value(part)?.1.to_owned()));
        Part::ALL.into_iter().filter_map(found).collect()
    }

    /// Validates the parts.
    pub(crate) fn session(
        &self,
        provider: &str,
        site: &Site,
    ) -> Result<Session, Vec<CredentialFault>> {
        let domain = site.domains.first().map_or(provider, String::as_str);
        if self.is_too_long {
            let message = fill(FORM_TEXTS.causes.too_long, &[("domain", domain)]);
            return Err(vec![CredentialFault::new(PASTED, message)]);
        }
        let fault_field = if self.pasted.is_some() { PASTED } else { SESS };
        let (mut parts, mut faults) = (BTreeMap::new(), Vec::new());
        let mut missing = Vec::new();
        for field in FIELDS.iter().filter(|field| field.name != PASTED) {
            let part = Part::ALL
                .into_iter()
                .find(|part| part.field() == field.name);
            match part.and_then(|part| self.value(part)) {
                Some((source, text)) => match invalid_part(field, text) {
                    Some(message) => faults.push(CredentialFault::new(source, message)),
                    None => drop(parts.insert(field.name.to_owned(), text.to_owned())),
                },
                None if field.required => missing.push(field),
                None => {}
            }
        }
        match &self.pasted {
            Some(reading) if !missing.is_empty() => {
                let message = missing_from_text(&missing, reading, provider, domain);
                faults.push(CredentialFault::new(PASTED, message));
            }
            _ => faults.extend(missing.into_iter().map(empty)),
        }
        let session = Session { parts, fault_field };
        if faults.is_empty() {
            Ok(session)
        } else {
            Err(faults)
        }
    }
}

/// Returns the parts of a session of the site that a pasted text contains, by field name. They are
/// not validated. Cookies whose life ends by `now` do not count.
#[must_use]
pub fn read_pasted(text: &str, site: &SessionSite, now: Timestamp) -> BTreeMap<String, String> {
    let values = BTreeMap::from([(PASTED.to_owned(), text.to_owned())]);
    Submitted::read(&values, site, now).parts()
}

fn filled<'v>(values: &'v BTreeMap<String, String>, name: &str) -> Option<&'v str> {
    let text = values.get(name)?.trim();
    (!text.is_empty()).then_some(text)
}

/// The parts of a session, each of which is valid in an HTTP header. Wiped on drop.
pub(crate) struct Session {
    parts: BTreeMap<String, String>,
    fault_field: &'static str,
}

impl Session {
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

fn empty(field: &CredentialField) -> CredentialFault {
    let message = fill(FORM_TEXTS.required, &[("label", field.label)]);
    CredentialFault::new(field.name, message)
}

/// Returns what a pasted text lacks, and what to do about it.
fn missing_from_text(
    missing: &[&CredentialField],
    reading: &Reading,
    provider: &str,
    domain: &str,
) -> String {
    let labels: Vec<&str> = missing.iter().map(|field| field.label).collect();
    let lacks = fill(FORM_TEXTS.missing, &[("labels", &either(&labels))]);
    let causes = FORM_TEXTS.causes;
    let places = || {
        let helps: Vec<&str> = missing.iter().map(|field| field.help).collect();
        format!("{lacks} {}", helps.join(" "))
    };
    match &reading.cause {
        None => places(),
        Some(Cause::Nothing) => fill(causes.nothing, &[("domain", domain)]),
        Some(Cause::WrongSite(host)) => {
            fill(causes.wrong_site, &[("host", host), ("domain", domain)])
        }
        Some(Cause::Masked(parts)) => {
            let label = |part: &Part| FIELDS.iter().find(|field| field.name == part.field());
            let labels: Vec<_> = parts
                .iter()
                .filter_map(label)
                .map(|field| field.label)
                .collect();
            fill(causes.masked, &[("labels", &either(&labels))])
        }
        Some(Cause::Expired) => fill(causes.expired, &[("provider", provider)]),
        Some(Cause::Har) => causes.har.to_owned(),
        Some(Cause::Fetch) => causes.fetch.to_owned(),
        Some(Cause::CookiesOnly) => format!("{lacks} {}", causes.cookies_only),
    }
}

/// Returns why a part is invalid, described for its owner.
fn invalid_part(field: &CredentialField, text: &str) -> Option<String> {
    let label = field.label;
    if text.len() > MAX_BYTES {
        return Some(format!("{label} is longer than 8 KB."));
    }
    let has_spaces = field.name == USER_AGENT;
    let is_allowed = |b: u8| matches!(b, b' '..=b'~') && (has_spaces || !matches!(b, b';' | b' '));
    if !text.bytes().all(is_allowed) {
        return Some(format!(
            "{label} contains invalid characters. Copy it again."
        ));
    }
    let is_number = (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    (field.name == AUTH_ID && !is_number).then(|| format!("{label} must be a number."))
}
