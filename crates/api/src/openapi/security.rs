//! The credentials of the OpenAPI document.

use utoipa::openapi::Components;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};

const API_KEY: &str = "An API key `evg_…`, for the app's server. It acts for the user that the \
    `Evergrant-User` header names. The listed scope must be one of the key's.";
const SESSION: &str = "A session token `evs_…` from `POST /api/sessions`, for the user's browser. \
    Valid for up to 15 minutes.";
const CONSOLE: &str = "The console's cookie, set by `/portal/{code}`. Its name is \
    `__Secure-evergrant` if the public URL has a path, and `evergrant-<port>` without TLS. It is \
    accepted wherever a session token is, unless `Authorization` is sent.";
const CSRF: &str = "`csrfToken` of `GET /console/session`. Unsafe methods require it beside the \
    console's cookie.";

/// Adds the definitions of the credentials. `cookie` is the name of the console's cookie.
pub(super) fn add_schemes(components: &mut Components, cookie: &str) {
    let bearer = |description: &str| {
        let mut http = Http::new(HttpAuthScheme::Bearer);
        http.description = Some(description.to_owned());
        SecurityScheme::Http(http)
    };
    let value = |name: &str, description: &str| {
        let mut value = ApiKeyValue::new(name);
        value.description = Some(description.to_owned());
        value
    };
    components.add_security_scheme("apiKey", bearer(API_KEY));
    components.add_security_scheme("session", bearer(SESSION));
    let cookie = ApiKey::Cookie(value(cookie, CONSOLE));
    components.add_security_scheme("console", SecurityScheme::ApiKey(cookie));
    let csrf = ApiKey::Header(value("X-CSRF-Token", CSRF));
    components.add_security_scheme("csrf", SecurityScheme::ApiKey(csrf));
}

/// Requires the CSRF token beside the console's cookie, for an operation with an unsafe method.
pub(super) fn require_csrf_token(operation: &mut Operation) {
    let cookie = SecurityRequirement::new::<_, [&str; 0], &str>("console", []);
    for requirement in operation.security.iter_mut().flatten() {
        if *requirement == cookie {
            *requirement = requirement.clone().add::<_, [&str; 0], &str>("csrf", []);
        }
    }
}
