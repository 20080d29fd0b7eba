//! The parts of the OpenAPI document that the handlers do not declare themselves: the general
//! information, the credentials, the constraints of ids, the common headers and error responses,
//! the links between operations, and the examples.

use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::server::Server;
use utoipa::openapi::{Components, OpenApi as OpenApiDocument, RefOr, Required, Schema};

use crate::integrations::events::{FlowEvent, IntegrationEvent, VersionEvent};
use examples::Examples;
use links::Links;

mod errors;
mod examples;
mod headers;
mod links;
mod security;
mod vocabulary;

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
    components(schemas(VersionEvent, IntegrationEvent, FlowEvent)),
)]
pub(crate) struct Description;

/// What the document says about one deployment.
pub(crate) struct Deployment {
    /// URL of the API, relative to the document.
    pub(crate) server: String,
    /// Name of the console's cookie.
    pub(crate) cookie_name: String,
}

impl Default for Deployment {
    /// A deployment with TLS, at the root of its host.
    fn default() -> Self {
        Self {
            server: "/".to_owned(),
            cookie_name: "__Host-evergrant".to_owned(),
        }
    }
}

/// Adds what the handlers do not declare themselves.
pub(crate) fn complete(mut document: OpenApiDocument, deployment: &Deployment) -> OpenApiDocument {
    document.servers = Some(vec![server(deployment)]);
    let mut components = document.components.take().unwrap_or_default();
    vocabulary::constrain_schemas(&mut components);
    security::add_schemes(&mut components, &deployment.cookie_name);
    headers::add_definitions(&mut components);
    let (examples, links) = (Examples::load(), Links::between(operations(&mut document)));
    for item in document.paths.paths.values_mut() {
        for operation in [&mut item.post, &mut item.delete].into_iter().flatten() {
            security::require_csrf_token(operation);
        }
    }
    for operation in operations(&mut document) {
        vocabulary::constrain_parameters(operation);
        mark_optional_body(operation, &components);
        errors::add_to(operation);
        links.add_to(operation);
        examples.add_to(operation);
        headers::add_to(operation);
    }
    document.components = Some(components);
    document
}

fn server(deployment: &Deployment) -> Server {
    let mut server = Server::new(&deployment.server);
    server.description = Some("The Evergrant that serves this document".to_owned());
    server
}

fn operations(document: &mut OpenApiDocument) -> impl Iterator<Item = &mut Operation> {
    let items = document.paths.paths.values_mut();
    items.flat_map(|item| {
        [&mut item.get, &mut item.post, &mut item.delete]
            .into_iter()
            .flatten()
    })
}

/// Marks a JSON body without required members as optional: no body is read as `{}`.
fn mark_optional_body(operation: &mut Operation, components: &Components) {
    let Some(RefOr::T(body)) = &mut operation.request_body else {
        return;
    };
    let Some(RefOr::T(content)) = body.content.get("application/json") else {
        return;
    };
    let Some(RefOr::Ref(reference)) = &content.schema else {
        return;
    };
    let name = reference
        .ref_location
        .rsplit('/')
        .next()
        .unwrap_or_default();
    if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get(name)
        && object.required.is_empty()
    {
        body.required = Some(Required::False);
    }
}
