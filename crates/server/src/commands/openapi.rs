//! `evergrant openapi`: prints the OpenAPI document of the HTTP API, without a running service.

use crate::failure::Failure;
use crate::output;

pub(super) fn run() -> Result<(), Failure> {
    output::print_line(evergrant_api::openapi_json().trim_end())
}
