//! `evergrant openapi`: the description of the HTTP interface, without a running service.

use crate::failure::Failure;
use crate::output;

pub(super) fn run() -> Result<(), Failure> {
    output::line(evergrant_api::openapi_json().trim_end())
}
