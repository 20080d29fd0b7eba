//! The parts of the OpenAPI document that the handlers do not declare themselves: the general
//! information, the credentials, the error responses of every route, and the examples.

use utoipa::Modify;
use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};

use crate::integrations::events::{FlowEvent, IntegrationEvent};
use examples::Examples;

mod examples;

/// The document without its routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Evergrant",
        description = "Connects users' accounts at other platforms once, keeps their tokens fresh, and gives your app a \
            valid access token on every request.\n\nTimes are RFC 3339 in UTC with milliseconds. Errors are problem \
            documents (RFC 9457) with a stable `code`. Every response has an `X-Request-Id` header, which is also the \
            problem's `correlationId`. A request may send its own `X-Request-Id` of up to 64 letters, digits, hyphens and \
            underscores.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "Integrations", description = "Connect, list, refresh and disconnect accounts."),
        (name = "Flows", description = "Read the state of authorization flows, and finish them."),
        (name = "Tokens", description = "Platform tokens. Only for the app's server."),
        (name = "Callback", description = "The pages and endpoints that a user's browser visits during a flow."),
        (name = "Users", description = "The users of the host application."),
        (name = "Sessions", description = "Session tokens for users' browsers, and links to the console."),
        (name = "Console", description = "The console's session, which its cookie identifies."),
        (name = "Images", description = "Profile pictures of connected accounts."),
    ),
    components(schemas(IntegrationEvent, FlowEvent)),
    modifiers(&Credentials),
    security(("apiKey" = []), ("session" = []), ("console" = [])),
)]
pub(crate) struct Description;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = |description: &str| {
            let mut http = Http::new(HttpAuthScheme::Bearer);
            http.description = Some(description.to_owned());
            SecurityScheme::Http(http)
        };
        let api_key = "An API key `evg_…`, for the app's server. It acts for the user that the \
            `Evergrant-User` header names.";
        components.add_security_scheme("apiKey", bearer(api_key));
        let session = "A session token `evs_…` from `POST /api/sessions`, for the user's browser. Valid \
            for up to 15 minutes.";
        components.add_security_scheme("session", bearer(session));
        let mut cookie = ApiKeyValue::new("__Host-evergrant");
        cookie.description = Some(
            "The console's cookie, set by `/portal/{code}`. Its name is `evergrant-<port>` without TLS. It is accepted \
            wherever a session token is, unless `Authorization` is sent. Unsafe methods also need `X-CSRF-Token`."
                .to_owned(),
        );
        components.add_security_scheme("console", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// Error responses of every operation that requires a credential.
const WITH_CREDENTIAL: [(&str, &str); 4] = [
    ("401", "`UNAUTHENTICATED`"),
    ("403", "`FORBIDDEN`"),
    ("500", "`INTERNAL_ERROR`"),
    ("503", "`DATABASE_ERROR`"),
];

/// Error responses of every operation with parameters.
const WITH_PARAMETERS: [(&str, &str); 1] = [("400", "`INVALID_USER_ID`, `INVALID_REQUEST`")];

/// Error responses of every operation with a request body.
const WITH_BODY: [(&str, &str); 2] = [
    ("400", "`INVALID_REQUEST`"),
    ("413", "`PAYLOAD_TOO_LARGE`: more than 64 KiB"),
];

/// Adds what the handlers do not declare themselves to every operation.
pub(crate) fn complete(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    let examples = Examples::load();
    let operations = document
        .paths
        .paths
        .values_mut()
        .flat_map(|item| [&mut item.get, &mut item.post, &mut item.delete])
        .flatten();
    for operation in operations {
        add_common_errors(operation);
        add_problem_documents(operation);
        examples.add_to(operation);
    }
    document
}

/// Adds the error responses that many operations have in common. Operations without a credential
/// declare their error pages themselves.
fn add_common_errors(operation: &mut Operation) {
    if operation.security.as_deref() == Some(&[SecurityRequirement::default()]) {
        return;
    }
    let parameters = WITH_PARAMETERS
        .iter()
        .filter(|_| operation.parameters.is_some());
    let body = WITH_BODY
        .iter()
        .filter(|_| operation.request_body.is_some());
    let errors: Vec<_> = WITH_CREDENTIAL
        .iter()
        .chain(parameters)
        .chain(body)
        .collect();
    for (status, codes) in errors {
        // A description of the operation's own takes precedence.
        operation
            .responses
            .responses
            .entry((*status).to_owned())
            .or_insert_with(|| ResponseBuilder::new().description(*codes).build().into());
    }
}

/// Declares a problem document as the body of every error response without a body.
fn add_problem_documents(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        match response {
            RefOr::T(response) if status.as_str() >= "400" && response.content.is_empty() => {
                add_problem(response);
            }
            _ => {}
        }
    }
}

fn add_problem(response: &mut Response) {
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    response
        .content
        .insert("application/problem+json".to_owned(), content.into());
}
