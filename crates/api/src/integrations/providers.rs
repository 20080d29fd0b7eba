//! `GET /api/integrations/providers`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::{Allowed, Watch};
use crate::problem::ApiError;
use crate::state::ApiState;
use crate::views::ProviderView;

/// The platforms.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Providers {
    /// Those of the catalogue first, then the operator's own.
    providers: Vec<ProviderView>,
}

/// The platforms that can be connected.
///
/// One that the operator has not set up is listed with `configured: false`; connecting it answers
/// `PROVIDER_NOT_CONFIGURED`.
#[utoipa::path(get, path = "/api/integrations/providers", operation_id = "listProviders", tag = "Integrations", responses(
    (status = 200, description = "The platforms", body = Providers),
))]
pub(crate) async fn providers(
    State(state): State<ApiState>,
    _caller: Allowed<Watch>,
) -> Result<Json<Providers>, ApiError> {
    let platforms = state.service.providers().specs();
    let providers = platforms
        .map(|(spec, fields)| ProviderView::new(spec, fields))
        .collect();
    Ok(Json(Providers { providers }))
}
