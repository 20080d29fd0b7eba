//! The form on which an account's owner pastes a session, for platforms without a consent page.
//!
//! It needs no script: the copied request is one text field, and the single values are in a
//! `details` element. Its texts are those of the dialog of `@evergrant/react`. Secret values are
//! never sent back to the page; after an error it keeps them encrypted.

use std::collections::BTreeMap;

use axum::response::Response;
use evergrant_model::FlowState;
use evergrant_service::{
    CredentialField, CredentialForm, FORM_TEXTS, FieldFault, KeptCredentials, fill,
};
use http::StatusCode;
use maud::{Markup, html};

use super::layout::form_page;
use crate::site::Site;

/// The field of the copied request, which can replace all others.
pub(crate) const PASTED: &str = "pasted";

/// The form with the submitted values and their faults.
pub(crate) struct CredentialPage<'a> {
    pub(crate) site: &'a Site,
    /// The path to which the form posts.
    pub(crate) action: &'a str,
    pub(crate) state: &'a FlowState,
    pub(crate) form: &'a CredentialForm,
    pub(crate) values: &'a BTreeMap<String, String>,
    pub(crate) faults: &'a [FieldFault],
    /// An error that concerns no single field.
    pub(crate) alert: Option<&'a str>,
    /// What the attempt before leaves for the next one.
    pub(crate) kept: Option<&'a KeptCredentials>,
}

impl CredentialPage<'_> {
    pub(crate) fn page(&self, status: StatusCode) -> Response {
        let title = self.text(FORM_TEXTS.title);
        let body = html! {
            h1 { (title) }
            (self.introduction())
            (self.alert())
            (self.form())
            form #cancel method="post" action=(self.action) {
                input type="hidden" name="state" value=(self.state.expose());
                input type="hidden" name="error" value="access_denied";
            }
        };
        let prefix = if status == StatusCode::OK {
            ""
        } else {
            "Error: "
        };
        let title = format!("{prefix}{title}");
        form_page(self.site, status, &title, (&body, &self.form.redirect_url))
    }

    /// Replaces the placeholders of a text.
    fn text(&self, text: &str) -> String {
        let provider = self.form.provider_name.as_str();
        let domain = self.form.site.domains.first();
        let values = [
            ("provider", provider),
            ("domain", domain.map_or(provider, String::as_str)),
        ];
        fill(text, &values)
    }

    fn form(&self) -> Markup {
        let (pasted, values): (Vec<&CredentialField>, Vec<_>) = self
            .form
            .fields
            .iter()
            .partition(|field| field.name == PASTED);
        let is_needed = |field: &&CredentialField| {
            let is_lacking = self.kept.is_some() && field.required && !self.is_kept(field);
            is_lacking || self.fault(field.name).is_some()
        };
        let is_open = pasted.is_empty() || values.iter().any(is_needed);
        html! {
            form method="post" action=(self.action) autocomplete="off" {
                input type="hidden" name="state" value=(self.state.expose());
                input type="hidden" name="csrf" value=(self.form.csrf);
                @if let Some(kept) = self.kept { input type="hidden" name="kept" value=(kept.sealed); }
                @for field in pasted { (self.pasted_field(field)) }
                details open[is_open] {
                    summary { (FORM_TEXTS.by_hand) }
                    @for field in values { (self.value_field(field)) }
                }
                (self.warning())
                (self.consent())
                div.actions {
                    button.primary { (FORM_TEXTS.save) }
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
                p.error-summary role="alert" { (sentence) }
            }
        }
    }

    fn introduction(&self) -> Markup {
        let (before, after) = FORM_TEXTS
            .introduction
            .split_once("{app}")
            .unwrap_or((FORM_TEXTS.introduction, ""));
        let site = self.form.site.sign_in_url.as_ref();
        html! {
            p { (self.text(before)) strong { (self.site.name_at(&self.form.redirect_url)) } (self.text(after)) }
            p.phone-only { (FORM_TEXTS.needs_computer) }
            ol #steps {
                @for (index, step) in FORM_TEXTS.steps.iter().enumerate() {
                    li {
                        (self.text(step))
                        @if let Some(url) = site.filter(|_| index == 0) {
                            " " a href=(url) target="_blank" rel="noopener noreferrer" { (self.text(FORM_TEXTS.sign_in)) }
                        }
                    }
                }
            }
        }
    }

    fn warning(&self) -> Markup {
        html! {
            div.warning {
                p { strong { (FORM_TEXTS.warning) } " " (FORM_TEXTS.storage) " " (FORM_TEXTS.ends) }
                p { (self.text(FORM_TEXTS.terms)) }
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
                span { (FORM_TEXTS.consent) }
            }
            (fault_text("consent", fault))
        }
    }

    fn pasted_field(&self, field: &CredentialField) -> Markup {
        let (name, fault) = (field.name, self.fault(field.name));
        let help = format!("{name}-help steps");
        html! {
            div.field {
                label for=(name) { (field.label) }
                textarea.secret #(name) name=(name) rows="5" placeholder=(FORM_TEXTS.paste_hint) spellcheck="false"
                    autocapitalize="none" autocomplete="off" aria-invalid=[fault.map(|_| "true")]
                    aria-describedby=(described_by(name, fault, &help)) autofocus[self.is_first_fault(name)] {}
                (fault_text(name, fault))
                (self.kept_note())
                p.quiet #(format!("{name}-help")) { (field.help) }
            }
        }
    }

    /// Returns which values are kept, and which are missing.
    fn kept_note(&self) -> Markup {
        let is_kept = |field: &CredentialField| self.is_kept(field);
        let fields = self.form.fields.iter().filter(|field| field.name != PASTED);
        html! {
            @if self.kept.is_some() {
                p.quiet { (FORM_TEXTS.kept) }
                ul.found {
                    @for field in fields.filter(|field| field.required || is_kept(field)) {
                        @let text = if is_kept(field) { FORM_TEXTS.has } else { FORM_TEXTS.lacks };
                        li class=[(!is_kept(field)).then_some("lacking")] { (fill(text, &[("label", field.label)])) }
                    }
                }
            }
        }
    }

    fn is_kept(&self, field: &CredentialField) -> bool {
        let mut kept = self.kept.iter().flat_map(|kept| &kept.fields);
        kept.any(|name| name == field.name)
    }

    fn value_field(&self, field: &CredentialField) -> Markup {
        let (name, fault) = (field.name, self.fault(field.name));
        let help = format!("{name}-help");
        let submitted = self.values.get(name).filter(|_| !field.secret);
        html! {
            div.field {
                label for=(name) { (field.label) @if !field.required { span.quiet { " · " (FORM_TEXTS.optional) } } }
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
