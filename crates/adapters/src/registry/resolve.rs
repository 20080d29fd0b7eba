//! Where a definition meets the operator's settings: what comes out can be used, or says what is
//! missing.

use std::sync::Arc;

use evergrant_model::{ClientSecret, ProviderSlug};
use evergrant_outbound::{NetworkPolicy, Reach, objection, objection_to_override};
use http::HeaderValue;
use url::Url;

use super::facts::{session_spec, spec};
use super::settings::{Lookup, Settings};
use crate::definition::{AccessTokenGrant, ClientAuth, Definition, host_name, is_segment};
use crate::oauth2::client_registration::{ClientRegistration, Endpoints};
use crate::oauth2::config::EngineConfig;
use crate::{Pkce, ProviderSpec};

/// Who wrote a definition, and so how far it is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Catalogue,
    Operator,
}

/// A key of a definition and what is wrong with its host.
pub(super) struct HostFault {
    pub(super) key: &'static str,
    pub(super) message: String,
}

/// A platform: its public facts, the engine's configuration, and what speaks against its hosts.
pub(super) struct Resolved {
    pub(super) spec: ProviderSpec,
    pub(super) config: EngineConfig,
    pub(super) faults: Vec<HostFault>,
}

/// Joins a definition with the operator's settings.
pub(super) fn resolve(
    slug: ProviderSlug,
    definition: Definition,
    origin: Origin,
    lookup: &Lookup<'_>,
    policy: NetworkPolicy,
) -> Resolved {
    if definition.takes_pasted_session() {
        return resolve_session(slug, definition, lookup, policy);
    }
    let trusting = policy.allow_insecure_hosts || definition.allow_insecure;
    let mut resolver = Resolver {
        definition: &definition,
        settings: Settings::new(lookup),
    };
    let endpoints = resolver.endpoints(origin, trusting);
    let faults = match (&endpoints, origin, trusting) {
        (Some(endpoints), Origin::Operator, false) => host_faults(endpoints),
        _ => Vec::new(),
    };
    let reach = if origin == Origin::Operator && !trusting {
        Reach::PublicOnly
    } else {
        Reach::Anywhere
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
        faults,
    }
}

struct Resolver<'a> {
    definition: &'a Definition,
    settings: Settings<'a>,
}

impl Resolver<'_> {
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
            self.settings
                .reject(format!("{name} has characters that a header cannot carry"));
        }
        value
    }

    fn endpoints(&mut self, origin: Origin, trusting: bool) -> Option<Endpoints> {
        let definition = self.definition;
        for name in definition.endpoints.hosts.keys() {
            self.check_override(name, origin, trusting);
        }
        for name in definition.endpoints.variables.keys() {
            if self
                .settings
                .get(name)
                .is_some_and(|value| !is_segment(&value))
            {
                self.settings.reject(format!(
                    "{name} may hold letters, digits, points, hyphens and underscores"
                ));
            }
        }
        let optional = |address: Option<&String>| address.and_then(|address| self.address(address));
        let granted = |grant: Option<&AccessTokenGrant>| {
            self.address(grant?.url.as_ref().unwrap_or(&definition.token_url))
        };
        Some(Endpoints {
            authorization: self.address(&definition.authorization_url)?,
            token: self.address(&definition.token_url)?,
            userinfo: self.address(&definition.userinfo_url)?,
            revocation: optional(definition.revocation_url.as_ref()),
            long_lived_exchange: granted(definition.tokens.long_lived_exchange.as_ref()),
            renew: granted(definition.tokens.renew.as_ref()),
        })
    }

    fn check_override(&mut self, name: &str, origin: Origin, trusting: bool) {
        let Some(base) = self.settings.get(name) else {
            return;
        };
        match Url::parse(&base) {
            Ok(url) if url.has_host() && url.query().is_none() && url.fragment().is_none() => {
                let objection = objection_to_override(&url)
                    .filter(|_| origin == Origin::Catalogue && !trusting);
                if let Some(words) = objection {
                    self.settings.reject(format!("{name} {words}"));
                }
            }
            _ => self.settings.reject(format!(
                "{name} is not the base of an address, such as https://host.example"
            )),
        }
    }

    /// How the challenge is made, which a setting may override.
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

    /// The address with its host and its variables filled in.
    fn address(&self, address: &str) -> Option<Url> {
        let mut address = address.to_owned();
        for (name, value) in &self.definition.endpoints.variables {
            let value = self.settings.get(name).unwrap_or_else(|| value.clone());
            address = address.replace(&format!("{{{name}}}"), &value);
        }
        self.hosted(&address)
    }

    fn hosted(&self, address: &str) -> Option<Url> {
        let Some(name) = host_name(address) else {
            return Url::parse(address).ok();
        };
        let base = self
            .settings
            .get(name)
            .or_else(|| self.definition.endpoints.hosts.get(name).cloned())?;
        let rest = address.get(name.len() + 2..)?;
        Url::parse(&format!("{}{rest}", base.trim_end_matches('/'))).ok()
    }
}

