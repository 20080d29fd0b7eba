//! What every handler can reach.

use std::sync::Arc;

use evergrant_model::UserId;
use evergrant_service::IntegrationsService;

/// The service, shared by all requests.
#[derive(Clone)]
pub(crate) struct ApiState {
    pub(crate) service: IntegrationsService,
    /// Whom a visitor of the console may be; empty but in `dev`.
    pub(crate) people: Arc<[UserId]>,
}
