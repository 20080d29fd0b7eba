//! Where a definition meets the operator's settings: what comes out can be used, or says what is missing.

use std::sync::Arc;

use evergrant_model::{ClientSecret, ProviderSlug};
use reqwest::header::HeaderValue;
use url::Url;

use crate::NetworkPolicy;
use crate::definition::{ClientAuth, Definition, Scope, host_name};
use crate::engine::{ClientRegistration, Endpoints, Engine};
use crate::http::Reach;
use crate::network::{objection, objection_to_override};
use crate::registry::Lookup;
use crate::spec::{Capabilities, ProviderSpec, ScopeSpec};

/// Who wrote a definition, and so how far it is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Catalogue,
    Operator,
}

/// A key of a definition and what is wrong with its host.
pub(crate) struct HostFault {
    pub(crate) key: &'static str,
    pub(crate) message: String,
}

/// A platform, and what speaks against its hosts.
pub(crate) fn resolve(
    slug: ProviderSlug,
    definition: Definition,
    origin: Origin,
    settings: &Lookup<'_>,
    policy: NetworkPolicy,
) -> (ProviderSpec, Vec<HostFault>) {
    let trusting = policy.allow_insecure_hosts || definition.allow_insecure;
    let mut resolver = Resolver { definition: &definition, settings, missing: Vec::new(), wrong: Vec::new() };
    let endpoints = resolver.endpoints(origin, trusting);
    let faults = match (&endpoints, origin, trusting) {
        (Some(endpoints), Origin::Operator, false) => host_faults(endpoints),
        _ => Vec::new(),
    };
    let reach = if origin == Origin::Operator && !trusting { Reach::PublicOnly } else { Reach::Anywhere };
    let client = resolver.client(endpoints, reach);
    let problem = resolver.problem();
    (spec(slug, definition, client, problem), faults)
}

struct Resolver<'a> {
    definition: &'a Definition,
    settings: &'a Lookup<'a>,
    missing: Vec<String>,
    wrong: Vec<String>,
}

impl Resolver<'_> {
    /// A setting that is there and not empty.
    fn setting(&self, name: &str) -> Option<String> {
        (self.settings)(name).filter(|value| !value.is_empty())
    }

    /// What the definition says, else what the setting that it names says; a named setting that is absent is noted.
    fn value(&mut self, plain: Option<&String>, env: Option<&String>) -> Option<String> {
        if plain.is_some() {
            return plain.cloned();
        }
        let name = env?;
        let found = self.setting(name);
        if found.is_none() {
            self.missing.push(name.clone());
        }
        found
    }

    fn client(&mut self, endpoints: Option<Endpoints>, reach: Reach) -> Option<ClientRegistration> {
        let definition = self.definition;
        let id = self.value(definition.client_id.as_ref(), definition.client_id_env.as_ref());
        let secret = self.secret();
        let user_agent = self.user_agent();
        if !(self.missing.is_empty() && self.wrong.is_empty()) {
            return None;
        }
        Some(ClientRegistration { id: id?, secret, user_agent, endpoints: endpoints?, reach })
    }

    fn secret(&mut self) -> Option<ClientSecret> {
        if self.definition.client_auth == ClientAuth::None {
            return None;
        }
        let plain = self.definition.client_secret.clone();
        plain.or_else(|| self.value(None, self.definition.client_secret_env.as_ref()).map(ClientSecret::new))
    }

    fn user_agent(&mut self) -> Option<HeaderValue> {
        let definition = self.definition;
        let text = self.value(definition.user_agent.as_ref(), definition.user_agent_env.as_ref())?;
        let value = HeaderValue::from_str(&text).ok();
        if value.is_none() {
            let name = definition.user_agent_env.as_deref().unwrap_or("user_agent");
            self.wrong.push(format!("{name} has characters that a header cannot carry"));
        }
        value
    }

    fn endpoints(&mut self, origin: Origin, trusting: bool) -> Option<Endpoints> {
        let definition = self.definition;
        for name in definition.hosts.keys() {
            self.check_override(name, origin, trusting);
        }
        let revocation = definition.revocation_url.as_deref().map(|address| self.address(address));
        Some(Endpoints {
            authorization: self.address(&definition.authorization_url)?,
            token: self.address(&definition.token_url)?,
            userinfo: self.address(&definition.userinfo_url)?,
            revocation: revocation.flatten(),
        })
    }

    fn check_override(&mut self, name: &str, origin: Origin, trusting: bool) {
        let Some(base) = self.setting(name) else { return };
        match Url::parse(&base) {
            Ok(url) if url.has_host() && url.query().is_none() && url.fragment().is_none() => {
                let objection = objection_to_override(&url).filter(|_| origin == Origin::Catalogue && !trusting);
                self.wrong.extend(objection.map(|words| format!("{name} {words}")));
            }
            _ => self.wrong.push(format!("{name} is not the base of an address, such as https://host.example")),
        }
    }

    /// The address with its host filled in.
    fn address(&self, address: &str) -> Option<Url> {
        let Some(name) = host_name(address) else { return Url::parse(address).ok() };
        let base = self.setting(name).or_else(|| self.definition.hosts.get(name).cloned())?;
        let rest = address.get(name.len() + 2..)?;
        Url::parse(&format!("{}{rest}", base.trim_end_matches('/'))).ok()
    }

    fn problem(&self) -> Option<String> {
        let missing = match self.missing.as_slice() {
            [] => None,
            [only] => Some(format!("set {only}")),
            [first @ .., last] => Some(format!("set {} and {last}", first.join(", "))),
        };
        let parts: Vec<String> = missing.into_iter().chain(self.wrong.iter().cloned()).collect();
        if parts.is_empty() { None } else { Some(parts.join("; ")) }
    }
}

