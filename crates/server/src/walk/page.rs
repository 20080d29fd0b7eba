//! The page itself, drawn on the server.

use evergrant_model::{ConnectionStatus, Timestamp, UserId};
use evergrant_service::{Integration, IntegrationList, ProviderSpec, ServiceError};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use secrecy::ExposeSecret;

use super::outcome::Outcome;
use super::view::{Caller, distance, facts};
use super::{PEOPLE, Parts};
use crate::wiring;

/// An evergreen.
const MARK: &str = r#"<path d="M20 5 28 16h-4l7 9h-4l6 8H22v3h-4v-3H7l6-8H9l7-9h-4z"/>"#;

/// What every part of the page needs to know.
struct Scene<'a> {
    parts: &'a Parts,
    user: UserId,
    now: Timestamp,
    caller: Caller<'a>,
}

/// The whole page for `user`.
pub(super) fn page(
    parts: &Parts,
    user: UserId,
    outcome: Option<&Outcome>,
    accounts: &Result<IntegrationList, ServiceError>,
) -> Markup {
    let caller = Caller { base: &parts.base, key: parts.api_key.expose_secret(), user: user.get() };
    let scene = Scene { parts, user, now: wiring::clock().now(), caller };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Evergrant" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/walk/style.css";
            }
            body {
                (scene.top())
                main {
                    header {
                        h1 { "The life of a connection" }
                        p.lead { "Connect an account, read its token, renew it, disconnect it." }
                    }
                    @if let Some(outcome) = outcome {
                        p.outcome.good[outcome.is_good].bad[!outcome.is_good] role="status" { (outcome.sentence) }
                    }
                    @match accounts {
                        Ok(list) => (scene.body(&list.integrations)),
                        Err(error) => p.outcome.bad role="alert" { (error.detail()) },
                    }
                }
                footer {
                    p {
                        a href="/docs" { "API documentation" } " "
                        a href="/openapi.json" { "OpenAPI" }
                    }
                    p { "This page and its keys are for this machine only. In production, your app takes its place." }
                }
            }
        }
    }
}

