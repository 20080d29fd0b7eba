//! What the OpenAPI document says beside the routes, which describe themselves.

use utoipa::Modify;
use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ContentBuilder, Ref, Response, ResponseBuilder};

/// The document without its routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Evergrant",
        description = "Keeps the accounts that people connect: an app's users link them once, and the app gets a valid \
            access token whenever it asks.\n\nTimes are RFC 3339 in UTC with milliseconds. Errors are problem documents \
            (RFC 9457) with a stable `code`; every answer carries `X-Request-Id`, which is also the problem's \
            `correlationId`. A caller's own `X-Request-Id` of up to 64 letters, digits, hyphens and underscores is kept.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "Integrations", description = "Connect, see, renew, disconnect."),
        (name = "Flows", description = "How far a consent has come, and finishing it."),
        (name = "Tokens", description = "Platform tokens, for the app's server only."),
        (name = "Callback", description = "Where platforms send the browser back to."),
        (name = "Users", description = "The people of the host application."),
        (name = "Sessions", description = "Tokens for their browsers, and the way into the console."),
        (name = "Console", description = "Who is signed in to the console, by its cookie."),
        (name = "Images", description = "Pictures of accounts."),
    ),
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
        let api_key = "`evg_…`, for the app's server: acts for the user named in the `Evergrant-User` header.";
        components.add_security_scheme("apiKey", bearer(api_key));
        let session = "`evs_…`, for the user's browser: from `POST /api/sessions`, good for up to 15 minutes.";
        components.add_security_scheme("session", bearer(session));
        let mut cookie = ApiKeyValue::new("__Host-evergrant");
        cookie.description = Some(
            "The console's own, for user sessions that `/portal/{code}` began; `evergrant-<port>` without TLS. Good where \
            a session token is, when no `Authorization` is sent; what changes something needs `X-CSRF-Token` too."
                .to_owned(),
        );
        components.add_security_scheme("console", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// What may become of every request that needs a credential, whatever its route.
const ANYWHERE: [(&str, &str); 4] = [
    ("401", "`UNAUTHENTICATED`"),
    ("403", "`FORBIDDEN`"),
    ("500", "`INTERNAL_ERROR`"),
    ("503", "`DATABASE_ERROR`"),
];

/// What may become of every request that names something in its address or its headers.
const WITH_PARAMETERS: [(&str, &str); 1] = [("400", "`INVALID_USER_ID`, `INVALID_REQUEST`")];

/// What may become of every request with a body.
const WITH_BODY: [(&str, &str); 2] = [
    ("400", "`INVALID_REQUEST`"),
    ("413", "`PAYLOAD_TOO_LARGE`: more than 64 KiB"),
];

/// The document with the answers that routes need not describe one by one.
pub(crate) fn complete(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    for item in document.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post, &mut item.delete]
            .into_iter()
            .flatten()
        {
            // The browser's way back, which needs no credential, fails with pages that it describes
            // itself.
            if operation.security.as_deref() != Some(&[SecurityRequirement::default()]) {
                let parameters = WITH_PARAMETERS
                    .iter()
                    .filter(|_| operation.parameters.is_some());
                let body = WITH_BODY
                    .iter()
                    .filter(|_| operation.request_body.is_some());
                let answers: Vec<_> = ANYWHERE.iter().chain(parameters).chain(body).collect();
                for (status, codes) in answers {
                    describe(operation, status, codes);
                }
            }
        }
    }
    document
}

/// A route's own words for a status come first.
fn describe(operation: &mut Operation, status: &str, codes: &str) {
    let responses = &mut operation.responses.responses;
    responses
        .entry(status.to_owned())
        .or_insert_with(|| problem(codes).into());
}

fn problem(codes: &str) -> Response {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    ResponseBuilder::new()
        .description(codes)
        .content("application/problem+json", content)
        .build()
}
