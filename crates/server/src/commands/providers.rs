//! `evergrant providers`: lists the providers of the catalogue and of the settings, and checks
//! provider definitions.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use evergrant_adapters::{
    CustomProvider, DefinitionFault, HttpClient, HttpLimits, NetworkPolicy, ProviderKind,
    ProviderSpec, Registry, parse_providers,
};
use evergrant_model::ProviderSlug;
use evergrant_service::ServiceSettings;
use serde_json::{Value, json};

use crate::failure::{Failure, Problem, Problems};
use crate::settings::{CustomProviders, ProviderSettings, Server, Sources};
use crate::{output, wiring};

#[derive(Subcommand)]
pub(super) enum Providers {
    /// List the platforms, with the settings that are missing
    #[command(after_help = "Example:\n  evergrant providers list --json")]
    List(List),
    /// Show a platform
    #[command(after_help = "Example:\n  evergrant providers show reddit")]
    Show(Show),
    /// Check the [providers.NAME] sections of a file. Each error is reported with line and column
    #[command(after_help = "Example:\n  evergrant providers check evergrant.toml")]
    Check(Check),
}

#[derive(Args)]
pub(super) struct List {
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct Show {
    /// Platform, as shown by `list`
    provider: ProviderSlug,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct Check {
    /// Path of the TOML file
    file: PathBuf,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

impl Providers {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(),
            Self::Show(show) => show.run(),
            Self::Check(check) => check.run(),
        }
    }
}

fn registry() -> Result<Registry, Failure> {
    let mut problems = Problems::default();
    let sources = Sources::from_process(&mut problems);
    let settings = ProviderSettings::read(&sources);
    let custom = CustomProviders::read(&sources, &mut problems);
    let registry = wiring::registry(&settings, &custom, NetworkPolicy::default(), &mut problems);
    problems.finish_with(registry)
}

impl List {
    fn run(self) -> Result<(), Failure> {
        let registry = registry()?;
        if self.json {
            return output::print_json(&registry.specs().map(as_json).collect());
        }
        let row = |spec: &ProviderSpec| [spec.slug.to_string(), spec.name.clone(), state(spec)];
        output::print_table(
            ["PLATFORM", "NAME", "STATE"],
            &registry.specs().map(row).collect::<Vec<_>>(),
        )
    }
}

impl Show {
    fn run(self) -> Result<(), Failure> {
        let registry = registry()?;
        let spec = registry
            .specs()
            .find(|spec| spec.slug == self.provider)
            .ok_or_else(|| {
                Failure::new(
                    format!("unknown platform {:?}", self.provider.as_str()),
                    "run `evergrant providers list` for the platforms",
                )
            })?;
        let redirect_uri = redirect_uri(spec)?;
        if self.json {
            let mut shown = as_json(spec);
            if let Some(fields) = shown.as_object_mut() {
                fields.insert("redirectUri".to_owned(), json!(redirect_uri));
            }
            return output::print_json(&shown);
        }
        let mut rows = rows(spec);
        rows.extend(redirect_uri.map(|uri| ["redirect URI".to_owned(), uri]));
        output::print_table(["PLATFORM", spec.slug.as_str()], &rows)
    }
}

/// Returns the URI to register at the platform, for the public URL of the settings; `None` for a
/// platform without a consent page.
fn redirect_uri(spec: &ProviderSpec) -> Result<Option<String>, Failure> {
    let mut problems = Problems::default();
    let server = Server::read(&Sources::from_process(&mut problems), &mut problems);
    problems.finish()?;
    let public_url = server.public_url_at(server.listen.address);
    let has_consent_page = spec.kind == ProviderKind::OAuth2;
    Ok(public_url
        .filter(|_| has_consent_page)
        .map(|url| ServiceSettings::new(url).callback_url(&spec.slug)))
}

/// Returns the missing settings, or `ready`.
fn state(spec: &ProviderSpec) -> String {
    spec.problem.clone().unwrap_or_else(|| "ready".to_owned())
}

fn rows(spec: &ProviderSpec) -> Vec<[String; 2]> {
    let yes_or_no = |value: bool| if value { "yes" } else { "no" }.to_owned();
    let sign_in_with = spec.sign_in_with.as_ref().unwrap_or(&spec.name);
    let fields = [
        ("name", spec.name.clone()),
        ("state", state(spec)),
        ("account type", spec.account_type.clone()),
        ("sign in with", sign_in_with.clone()),
        ("token type", spec.token_type.clone()),
        ("refreshes tokens", yes_or_no(spec.capabilities.refresh)),
        ("revokes grants", yes_or_no(spec.capabilities.revoke)),
        ("several per consent", yes_or_no(spec.multi_account)),
    ];
    let fields = fields.map(|(name, value)| [name.to_owned(), value]);
    let scopes = spec.scopes.iter().map(|scope| {
        let suffix = if scope.required { " (required)" } else { "" };
        [
            format!("scope {}", scope.id),
            format!("{}{suffix}", scope.label),
        ]
    });
    fields.into_iter().chain(scopes).collect()
}

impl Check {
    fn run(self) -> Result<(), Failure> {
        let text = std::fs::read_to_string(&self.file).map_err(|error| {
            Failure::new(
                format!("cannot read {}: {error}", self.file.display()),
                "check the path",
            )
        })?;
        let checked = parse_providers(&text).and_then(|custom| check(&custom).map(|()| custom));
        match (checked, self.json) {
            (Ok(custom), false) if custom.is_empty() => Err(Failure::new(
                format!("{} contains no provider definition", self.file.display()),
                "start a definition with [providers.NAME]",
            )),
            (Ok(custom), false) => {
                let names: Vec<_> = custom
                    .iter()
                    .map(|provider| provider.slug().as_str())
                    .collect();
                output::print_line(format!(
                    "{}: no errors in {}",
                    self.file.display(),
                    names.join(", ")
                ))
            }
            (Ok(custom), true) => {
                let names: Vec<_> = custom.iter().map(CustomProvider::slug).collect();
                output::print_json(&json!({ "providers": names, "faults": [] }))
            }
            (Err(faults), false) => Err(check_failure(&self.file, &faults)),
            (Err(faults), true) => {
                let rows = faults
                    .iter()
                    .map(|fault| json!({ "line": fault.line, "column": fault.column, "message": fault.message }));
                output::print_json(
                    &json!({ "providers": [], "faults": rows.collect::<Vec<_>>() }),
                )?;
                Err(check_failure(&self.file, &faults))
            }
        }
    }
}

/// Checks that `serve` accepts the definitions. The variables that they name may be unset.
fn check(custom: &[CustomProvider]) -> Result<(), Vec<DefinitionFault>> {
    let http = HttpClient::new(HttpLimits::default());
    let http = http.map_err(|error| {
        vec![DefinitionFault {
            line: 1,
            column: 1,
            message: error.to_string(),
        }]
    })?;
    Registry::new(
        http,
        wiring::clock(),
        &|_| None,
        custom.to_vec(),
        NetworkPolicy::default(),
    )
    .map(drop)
}

fn check_failure(file: &Path, faults: &[DefinitionFault]) -> Failure {
    let problem =
        |fault: &DefinitionFault| Problem::new(format!("{}, {fault}", file.display()), "");
    faults.iter().map(problem).collect::<Vec<_>>().into()
}

fn as_json(spec: &ProviderSpec) -> Value {
    let scopes = spec
        .scopes
        .iter()
        .map(|scope| json!({ "id": scope.id, "label": scope.label, "required": scope.required }));
    json!({
        "provider": spec.slug, "name": spec.name, "kind": spec.kind.as_str(), "configured": spec.is_configured(),
        "problem": spec.problem, "multiAccount": spec.multi_account, "accountType": spec.account_type,
        "signInWith": spec.sign_in_with, "tokenType": spec.token_type,
        "capabilities": {
            "refresh": spec.capabilities.refresh, "revoke": spec.capabilities.revoke, "profile": spec.capabilities.profile,
        },
        "scopes": scopes.collect::<Vec<_>>(),
    })
}
