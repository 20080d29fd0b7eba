//! Combines a definition with the operator's settings. The result is usable, or names the settings
//! that are missing or invalid.

use std::sync::Arc;

use evergrant_model::{ClientSecret, ProviderSlug};
use evergrant_outbound::{NetworkPolicy, Reach, override_violation, policy_violation};
use http::HeaderValue;
use url::Url;

use super::facts::{session_spec, spec};
use super::settings::{Lookup, Settings};
use crate::definition::{AccessTokenGrant, ClientAuth, Definition, host_placeholder, is_segment};
use crate::oauth2::client_registration::{ClientRegistration, Endpoints};
use crate::oauth2::config::EngineConfig;
use crate::{Pkce, ProviderSpec, SessionSite};

/// The author of a definition, which determines the trust in its hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Catalogue,
    Operator,
}

/// A key of a definition with a host that may not be called.
pub(super) struct HostFault {
    pub(super) key: &'static str,
    pub(super) message: String,
}

/// A resolved provider: its public facts, the engine's configuration, and the faults of its hosts.
pub(super) struct Resolved {
    pub(super) spec: ProviderSpec,
    pub(super) config: EngineConfig,
    pub(super) faults: Vec<HostFault>,
}

/// Combines a definition with the operator's settings.
pub(super) fn resolve(
    slug: ProviderSlug,
    definition: Definition,
    origin: Origin,
    lookup: &Lookup<'_>,
    policy: NetworkPolicy,
) -> Resolved {
    if definition.uses_session_credentials() {
        return resolve_session(slug, definition, lookup, policy);
    }
    let allows_insecure = policy.allow_insecure_hosts || definition.allow_insecure;
    let is_restricted = origin == Origin::Operator && !allows_insecure;
    let mut resolver = Resolver {
        definition: &definition,
        settings: Settings::new(lookup),
    };
    let endpoints = resolver.endpoints(origin, allows_insecure);
    let (faults, reach) = if is_restricted {
        (endpoints.as_ref().map(host_faults), Reach::PublicOnly)
    } else {
        (None, Reach::Anywhere)
    };
    let pkce = resolver.pkce();
    let client = resolver.client(endpoints, reach);
    let problem = resolver.settings.problem();
    let spec = ProviderSpec {
        pkce,
        ..spec(slug, &definition, problem)
    };
    let config = EngineConfig {
        definition: Arc::new(definition),
        client,
        session_check: None,
    };
    Resolved {
        spec,
        config,
        faults: faults.unwrap_or_default(),
    }
}

/// Resolves one definition and collects the problems with its settings.
struct Resolver<'a> {
    definition: &'a Definition,
    settings: Settings<'a>,
}

