//! The state that handlers share.

use std::sync::Arc;

use evergrant_model::UserId;
use evergrant_service::{IntegrationsService, PublicUrl};

use crate::site::Site;

/// The state of the router. Clones are cheap.
#[derive(Clone)]
pub(crate) struct ApiState {
    pub(crate) service: IntegrationsService,
    /// The users between whom the console can switch; empty unless the program runs as
    /// `evergrant dev`.
    pub(crate) dev_users: Arc<[UserId]>,
    /// The app, as its users see it.
    pub(crate) site: Arc<Site>,
}

impl ApiState {
    /// Returns the URL under which browsers reach the service.
    pub(crate) fn public_url(&self) -> &PublicUrl {
        &self.service.settings().public_url
    }
}
