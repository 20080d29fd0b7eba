//! Where a definition meets the operator's settings: what comes out can be used, or says what is missing.

use std::sync::Arc;

use evergrant_model::{ClientSecret, ProviderSlug};
use evergrant_outbound::{NetworkPolicy, Reach, objection, objection_to_override};
use http::HeaderValue;
use url::Url;

use crate::Pkce;
use crate::definition::{AccessTrade, ClientAuth, Definition, Scope, host_name, is_segment};
use crate::engine::{ClientRegistration, Endpoints, Engine};
use crate::registry::Lookup;
use crate::spec::{Capabilities, ProviderKind, ProviderSpec, RenewsWith, ScopeSpec};

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
    if definition.enabled_env.is_some() {
        return (session_spec(slug, definition, settings, policy), Vec::new());
    }
    let trusting = policy.allow_insecure_hosts || definition.allow_insecure;
    let mut resolver = Resolver { definition: &definition, settings, missing: Vec::new(), wrong: Vec::new() };
    let endpoints = resolver.endpoints(origin, trusting);
    let faults = match (&endpoints, origin, trusting) {
        (Some(endpoints), Origin::Operator, false) => host_faults(endpoints),
        _ => Vec::new(),
    };
    let reach = if origin == Origin::Operator && !trusting { Reach::PublicOnly } else { Reach::Anywhere };
    let pkce = resolver.pkce();
    let client = resolver.client(endpoints, reach);
    let problem = resolver.problem();
    let mut spec = spec(slug, definition, problem);
    spec.pkce = pkce;
    spec.engine.client = client;
    (spec, faults)
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
        for name in definition.variables.keys() {
            if self.setting(name).is_some_and(|value| !is_segment(&value)) {
                self.wrong.push(format!("{name} may hold letters, digits, points, hyphens and underscores"));
            }
        }
        let optional = |address: Option<&String>| address.and_then(|address| self.address(address));
        let trade = |trade: Option<&AccessTrade>| self.address(trade?.url.as_ref().unwrap_or(&definition.token_url));
        Some(Endpoints {
            authorization: self.address(&definition.authorization_url)?,
            token: self.address(&definition.token_url)?,
            userinfo: self.address(&definition.userinfo_url)?,
            revocation: optional(definition.revocation_url.as_ref()),
            lengthen: trade(definition.lengthen.as_ref()),
            renew: trade(definition.renew.as_ref()),
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

    /// How the challenge is made, which a setting may say.
    fn pkce(&mut self) -> Pkce {
        let name = self.definition.pkce_env.as_deref();
        let Some((name, word)) = name.and_then(|name| Some((name, self.setting(name)?))) else {
            return self.definition.pkce;
        };
        match word.as_str() {
            "none" => Pkce::None,
            "hex" => Pkce::S256Hex,
            "base64url" => Pkce::S256,
            _ => {
                self.wrong.push(format!("{name} must be none, hex or base64url"));
                self.definition.pkce
            }
        }
    }

    /// The address with its host and its variables filled in.
    fn address(&self, address: &str) -> Option<Url> {
        let mut address = address.to_owned();
        for (name, value) in &self.definition.variables {
            address = address.replace(&format!("{{{name}}}"), &self.setting(name).unwrap_or_else(|| value.clone()));
        }
        self.hosted(&address)
    }

    fn hosted(&self, address: &str) -> Option<Url> {
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
        ("lengthen", endpoints.lengthen.as_ref()),
        ("renew", endpoints.renew.as_ref()),
    ];
    let fault = |(key, url): (&'static str, Option<&Url>)| {
        objection(url?).map(|words| HostFault { key, message: format!("`{key}` {words}") })
    };
    addresses.into_iter().filter_map(fault).collect()
}

/// A platform that is reached with a pasted session, and perhaps an address that checks one.
fn session_spec(
    slug: ProviderSlug,
    definition: Definition,
    settings: &Lookup<'_>,
    policy: NetworkPolicy,
) -> ProviderSpec {
    let setting = |name: Option<&String>| name.and_then(|name| settings(name)).filter(|value| !value.is_empty());
    let (enabled, address) = (definition.enabled_env.as_ref(), definition.userinfo_url_env.as_ref());
    let check = setting(address).map(|text| {
        let url = Url::parse(&text).ok().filter(Url::has_host).ok_or("is not an address")?;
        objection_to_override(&url).filter(|_| !policy.allow_insecure_hosts).map_or(Ok(url), Err)
    });
    let name = |of: Option<&String>| of.cloned().unwrap_or_default();
    let off = setting(enabled).is_none_or(|value| value != "true");
    let problem = match &check {
        Some(Err(words)) => Some(format!("{} {words}", name(address))),
        _ => off.then(|| format!("set {}=true", name(enabled))),
    };
    let session_check = check.and_then(Result::ok);
    let mut spec = spec(slug, definition, problem);
    spec.kind = ProviderKind::Cookies;
    spec.pkce = Pkce::None;
    spec.rotates = false;
    spec.capabilities = Capabilities { refresh: false, revoke: false, profile: session_check.is_some() };
    spec.engine.session_check = session_check;
    spec
}

fn spec(slug: ProviderSlug, definition: Definition, problem: Option<String>) -> ProviderSpec {
    let standard = ProviderSpec::new(slug, &definition.name);
    let renews_itself = definition.renew.is_some();
    ProviderSpec {
        account_type: definition.account_type.clone().unwrap_or(standard.account_type),
        sign_in_with: definition.sign_in_with.clone(),
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
        refresh_at_percent: definition.refresh_at_percent,
        refresh_not_before_seconds: definition.refresh_not_before_seconds,
        renews_with: if renews_itself { RenewsWith::AccessToken } else { RenewsWith::RefreshToken },
        revocation_reach: definition.revocation_reach,
        person_key: definition.person_key.clone(),
        rotates: definition.rotates,
        replay_window_seconds: definition.replay_window_seconds,
        engine: Engine { definition: Arc::new(definition), ..Engine::default() },
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
            ..Definition::standard()
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
