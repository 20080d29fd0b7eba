//! The part of the home page with buttons, for what otherwise needs a call of the control API.

use maud::{Markup, html};

use crate::faults::{Fault, FaultKind};
use crate::platform::Platform;

/// What the last button did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    Withdrawn,
    NothingToWithdraw,
    Injected,
    Cleared,
}

impl Notice {
    const ALL: [Self; 4] = [
        Self::Withdrawn,
        Self::NothingToWithdraw,
        Self::Injected,
        Self::Cleared,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::NothingToWithdraw => "nothing-to-withdraw",
            Self::Injected => "injected",
            Self::Cleared => "cleared",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.name() == name)
    }

    fn text(self) -> &'static str {
        match self {
            Self::Withdrawn => "Access withdrawn. Apps learn of it with their next call.",
            Self::NothingToWithdraw => "This person has granted no access there.",
            Self::Injected => "The next call of the endpoint fails.",
            Self::Cleared => "No fault is waiting any more. Grants are unchanged.",
        }
    }
}

/// A fault that a button injects.
pub(crate) struct FaultChoice {
    pub(crate) name: &'static str,
    label: &'static str,
    pub(crate) kind: FaultKind,
    /// Completes the fault.
    pub(crate) fault: fn(Fault) -> Fault,
}

pub(crate) const FAULT_CHOICES: [FaultChoice; 5] = [
    FaultChoice {
        name: "unavailable",
        label: "Respond 503",
        kind: FaultKind::Respond,
        fault: |fault| fault.status(503),
    },
    FaultChoice {
        name: "rate-limit",
        label: "Rate limit: 429, Retry-After 30 seconds",
        kind: FaultKind::Respond,
        fault: |fault| fault.status(429).header("retry-after", "30"),
    },
    FaultChoice {
        name: "cut",
        label: "Drop the connection after processing",
        kind: FaultKind::Cut,
        fault: |fault| fault,
    },
    FaultChoice {
        name: "slow",
        label: "Respond after 5 seconds",
        kind: FaultKind::Latency,
        fault: |fault| fault.latency_ms(5_000),
    },
    FaultChoice {
        name: "html",
        label: "Respond with an HTML page",
        kind: FaultKind::Html,
        fault: |fault| fault,
    },
];

/// Returns the section with the buttons. `waiting` describes the faults that are queued.
pub(super) fn try_it(
    platforms: &[std::sync::Arc<dyn Platform>],
    waiting: &[String],
    notice: Option<Notice>,
) -> Markup {
    html! {
        section.card #try {
            h2 { "Try it" }
            p role="status" { (notice.map_or("", Notice::text)) }
            (withdraw(platforms))
            (inject(platforms))
            form.control method="post" action="/actions/clear-faults" {
                h3 { "Faults that wait for a call" }
                @if waiting.is_empty() { p { "None." } }
                @else { ul { @for fault in waiting { li { code { (fault) } } } } }
                button { "Clear faults" }
            }
        }
    }
}

fn withdraw(platforms: &[std::sync::Arc<dyn Platform>]) -> Markup {
    html! {
        form.control method="post" action="/actions/withdraw" {
            h3 { "Withdraw a grant" }
            label.fault {
                span { "Account" }
                select name="account" {
                    @for platform in platforms {
                        optgroup label=(platform.profile().name) {
                            @for card in platform.cards() {
                                option value={ (platform.profile().slug) "/" (card.person) } { (card.person) " (" (card.username) ")" }
                            }
                        }
                    }
                }
            }
            button { "Withdraw access" }
        }
    }
}

fn inject(platforms: &[std::sync::Arc<dyn Platform>]) -> Markup {
    html! {
        form.control method="post" action="/actions/fault" {
            h3 { "Inject a fault into the next call" }
            label.fault {
                span { "Endpoint" }
                select name="endpoint" {
                    @for platform in platforms {
                        @let profile = platform.profile();
                        optgroup label=(profile.name) {
                            option value={ (profile.slug) "/*" } { (profile.slug) ", any endpoint" }
                            @for endpoint in profile.endpoints {
                                option value={ (profile.slug) "/" (endpoint) } { (profile.slug) " " (endpoint) }
                            }
                        }
                    }
                }
            }
            label.fault {
                span { "Fault" }
                select name="fault" {
                    @for choice in &FAULT_CHOICES { option value=(choice.name) { (choice.label) } }
                }
            }
            button { "Inject fault" }
        }
    }
}
