//! Finds the parts of a session in literals: HAR files, exports of cookies, request objects, and
//! the settings files of other programs.

use zeroize::Zeroizing;

use super::findings::Findings;
use super::literal::{self, Group, Key, Node};
use super::{lines, value};

/// How often a string inside of a string is read.
const MAX_TEXTS_IN_TEXTS: usize = 2;

/// The keys below which nothing belongs to the session that the browser sends.
const OTHER: &[&str] = &[
    "response",
    "set_cookie",
    "querystring",
    "postdata",
    "params",
    "localstorage",
    "sessionstorage",
];

/// Reads the literals of a text.
pub(super) fn read(text: &str, findings: &mut Findings<'_>) {
    Reader {
        findings,
        texts_in_texts: 0,
    }
    .text(text);
}

struct Reader<'f, 's> {
    findings: &'f mut Findings<'s>,
    texts_in_texts: usize,
}

impl Reader<'_, '_> {
    fn text(&mut self, text: &str) {
        self.members(&literal::read(text));
    }

    fn group(&mut self, group: &Group<'_>) {
        if self.call(group) || self.pair(group) {
            return;
        }
        if let Some(address) = address_of(group) {
            self.findings.begin_source();
            self.findings.set_host(&address);
            self.members(group);
            self.findings.begin_source();
        } else {
            self.members(group);
        }
    }

    /// Reads a call of which the arguments are a cookie or a header, or one that begins a session.
    /// Returns whether it is one.
    fn call(&mut self, group: &Group<'_>) -> bool {
        let function = group.call.rsplit('.').next().unwrap_or_default();
        if function == "WebRequestSession" {
            self.findings.begin_source();
            return true;
        }
        self.findings.has_fetch |= function == "fetch" && !group.members.is_empty();
        if group.members.len() > 4 || function.is_empty() {
            return false;
        }
        let texts: Vec<_> = group.leading_texts().collect();
        match texts.as_slice() {
            [name, text, .., domain] if function == "Cookie" && texts.len() == 4 => {
                self.findings.exported(name, text, Some(domain), None);
            }
            [name, text, ..] if function == "Cookie" => {
                self.findings.exported(name, text, None, None);
            }
            [name, text] if texts.len() == group.members.len() => {
                return self.findings.named(name, text);
            }
            _ => return false,
        }
        true
    }

    /// Reads `{"name": …, "value": …}` or `["name", "value"]`. Returns whether the group is one.
    fn pair(&mut self, group: &Group<'_>) -> bool {
        if let [(None, Node::Text(name)), (None, Node::Text(text))] = group.members.as_slice() {
            return self.findings.named(&name.decoded(), &text.decoded());
        }
        let (Some(name), Some(text)) = (
            group.text(&["name", "name_raw", "key"]),
            group.text(&["value", "content_raw"]),
        ) else {
            return false;
        };
        let domain = group.text(&["domain", "host_raw", "host", "url"]);
        let expires = group.text(&["expirationdate", "expires_raw", "expiry", "expires"]);
        let expires = expires.and_then(|text| value::expiry(&text));
        let domain = domain.as_ref().map(|text| text.as_str());
        self.findings.exported(&name, &text, domain, expires);
        true
    }

    fn members(&mut self, group: &Group<'_>) {
        for (key, node) in &group.members {
            match (key, node) {
                (None, Node::Text(text)) => self.lone_text(&text.decoded()),
                (None, Node::Group(inner)) => self.group(inner),
                (Some(key), node) => self.member(key, node),
            }
        }
    }

    fn member(&mut self, key: &Key<'_>, node: &Node<'_>) {
        let name = value::normal_name(&key.name());
        match node {
            Node::Text(text) => {
                // An address that is no member of a request object is that of the request around.
                self.findings.named(&name, &text.decoded());
            }
            Node::Group(_) if OTHER.contains(&name.as_str()) => {}
            Node::Group(inner) => {
                let has_entries = |(key, _): &(Option<Key<'_>>, _)| {
                    key.is_some_and(|key| key.name().as_str() == "entries")
                };
                self.findings.has_har |= name == "log" && inner.members.iter().any(has_entries);
                self.group(inner);
            }
        }
    }

    /// Reads a string without a key: the address of a request, a header, cookies, or JSON.
    fn lone_text(&mut self, text: &str) {
        if value::is_web_address(text) {
            if !self.findings.has_host() {
                self.findings.set_host(text);
            }
        } else if self.texts_in_texts < MAX_TEXTS_IN_TEXTS {
            self.texts_in_texts += 1;
            if text.trim_start().starts_with(['{', '[']) {
                self.text(text);
            } else if text.contains(['=', ':']) {
                lines::read(text, self.findings);
            }
            self.texts_in_texts -= 1;
        }
    }
}

/// Returns the address of a request object, or of a call with an address as its first argument.
fn address_of(group: &Group<'_>) -> Option<Zeroizing<String>> {
    let argument = group
        .leading_texts()
        .next()
        .filter(|_| !group.call.is_empty());
    argument
        .or_else(|| group.text(&["url", "uri", "request_url", "domain"]))
        .filter(|text| value::is_web_address(text) || text.starts_with('.'))
}
