//! The routes below `/api/integrations`, one file each.

pub(crate) mod callback;
pub(crate) mod connect;
pub(crate) mod disconnect;
pub(crate) mod events;
pub(crate) mod flow_response;
pub(crate) mod flows;
pub(crate) mod providers;
pub(crate) mod refresh;
pub(crate) mod report;
pub(crate) mod status;
pub(crate) mod token;
pub(crate) mod tokens;
