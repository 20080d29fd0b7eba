//! The home page: simulated platforms and people, settings for a program under test, and all
//! controls as `curl` commands.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use maud::{Markup, html};

use super::layout;
use super::try_it::{Notice, try_it};
use crate::engine::Form;
use crate::faults::ConsentFault;
use crate::platform::Platform;
use crate::profile::PlatformProfile;
use crate::shared::Shared;

/// A control of the control API.
struct Control {
    /// Method and path.
    call: &'static str,
    /// An example of the request body.
    body: Option<&'static str>,
    description: &'static str,
}

const CONTROLS: &[Control] = &[
    Control {
        call: "GET /control/calls",
        body: None,
        description: "Returns the number of calls to each endpoint.",
    },
    Control {
        call: "GET /control/people",
        body: None,
        description: "Returns all people with their account ids and usernames.",
    },
    Control {
        call: "POST /control/approve",
        body: Some(r#"{"authUrl":"http://…","person":"juniper","scopes":["identity"]}"#),
        description: "Consents without a browser and returns the callback URL: {\"location\"}. Default for scopes: all \
                      requested ones. \"assets\" lists the Pages and accounts to share. \"deny\": true denies access.",
    },
    Control {
        call: "POST /control/faults",
        body: Some(
            r#"{"platform":"reddit","endpoint":"token.refresh_token","kind":"cut","times":1}"#,
        ),
        description: "Injects a fault into the next calls of an endpoint, or of all endpoints with \"*\". Kinds: respond \
                      (with status, body, headers), cut (processes the request, then drops the connection), \
                      unfinished (sends the whole response, then drops the connection), latency (with latencyMs), hold, \
                      html, empty.",
    },
    Control {
        call: "POST /control/clear-faults",
        body: None,
        description: "Removes the faults that still wait for a call. Grants, counters, switches and clock are unchanged.",
    },
    Control {
        call: "POST /control/release",
        body: None,
        description: "Releases every response held by a fault of kind hold.",
    },
    Control {
        call: "POST /control/switches",
        body: Some(r#"{"platform":"reddit","switch":"refreshToken","value":"rotate-strict"}"#),
        description: "Sets a switch; GET returns all positions. refreshToken: keep, rotate-strict, rotate-grace. \
                      refreshReply: repeat, omit. expiresIn: seconds. revokeStatus: 200, 204. retryAfter: on, off. \
                      deadRefreshBody: message, bare, oauth. quota, tokenQuota: calls per window. refreshExpiry: \
                      from-first-issue, rolling. clientKind: by-redirect, web, desktop. oauthErrorsAs200: on, off. \
                      Instagram only: expiresInReply, sameToken, requireProof, urlencoded: on, off. revokeReply: object, \
                      true. wrapping: flat, data. userId: string, number. permissions: text, array. throttleCode: 4, 17, \
                      32, 613, 80002.",
    },
    Control {
        call: "POST /control/clock",
        body: Some(r#"{"advanceSeconds":86400}"#),
        description: "Advances the simulated clock: tokens expire, rate limits reset, new posts appear. GET returns the \
                      time.",
    },
    Control {
        call: "POST /control/revoke-user",
        body: Some(r#"{"platform":"reddit","person":"juniper"}"#),
        description: "Revokes the person's grants of all apps, or ends all their sessions, without notifying the apps.",
    },
    Control {
        call: "POST /control/tokens",
        body: Some(r#"{"platform":"reddit","person":"juniper"}"#),
        description: "Creates a grant with all scopes and returns its tokens.",
    },
    Control {
        call: "POST /control/session",
        body: Some(r#"{"platform":"onlyfans","person":"kiln"}"#),
        description: "Signs in without a browser at a platform without OAuth and returns the session: {sess, auth_id, \
                      user_agent, x_bc}.",
    },
    Control {
        call: "POST /control/webhooks",
        body: Some(r#"{"platform":"tiktok","person":"juniper","url":"http://127.0.0.1:8080/…"}"#),
        description: "Sends a TikTok webhook to a loopback URL and returns the status of each delivery. event: default \
                      authorization.removed, with a reason. signature: right, wrong, old. times: number of deliveries. \
                      delaySeconds: age of the event. A removal revokes the grants first, unless its signature is wrong \
                      or old, or it is delayed.",
    },
    Control {
        call: "POST /control/invalidate",
        body: Some(r#"{"platform":"instagram","person":"juniper","subcode":460}"#),
        description: "Invalidates the person's tokens at Meta's platforms with error 190 and this subcode: 458 app removed, \
                      459 checkpoint, 460 password changed, 463 expired, 464 unconfirmed, 467 signed out, 492 role lost. \
                      null makes tokens with 459 and 464 valid again.",
    },
    Control {
        call: "POST /control/callbacks",
        body: Some(
            r#"{"platform":"instagram","kind":"deauthorize","person":"juniper","url":"http://127.0.0.1:8080/…","signature":"right","times":1}"#,
        ),
        description: "Sends Meta's signed callback to a loopback URL and returns each response. Kinds: deauthorize, \
                      deletion, webhook. Signatures: right, wrong.",
    },
    Control {
        call: "POST /control/reset",
        body: None,
        description: "Removes all grants, counters and faults, and resets switches and clock.",
    },
];

/// State of the home page.
#[derive(Clone)]
pub(crate) struct HomePage {
    pub(crate) shared: Arc<Shared>,
    pub(crate) platforms: Arc<[Arc<dyn Platform>]>,
    /// Returns Evergrant's settings for a sandbox at a base URL.
    pub(crate) dev_settings: fn(&str) -> Vec<(&'static str, String)>,
    /// Returns the definition of Acme for a sandbox at a base URL.
    pub(crate) acme_definition: fn(&str) -> String,
}

/// Handles `GET /`.
pub(super) async fn home(State(page): State<HomePage>, RawQuery(query): RawQuery) -> Response {
    let base = page.shared.base_url();
    let query = Form::parse(query.unwrap_or_default().as_bytes());
    let notice = query.get("notice").and_then(Notice::parse);
    let waiting = page.shared.world().faults.descriptions();
    let body = html! {
        header.banner { strong { "SANDBOX" } " · simulated platforms" }
        main.wide {
            header {
                h1 { "Evergrant sandbox" }
                p.lead { "Simulated platforms for development and tests. No accounts or credentials needed; nothing leaves \
                          this machine." }
            }
            @for platform in page.platforms.iter() { (platform_card(platform.as_ref())) }
            (try_it(&page.platforms, &waiting, notice))
            section.card {
                h2 { "Connect your program" }
                pre { @for (name, value) in (page.dev_settings)(base) { (name) "=" (quoted(&value)) "\n" } }
            }
            section.card {
                h2 { "Add a custom platform" }
                p { "Acme is a standard OAuth 2.0 server. Add it to " code { "evergrant.toml" } ":" }
                pre { ((page.acme_definition)(base)) }
            }
            section.card { h2 { "Controls" } (controls(base)) }
            section.card { h2 { "Consent faults" } (consent_faults()) }
        }
    };
    let mut response = layout::page(&layout::document("Sandbox", &body), "'self'");
    // Without a referrer, browsers send `Origin: null` with a form, which the guard rejects.
    let same_origin = HeaderValue::from_static("same-origin");
    response
        .headers_mut()
        .insert(header::REFERRER_POLICY, same_origin);
    response
}

fn platform_card(platform: &dyn Platform) -> Markup {
    let profile = platform.profile();
    html! {
        section.card {
            header.heading { (layout::logo(profile.mark)) h2 { (profile.name) } }
            ul.people {
                @for card in platform.cards() {
                    li.person {
                        img src={ "/images/" (card.person) ".png" } width="40" height="40" alt="";
                        span { strong { (card.person) } small { (card.username) ", " (card.about) } }
                    }
                }
            }
            dl {
                dt { "Sign-in" } dd { (sign_in_path(profile)) }
                @for (name, path) in [("Tokens", profile.paths.token), ("Revocation", profile.paths.revoke)] {
                    @if !path.is_empty() { dt { (name) } dd { code { (path) } } }
                }
                dt { "Endpoints" }
                dd.words { @for endpoint in profile.endpoints { code { (endpoint) } " " } }
            }
        }
    }
}

/// Returns the path of the sign-in page, as a link if it works without query parameters.
fn sign_in_path(profile: &PlatformProfile) -> Markup {
    let path = profile.paths.authorize;
    html! { @if profile.oauth { code { (path) } } @else { a href=(path) { code { (path) } } } }
}

fn controls(base: &str) -> Markup {
    html! {
        @for control in CONTROLS {
            section.control {
                h3 { code { (control.call) } }
                p { (control.description) }
                pre { (curl(base, control)) }
            }
        }
    }
}

/// Returns the control as a `curl` command.
fn curl(base: &str, control: &Control) -> String {
    let (method, path) = control.call.split_once(' ').unwrap_or_default();
    let method = if method == "GET" { "" } else { "-X POST " };
    let body = control
        .body
        .map(|body| format!(" \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}'"));
    format!("curl {method}{base}{path}{}", body.unwrap_or_default())
}

fn consent_faults() -> Markup {
    html! {
        p { "Select a fault on the consent page, or add it to the authorization URL, as in "
            code { "&misbehave=slow-token" } "." }
        dl {
            @for value in ConsentFault::ALL { dt { code { (value) } } dd { (value.label()) } }
        }
    }
}

/// Returns a value quoted for a shell.
fn quoted(value: &str) -> String {
    if value.contains([' ', '(', ')']) {
        format!("'{value}'")
    } else {
        value.to_owned()
    }
}
