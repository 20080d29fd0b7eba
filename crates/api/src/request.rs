//! What goes around every request: its correlation id, its span in the log, and the headers of
//! every answer.

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use evergrant_model::CorrelationId;
use evergrant_service::IntegrationsService;
use http::{HeaderName, HeaderValue, header};
use tracing::Instrument;

use crate::problem::render;

/// For a year; other hosts below ours are their owner's matter.
const BY_TLS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the answers of one router share.
#[derive(Clone)]
pub(crate) struct AroundAll {
    service: IntegrationsService,
    /// Whether browsers reach the service by TLS.
    by_tls: bool,
}

impl AroundAll {
    pub(crate) fn of(service: &IntegrationsService) -> Self {
        Self {
            service: service.clone(),
            by_tls: service.settings().public_url.scheme() == "https",
        }
    }
}

/// Gives the request its id, the caller's own if it is a sane one, and the answer its document and
/// headers.
pub(crate) async fn around(
    State(all): State<AroundAll>,
    mut request: Request,
    next: Next,
) -> Response {
    let correlation_id = sent_id(&request).unwrap_or_else(|| all.service.new_correlation_id());
    request.extensions_mut().insert(correlation_id.clone());
    let span = tracing::info_span!("request", correlation_id = %correlation_id, method = %request.method(),
        route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str));
    let answered = async {
        let response = render(next.run(request).await, &correlation_id);
        tracing::debug!(status = response.status().as_u16(), "answered");
        response
    };
    let mut response = answered.instrument(span).await;
    let headers = response.headers_mut();
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
    if all.by_tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, BY_TLS_ONLY);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

fn sent_id(request: &Request) -> Option<CorrelationId> {
    let sent = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    CorrelationId::new(sent).ok()
}
