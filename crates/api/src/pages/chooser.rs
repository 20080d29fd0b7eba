//! The page on which the user selects which accounts of a consent to connect.

use axum::response::Response;
use evergrant_service::ReachedAccount;
use http::StatusCode;
use maud::html;

use super::layout::form_page;
use crate::site::Site;

/// The account chooser.
pub(crate) struct Chooser<'a> {
    pub(crate) site: &'a Site,
    /// Name of the platform for users.
    pub(crate) provider_name: &'a str,
    /// The path to which the form posts.
    pub(crate) action: &'a str,
    pub(crate) redirect_url: &'a str,
    pub(crate) flow_id: &'a str,
    pub(crate) receipt: &'a str,
    pub(crate) accounts: &'a [ReachedAccount],
    /// The URL of each account's picture, in the order of `accounts`.
    pub(crate) pictures: &'a [Option<String>],
}

impl Chooser<'_> {
    /// Returns the page with the first account selected. With `rejected`, an earlier selection that
    /// is not valid, returns the page with that selection and an error.
    pub(crate) fn page(&self, rejected: Option<&[String]>) -> Response {
        let fault = rejected.map(|selected| match selected {
            [] => "Select at least one account.",
            _ => "Select only accounts from this list.",
        });
        let name = self.provider_name;
        let body = html! {
            h1 { "Which " (name) " accounts?" }
            p { "You granted access to " (self.accounts.len()) " " (name) " accounts. Select those that "
                strong { (self.site.name_at(self.redirect_url)) } " may use." }
            form method="post" action=(self.action) {
                input type="hidden" name="flowId" value=(self.flow_id);
                input type="hidden" name="receipt" value=(self.receipt);
                fieldset aria-describedby=[fault.map(|_| "fault")] {
                    legend.visually-hidden { "Accounts to connect" }
                    @for (index, account) in self.accounts.iter().enumerate() {
                        @let picture = self.pictures.get(index).and_then(Option::as_deref);
                        @let is_selected = rejected.map_or(index == 0, |ids| ids.contains(&account.id));
                        (row(account, picture, is_selected))
                    }
                }
                @if let Some(fault) = fault { p.fault #fault role="alert" { (fault) } }
                div.actions { button.primary { "Connect" } }
            }
            p.quiet { "To connect none of them, close this page. The access you granted is then revoked within ten minutes." }
        };
        let status = if fault.is_some() {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::OK
        };
        let title = format!("Choose {name} accounts");
        form_page(self.site, status, &title, (&body, self.redirect_url))
    }
}

fn row(account: &ReachedAccount, picture: Option<&str>, is_selected: bool) -> maud::Markup {
    let handle = account
        .username
        .as_ref()
        .map(|username| format!("@{username}"));
    let name = account
        .display_name
        .as_ref()
        .or(account.username.as_ref())
        .unwrap_or(&account.id);
    let initial: String = name
        .chars()
        .find(|letter| letter.is_alphanumeric())
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    html! {
        label.account {
            span.picture aria-hidden="true" {
                span { (initial) }
                @if let Some(url) = picture { img src=(url) alt="" width="40" height="40"; }
            }
            span.names {
                span { (name) }
                @if let Some(handle) = handle.filter(|_| account.display_name.is_some()) { span.quiet { (handle) } }
            }
            input type="checkbox" name="account" value=(account.id) checked[is_selected];
        }
    }
}
