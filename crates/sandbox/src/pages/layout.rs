//! What all pages have in common: the document around them, the banner, a platform's tile.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// A whole document.
pub(super) fn document(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" href="/images/sandbox.png";
                link rel="stylesheet" href="/style.css";
            }
            body { (body) }
        }
    }
}

/// Says that nothing here is real, before anything else does.
pub(super) fn banner(platform: &str) -> Markup {
    html! { p.banner { strong { "SANDBOX" } " · not the real " (platform) } }
}

/// The platform's mark on its colour.
pub(super) fn tile(mark: &'static str) -> Markup {
    html! { svg.tile viewBox="0 0 40 40" width="40" height="40" aria-hidden="true" { (PreEscaped(mark)) } }
}
