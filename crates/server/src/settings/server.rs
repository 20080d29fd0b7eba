//! `[server]`: where the program listens, and under which addresses the world knows it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use evergrant_service::{AllowedRedirects, is_loopback};
use url::Url;

use super::value::Given;
use super::{Sources, key};
use crate::failure::Problems;

const USUAL_PORT: u16 = 8080;
const USUAL_ADMIN_PORT: u16 = 9090;

/// An address to listen on, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listen {
    pub(crate) address: SocketAddr,
    /// The setting that chose it; `None` for the default.
    pub(crate) chosen_by: Option<String>,
}

impl Listen {
    /// This port of the loopback address, by default.
    pub(super) fn usual(port: u16) -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            chosen_by: None,
        }
    }

    /// What was given, or else this port of the loopback address.
    pub(super) fn read(given: Option<Given>, usual_port: u16, problems: &mut Problems) -> Self {
        let Some(given) = given else {
            return Self::usual(usual_port);
        };
        if let Some(address) = parse_listen(&given.text()) {
            return Self {
                address,
                chosen_by: Some(given.name),
            };
        }
        let what = format!(
            "{}: {:?} is not an address to listen on",
            given.name,
            given.text()
        );
        problems.add(
            what,
            format!("write an IP address and a port, such as 127.0.0.1:{usual_port}"),
        );
        Self::usual(usual_port)
    }
}

/// An IP address and a port; `localhost` stands for 127.0.0.1.
pub(crate) fn parse_listen(text: &str) -> Option<SocketAddr> {
    let local = text
        .strip_prefix("localhost:")
        .map(|port| format!("127.0.0.1:{port}"));
    local.as_deref().unwrap_or(text).parse().ok()
}

/// Where the program listens, and who may be sent where.
#[derive(Debug)]
pub(crate) struct Server {
    /// The public listener.
    pub(crate) listen: Listen,
    /// The operator's listener; `None` where it is switched off.
    pub(crate) admin_listen: Option<Listen>,
    /// Base of the callback addresses; `None` for the default.
    pub(crate) public_url: Option<Url>,
    /// Where flows may send the browser.
    pub(crate) allowed_redirects: Vec<Url>,
    /// Whose browsers may call; `None` for the origins of the allowed redirects.
    allowed_origins: Option<Vec<String>>,
}

impl Server {
    pub(super) fn read(sources: &Sources, problems: &mut Problems) -> Self {
        Self {
            listen: Listen::read(sources.given(&key::LISTEN), USUAL_PORT, problems),
            admin_listen: admin_listen(sources, problems),
            public_url: sources
                .given(&key::PUBLIC_URL)
                .and_then(|given| public_url(&given, problems)),
            allowed_redirects: allowed_redirects(sources, problems),
            allowed_origins: allowed_origins(sources, problems),
        }
    }

    /// Notes that the public address is missing where nobody could guess it.
    pub(crate) fn require_public_url(&self, problems: &mut Problems) {
        if self.public_url.is_none() && !self.listen.address.ip().is_loopback() {
            let what = format!(
                "EVERGRANT_PUBLIC_URL is not set, and {} is not loopback",
                self.listen.address
            );
            problems.add(
                what,
                "set it to the https:// address under which browsers reach this service",
            );
        }
    }

    /// The public address of a program that listens on `bound`.
    pub(crate) fn public_url_at(&self, bound: SocketAddr) -> Option<Url> {
        self.public_url
            .clone()
            .or_else(|| Url::parse(&format!("http://{bound}")).ok())
    }

    /// Whose browsers may call.
    pub(crate) fn origins(&self) -> Vec<String> {
        self.allowed_origins.clone().unwrap_or_else(|| {
            let mut origins: Vec<_> = self
                .allowed_redirects
                .iter()
                .map(|url| url.origin().ascii_serialization())
                .collect();
            origins.sort();
            origins.dedup();
            origins
        })
    }
}

fn admin_listen(sources: &Sources, problems: &mut Problems) -> Option<Listen> {
    let given = sources.given_or_empty(&key::ADMIN_LISTEN);
    let is_off = given
        .as_ref()
        .is_some_and(|given| matches!(given.text().as_str(), "" | "off"));
    (!is_off).then(|| Listen::read(given, USUAL_ADMIN_PORT, problems))
}

fn public_url(given: &Given, problems: &mut Problems) -> Option<Url> {
    let url = Url::parse(&given.text()).ok().filter(|url| {
        let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url));
        let plain = url.username().is_empty() && url.password().is_none();
        secure && plain && url.has_host() && url.query().is_none() && url.fragment().is_none()
    });
    if url.is_none() {
        let what = format!(
            "{} is not the https:// base of this service's addresses",
            given.name
        );
        problems.add(
            what,
            "write it as https://grants.example; http:// is for loopback hosts only",
        );
    }
    url
}

fn allowed_redirects(sources: &Sources, problems: &mut Problems) -> Vec<Url> {
    let Some(given) = sources.given(&key::ALLOWED_REDIRECTS) else {
        return Vec::new();
    };
    AllowedRedirects::parse_list(&given.text()).unwrap_or_else(|error| {
        problems.add(
            format!("{}: {error}", given.name),
            "write it as https://app.example/settings",
        );
        Vec::new()
    })
}

fn allowed_origins(sources: &Sources, problems: &mut Problems) -> Option<Vec<String>> {
    let given = sources.given(&key::ALLOWED_ORIGINS)?;
    let text = given.text();
    let mut origins = Vec::new();
    for entry in text
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
    {
        match origin(entry) {
            Some(origin) => origins.push(origin),
            None => problems.add(
                format!("{}: {entry:?} is not an origin", given.name),
                "write it as https://app.example, without a path; http:// is for loopback hosts only",
            ),
        }
    }
    Some(origins)
}

/// The origin, written as browsers write it.
fn origin(text: &str) -> Option<String> {
    let url = AllowedRedirects::parse_list(text).ok()?.pop()?;
    (url.path() == "/" && url.query().is_none()).then(|| url.origin().ascii_serialization())
}

impl Listen {
    /// Whether only this machine reaches it.
    pub(crate) fn is_loopback(&self) -> bool {
        match self.address.ip() {
            IpAddr::V4(ip) => ip.is_loopback(),
            IpAddr::V6(ip) => ip.is_loopback(),
        }
    }
}
