//! The error responses that many operations have in common.

use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, Ref, RefOr, Response};

/// A status with the code of its problem document.
type Error = (&'static str, &'static str);

/// Every operation that reads or changes something.
const ALWAYS: &[Error] = &[
    ("500", "INTERNAL_ERROR"),
    ("503", "DATABASE_ERROR"),
    ("503", "OVERLOADED"),
];
const WITH_CREDENTIAL: &[Error] = &[("401", "UNAUTHENTICATED"), ("403", "FORBIDDEN")];
/// Operations that act for a user, whom an API key names.
const FOR_USER: &[Error] = &[("400", "INVALID_USER_ID"), ("404", "USER_NOT_FOUND")];
const WITH_PATH: &[Error] = &[("400", "INVALID_REQUEST")];
const WITH_BODY: &[Error] = &[("400", "INVALID_REQUEST"), ("413", "PAYLOAD_TOO_LARGE")];

/// Adds the common errors to those that the handler declares, and a problem document to every error
/// response.
pub(super) fn add_to(operation: &mut Operation) {
    let is_open = operation.security.as_deref() == Some(&[SecurityRequirement::default()]);
    let groups = [
        (true, ALWAYS),
        (!is_open, WITH_CREDENTIAL),
        (names_user(operation), FOR_USER),
        (has_path_parameter(operation), WITH_PATH),
        (operation.request_body.is_some(), WITH_BODY),
    ];
    for (applies, errors) in groups {
        for (status, code) in errors.iter().filter(|_| applies) {
            add_code(operation, status, code);
        }
    }
    for (status, response) in &mut operation.responses.responses {
        match response {
            RefOr::T(response) if status.as_str() >= "400" => add_problem(response),
            _ => {}
        }
    }
}

/// Returns whether the operation has the `Evergrant-User` header.
pub(super) fn names_user(operation: &Operation) -> bool {
    parameters(operation).any(|parameter| parameter.name == "Evergrant-User")
}

fn has_path_parameter(operation: &Operation) -> bool {
    parameters(operation).any(|parameter| parameter.parameter_in == ParameterIn::Path)
}

fn parameters(operation: &Operation) -> impl Iterator<Item = &Parameter> {
    let all = operation.parameters.iter().flatten();
    all.filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    })
}

/// Adds a code to the description of a status, unless the description names it already.
fn add_code(operation: &mut Operation, status: &str, code: &str) {
    let responses = &mut operation.responses.responses;
    let response = responses
        .entry(status.to_owned())
        .or_insert_with(|| Response::new("").into());
    let RefOr::T(Response { description, .. }) = response else {
        return;
    };
    let code = format!("`{code}`");
    if description.is_empty() {
        *description = code;
    } else if !description.contains(&code) {
        *description = format!("{description}; {code}");
    }
}

/// Declares a problem document as a body of the response. Pages have it as an alternative, for
/// clients that do not accept HTML and for malformed URLs.
fn add_problem(response: &mut Response) {
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    response
        .content
        .entry("application/problem+json".to_owned())
        .or_insert_with(|| content.into());
}
