//! The form on which an account's owner pastes a session, for platforms without a consent page.
//!
//! It needs no script: the copied request is one text field, and the single values are in a
//! `details` element. Secret values are never sent back to the page.

use std::collections::BTreeMap;

use axum::response::Response;
use evergrant_model::FlowState;
use evergrant_service::{CredentialField, CredentialForm, FieldFault};
use http::StatusCode;
use maud::{Markup, html};

use super::{app_name, form_page};

/// The field of the copied request, which can replace all others.
const PASTED: &str = "pasted";

/// The form with the submitted values and their faults.
pub(crate) struct CredentialPage<'a> {
    pub(crate) provider: &'a str,
    pub(crate) state: &'a FlowState,
    pub(crate) form: &'a CredentialForm,
    pub(crate) values: &'a BTreeMap<String, String>,
    pub(crate) faults: &'a [FieldFault],
    /// An error that concerns no single field.
    pub(crate) alert: Option<&'a str>,
}

impl CredentialPage<'_> {
    pub(crate) fn page(&self, status: StatusCode) -> Response {
        let (name, action) = (
            &self.form.provider_name,
            format!("/connect/{}", self.provider),
        );
        let body = html! {
            h1 { "Connect " (name) }
            (self.introduction())
            (self.alert())
            (self.form(&action))
            form #cancel method="post" action=(action) {
                input type="hidden" name="state" value=(self.state.expose());
                input type="hidden" name="error" value="access_denied";
            }
        };
        let prefix = if status == StatusCode::OK {
            ""
        } else {
            "Error: "
        };
        form_page(
            status,
            &format!("{prefix}Connect {name}"),
            &body,
            &self.form.redirect_url,
        )
    }

    fn form(&self, action: &str) -> Markup {
        let (pasted, values): (Vec<&CredentialField>, Vec<_>) = self
            .form
            .fields
            .iter()
            .partition(|field| field.name == PASTED);
        let is_open =
            pasted.is_empty() || values.iter().any(|field| self.fault(field.name).is_some());
        html! {
            form method="post" action=(action) autocomplete="off" {
                input type="hidden" name="state" value=(self.state.expose());
                input type="hidden" name="csrf" value=(self.form.csrf);
                @for field in pasted { (self.pasted_field(field)) }
                details open[is_open] {
                    summary { "Enter the values manually" }
                    @for field in values { (self.value_field(field)) }
                }
                (self.warning())
                (self.consent())
                div.actions {
                    button.primary { "Save and connect" }
                    button form="cancel" { "Cancel" }
                }
            }
        }
    }

    /// Returns the error summary.
    fn alert(&self) -> Markup {
        let summary = (!self.faults.is_empty())
            .then_some("Nothing is connected yet. Please check the highlighted fields.");
        html! {
            @if let Some(sentence) = self.alert.or(summary) {
                p.error-summary role="alert" { (sentence) " Secret values were not kept: please enter them again." }
            }
        }
    }

    fn introduction(&self) -> Markup {
        let name = &self.form.provider_name;
        html! {
            p { (name) " has no consent page for apps. To give " strong { (app_name(&self.form.redirect_url)) }
                " access, share the session of your own browser:" }
            p.phone-only { "This needs a computer: phone browsers have no developer tools. Please start again on a computer." }
            ol #steps {
                li { "Sign in to " (name) " in another tab." }
                li { "Open the developer tools there (" kbd { "F12" } "), select the " b { "Network" } " tab, and reload the page." }
                li { "Right-click any request to the site, choose " b { "Copy as cURL" } ", and paste it here." }
            }
        }
    }

    fn warning(&self) -> Markup {
        html! {
            div.warning {
                p { strong { "Anyone with this cookie can act as you." }
                    " It is encrypted before it is stored and never shown again. It cannot be refreshed: when it expires, \
                     we let you know, and you paste a new one." }
                p { "Automated access may breach the terms of " (self.form.provider_name) ". Read them before you continue." }
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
                span { "This is my own account, and I am allowed to use it this way." }
            }
            (fault_text("consent", fault))
        }
    }

    fn pasted_field(&self, field: &CredentialField) -> Markup {
        let (name, fault) = (field.name, self.fault(field.name));
        html! {
            div.field {
                label for=(name) { (field.label) }
                textarea.secret #(name) name=(name) rows="5" placeholder="curl …" spellcheck="false" autocapitalize="none"
                    autocomplete="off" aria-invalid=[fault.map(|_| "true")] aria-describedby=(described_by(name, fault, "steps"))
                    autofocus[self.is_first_fault(name)] {}
                (fault_text(name, fault))
            }
        }
    }

    fn value_field(&self, field: &CredentialField) -> Markup {
        let (name, fault) = (field.name, self.fault(field.name));
        let help = format!("{name}-help");
        let submitted = self.values.get(name).filter(|_| !field.secret);
        html! {
            div.field {
                label for=(name) { (field.label) @if !field.required { span.quiet { " · optional" } } }
                input #(name) name=(name) type=(if field.secret { "password" } else { "text" }) value=[submitted]
                    spellcheck="false" autocapitalize="none" autocomplete="off"
                    aria-invalid=[fault.map(|_| "true")] aria-describedby=(described_by(name, fault, &help))
                    autofocus[self.is_first_fault(name)];
                (fault_text(name, fault))
                p.quiet #(help) { (field.help) }
            }
        }
    }

    fn fault(&self, name: &str) -> Option<&str> {
        let mut faults = self.faults.iter().filter(|fault| fault.field == name);
        faults.next().map(|fault| fault.message.as_str())
    }

    /// Returns whether the field has the first fault and therefore gets the focus.
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

fn fault_text(name: &str, fault: Option<&str>) -> Markup {
    html! { @if let Some(fault) = fault { p.fault #(format!("{name}-fault")) { (fault) } } }
}