impl Scene<'_> {
    fn top(&self) -> Markup {
        html! {
            div.top {
                a.brand href="/" {
                    svg viewBox="0 0 40 40" width="28" height="28" aria-hidden="true" { (PreEscaped(MARK)) }
                    "Evergrant"
                }
                nav aria-label="Acting as" {
                    span.quiet aria-hidden="true" { "Acting as" }
                    @for (number, name) in PEOPLE {
                        @let is_this = number == i64::from(self.user.get());
                        a href={ "/?user=" (number) } aria-current=[is_this.then_some("true")] { (name) }
                    }
                }
            }
        }
    }

    fn body(&self, accounts: &[Integration]) -> Markup {
        let is_first_visit = accounts.is_empty();
        html! {
            @if !is_first_visit {
                section aria-labelledby="accounts" {
                    h2 #accounts { "Connected accounts" }
                    @for account in accounts { (self.account(account, accounts.len() == 1)) }
                }
            }
            section aria-labelledby="platforms" {
                @if is_first_visit {
                    h2 #platforms { "Nothing is connected yet" }
                    p.quiet { "Choose a platform: its consent page opens, and you come back here." }
                } @else {
                    h2 #platforms { "Connect another" }
                }
                ul.card.rows {
                    @for (at, spec) in self.parts.service.registry().specs().enumerate() {
                        (self.platform(spec, is_first_visit && at == 0))
                    }
                }
            }
            section aria-labelledby="server" {
                h2 #server { "From your server" }
                div.card {
                    p { "Your server calls with an API key and names the user. A click selects the whole command." }
                    (command("All of this user's accounts", &self.caller.curl("GET", "status")))
                }
            }
        }
    }

    fn platform(&self, spec: &ProviderSpec, is_primary: bool) -> Markup {
        html! {
            li.row {
                (tile(&spec.name))
                div.grow {
                    strong { (spec.name) }
                    @match &spec.problem {
                        Some(problem) => p.quiet { "Not set up: " (problem) "." },
                        None => p.quiet { (permissions(spec)) },
                    }
                }
                @if spec.is_configured() {
                    form method="post" action="/walk/connect" {
                        (self.hidden(spec.slug.as_str(), None))
                        button.primary[is_primary] aria-label={ "Connect " (spec.name) } { "Connect" }
                    }
                }
            }
        }
    }

    fn account(&self, account: &Integration, is_only: bool) -> Markup {
        let adapter = evergrant_model::ProviderSlug::new(account.provider.as_str()).ok();
        let adapter = adapter.and_then(|slug| self.parts.service.registry().platform(&slug));
        let platform = adapter.as_ref().map_or(account.provider.as_str(), |adapter| adapter.spec().name.as_str());
        let name = account.display_name.as_deref().or(account.username.as_deref());
        let handle = account.username.as_deref().filter(|handle| Some(*handle) != name);
        html! {
            article.card {
                header.row {
                    (tile(name.unwrap_or(platform)))
                    div.grow {
                        h3 { (name.unwrap_or(&account.provider_account_id)) }
                        p.quiet {
                            (platform)
                            @if let Some(handle) = handle { " · " (handle) }
                        }
                    }
                    (standing(account))
                }
                (self.facts(account))
                div.buttons {
                    @if account.status.is_connected() || account.status == ConnectionStatus::Error {
                        (self.button("/walk/refresh", "Renew now", "", account))
                    } @else {
                        (self.button("/walk/connect", "Connect again", "primary", account))
                    }
                    (self.button("/walk/disconnect", "Disconnect", "danger", account))
                }
                (self.commands(account, is_only))
            }
        }
    }

    fn commands(&self, account: &Integration, is_open: bool) -> Markup {
        let (provider, id) = (account.provider.as_str(), account.provider_account_id.as_str());
        let curl = |method, action| self.caller.curl_about(method, action, provider, id);
        html! {
            details open[is_open] {
                summary { "The same from your server" }
                (command("Read a token that works now", &curl("GET", "token")))
                (command("Renew it", &curl("POST", "refresh")))
                (command("Disconnect the account", &curl("DELETE", "disconnect")))
            }
        }
    }

    fn facts(&self, account: &Integration) -> Markup {
        html! {
            dl {
                div { dt { "Token ends" } dd { (self.time(account.expires_at, "nobody knows")) } }
                div { dt { "Last renewed" } dd { (self.time(account.last_refreshed_at, "not yet")) } }
                @for (name, value) in facts(&account.metadata) {
                    div { dt { (name) } dd { (value) } }
                }
                div { dt { "Granted" } dd { (account.scope.as_deref().unwrap_or("not stated").replace(' ', ", ")) } }
                @if !account.missing_scopes.is_empty() {
                    div { dt { "Not granted" } dd { (account.missing_scopes.join(", ")) } }
                }
            }
        }
    }

    fn time(&self, time: Option<Timestamp>, none: &str) -> Markup {
        html! {
            @if let Some(time) = time {
                time datetime=(time) title=(time) { (distance(time, self.now)) }
            } @else {
                (none)
            }
        }
    }

    fn button(&self, action: &str, label: &str, class: &str, account: &Integration) -> Markup {
        html! {
            form method="post" action=(action) {
                (self.hidden(&account.provider, Some(&account.provider_account_id)))
                button class=[(!class.is_empty()).then_some(class)] { (label) }
            }
        }
    }

    fn hidden(&self, provider: &str, account: Option<&str>) -> Markup {
        html! {
            input type="hidden" name="user" value=(self.user.get());
            input type="hidden" name="provider" value=(provider);
            @if let Some(account) = account { input type="hidden" name="account" value=(account); }
        }
    }
}

/// The first letter, where a platform's own mark would be.
fn tile(name: &str) -> Markup {
    let letter: String = name.chars().next().map(|letter| letter.to_uppercase().collect()).unwrap_or_default();
    html! { span.tile aria-hidden="true" { (letter) } }
}

/// The mark and its word: colour is never alone.
fn standing(account: &Integration) -> Markup {
    let reason = account.reason.map(|reason| reason.as_str().replace('_', " ").to_lowercase());
    html! {
        p.standing data-status=(account.status.as_str()) {
            (account.status.as_str())
            @if let Some(reason) = reason { span.quiet { (reason) } }
        }
    }
}

fn permissions(spec: &ProviderSpec) -> String {
    let labels: Vec<_> = spec.scopes.iter().map(|scope| scope.label.as_str()).collect();
    if labels.is_empty() { "Asks for no particular permission".to_owned() } else { labels.join(" · ") }
}

fn command(label: &str, line: &str) -> Markup {
    html! {
        figure {
            figcaption { (label) }
            pre tabindex="0" { code { (line) } }
        }
    }
}