impl Resolver<'_> {
    /// Returns the client registration; `None` if settings are missing or invalid.
    fn client(&mut self, endpoints: Option<Endpoints>, reach: Reach) -> Option<ClientRegistration> {
        let definition = self.definition;
        let id = self.settings.value(
            definition.client_id.as_ref(),
            definition.client_id_env.as_ref(),
        );
        let secret = self.secret();
        let user_agent = self.user_agent();
        if !self.settings.are_complete() {
            return None;
        }
        Some(ClientRegistration {
            id: id?,
            secret,
            user_agent,
            endpoints: endpoints?,
            reach,
        })
    }

    fn secret(&mut self) -> Option<ClientSecret> {
        if self.definition.client_auth == ClientAuth::None {
            return None;
        }
        let (plain, env) = (
            self.definition.client_secret.clone(),
            self.definition.client_secret_env.as_ref(),
        );
        plain.or_else(|| self.settings.value(None, env).map(ClientSecret::new))
    }

    fn user_agent(&mut self) -> Option<HeaderValue> {
        let definition = self.definition;
        let text = self.settings.value(
            definition.client.user_agent.as_ref(),
            definition.client.user_agent_env.as_ref(),
        )?;
        let value = HeaderValue::from_str(&text).ok();
        if value.is_none() {
            let name = definition
                .client
                .user_agent_env
                .as_deref()
                .unwrap_or("client.user_agent");
            self.settings.reject(format!(
                "{name} contains characters that an HTTP header cannot carry"
            ));
        }
        value
    }

    fn endpoints(&mut self, origin: Origin, allows_insecure: bool) -> Option<Endpoints> {
        let definition = self.definition;
        for name in definition.endpoints.hosts.keys() {
            self.check_host(name, origin, allows_insecure);
        }
        for name in definition.endpoints.variables.keys() {
            self.check_variable(name);
        }
        let optional = |url: Option<&String>| url.and_then(|url| self.url(url));
        let exchange = |grant: Option<&AccessTokenGrant>| {
            self.url(grant?.url.as_ref().unwrap_or(&definition.token_url))
        };
        Some(Endpoints {
            authorization: self.url(&definition.authorization_url)?,
            token: self.url(&definition.token_url)?,
            userinfo: self.url(&definition.userinfo_url)?,
            revocation: optional(definition.revocation_url.as_ref()),
            long_lived_exchange: exchange(definition.tokens.long_lived_exchange.as_ref()),
            refresh_exchange: exchange(definition.tokens.refresh_exchange.as_ref()),
        })
    }

    /// Checks the setting that replaces a variable of the URLs.
    fn check_variable(&mut self, name: &str) {
        let value = self.settings.get(name);
        if value.is_some_and(|value| !is_segment(&value)) {
            self.settings.reject(format!(
                "{name} must be letters, digits, dots, hyphens and underscores"
            ));
        }
    }

    /// Checks the setting that replaces a host of the URLs.
    fn check_host(&mut self, name: &str, origin: Origin, allows_insecure: bool) {
        let Some(base) = self.settings.get(name) else {
            return;
        };
        match Url::parse(&base) {
            Ok(url) if url.has_host() && url.query().is_none() && url.fragment().is_none() => {
                let violation = override_violation(&url)
                    .filter(|_| origin == Origin::Catalogue && !allows_insecure);
                if let Some(violation) = violation {
                    self.settings.reject(format!("{name} {violation}"));
                }
            }
            _ => self.settings.reject(format!(
                "{name} must be a base URL such as https://host.example"
            )),
        }
    }

    /// Returns how the PKCE challenge is derived, which a setting may override.
    fn pkce(&mut self) -> Pkce {
        let name = self.definition.client.pkce_env.as_deref();
        let Some((name, word)) = name.and_then(|name| Some((name, self.settings.get(name)?)))
        else {
            return self.definition.pkce;
        };
        match word.as_str() {
            "none" => Pkce::None,
            "hex" => Pkce::S256Hex,
            "base64url" => Pkce::S256,
            _ => {
                self.settings
                    .reject(format!("{name} must be none, hex or base64url"));
                self.definition.pkce
            }
        }
    }

    /// Returns the URL with its host and its variables replaced.
    fn url(&self, template: &str) -> Option<Url> {
        let mut url = template.to_owned();
        for (name, value) in &self.definition.endpoints.variables {
            let value = self.settings.get(name).unwrap_or_else(|| value.clone());
            url = url.replace(&format!("{{{name}}}"), &value);
        }
        self.with_host(&url)
    }

    /// Returns the URL with the host in place of its leading `{NAME}`.
    fn with_host(&self, url: &str) -> Option<Url> {
        let Some(name) = host_placeholder(url) else {
            return Url::parse(url).ok();
        };
        let base = self
            .settings
            .get(name)
            .or_else(|| self.definition.endpoints.hosts.get(name).cloned())?;
        let rest = url.get(name.len() + 2..)?;
        Url::parse(&format!("{}{rest}", base.trim_end_matches('/'))).ok()
    }
}

