//! What every handler can reach.

use evergrant_service::IntegrationsService;

/// The service, shared by all requests.
#[derive(Clone)]
pub(crate) struct ApiState {
    pub(crate) service: IntegrationsService,
}
