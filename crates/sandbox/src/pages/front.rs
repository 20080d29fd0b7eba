//! The front page: what the sandbox plays, who lives in it, and how to steer it from a shell.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::layout;
use crate::faults::Misbehaviour;
use crate::platform::Platform;
use crate::profile::PlatformProfile;
use crate::shared::Shared;

/// One control: method and path, a body to try, and what it does.
struct Control {
    call: &'static str,
    body: Option<&'static str>,
    does: &'static str,
}

const CONTROLS: &[Control] = &[
    Control {
        call: "GET /control/calls",
        body: None,
        does: "How often each endpoint was called.",
    },
    Control {
        call: "GET /control/people",
        body: None,
        does: "Who there is, with their ids and names.",
    },
    Control {
        call: "POST /control/approve",
        body: Some(r#"{"authUrl":"http://…","person":"juniper","scopes":["identity"]}"#),
        does: "Consents without a browser, and answers where it would go: {\"location\"}. Without scopes everything that \
               was asked for is allowed; \"assets\" names the Pages and accounts to share; \"deny\": true refuses.",
    },
    Control {
        call: "POST /control/faults",
        body: Some(
            r#"{"platform":"reddit","endpoint":"token.refresh_token","kind":"cut","times":1}"#,
        ),
        does: "Forces the next answers of an endpoint, or of all with \"*\". Kinds: respond (with status, body, headers), \
               cut (does the work, then drops the connection), latency (with latencyMs), hold, html, empty.",
    },
    Control {
        call: "POST /control/release",
        body: None,
        does: "Lets go of every call that a fault of the kind hold holds.",
    },
    Control {
        call: "POST /control/switches",
        body: Some(r#"{"platform":"reddit","switch":"refreshToken","value":"rotate-strict"}"#),
        does: "refreshToken: keep, rotate-strict, rotate-grace. refreshReply: repeat, omit. expiresIn: seconds. \
               revokeStatus: 200, 204. retryAfter: on, off. deadRefreshBody: message, bare, oauth. quota, tokenQuota: \
               calls in one window. refreshExpiry: from-first-issue, rolling. clientKind: by-redirect, web, desktop. \
               oauthErrorsAs200: on, off. Instagram also has expiresInReply, sameToken, requireProof, urlencoded: \
               on, off. revokeReply: object, true. wrapping: flat, data. userId: string, number. permissions: text, \
               array. throttleCode: 4, 17, 32, 613, 80002. GET shows how they stand.",
    },
    Control {
        call: "POST /control/clock",
        body: Some(r#"{"advanceSeconds":86400}"#),
        does: "Moves the sandbox's clock: tokens end, windows open, people post. GET tells the time.",
    },
    Control {
        call: "POST /control/revoke-user",
        body: Some(r#"{"platform":"reddit","person":"juniper"}"#),
        does: "The person withdraws every app's access, or ends every session, and nobody is told.",
    },
    Control {
        call: "POST /control/tokens",
        body: Some(r#"{"platform":"reddit","person":"juniper"}"#),
        does: "Answers the tokens of a new grant, as if the person had consented to everything.",
    },
    Control {
        call: "POST /control/session",
        body: Some(r#"{"platform":"onlyfans","person":"kiln"}"#),
        does: "Signs in without a browser where there is no OAuth, and answers what a person would copy out of theirs: \
               {sess, auth_id, user_agent, x_bc}.",
    },
    Control {
        call: "POST /control/webhooks",
        body: Some(r#"{"platform":"tiktok","person":"juniper","url":"http://127.0.0.1:8080/…"}"#),
        does: "Sends the platform's notice to an address on this machine, and answers with the statuses it got. event: \
               authorization.removed unless given, with a reason. signature: right, wrong, old. times: how often. \
               delaySeconds: how long ago it happened. The first right notice of a removal ends the grants; \
               one that is wrong, old or delayed leaves them alone.",
    },
    Control {
        call: "POST /control/invalidate",
        body: Some(r#"{"platform":"instagram","person":"juniper","subcode":460}"#),
        does: "Meta's platforms refuse the person's tokens with 190 and this subcode: 458 app removed, 459 checkpoint, 460 \
               password changed, 463 expired, 464 unconfirmed, 467 signed out, 492 role lost. null mends 459 and 464.",
    },
    Control {
        call: "POST /control/callbacks",
        body: Some(
            r#"{"platform":"instagram","kind":"deauthorize","person":"juniper","url":"http://127.0.0.1:8080/…","signature":"right","times":1}"#,
        ),
        does: "Sends a signed callback to an app on this machine, and tells how it was answered. Kinds: deauthorize, \
               deletion, webhook. Signatures: right, wrong.",
    },
    Control {
        call: "POST /control/reset",
        body: None,
        does: "Back to the beginning: no grants, no counts, no faults, switches and clock as delivered.",
    },
];

/// What the front page tells of.
#[derive(Clone)]
pub(crate) struct FrontPage {
    pub(crate) shared: Arc<Shared>,
    pub(crate) platforms: Arc<[Arc<dyn Platform>]>,
    /// The product's settings for a sandbox at a base address.
    pub(crate) dev_settings: fn(&str) -> Vec<(&'static str, String)>,
    /// The definition of Acme in a sandbox at a base address.
    pub(crate) acme_definition: fn(&str) -> String,
}

/// `GET /`
pub(super) async fn front(State(shown): State<FrontPage>) -> Response {
    let base = shown.shared.base_url();
    let body = html! {
        (layout::banner("thing"))
        main.wide {
            header {
                h1 { "The sandbox" }
                p.lead { "It plays the platforms, so that everything can be tried without a single credential. \
                          Nothing here is real, and nothing leaves this machine." }
            }
            @for platform in shown.platforms.iter() { (one_platform(platform.as_ref())) }
            section.card {
                h2 { "Point a program at it" }
                pre { @for (name, value) in (shown.dev_settings)(base) { (name) "=" (quoted(&value)) "\n" } }
            }
            section.card {
                h2 { "Or a platform of your own" }
                p { "Acme is a plain OAuth 2.0 server. In " code { "evergrant.toml" } ":" }
                pre { ((shown.acme_definition)(base)) }
            }
            section.card { h2 { "Controls" } (controls(base)) }
            section.card { h2 { "Misbehaving consents" } (misbehaviours()) }
        }
    };
    layout::page(&layout::document("Sandbox", &body), "'none'")
}

fn one_platform(platform: &dyn Platform) -> Markup {
    let profile = platform.profile();
    html! {
        section.card {
            header.ask { (layout::tile(profile.mark)) h2 { (profile.name) } }
            ul.people {
                @for card in platform.cards() {
                    li.person {
                        img src={ "/images/" (card.person) ".png" } width="40" height="40" alt="";
                        span { strong { (card.person) } small { (card.username) ", " (card.about) } }
                    }
                }
            }
            dl {
                dt { "Sign-in" } dd { (sign_in(profile)) }
                @for (name, path) in [("Tokens", profile.paths.token), ("Revocation", profile.paths.revoke)] {
                    @if !path.is_empty() { dt { (name) } dd { code { (path) } } }
                }
                dt { "Endpoints" }
                dd.words { @for endpoint in profile.endpoints { code { (endpoint) } " " } }
            }
        }
    }
}

/// The sign-in of a platform without OAuth can be opened as it is; elsewhere an app has to ask for
/// something.
fn sign_in(profile: &PlatformProfile) -> Markup {
    let path = profile.paths.authorize;
    html! { @if profile.oauth { code { (path) } } @else { a href=(path) { code { (path) } } } }
}

fn controls(base: &str) -> Markup {
    html! {
        @for control in CONTROLS {
            section.control {
                h3 { code { (control.call) } }
                p { (control.does) }
                pre { (curl(base, control)) }
            }
        }
    }
}

fn curl(base: &str, control: &Control) -> String {
    let (method, path) = control.call.split_once(' ').unwrap_or_default();
    let method = if method == "GET" { "" } else { "-X POST " };
    let body = control
        .body
        .map(|body| format!(" \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}'"));
    format!("curl {method}{base}{path}{}", body.unwrap_or_default())
}

fn misbehaviours() -> Markup {
    html! {
        p { "Choose one on the consent page, or add it to the authorization address, as in "
            code { "&misbehave=slow-token" } "." }
        dl {
            @for value in Misbehaviour::ALL { dt { code { (value) } } dd { (value.in_words()) } }
        }
    }
}

/// A value as a shell takes it.
fn quoted(value: &str) -> String {
    if value.contains([' ', '(', ')']) {
        format!("'{value}'")
    } else {
        value.to_owned()
    }
}