/// Returns the endpoints that a custom provider may not call.
fn host_faults(endpoints: &Endpoints) -> Vec<HostFault> {
    let urls = [
        ("authorization_url", Some(&endpoints.authorization)),
        ("token_url", Some(&endpoints.token)),
        ("revocation_url", endpoints.revocation.as_ref()),
        ("userinfo_url", Some(&endpoints.userinfo)),
        (
            "tokens.long_lived_exchange.url",
            endpoints.long_lived_exchange.as_ref(),
        ),
        (
            "tokens.refresh_exchange.url",
            endpoints.refresh_exchange.as_ref(),
        ),
    ];
    let fault = |(key, url): (&'static str, Option<&Url>)| {
        policy_violation(url?).map(|violation| HostFault {
            key,
            message: format!("`{key}` {violation}"),
        })
    };
    urls.into_iter().filter_map(fault).collect()
}

/// Resolves a provider that uses session credentials.
fn resolve_session(
    slug: ProviderSlug,
    definition: Definition,
    lookup: &Lookup<'_>,
    policy: NetworkPolicy,
) -> Resolved {
    let settings = Settings::new(lookup);
    let endpoints = &definition.endpoints;
    let address = |name: Option<&String>| address_setting(name?, &settings, policy);
    let check = address(endpoints.userinfo_url_env.as_ref());
    let sign_in = address(endpoints.sign_in_url_env.as_ref());
    let enabled = definition.client.enabled_env.as_ref();
    let is_disabled = enabled
        .and_then(|name| settings.get(name))
        .is_none_or(|value| value != "true");
    let invalid = [&check, &sign_in]
        .into_iter()
        .find_map(|setting| setting.as_ref()?.as_ref().err().cloned());
    let disabled = || format!("set {}=true", enabled.map_or("", String::as_str));
    let problem = invalid.or_else(|| is_disabled.then(disabled));
    let session_check = check.and_then(Result::ok);
    let sign_in = sign_in.and_then(Result::ok);
    let own = endpoints.sign_in_url.as_ref();
    let own = own.and_then(|url| Url::parse(url).ok());
    let site = SessionSite::new(
        sign_in.as_ref().or(own.as_ref()),
        own.iter().chain(&sign_in).chain(&session_check),
    );
    let spec = session_spec(slug, &definition, problem, session_check.is_some(), site);
    let config = EngineConfig {
        definition: Arc::new(definition),
        client: None,
        session_check,
    };
    Resolved {
        spec,
        config,
        faults: Vec::new(),
    }
}

/// Reads a setting with a URL: `None` if it is not set, an error that names it if it is invalid.
fn address_setting(
    name: &str,
    settings: &Settings<'_>,
    policy: NetworkPolicy,
) -> Option<Result<Url, String>> {
    let text = settings.get(name)?;
    let Some(url) = Url::parse(&text).ok().filter(Url::has_host) else {
        return Some(Err(format!("{name} must be a URL")));
    };
    let violation = override_violation(&url).filter(|_| !policy.allow_insecure_hosts);
    Some(violation.map_or(Ok(url), |violation| Err(format!("{name} {violation}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(origin: Origin, allow_insecure: bool, allow_insecure_hosts: bool) -> Reach {
        let url = |path: &str| format!("https://acme.example/{path}");
        let definition = Definition {
            authorization_url: url("authorize"),
            token_url: url("token"),
            userinfo_url: url("userinfo"),
            client_id: Some("id".to_owned()),
            client_secret: Some(ClientSecret::new("s")),
            allow_insecure,
            ..Definition::default()
        };
        let policy = NetworkPolicy {
            allow_insecure_hosts,
        };
        let slug = ProviderSlug::new("acme").unwrap();
        let resolved = resolve(slug, definition, origin, &|_: &str| None, policy);
        assert!(resolved.faults.is_empty());
        resolved.config.client.unwrap().reach
    }

    #[test]
    fn item_64_custom_provider_reaches_public_addresses_only_by_default() {
        assert_eq!(reach(Origin::Operator, false, false), Reach::PublicOnly);
        assert_eq!(reach(Origin::Operator, true, false), Reach::Anywhere);
        assert_eq!(reach(Origin::Operator, false, true), Reach::Anywhere);
        assert_eq!(reach(Origin::Catalogue, false, false), Reach::Anywhere);
    }
}