fn host_faults(endpoints: &Endpoints) -> Vec<HostFault> {
    let addresses = [
        ("authorization_url", Some(&endpoints.authorization)),
        ("token_url", Some(&endpoints.token)),
        ("revocation_url", endpoints.revocation.as_ref()),
        ("userinfo_url", Some(&endpoints.userinfo)),
        (
            "tokens.long_lived_exchange.url",
            endpoints.long_lived_exchange.as_ref(),
        ),
        ("tokens.renew.url", endpoints.renew.as_ref()),
    ];
    let fault = |(key, url): (&'static str, Option<&Url>)| {
        objection(url?).map(|words| HostFault {
            key,
            message: format!("`{key}` {words}"),
        })
    };
    addresses.into_iter().filter_map(fault).collect()
}

/// A platform that is reached with a pasted session, and perhaps an address that checks one.
fn resolve_session(
    slug: ProviderSlug,
    definition: Definition,
    lookup: &Lookup<'_>,
    policy: NetworkPolicy,
) -> Resolved {
    let settings = Settings::new(lookup);
    let setting = |name: Option<&String>| name.and_then(|name| settings.get(name));
    let (enabled, address) = (
        definition.client.enabled_env.as_ref(),
        definition.endpoints.userinfo_url_env.as_ref(),
    );
    let check = setting(address).map(|text| {
        let url = Url::parse(&text)
            .ok()
            .filter(Url::has_host)
            .ok_or("is not an address")?;
        objection_to_override(&url)
            .filter(|_| !policy.allow_insecure_hosts)
            .map_or(Ok(url), Err)
    });
    let name = |of: Option<&String>| of.cloned().unwrap_or_default();
    let off = setting(enabled).is_none_or(|value| value != "true");
    let problem = match &check {
        Some(Err(words)) => Some(format!("{} {words}", name(address))),
        _ => off.then(|| format!("set {}=true", name(enabled))),
    };
    let session_check = check.and_then(Result::ok);
    let spec = session_spec(slug, &definition, problem, session_check.is_some());
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

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(origin: Origin, allow_insecure: bool, allow_insecure_hosts: bool) -> Reach {
        let address = |path: &str| format!("https://acme.example/{path}");
        let definition = Definition {
            authorization_url: address("authorize"),
            token_url: address("token"),
            userinfo_url: address("userinfo"),
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
    fn item_64_an_operators_platform_reaches_public_addresses_only_unless_told_otherwise() {
        assert_eq!(reach(Origin::Operator, false, false), Reach::PublicOnly);
        assert_eq!(reach(Origin::Operator, true, false), Reach::Anywhere);
        assert_eq!(reach(Origin::Operator, false, true), Reach::Anywhere);
        assert_eq!(reach(Origin::Catalogue, false, false), Reach::Anywhere);
    }
}
