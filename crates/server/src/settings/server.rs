//! The section `[server]`: the addresses that the program listens on, its public URL, and the
//! allowed redirects and origins.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use evergrant_service::{AllowedRedirects, PublicUrl, without_credentials};
use url::Url;

use super::value::{Setting, integer};
use super::{Sources, key};
use crate::console;
use crate::failure::Problems;

const DEFAULT_PORT: u16 = 8080;
const DEFAULT_ADMIN_PORT: u16 = 9090;
const MAX_SHUTDOWN_DELAY_SECONDS: i64 = 600;

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listen {
    pub(crate) address: SocketAddr,
    /// Setting or option that it comes from; `None` for the default.
    pub(crate) set_by: Option<String>,
}

impl Listen {
    fn default_at(port: u16) -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            set_by: None,
        }
    }

    /// Returns the address of a setting. Default: `default_port` of 127.0.0.1.
    pub(super) fn read(
        setting: Option<Setting>,
        default_port: u16,
        problems: &mut Problems,
    ) -> Self {
        let example = format!("127.0.0.1:{default_port}");
        setting
            .and_then(|setting| Self::parse(&setting.text(), setting.name, &example, problems))
            .unwrap_or_else(|| Self::default_at(default_port))
    }

    /// Returns the address of the option `--listen`. If it is invalid, adds a problem and returns
    /// `None`.
    pub(crate) fn from_argument(
        text: &str,
        example: &str,
        problems: &mut Problems,
    ) -> Option<Self> {
        Self::parse(text, "--listen".to_owned(), example, problems)
    }

    fn parse(text: &str, name: String, example: &str, problems: &mut Problems) -> Option<Self> {
        let address = parse_address(text);
        if address.is_none() {
            problems.add(
                format!("{name}: {text:?} is not an address to listen on"),
                format!("write an IP address and a port, such as {example}"),
            );
        }
        address.map(|address| Self {
            address,
            set_by: Some(name),
        })
    }

    /// Adds a problem if other machines could reach the address. `setting` is the name to report
    /// for the default address.
    pub(crate) fn require_loopback(
        &self,
        command: &str,
        setting: &str,
        remedy: &str,
        problems: &mut Problems,
    ) {
        if !self.address.ip().is_loopback() {
            let name = self.set_by.as_deref().unwrap_or(setting);
            problems.add(
                format!(
                    "{name}: `{command}` listens only on loopback addresses; {} is not one",
                    self.address
                ),
                remedy,
            );
        }
    }
}

/// Parses an IP address and a port. `localhost` is 127.0.0.1.
fn parse_address(text: &str) -> Option<SocketAddr> {
    let local = text
        .strip_prefix("localhost:")
        .map(|port| format!("127.0.0.1:{port}"));
    local.as_deref().unwrap_or(text).parse().ok()
}

/// The settings of the listeners, the public URL, the redirects and the origins.
#[derive(Debug)]
pub(crate) struct Server {
    /// Address of the public routes.
    pub(crate) listen: Listen,
    /// Address of the private routes; `None` if they are switched off.
    pub(crate) admin_listen: Option<Listen>,
    /// URL under which browsers reach the service. `None`: the address of the public routes.
    pub(crate) public_url: Option<PublicUrl>,
    /// URLs to which a flow may redirect the browser.
    pub(crate) allowed_redirects: Vec<Url>,
    /// Origins whose pages may call the API. `None`: the origins of the allowed redirects.
    allowed_origins: Option<Vec<String>>,
    /// Time of normal service after the signal that requests the shutdown. Default: none.
    pub(crate) shutdown_delay: Duration,
}

impl Server {
    pub(crate) fn read(sources: &Sources, problems: &mut Problems) -> Self {
        Self {
            listen: Listen::read(sources.get(&key::LISTEN), DEFAULT_PORT, problems),
            admin_listen: admin_listen(sources, problems),
            public_url: sources
                .get(&key::PUBLIC_URL)
                .and_then(|setting| public_url(&setting, problems)),
            allowed_redirects: allowed_redirects(sources, problems),
            allowed_origins: allowed_origins(sources, problems),
            shutdown_delay: shutdown_delay(sources, problems),
        }
    }

