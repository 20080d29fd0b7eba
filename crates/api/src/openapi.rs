//! What the OpenAPI document says beside the routes, which describe themselves.

use utoipa::Modify;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

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
        (name = "Sessions", description = "Tokens for their browsers."),
    ),
    modifiers(&Credentials),
    security(("apiKey" = []), ("session" = [])),
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
    }
}
