//! A layer in front of the simulator that changes words in its answers: how a person takes another
//! name, and how a platform answers for somebody else.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;

/// The words to change, and what to.
#[derive(Clone, Default)]
pub(crate) struct Front(Arc<Mutex<Vec<(String, String)>>>);

impl Front {
    pub(crate) fn before(&self, router: Router) -> Router {
        router.layer(from_fn_with_state(self.clone(), rewrite))
    }

    /// From now on `from` is answered as `to`, wherever it stands.
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

async fn rewrite(State(front): State<Front>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if front.0.lock().unwrap().is_empty() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(
        parts,
        Body::from(front.rewritten(std::str::from_utf8(&body).unwrap())),
    )
}
