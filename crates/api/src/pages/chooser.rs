//! Which accounts? Asked where one consent reached several, so that nothing is connected that its
//! owner did not mean.

use axum::response::Response;
use evergrant_service::ReachedAccount;
use http::StatusCode;
use maud::html;

use super::{app_of, form_page};

/// What the page asks, and what it sends back.
pub(crate) struct Chooser<'a> {
    pub(crate) platform: &'a str,
    pub(crate) provider: &'a str,
    pub(crate) redirect_url: &'a str,
    pub(crate) flow: &'a str,
    pub(crate) receipt: &'a str,
    pub(crate) accounts: &'a [ReachedAccount],
    /// Where each one's picture is, in the same order.
    pub(crate) pictures: &'a [Option<String>],
}

impl Chooser<'_> {
    /// The page with the first account ticked; or once more with what was `ticked`, which was not
    /// acceptable.
    pub(crate) fn page(&self, ticked: Option<&[String]>) -> Response {
        let fault = ticked.map(|ticked| match ticked {
            [] => "Tick at least one account.",
            _ => "Tick only accounts of this list.",
        });
        let platform = self.platform;
        let body = html! {
            h1 { "Which " (platform) " accounts?" }
            p { "Your sign-in at " (platform) " reaches " (self.accounts.len()) " accounts. "
                strong { (app_of(self.redirect_url)) } " can use those that you tick." }
            form method="post" action=(format!("/connect/{}/choose", self.provider)) {
                input type="hidden" name="flowId" value=(self.flow);
                input type="hidden" name="receipt" value=(self.receipt);
                fieldset aria-describedby=[fault.map(|_| "fault")] {
                    legend.unseen { "Accounts to connect" }
                    @for (place, account) in self.accounts.iter().enumerate() {
                        @let picture = self.pictures.get(place).and_then(Option::as_deref);
                        (row(account, picture, ticked.map_or(place == 0, |ticked| ticked.contains(&account.id))))
                    }
                }
                @if let Some(fault) = fault { p.fault #fault role="alert" { (fault) } }
                div.actions { button.primary { "Connect" } }
            }
            p.quiet { "To connect none of them, close this page: what you allowed is then given up within ten minutes." }
        };
        let status = if fault.is_some() {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::OK
        };
        form_page(
            status,
            &format!("Choose {platform} accounts"),
            &body,
            self.redirect_url,
        )
    }
}

fn row(account: &ReachedAccount, picture: Option<&str>, ticked: bool) -> maud::Markup {
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
                @if let Some(address) = picture { img src=(address) alt="" width="40" height="40"; }
            }
            span.names {
                span { (name) }
                @if let Some(handle) = handle.filter(|_| account.display_name.is_some()) { span.quiet { (handle) } }
            }
            input type="checkbox" name="account" value=(account.id) checked[ticked];
        }
    }
}