fn host_faults(endpoints: &Endpoints) -> Vec<HostFault> {
    let addresses = [
        ("authorization_url", Some(&endpoints.authorization)),
        ("token_url", Some(&endpoints.token)),
        ("revocation_url", endpoints.revocation.as_ref()),
        ("userinfo_url", Some(&endpoints.userinfo)),
    ];
    let fault = |(key, url): (&'static str, Option<&Url>)| {
        objection(url?).map(|words| HostFault { key, message: format!("`{key}` {words}") })
    };
    addresses.into_iter().filter_map(fault).collect()
}

fn spec(
    slug: ProviderSlug,
    definition: Definition,
    client: Option<ClientRegistration>,
    problem: Option<String>,
) -> ProviderSpec {
    let standard = ProviderSpec::new(slug, &definition.name);
    ProviderSpec {
        account_type: definition.account_type.clone().unwrap_or(standard.account_type),
        token_type: definition.token_type.clone().unwrap_or(standard.token_type),
        scopes: definition.scopes.iter().map(scope).collect(),
        issuer: definition.issuer.clone(),
        pkce: definition.pkce,
        multi_account: definition.multi_account,
        capabilities: Capabilities {
            refresh: definition.refresh,
            revoke: definition.revocation_url.is_some(),
            profile: true,
        },
        problem,
        default_lifetime_seconds: definition.default_lifetime_seconds,
        refresh_ahead_seconds: definition.refresh_ahead_seconds,
        rotates: definition.rotates,
        replay_window_seconds: definition.replay_window_seconds,
        engine: Engine { definition: Arc::new(definition), client },
        ..standard
    }
}

fn scope(scope: &Scope) -> ScopeSpec {
    match scope {
        Scope::Plain(id) => ScopeSpec { id: id.clone(), label: id.clone(), required: false },
        Scope::Described { id, label, required } => {
            ScopeSpec { id: id.clone(), label: label.clone().unwrap_or_else(|| id.clone()), required: *required }
        }
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
        let policy = NetworkPolicy { allow_insecure_hosts };
        let slug = ProviderSlug::new("acme").unwrap();
        let (spec, faults) = resolve(slug, definition, origin, &|_: &str| None, policy);
        assert!(faults.is_empty());
        spec.engine.client.unwrap().reach
    }

    #[test]
    fn item_64_an_operators_platform_reaches_public_addresses_only_unless_told_otherwise() {
        assert_eq!(reach(Origin::Operator, false, false), Reach::PublicOnly);
        assert_eq!(reach(Origin::Operator, true, false), Reach::Anywhere);
        assert_eq!(reach(Origin::Operator, false, true), Reach::Anywhere);
        assert_eq!(reach(Origin::Catalogue, false, false), Reach::Anywhere);
    }
}
