//! The pages of a site without OAuth: the sign-in form, and the session values that a user would
//! copy from the browser.

use axum::http::HeaderName;
use axum::response::Response;
use maud::{Markup, html};

use super::consent::people;
use super::layout;
use crate::faults::ConsentFault;
use crate::platform::PlatformContext;
use crate::world::Session;

/// Returns the sign-in page. The form posts to `action` and offers these faults.
pub(crate) fn sign_in(
    context: &PlatformContext,
    action: &str,
    csrf: &str,
    faults: &[(ConsentFault, &str)],
) -> Response {
    let profile = context.platform.profile();
    let body = html! {
        (layout::banner(profile.name))
        main.card.narrow {
            header.heading { (layout::logo(profile.mark)) h1 { "Sign in to " (profile.name) } }
            form method="post" action=(action) {
                input type="hidden" name="csrf" value=(csrf);
                (people(context.platform.as_ref()))
                label.fault {
                    span { "Inject fault" }
                    select name="misbehave" {
                        @for (value, line) in faults { option value=(value) { (line) } }
                    }
                }
                button.primary { "Sign in" }
                p.quiet.centred { "No password needed. Only this browser is signed in." }
            }
        }
    };
    layout::page(
        &layout::document(&format!("Sign in to {}", profile.name), &body),
        "'self'",
    )
}

/// Content of the page of a signed-in browser.
pub(crate) struct SessionPage<'a> {
    pub(crate) session: &'a Session,
    pub(crate) username: &'a str,
    /// URL of the request to copy as cURL.
    pub(crate) profile_url: &'a str,
    /// Path that ends the session.
    pub(crate) sign_out: &'a str,
    pub(crate) csrf: &'a str,
    pub(crate) consent_fault: ConsentFault,
}

/// Returns the page of a signed-in browser, with the session values to copy.
pub(crate) fn signed_in(context: &PlatformContext, page: &SessionPage<'_>) -> Response {
    let profile = context.platform.profile();
    let body = html! {
        (layout::banner(profile.name))
        main.wide {
            header.heading {
                (layout::logo(profile.mark))
                div {
                    h1 { "Signed in as " (page.username) }
                    p.quiet { "This site has no OAuth. To connect an app, give it the session of this browser." }
                }
            }
            (steps(page.profile_url))
            (session_values(page))
            section.card {
                h2 { "Revoke access" }
                p { "These values give full access to the account until the session ends. They work only in this sandbox." }
                form method="post" action=(page.sign_out) {
                    input type="hidden" name="csrf" value=(page.csrf);
                    button { "Sign out and end the session" }
                }
            }
        }
    };
    let mut response = layout::page(
        &layout::document(&format!("{} sandbox", profile.name), &body),
        "'self'",
    );
    if page.consent_fault == ConsentFault::CoopOff {
        response
            .headers_mut()
            .remove(HeaderName::from_static("cross-origin-opener-policy"));
    }
    response
}

fn steps(profile_url: &str) -> Markup {
    let path = profile_url.rsplit('/').next().unwrap_or(profile_url);
    html! {
        section.card {
            h2 { "Copy as cURL" }
            ol {
                li { "On the real site, press F12 and open the " strong { "Network" } " tab." }
                li { "Reload the page and find the request named " code { (path) } "." }
                li { "Right-click it and choose " strong { "Copy" } ", then " strong { "Copy as cURL" } "." }
                li { "Paste it into the app that you want to connect, and nowhere else." }
            }
            p.quiet { "In the sandbox you can skip these steps and copy the values below." }
        }
    }
}

fn session_values(page: &SessionPage<'_>) -> Markup {
    let session = page.session;
    html! {
        section.card {
            h2 { "Ready to paste" }
            p.quiet { "Click a field to select its content." }
            section.control { h3 { "As cURL" } pre.copy { (session.curl(page.profile_url)) } }
            section.control { h3 { "As JSON" } pre.copy { (session.json()) } }
            section.control {
                h3 { "Individual values" }
                p { "The cookies, the User-Agent and the x-bc header must come from the same browser." }
                dl {
                    dt { "Cookie" } dd { pre.copy { (session.cookie_line()) } }
                    dt { "User-Agent" } dd { pre.copy { (session.user_agent) } }
                    dt { "x-bc" } dd { pre.copy { (session.x_bc) } }
                }
            }
        }
    }
}
