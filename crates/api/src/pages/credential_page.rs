//! The form on which an account's owner pastes a session, for platforms that offer no consent page
//! of their own.
//!
//! It works without any script: the copied request is one text, the single fields wait behind a
//! disclosure, and what was secret is never sent back to the page.

use std::collections::BTreeMap;

use axum::response::Response;
use evergrant_model::FlowState;
use evergrant_service::{CredentialField, CredentialForm, FieldFault};
use http::StatusCode;
use maud::{Markup, html};

use super::{app_of, form_page};

/// The field that may stand for all others.
const WHOLE: &str = "pasted";

/// The form, what was filled in, and what is wrong with it.
pub(crate) struct CredentialPage<'a> {
    pub(crate) provider: &'a str,
    pub(crate) state: &'a FlowState,
    pub(crate) form: &'a CredentialForm,
    pub(crate) values: &'a BTreeMap<String, String>,
    pub(crate) faults: &'a [FieldFault],
    /// What went wrong beside the fields.
    pub(crate) trouble: Option<&'a str>,
}

impl CredentialPage<'_> {
    pub(crate) fn page(&self, status: StatusCode) -> Response {
        let (platform, action) = (&self.form.platform, format!("/connect/{}", self.provider));
        let (whole, parts): (Vec<&CredentialField>, Vec<_>) = self
            .form
            .fields
            .iter()
            .partition(|field| field.name == WHOLE);
        let open = whole.is_empty() || parts.iter().any(|field| self.fault(field.name).is_some());
        let body = html! {
            h1 { "Connect " (platform) }
            (self.introduction())
            (self.alert())
            form method="post" action=(action) autocomplete="off" {
                input type="hidden" name="state" value=(self.state.expose());
                input type="hidden" name="csrf" value=(self.form.csrf);
                @for field in whole { (self.whole_field(field)) }
                details open[open] {
                    summary { "Fill in the parts one by one" }
                    @for field in parts { (self.part_field(field)) }
                }
                (self.warning())
                (self.consent())
                div.actions {
                    button.primary { "Save and connect" }
                    button form="cancel" { "Cancel" }
                }
            }
            form #cancel method="post" action=(action) {
                input type="hidden" name="state" value=(self.state.expose());
                input type="hidden" name="error" value="access_denied";
            }
        };
        let title = if status == StatusCode::OK {
            ""
        } else {
            "Not yet: "
        };
        form_page(
            status,
            &format!("{title}Connect {platform}"),
            &body,
            &self.form.redirect_url,
        )
    }

    /// What is wrong with the whole.
    fn alert(&self) -> Markup {
        let marked = (!self.faults.is_empty())
            .then_some("Nothing is connected yet: please look at what is marked.");
        html! {
            @if let Some(sentence) = self.trouble.or(marked) {
                p.trouble role="alert" { (sentence) " What was secret has not been kept: please fill it in once more." }
            }
        }
    }

    fn introduction(&self) -> Markup {
        let platform = &self.form.platform;
        html! {
            p { (platform) " has no page on which to allow " strong { (app_of(&self.form.redirect_url)) }
                " access. Hand over the session of your own browser instead:" }
            p.narrow { "This needs a computer: phones have no developer tools. Please begin again there." }
            ol #steps {
                li { "Sign in at " (platform) " in another tab." }
                li { "Open the developer tools there (" kbd { "F12" } "), choose " b { "Network" } ", and reload the page." }
                li { "Right-click any request to the site, choose " b { "Copy as cURL" } ", and paste it here." }
            }
        }
    }

    fn warning(&self) -> Markup {
        html! {
            div.warning {
                p { strong { "Anyone with this cookie can act as you." }
                    " It is encrypted before it is stored and never shown again. It cannot be renewed: when it ends, we \
                     tell you, and you paste a new one." }
                p { "Automated access may breach the terms of " (self.form.platform) ". Read them before you go on." }
            }
        }
    }

    fn consent(&self) -> Markup {
        let fault = self.fault("consent");
        html! {
            label.consent {
                input type="checkbox" name="consent" value="yes" required
                    aria-invalid=[fault.map(|_| "true")] aria-describedby=[fault.map(|_| "consent-fault")]
                    autofocus[self.is_first_fault("consent")];
                span { "This is my own account, and I may use it in this way." }
            }
            (told("consent", fault))
        }
    }

    fn whole_field(&self, field: &CredentialField) -> Markup {
        let (name, fault) = (field.name, self.fault(field.name));
        html! {
            div.field {
                label for=(name) { (field.label) }
                textarea.secret #(name) name=(name) rows="5" placeholder="curl …" spellcheck="false" autocapitalize="none"
                    autocomplete="off" aria-invalid=[fault.map(|_| "true")] aria-describedby=(described_by(name, fault, "steps"))
                    autofocus[self.is_first_fault(name)] {}
                (told(name, fault))
            }
        }
    }

    fn part_field(&self, field: &CredentialField) -> Markup {
        let (name, fault) = (field.name, self.fault(field.name));
        let help = format!("{name}-help");
        let kept = self.values.get(name).filter(|_| !field.secret);
        html! {
            div.field {
                label for=(name) { (field.label) @if !field.required { span.quiet { " · optional" } } }
                input #(name) name=(name) type=(if field.secret { "password" } else { "text" }) value=[kept]
                    spellcheck="false" autocapitalize="none" autocomplete="off"
                    aria-invalid=[fault.map(|_| "true")] aria-describedby=(described_by(name, fault, &help))
                    autofocus[self.is_first_fault(name)];
                (told(name, fault))
                p.quiet #(help) { (field.help) }
            }
        }
    }

    fn fault(&self, name: &str) -> Option<&str> {
        let mut faults = self.faults.iter().filter(|fault| fault.field == name);
        faults.next().map(|fault| fault.message.as_str())
    }

    /// Where the reader goes on, since nothing else on the page tells where to look.
    fn is_first_fault(&self, name: &str) -> bool {
        self.faults.first().is_some_and(|fault| fault.field == name)
    }
}

fn described_by(name: &str, fault: Option<&str>, help: &str) -> String {
    if fault.is_some() {
        format!("{name}-fault {help}")
    } else {
        help.to_owned()
    }
}

fn told(name: &str, fault: Option<&str>) -> Markup {
    html! { @if let Some(fault) = fault { p.fault #(format!("{name}-fault")) { (fault) } } }
}
