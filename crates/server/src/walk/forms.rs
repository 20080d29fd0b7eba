//! What the page's buttons do, each through the service and with a redirect at its end, so that a reload repeats nothing.

use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use evergrant_model::{CorrelationId, UserId};
use evergrant_service::{ConnectRequest, ServiceError};
use serde::Deserialize;
use url::Url;

use super::{Walk, person};
use crate::wiring;

/// What a button sends.
#[derive(Deserialize)]
pub(super) struct Pressed {
    user: Option<String>,
    provider: String,
    account: Option<String>,
}

/// One press, and who pressed.
struct Press {
    walk: Walk,
    user: UserId,
    id: CorrelationId,
    pressed: Pressed,
}

impl Press {
    fn new(walk: Walk, pressed: Pressed) -> Option<Self> {
        let (user, id) = (person(pressed.user.as_deref())?, wiring::correlation_id().ok()?);
        Some(Self { walk, user, id, pressed })
    }

    fn account(&self) -> &str {
        self.pressed.account.as_deref().unwrap_or_default()
    }

    /// Our page, as the same user, with what it should tell.
    fn page(&self, told: &[(&str, &str)]) -> Option<Url> {
        let mut page = Url::parse(&format!("{}/", self.walk.0.base)).ok()?;
        page.query_pairs_mut().append_pair("user", &self.user.get().to_string()).extend_pairs(told);
        Some(page)
    }

    fn back(&self, told: &[(&str, &str)]) -> Response {
        let told: Vec<_> = [("integration", self.pressed.provider.as_str())].iter().chain(told).copied().collect();
        self.page(&told).map_or_else(|| failed().into_response(), |page| Redirect::to(page.as_str()).into_response())
    }

    fn trouble(&self, error: &ServiceError) -> Response {
        tracing::warn!(correlation_id = %self.id, error = error as &dyn std::error::Error, "the page's button did not work");
        self.back(&[("status", "error"), ("code", error.code().as_str())])
    }
}

fn failed() -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

pub(super) async fn connect(State(walk): State<Walk>, Form(pressed): Form<Pressed>) -> Response {
    let Some(press) = Press::new(walk, pressed) else { return failed().into_response() };
    let request = ConnectRequest {
        redirect_url: press.page(&[]).map(String::from),
        account: press.pressed.account.clone().filter(|account| !account.is_empty()),
        ..ConnectRequest::default()
    };
    let service = &press.walk.0.service;
    match service.initiate_oauth_flow(&press.pressed.provider, press.user, request, &press.id).await {
        Ok(flow) => Redirect::to(&flow.auth_url).into_response(),
        Err(error) => press.trouble(&error),
    }
}

pub(super) async fn refresh(State(walk): State<Walk>, Form(pressed): Form<Pressed>) -> Response {
    let Some(press) = Press::new(walk, pressed) else { return failed().into_response() };
    let service = &press.walk.0.service;
    match service.refresh_token(press.user, &press.pressed.provider, press.account(), &press.id).await {
        Ok(_) => press.back(&[("status", "renewed")]),
        Err(error) => press.trouble(&error),
    }
}

pub(super) async fn disconnect(State(walk): State<Walk>, Form(pressed): Form<Pressed>) -> Response {
    let Some(press) = Press::new(walk, pressed) else { return failed().into_response() };
    let service = &press.walk.0.service;
    match service.disconnect_integration(press.user, &press.pressed.provider, press.account(), &press.id).await {
        Ok(done) => press.back(&[("status", "disconnected"), ("revocation", done.revocation.as_str())]),
        Err(error) => press.trouble(&error),
    }
}
