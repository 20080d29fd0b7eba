//! `GET /api/integrations/providers`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::{Authorized, PassiveRead};
use crate::problem::ApiError;
use crate::state::ApiState;
use crate::views::ProviderView;

/// The platforms that can be connected.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProviderList)]
pub(crate) struct ProviderListView {
    /// The platforms: first those of the built-in catalogue, then those that the operator defined.
    providers: Vec<ProviderView>,
}

/// List platforms
///
/// A platform that the operator has not configured is listed with `configured: false`; connecting
/// it fails with `PROVIDER_NOT_CONFIGURED`.
#[utoipa::path(get, path = "/api/integrations/providers", operation_id = "listProviders",
    tag = "Integrations",
    security(("apiKey" = ["connections:read"]), ("session" = []), ("console" = [])),
    responses((status = 200, description = "The platforms", body = ProviderListView)))]
pub(crate) async fn providers(
    State(state): State<ApiState>,
    _caller: Authorized<PassiveRead>,
) -> Result<Json<ProviderListView>, ApiError> {
    let specs = state.service.providers().specs();
    let providers = specs
        .map(|(spec, fields)| ProviderView::new(spec, fields))
        .collect();
    Ok(Json(ProviderListView { providers }))
}
