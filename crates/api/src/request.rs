//! The outermost middleware: the correlation id and log span of every request, and the common
//! headers of every response.

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use evergrant_model::CorrelationId;
use evergrant_service::{IntegrationsService, PublicUrl};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tracing::Instrument;

use crate::problem::render;

/// `Strict-Transport-Security` for one year. Subdomains are left to their owners.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");
/// Carries the correlation id in both directions.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the responses of one router have in common.
#[derive(Clone)]
pub(crate) struct ResponseContext {
    service: IntegrationsService,
}

impl ResponseContext {
    pub(crate) fn new(service: &IntegrationsService) -> Self {
        Self {
            service: service.clone(),
        }
    }

    fn public_url(&self) -> &PublicUrl {
        &self.service.settings().public_url
    }

    fn add_headers(&self, headers: &mut HeaderMap, correlation_id: &CorrelationId) {
        if let Ok(id) = HeaderValue::from_str(correlation_id.as_str()) {
            headers.insert(REQUEST_ID, id);
        }
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        headers.insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        );
        if self.public_url().is_https() {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
        }
        headers
            .entry(header::CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
    }
}

/// Handles a request under its correlation id, and renders the error of a failed one as a problem
/// document.
///
/// The client's own `X-Request-Id` becomes the correlation id if it is well formed.
pub(crate) async fn handle(
    State(context): State<ResponseContext>,
    mut request: Request,
    next: Next,
) -> Response {
    let correlation_id =
        client_request_id(&request).unwrap_or_else(|| context.service.new_correlation_id());
    request.extensions_mut().insert(correlation_id.clone());
    let span = tracing::info_span!("request", correlation_id = %correlation_id, method = %request.method(),
        route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str));
    let rendered = async {
        let response = render(
            next.run(request).await,
            &correlation_id,
            context.public_url(),
        );
        tracing::debug!(status = response.status().as_u16(), "response sent");
        response
    };
    let mut response = rendered.instrument(span).await;
    context.add_headers(response.headers_mut(), &correlation_id);
    response
}

fn client_request_id(request: &Request) -> Option<CorrelationId> {
    let sent = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    CorrelationId::new(sent).ok()
}
