//! `evergrant providers`: the catalogue, the operator's own platforms, and what is wrong with a
//! definition.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use evergrant_adapters::{
    CustomProvider, DefinitionFault, HttpClient, HttpLimits, NetworkPolicy, ProviderSpec, Registry,
    parse_providers,
};
use evergrant_model::ProviderSlug;
use serde_json::{Value, json};

use crate::failure::{Failure, Problem, Problems};
use crate::settings::{self, Sources};
use crate::{output, wiring};

#[derive(Subcommand)]
pub(super) enum Providers {
    /// List the platforms, and what each still needs
    #[command(after_help = "Example:\n  evergrant providers list --json")]
    List(List),
    /// Show one platform
    #[command(after_help = "Example:\n  evergrant providers show reddit")]
    Show(Show),
    /// Check the [providers.NAME] sections of a file, and name each fault with line and column
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
    /// The platform, as the list names it
    provider: ProviderSlug,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct Check {
    /// The file
    file: PathBuf,
    /// Print a JSON object; the exit code is 1 where there are faults
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
    let sources = Sources::of_process(&mut problems);
    let platforms = settings::Platforms::read(&sources);
    let providers = settings::Providers::read(&sources, &mut problems);
    let registry = wiring::registry(
        &platforms,
        &providers,
        NetworkPolicy::default(),
        &mut problems,
    );
    problems.finish_with(registry)
}

impl List {
    fn run(self) -> Result<(), Failure> {
        let registry = registry()?;
        if self.json {
            return output::json(&registry.specs().map(as_json).collect());
        }
        let row = |spec: &ProviderSpec| {
            let state = spec.problem.clone().unwrap_or_else(|| "ready".to_owned());
            [spec.slug.to_string(), spec.name.clone(), state]
        };
        output::table(
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
                    format!("there is no platform {:?}", self.provider.as_str()),
                    "`evergrant providers list` names them",
                )
            })?;
        if self.json {
            return output::json(&as_json(spec));
        }
        let yes = |truth: bool| if truth { "yes" } else { "no" }.to_owned();
        let mut rows = vec![
            ["name".to_owned(), spec.name.clone()],
            [
                "state".to_owned(),
                spec.problem.clone().unwrap_or_else(|| "ready".to_owned()),
            ],
            ["accounts are".to_owned(), spec.account_type.clone()],
            [
                "sign in with".to_owned(),
                spec.sign_in_with
                    .clone()
                    .unwrap_or_else(|| spec.name.clone()),
            ],
            ["tokens are".to_owned(), spec.token_type.clone()],
            ["renews tokens".to_owned(), yes(spec.capabilities.refresh)],
            ["ends grants".to_owned(), yes(spec.capabilities.revoke)],
            ["several accounts".to_owned(), yes(spec.multi_account)],
        ];
        let scopes = spec.scopes.iter().map(|scope| {
            let need = if scope.required { " (required)" } else { "" };
            [
                format!("scope {}", scope.id),
                format!("{}{need}", scope.label),
            ]
        });
        rows.extend(scopes);
        output::table(["PLATFORM", spec.slug.as_str()], &rows)
    }
}

impl Check {
    fn run(self) -> Result<(), Failure> {
        let text = std::fs::read_to_string(&self.file).map_err(|error| {
            Failure::new(
                format!("{} cannot be read: {error}", self.file.display()),
                "name a file that is there",
            )
        })?;
        let checked = parse_providers(&text).and_then(|custom| accepted(&custom).map(|()| custom));
        match (checked, self.json) {
            (Ok(custom), false) if custom.is_empty() => Err(Failure::new(
                format!("{}: there is no platform in it", self.file.display()),
                "begin a definition with [providers.NAME]",
            )),
            (Ok(custom), false) => {
                let names: Vec<_> = custom
                    .iter()
                    .map(|provider| provider.slug().as_str())
                    .collect();
                output::line(format!(
                    "{}: no faults in {}",
                    self.file.display(),
                    names.join(", ")
                ))
            }
            (Ok(custom), true) => {
                let names: Vec<_> = custom.iter().map(CustomProvider::slug).collect();
                output::json(&json!({ "providers": names, "faults": [] }))
            }
            (Err(faults), false) => Err(in_words(&self.file, &faults)),
            (Err(faults), true) => {
                let shown = faults
                    .iter()
                    .map(|fault| json!({ "line": fault.line, "column": fault.column, "message": fault.message }));
                output::json(&json!({ "providers": [], "faults": shown.collect::<Vec<_>>() }))?;
                Err(in_words(&self.file, &faults))
            }
        }
    }
}

/// Whether `serve` would take the definitions, whatever the settings say that they name.
fn accepted(custom: &[CustomProvider]) -> Result<(), Vec<DefinitionFault>> {
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

fn in_words(file: &Path, faults: &[DefinitionFault]) -> Failure {
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
