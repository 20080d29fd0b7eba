//! Instagram through Facebook Login.

mod account_insights;
mod assets;
mod debug_token;
mod dialog;
mod faults;
mod limits;
mod media;
mod media_insights;
mod revocation;
mod tokens;

use crate::harness::{Harness, Response};

/// Requests the insights of an account or a medium.
async fn insights(harness: &Harness, token: &str, id: &str, fields: &[(&str, &str)]) -> Response {
    let fields = [&[("access_token", token)], fields].concat();
    harness
        .graph(&format!("/v25.0/{id}/insights"), &fields)
        .await
}
