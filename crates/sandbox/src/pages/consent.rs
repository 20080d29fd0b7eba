//! The consent page: who signs in, what the app may do, and what should go wrong on the way.

use axum::http::HeaderName;
use axum::response::Response;
use maud::{Markup, html};
use url::{Host, Url};

use super::layout;
use crate::engine::AuthorizationRequest;
use crate::faults::Misbehaviour;
use crate::loopback::is_loopback;
use crate::platform::Stage;
use crate::platform::{Asset, Platform};
use crate::profile::PlatformProfile;

/// Permissions with longer ids stand below their words instead of beside them.
const LONG_ID: usize = 20;

/// The page that puts `request` before the person. `query` travels along, and is judged again with
/// the answer.
pub(crate) fn consent(
    stage: &Stage,
    request: &AuthorizationRequest,
    query: &str,
    csrf: &str,
) -> Response {
    let profile = stage.platform.profile();
    let title = format!("Allow {} to use {}?", request.client.name, profile.name);
    let body = html! {
        (layout::banner(profile.name))
        main.card.narrow {
            header.ask {
                (layout::tile(profile.mark))
                h1 { (request.client.name) " would like to use your " (profile.name) " account" }
            }
            form method="post" {
                input type="hidden" name="csrf" value=(csrf);
                input type="hidden" name="request" value=(query);
                (people(stage.platform.as_ref()))
                (scopes(profile, request))
                (misbehave(request.misbehaviour))
                div.buttons {
                    button.primary name="decision" value="allow" { "Allow" }
                    button name="decision" value="deny" { "Do not allow" }
                }
                p.quiet { "Either way you return to " span.address { (origin_in_words(&request.redirect_to)) } "." }
            }
        }
    };
    let mut response = layout::page(
        &layout::document(&title, &body),
        &form_action(&request.redirect_to),
    );
    if request.misbehaviour == Misbehaviour::CoopOff {
        response
            .headers_mut()
            .remove(HeaderName::from_static("cross-origin-opener-policy"));
    }
    response
}

pub(super) fn people(platform: &dyn Platform) -> Markup {
    html! {
        fieldset {
            legend { "Sign in as" }
            @for (at, card) in platform.cards().iter().enumerate() {
                label.person {
                    input type="radio" name="person" value=(card.person) checked[at == 0] required;
                    img src={ "/images/" (card.person) ".png" } width="40" height="40" alt="";
                    span { strong { (card.username) } small { (card.about) } }
                }
                (assets(&platform.assets(&card.person)))
            }
        }
    }
}

/// What the person above can share, shown while they are the one chosen. Hidden ticks of others are
/// sent too; only the chosen person's count.
fn assets(assets: &[Asset]) -> Markup {
    html! {
        @if !assets.is_empty() {
            div.assets {
                input type="hidden" name="assets" value="chosen";
                @for asset in assets {
                    label.asset.nested[asset.nested] {
                        input type="checkbox" name="asset" value=(asset.id) checked;
                        span { (asset.name) }
                        small { (asset.about) }
                    }
                }
            }
        }
    }
}

fn scopes(profile: &PlatformProfile, request: &AuthorizationRequest) -> Markup {
    let are_long = request.scopes.iter().any(|id| id.len() > LONG_ID);
    html! {
        fieldset.stacked[are_long] {
            legend { "It may" }
            @for scope in profile.scopes.iter().filter(|scope| request.scopes.contains(scope.id)) {
                label.scope {
                    input type="checkbox" name="scope" value=(scope.id) checked;
                    span { (scope.label) }
                    code { (scope.id) }
                }
            }
            p.quiet {
                @if request.lasting { "Until you withdraw it. " } @else { "Once, without a refresh token. " }
                "Untick something to grant less."
            }
        }
    }
}

fn misbehave(chosen: Misbehaviour) -> Markup {
    html! {
        label.misbehave {
            span { "Misbehave" }
            select name="misbehave" {
                @for value in Misbehaviour::ALL.iter().copied() {
                    option value=(value) selected[value == chosen] { (value.in_words()) }
                }
            }
        }
    }
}

fn origin_in_words(address: &Url) -> String {
    let origin = address.origin();
    if origin.is_tuple() {
        origin.ascii_serialization()
    } else {
        format!("{}:", address.scheme())
    }
}

/// Where the form may lead. Chromium holds every redirect after a form against this list, so on
/// loopback, where the app behind the callback usually has a port of its own, every loopback port
/// is on it.
fn form_action(redirect_to: &Url) -> String {
    let is_local = is_loopback(redirect_to);
    match redirect_to.host() {
        // A source in a policy cannot be an IPv6 address.
        Some(Host::Ipv6(_)) => format!("'self' {}:", redirect_to.scheme()),
        _ if is_local => "'self' http://localhost:* http://127.0.0.1:*".to_owned(),
        _ => format!("'self' {}", origin_in_words(redirect_to)),
    }
}
