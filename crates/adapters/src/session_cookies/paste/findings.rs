//! What a reader finds in a pasted text: the parts of a session, by the request or export that they
//! come from, and why parts are missing.

use std::collections::BTreeMap;

use evergrant_model::Timestamp;
use zeroize::Zeroizing;

use super::part::Part;
use super::value;
use crate::session_cookies::site::{Site, host_of, is_placeholder};

/// A value of a part, and how much it is to be trusted if there are several.
struct Candidate {
    value: Zeroizing<String>,
    /// Whether the part has its own name, unlike an account id in a `user-id` header; then the end
    /// of the cookie's life.
    rank: (bool, i64),
}

/// The parts of one request, or of one export.
#[derive(Default)]
struct Source {
    /// Whether the source belongs to the site; `None` if it does not say.
    is_of_site: Option<bool>,
    parts: BTreeMap<Part, Candidate>,
}

impl Source {
    fn get(&self, part: Part) -> Option<&str> {
        self.parts.get(&part).map(|found| found.value.as_str())
    }

    fn required_count(&self) -> usize {
        let is_found = |part: &Part| part.is_required() && self.get(*part).is_some();
        Part::ALL.into_iter().filter(is_found).count()
    }

    fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether both sources name an account, and not the same.
    fn is_of_other_account(&self, other: &Self) -> bool {
        let (own, theirs) = (self.get(Part::AuthId), other.get(Part::AuthId));
        own.zip(theirs).is_some_and(|(own, theirs)| own != theirs)
    }
}

/// Collects the parts that a reader finds. Values are wiped on drop.
pub(super) struct Findings<'s> {
    site: &'s Site,
    now: Timestamp,
    /// The sources before the current one, in the order of the text.
    ended: Vec<Source>,
    current: Source,
    masked: Vec<Part>,
    expired: Vec<Part>,
    /// The first host that is not of the site.
    other_host: Option<String>,
    /// Whether a request or a cookie of the site was found.
    has_site: bool,
    /// Whether the text contains a request by `fetch`, or a HAR file.
    pub(super) has_fetch: bool,
    pub(super) has_har: bool,
}

impl<'s> Findings<'s> {
    pub(super) fn new(site: &'s Site, now: Timestamp) -> Self {
        Self {
            site,
            now,
            ended: Vec::new(),
            current: Source::default(),
            masked: Vec::new(),
            expired: Vec::new(),
            other_host: None,
            has_site: false,
            has_fetch: false,
            has_har: false,
        }
    }

    /// Begins another request or export.
    pub(super) fn begin_source(&mut self) {
        self.ended.push(std::mem::take(&mut self.current));
    }

    /// Notes the URL or host to which the current source belongs. Behind the parts of a source with
    /// a host, it begins another one.
    pub(super) fn set_host(&mut self, address: &str) {
        if host_of(address).is_none_or(|host| is_placeholder(&host)) {
            return;
        }
        let Some(is_of_site) = self.check_host(address) else {
            return;
        };
        let current = &mut self.current;
        if current.is_of_site.is_some() && !current.is_empty() {
            self.begin_source();
        }
        self.current.is_of_site = Some(is_of_site);
    }

    pub(super) fn has_host(&mut self) -> bool {
        self.current.is_of_site.is_some()
    }

    /// Reads one `name: value` of headers, cookies, settings or JSON. Returns whether the name is
    /// known.
    pub(super) fn named(&mut self, name: &str, text: &str) -> bool {
        match value::normal_name(name).as_str() {
            "cookie" | "cookies" => self.cookies(text),
            "user_agent" | "useragent" => self.add(Part::UserAgent, text, (true, 0)),
            "x_bc" | "xbc" => self.add(Part::XBc, text, (true, 0)),
            "user_id" => self.account_id(text),
            "host" | ":authority" if self.has_host() => {}
            "host" | ":authority" => self.set_host(text),
            "url" | "uri" | "request_url" if value::is_web_address(text) => self.set_host(text),
            name => match cookie_part(name) {
                Some(part) => self.add(part, text, (true, 0)),
                None => return false,
            },
        }
        true
    }

    /// Reads a cookie of an export, with its domain and the end of its life in Unix seconds.
    pub(super) fn exported(
        &mut self,
        name: &str,
        text: &str,
        domain: Option<&str>,
        expires: Option<i64>,
    ) {
        let Some(part) = cookie_part(&value::normal_name(name)) else {
            if domain.is_none() {
                self.named(name, text);
            }
            domain.and_then(|domain| self.check_host(domain));
            return;
        };
        if domain.and_then(|domain| self.check_host(domain)) == Some(false) {
            return;
        }
        match expires.filter(|end| *end > 0) {
            Some(end) if end <= self.now.unix_ms() / 1000 => self.expired.push(part),
            end => self.add(part, text, (true, end.unwrap_or_default())),
        }
    }

    /// Returns whether a URL, host or domain is of the site; `None` if the text is none of these.
    fn check_host(&mut self, address: &str) -> Option<bool> {
        let host = host_of(address)?;
        let is_of_site = self.site.covers(&host);
        if is_of_site {
            self.has_site = true;
        } else {
            self.other_host.get_or_insert(host);
        }
        Some(is_of_site)
    }