    /// Adds a problem if the public URL is not set and the listener is not on loopback.
    pub(crate) fn require_public_url(&self, problems: &mut Problems) {
        if self.public_url.is_none() && !self.listen.address.ip().is_loopback() {
            problems.add(
                format!(
                    "EVERGRANT_PUBLIC_URL is not set, and {} is not a loopback address",
                    self.listen.address
                ),
                "set it to the https:// URL under which browsers reach this service",
            );
        }
    }

    /// Returns the public URL. Default: `http://` and the address that the listener is bound to.
    pub(crate) fn public_url_at(&self, bound: SocketAddr) -> Option<PublicUrl> {
        self.public_url
            .clone()
            .or_else(|| PublicUrl::parse(&format!("http://{bound}")).ok())
    }

    /// Returns the origins whose pages may call the API.
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
    let setting = sources.get_or_empty(&key::ADMIN_LISTEN);
    let is_off = setting
        .as_ref()
        .is_some_and(|setting| matches!(setting.text().as_str(), "" | "off"));
    (!is_off).then(|| Listen::read(setting, DEFAULT_ADMIN_PORT, problems))
}

fn shutdown_delay(sources: &Sources, problems: &mut Problems) -> Duration {
    let setting = sources.get(&key::SHUTDOWN_DELAY);
    let seconds = integer(setting, 0..=MAX_SHUTDOWN_DELAY_SECONDS, "seconds", problems);
    Duration::from_secs(
        seconds
            .and_then(|number| u64::try_from(number).ok())
            .unwrap_or(0),
    )
}

fn public_url(setting: &Setting, problems: &mut Problems) -> Option<PublicUrl> {
    let reason = match PublicUrl::parse(&setting.text()) {
        Ok(url) => match conflict(&url) {
            None => return Some(url),
            Some(reason) => reason,
        },
        Err(error) => error.to_string(),
    };
    problems.add(
        format!("{}: the URL {reason}", setting.name),
        "write it as https://vault.example or https://app.example/grants",
    );
    None
}

/// Returns why the URL's path cannot be told apart from a route, if so: requests arrive with and
/// without the path, depending on the reverse proxy.
fn conflict(url: &PublicUrl) -> Option<String> {
    let path = Some(url.base_path()).filter(|path| !path.is_empty())?;
    let route = evergrant_api::route_at_or_below(path).or_else(|| console::route_below(path))?;
    Some(format!(
        "has the path {path}, but {route} is a route of Evergrant's own"
    ))
}

fn allowed_redirects(sources: &Sources, problems: &mut Problems) -> Vec<Url> {
    let Some(setting) = sources.get(&key::ALLOWED_REDIRECTS) else {
        return Vec::new();
    };
    AllowedRedirects::parse_list(&setting.text()).unwrap_or_else(|error| {
        problems.add(
            format!("{}: {error}", setting.name),
            "write it as https://app.example/settings",
        );
        Vec::new()
    })
}

fn allowed_origins(sources: &Sources, problems: &mut Problems) -> Option<Vec<String>> {
    let setting = sources.get(&key::ALLOWED_ORIGINS)?;
    let text = setting.text();
    let mut origins = Vec::new();
    for entry in text
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
    {
        match origin(entry) {
            Some(origin) => origins.push(origin),
            None => problems.add(
                format!(
                    "{}: {:?} is not an origin",
                    setting.name,
                    without_credentials(entry)
                ),
                "write it as https://app.example, without a path; http:// is allowed for loopback hosts only",
            ),
        }
    }
    Some(origins)
}

/// Returns the origin in the spelling of browsers; `None` if `text` has a path or is not a URL.
fn origin(text: &str) -> Option<String> {
    let url = AllowedRedirects::parse_list(text).ok()?.pop()?;
    (url.path() == "/" && url.query().is_none()).then(|| url.origin().ascii_serialization())
}
