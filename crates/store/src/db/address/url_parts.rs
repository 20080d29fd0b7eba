//! The syntax of a PostgreSQL URL, as libpq reads it:
//! `postgres://user:password@host:port,host:port/database?parameter=value`. Each part is optional
//! and percent-encoded.
//!
//! The generic URL parsers do not know lists of hosts, and treat a socket folder as a host name.

use super::refusal::invalid;
use crate::StoreError;

/// The parts of a URL, percent-decoded.
#[derive(Default)]
pub(super) struct UrlParts {
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    /// Host names, IP addresses without brackets, or folders of a socket. Empty names are kept:
    /// they stand for the default host.
    pub(super) hosts: Vec<String>,
    /// The ports of the hosts; `None` where the URL states none.
    pub(super) ports: Vec<Option<u16>>,
    pub(super) database: Option<String>,
    pub(super) parameters: Vec<(String, String)>,
}

impl UrlParts {
    /// Parses the part of a URL after `postgres://`.
    pub(super) fn parse(text: &str) -> Result<Self, StoreError> {
        let (credentials, rest) = split_credentials(text);
        let mut parts = Self::default();
        if let Some(credentials) = credentials {
            let (user, password) = match credentials.split_once(':') {
                Some((user, password)) => (user, Some(password)),
                None => (credentials, None),
            };
            parts.user = non_empty(decode(user)?);
            parts.password = password.map(decode).transpose()?;
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (hosts, database) = match rest.split_once('/') {
            Some((hosts, database)) => (hosts, decode(database)?),
            None => (rest, String::new()),
        };
        for host in hosts.split(',') {
            let (name, port) = split_port(host)?;
            parts.hosts.push(decode(name)?);
            parts.ports.push(parse_port(port)?);
        }
        parts.database = non_empty(database);
        parts.parameters = parameters_of(query)?;
        Ok(parts)
    }
}

/// Splits the user and password from the rest. A password may contain `?`, `:` and `@`, but not
/// `/`: like libpq, this looks for an `@` before the first `/`.
fn split_credentials(text: &str) -> (Option<&str>, &str) {
    let authority = text.find('/').map_or(text, |end| &text[..end]);
    let Some(first) = authority.find('@') else {
        return (None, text);
    };
    if has_parameter(&authority[..first]) {
        return (None, text);
    }
    // Everything after the `@` up to a question mark is hosts, unless it contains another `@`.
    let end = authority[first..]
        .find('?')
        .map_or(authority.len(), |question| first + question);
    let last = authority[..end].rfind('@').unwrap_or(first);
    (Some(&text[..last]), &text[last + 1..])
}

/// Returns whether `text` contains `?name=`, so that an `@` after it belongs to a parameter.
fn has_parameter(text: &str) -> bool {
    let Some((_, query)) = text.split_once('?') else {
        return false;
    };
    query.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte == b'_' || byte.is_ascii_lowercase())
    })
}

/// Splits `host:port`. An IPv6 address is in brackets, which are removed.
fn split_port(text: &str) -> Result<(&str, &str), StoreError> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest
            .split_once(']')
            .ok_or_else(|| invalid("the [ of an IPv6 address is not closed"))?;
        return match port.strip_prefix(':') {
            Some(port) => Ok((address, port)),
            None if port.is_empty() => Ok((address, "")),
            None => Err(invalid(
                "an IPv6 address must be followed by a port or by /",
            )),
        };
    }
    Ok(text.split_once(':').unwrap_or((text, "")))
}

/// Parses a port. The message does not show the text, which is part of the password if the password
/// contains a `/`.
pub(super) fn parse_port(text: &str) -> Result<Option<u16>, StoreError> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse() {
        Ok(port) if port > 0 => Ok(Some(port)),
        _ => Err(invalid(
            "a port must be a number from 1 to 65535; if the password contains / or @, write %2F or %40",
        )),
    }
}

/// Parses `name=value&name=value`.
pub(super) fn parameters_of(query: &str) -> Result<Vec<(String, String)>, StoreError> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    let parameters = parts.map(|part| {
        let (name, value) = part
            .split_once('=')
            .ok_or_else(|| invalid("a parameter after ? must have the form name=value"))?;
        Ok((decode(name)?, decode(value)?))
    });
    parameters.collect()
}

/// Decodes `%XX`. A plus sign is not a space.
fn decode(text: &str) -> Result<String, StoreError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let decoded = digit().zip(digit()).map(|(high, low)| high * 16 + low);
        match decoded.and_then(|byte| u8::try_from(byte).ok()) {
            Some(byte) if byte != 0 => bytes.push(byte),
            _ => {
                return Err(invalid(
                    "% must be followed by two hexadecimal digits; write %25 for %",
                ));
            }
        }
    }
    String::from_utf8(bytes)
        .map_err(|_| invalid("it contains percent-encoded text that is not UTF-8"))
}

fn non_empty(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
