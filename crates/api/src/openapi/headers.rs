//! The headers that every operation has in common.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::{Components, ObjectBuilder, Ref, RefOr, Response, Type};

const REQUEST_ID: &str = "X-Request-Id";
const RETRY_AFTER: &str = "Retry-After";
const AUTHENTICATE: &str = "WWW-Authenticate";

const YOUR_ID: &str = "Your own id of the request: 1 to 64 letters, digits, hyphens and \
    underscores. Other values are ignored. Default: generated";

/// Adds the definitions of the headers.
pub(super) fn add_definitions(components: &mut Components) {
    let sent = ParameterBuilder::new()
        .name(REQUEST_ID)
        .parameter_in(ParameterIn::Header)
        .description(Some(YOUR_ID))
        .schema(Some(text()))
        .build();
    components
        .parameters
        .insert(REQUEST_ID.to_owned(), sent.into());
    let id = text().pattern(Some("^[A-Za-z0-9_-]{1,64}$"));
    let seconds = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0));
    for (name, schema, description) in [
        (
            REQUEST_ID,
            id,
            "Identifies the request in the operator's log",
        ),
        (
            RETRY_AFTER,
            seconds,
            "Seconds to wait before a retry, if known",
        ),
        (AUTHENTICATE, text(), "`Bearer`"),
    ] {
        let header = HeaderBuilder::new()
            .schema(Some(schema))
            .description(Some(description));
        components
            .headers
            .insert(name.to_owned(), header.build().into());
    }
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// Adds `X-Request-Id` to the operation's parameters, and the common headers to its responses.
pub(super) fn add_to(operation: &mut Operation) {
    let sent = Ref::new(format!("#/components/parameters/{REQUEST_ID}"));
    operation
        .parameters
        .get_or_insert_default()
        .push(RefOr::Ref(sent));
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            add_header(response, REQUEST_ID);
            match status.as_str() {
                "401" => add_header(response, AUTHENTICATE),
                "429" | "503" => add_header(response, RETRY_AFTER),
                _ => {}
            }
        }
    }
}

fn add_header(response: &mut Response, name: &str) {
    let definition = Ref::new(format!("#/components/headers/{name}"));
    response
        .headers
        .insert(name.to_owned(), RefOr::Ref(definition));
}
