//! The pages of a site without OAuth: who signs in, and what its owner would copy out of the
//! browser afterwards.

use axum::http::HeaderName;
use axum::response::Response;
use maud::{Markup, html};

use super::consent::people;
use super::layout;
use crate::faults::Misbehaviour;
use crate::platform::Stage;
use crate::world::Session;

/// The page to sign in on; `action` takes the answer.
pub(crate) fn sign_in(
    stage: &Stage,
    action: &str,
    csrf: &str,
    troubles: &[(Misbehaviour, &str)],
) -> Response {
    let profile = stage.platform.profile();
    let body = html! {
        (layout::banner(profile.name))
        main.card.narrow {
            header.ask { (layout::tile(profile.mark)) h1 { "Sign in to " (profile.name) } }
            form method="post" action=(action) {
                input type="hidden" name="csrf" value=(csrf);
                (people(stage.platform.as_ref()))
                label.misbehave {
                    span { "Misbehave" }
                    select name="misbehave" {
                        @for (value, line) in troubles { option value=(value) { (line) } }
                    }
                }
                button.primary { "Sign in" }
                p.quiet.centred { "Nobody has a password here. This browser is the one that is signed in." }
            }
        }
    };
    layout::page(
        &layout::document(&format!("Sign in to {}", profile.name), &body),
        "'self'",
    )
}

/// What the page behind the sign-in shows.
pub(crate) struct SessionPage<'a> {
    pub(crate) session: &'a Session,
    pub(crate) username: &'a str,
    /// The call that is worth copying.
    pub(crate) profile_url: &'a str,
    /// Where the session can be ended.
    pub(crate) sign_out: &'a str,
    pub(crate) csrf: &'a str,
    pub(crate) misbehaviour: Misbehaviour,
}

/// The page behind the sign-in.
pub(crate) fn signed_in(stage: &Stage, shown: &SessionPage<'_>) -> Response {
    let profile = stage.platform.profile();
    let body = html! {
        (layout::banner(profile.name))
        main.wide {
            header.ask {
                (layout::tile(profile.mark))
                div {
                    h1 { "Signed in as " (shown.username) }
                    p.quiet { "No app can be let in here. An owner can only give it the session of this browser." }
                }
            }
            (steps(shown.profile_url))
            (blocks(shown))
            section.card {
                h2 { "Take it back" }
                p { "Whoever has these texts is you until the session ends. They work at this sandbox alone." }
                form method="post" action=(shown.sign_out) {
                    input type="hidden" name="csrf" value=(shown.csrf);
                    button { "Sign out and end the session" }
                }
            }
        }
    };
    let mut response = layout::page(
        &layout::document(&format!("{} sandbox", profile.name), &body),
        "'self'",
    );
    if shown.misbehaviour == Misbehaviour::CoopOff {
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
                li { "On the real site, press F12 and open the tab " strong { "Network" } "." }
                li { "Reload the page, and look for the call named " code { (path) } "." }
                li { "Right-click it, and choose " strong { "Copy" } ", then " strong { "Copy as cURL" } "." }
                li { "Paste it into the app that asks for it, and nowhere else." }
            }
            p.quiet { "Here nothing has to be looked for: this is what you would have copied." }
        }
    }
}

fn blocks(shown: &SessionPage<'_>) -> Markup {
    let session = shown.session;
    html! {
        section.card {
            h2 { "Ready to paste" }
            p.quiet { "A click into a field selects all of it." }
            section.control { h3 { "As cURL" } pre.copy { (session.curl(shown.profile_url)) } }
            section.control { h3 { "As JSON" } pre.copy { (session.json()) } }
            section.control {
                h3 { "One by one" }
                p { "The cookie line, the browser's name, and the header x-bc belong together." }
                dl {
                    dt { "Cookie" } dd { pre.copy { (session.cookie_line()) } }
                    dt { "User-Agent" } dd { pre.copy { (session.user_agent) } }
                    dt { "x-bc" } dd { pre.copy { (session.x_bc) } }
                }
            }
        }
    }
}