    /// Reads the pairs of a `Cookie` header.
    pub(super) fn cookies(&mut self, text: &str) {
        let text = value::unwrapped(text);
        for (name, text) in value::pairs(&text) {
            if let Some(part) = cookie_part(&value::normal_name(name)) {
                self.add(part, text, (true, 0));
            }
        }
    }

    /// Reads the account id of a `user-id` header. The cookie has precedence.
    fn account_id(&mut self, text: &str) {
        let text = text.trim();
        if !text.trim_start_matches('0').is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            self.add(Part::AuthId, text, (false, 0));
        }
    }

    fn add(&mut self, part: Part, text: &str, rank: (bool, i64)) {
        let value = value::cleaned(part, text);
        if value::is_masked(text) || value::is_masked(&value) {
            return self.masked.push(part);
        }
        if value::is_absent(&value) {
            return;
        }
        let parts = &mut self.current.parts;
        if parts.get(&part).is_none_or(|held| held.rank <= rank) {
            parts.insert(part, Candidate { value, rank });
        }
    }

    /// Combines the sources of the site. The source with the most parts, and of these the last, is
    /// completed from the others, unless they are of another account.
    pub(super) fn finish(mut self) -> Reading {
        self.begin_source();
        let mut usable = std::mem::take(&mut self.ended);
        usable.retain(|one| one.is_of_site != Some(false));
        usable.sort_by_key(Source::required_count);
        let mut found = usable.pop().unwrap_or_default();
        for source in usable.into_iter().rev() {
            if found.is_of_other_account(&source) {
                continue;
            }
            for (part, candidate) in source.parts {
                found.parts.entry(part).or_insert(candidate);
            }
        }
        let values = found.parts.into_iter();
        let values = values.map(|(part, candidate)| (part, candidate.value));
        let values = values.collect();
        let mut reading = Reading {
            values,
            cause: None,
        };
        reading.cause = self.cause(&reading);
        reading
    }

    /// Returns why a required part is missing, if the text shows it.
    fn cause(&mut self, reading: &Reading) -> Option<Cause> {
        let missing = reading.missing();
        let among = |parts: &[Part]| -> Vec<Part> {
            let mut parts: Vec<_> = parts
                .iter()
                .copied()
                .filter(|part| missing.contains(part))
                .collect();
            parts.sort_unstable();
            parts.dedup();
            parts
        };
        let (masked, expired) = (among(&self.masked), among(&self.expired));
        let has_sess = !missing.contains(&Part::Sess);
        match self.other_host.take() {
            _ if missing.is_empty() => None,
            Some(host) if !has_sess && !self.has_site => Some(Cause::WrongSite(host)),
            _ if !masked.is_empty() => Some(Cause::Masked(masked)),
            _ if !expired.is_empty() => Some(Cause::Expired),
            _ if !has_sess && self.has_har => Some(Cause::Har),
            _ if !has_sess && self.has_fetch => Some(Cause::Fetch),
            _ if missing.len() == Part::ALL.len() - 1 => Some(Cause::Nothing),
            _ if missing == [Part::UserAgent, Part::XBc] => Some(Cause::CookiesOnly),
            _ => None,
        }
    }
}

/// Returns the part that a cookie with this normalized name holds.
fn cookie_part(name: &str) -> Option<Part> {
    match name {
        "sess" => Some(Part::Sess),
        "auth_id" | "auth_id_" => Some(Part::AuthId),
        _ if name.starts_with("auth_uid_") => Some(Part::AuthUid),
        _ => None,
    }
}

/// The parts of a session that a text contains. Wiped on drop.
#[derive(Default)]
pub(crate) struct Reading {
    values: BTreeMap<Part, Zeroizing<String>>,
    /// Why parts are missing, if the text shows it.
    pub(crate) cause: Option<Cause>,
}

/// Why a text lacks parts of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The text contains no session at all.
    Nothing,
    /// The text is of another site: this host.
    WrongSite(String),
    /// The values of these parts are hidden behind dots or asterisks.
    Masked(Vec<Part>),
    /// The session's cookies have expired.
    Expired,
    /// A HAR file without cookies, as browsers export it by default.
    Har,
    /// A request by `fetch` without cookies, as browsers copy it for their own console.
    Fetch,
    /// The cookies are complete, but an export of cookies has neither User-Agent nor x-bc.
    CookiesOnly,
}

impl Reading {
    pub(crate) fn get(&self, part: Part) -> Option<&str> {
        self.values.get(&part).map(|text| text.as_str())
    }

    /// Returns the required parts that were not found.
    pub(crate) fn missing(&self) -> Vec<Part> {
        let is_missing = |part: &Part| part.is_required() && self.get(*part).is_none();
        Part::ALL.into_iter().filter(is_missing).collect()
    }

    /// Returns the number of required parts whose values can be valid.
    pub(super) fn plausible_count(&self) -> usize {
        let is_plausible = |part: &Part| {
            part.is_required()
                && self
                    .get(*part)
                    .is_some_and(|text| value::is_plausible(*part, text))
        };
        Part::ALL.into_iter().filter(is_plausible).count()
    }
}
