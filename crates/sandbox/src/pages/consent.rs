//! The consent page: selects the person, the granted scopes and assets, and a fault to inject.

use axum::http::HeaderName;
use axum::response::Response;
use maud::{Markup, html};
use url::{Host, Url};

use super::layout;
use crate::engine::AuthorizationRequest;
use crate::faults::ConsentFault;
use crate::loopback::is_loopback;
use crate::platform::PlatformContext;
use crate::platform::{Asset, Platform};
use crate::profile::PlatformProfile;

/// Scope ids longer than this, in bytes, are shown below their label instead of beside it.
const LONG_ID: usize = 20;

/// Returns the consent page for `request`. The form carries `query`, which is validated again on
/// submission.
pub(crate) fn consent(
    context: &PlatformContext,
    request: &AuthorizationRequest,
    query: &str,
    csrf: &str,
) -> Response {
    let profile = context.platform.profile();
    let title = format!("Allow {} to access {}?", request.client.name, profile.name);
    let body = html! {
        (layout::banner(profile.name))
        main.card.narrow {
            header.heading {
                (layout::logo(profile.mark))
                h1 { (request.client.name) " wants to access your " (profile.name) " account" }
            }
            form method="post" {
                input type="hidden" name="csrf" value=(csrf);
                input type="hidden" name="request" value=(query);
                (people(context.platform.as_ref()))
                (scopes(profile, request))
                (fault_menu(request.consent_fault))
                div.buttons {
                    button.primary name="decision" value="allow" { "Allow" }
                    button name="decision" value="deny" { "Deny" }
                }
                p.quiet { "You will be redirected to " span.address { (origin_label(&request.redirect_to)) } "." }
            }
        }
    };
    let mut response = layout::page(
        &layout::document(&title, &body),
        &form_action(&request.redirect_to),
    );
    if request.consent_fault == ConsentFault::CoopOff {
        response
            .headers_mut()
            .remove(HeaderName::from_static("cross-origin-opener-policy"));
    }
    response
}

/// Returns the list of people to sign in as.
pub(super) fn people(platform: &dyn Platform) -> Markup {
    html! {
        fieldset {
            legend { "Sign in as" }
            @for (index, card) in platform.cards().iter().enumerate() {
                label.person {
                    input type="radio" name="person" value=(card.person) checked[index == 0] required;
                    img src={ "/images/" (card.person) ".png" } width="40" height="40" alt="";
                    span { strong { (card.username) } small { (card.about) } }
                }
                (assets(&platform.assets(&card.person)))
            }
        }
    }
}

/// Returns the assets of a person, shown while that person is selected. The form also submits the
/// hidden checkboxes of other people; their ids are ignored.
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
    let has_long_id = request.scopes.iter().any(|id| id.len() > LONG_ID);
    html! {
        fieldset.stacked[has_long_id] {
            legend { "This app may" }
            @for scope in profile.scopes.iter().filter(|scope| request.scopes.contains(scope.id)) {
                label.scope {
                    input type="checkbox" name="scope" value=(scope.id) checked;
                    span { (scope.label) }
                    code { (scope.id) }
                }
            }
            p.quiet {
                @if request.offline_access { "Access lasts until you revoke it. " }
                @else { "One-time access, without a refresh token. " }
                "Clear a checkbox to grant less."
            }
        }
    }
}

fn fault_menu(selected: ConsentFault) -> Markup {
    html! {
        label.fault {
            span { "Inject fault" }
            select name="misbehave" {
                @for value in ConsentFault::ALL.iter().copied() {
                    option value=(value) selected[value == selected] { (value.label()) }
                }
            }
        }
    }
}

/// Returns the origin of a URL, or its scheme if it has no origin.
fn origin_label(url: &Url) -> String {
    let origin = url.origin();
    if origin.is_tuple() {
        origin.ascii_serialization()
    } else {
        format!("{}:", url.scheme())
    }
}

/// Returns the `form-action` sources. Chromium checks every redirect after a form submission
/// against them. A local app usually redirects from its callback to another port, so a loopback
/// callback allows all loopback ports.
fn form_action(redirect_to: &Url) -> String {
    let is_local = is_loopback(redirect_to);
    match redirect_to.host() {
        // A CSP source cannot be an IPv6 address.
        Some(Host::Ipv6(_)) => format!("'self' {}:", redirect_to.scheme()),
        _ if is_local => "'self' http://localhost:* http://127.0.0.1:*".to_owned(),
        _ => format!("'self' {}", origin_label(redirect_to)),
    }
}
