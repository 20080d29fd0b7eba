//! A layer in front of the simulator that replaces text in its responses. Checks use it to rename a
//! person, or to make the platform return another account.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;

/// The replacements to make, in order.
#[derive(Clone, Default)]
pub(crate) struct ResponseRewriter(Arc<Mutex<Vec<(String, String)>>>);

impl ResponseRewriter {
    /// Puts this layer in front of the router.
    pub(crate) fn layer_on(&self, router: Router) -> Router {
        router.layer(from_fn_with_state(self.clone(), rewrite))
    }

    /// Replaces `from` by `to` in all later responses.
    pub(crate) fn replace(&self, from: &str, to: &str) {
        self.0
            .lock()
            .unwrap()
            .push((from.to_owned(), to.to_owned()));
    }

    fn rewritten(&self, text: &str) -> String {
        self.0
            .lock()
            .unwrap()
            .iter()
            .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }
}

async fn rewrite(
    State(rewriter): State<ResponseRewriter>,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    if rewriter.0.lock().unwrap().is_empty() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(
        parts,
        Body::from(rewriter.rewritten(std::str::from_utf8(&body).unwrap())),
    )
}
