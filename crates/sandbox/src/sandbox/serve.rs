//! Serves the sandbox over HTTP.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

use super::Sandbox;
use crate::pages::HomePage;
use crate::shared::Shared;
use crate::{actions, control, engine, pages, platforms};

/// Maximum size of a request body in bytes.
const MAX_BODY_BYTES: usize = 64 << 10;

impl Sandbox {
    /// Returns the router with all pages, platform endpoints and controls.
    pub fn router(&self) -> Router {
        let home = HomePage {
            shared: self.shared.clone(),
            platforms: self.platforms.clone(),
            dev_settings: platforms::dev_settings,
            acme_definition: platforms::acme_definition,
        };
        let mut router = pages::routes(home)
            .nest("/control", control::routes(self.clone()))
            .nest("/actions", actions::routes(self.clone()));
        for platform in self.platforms() {
            let context = self.context(platform);
            router = router.merge(
                engine::routes(&context)
                    .merge(platform.routes())
                    .with_state(context),
            );
        }
        router
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .layer(from_fn_with_state(
                self.shared.clone(),
                save_before_response,
            ))
    }

    /// Serves on `listener` until `shutdown` completes. If the options have no public URL, pages
    /// and responses use the listener's address.
    ///
    /// # Errors
    ///
    /// Returns an error if the listener fails.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        self.shared
            .set_listen_url(format!("http://{}", listener.local_addr()?));
        let service = self
            .router()
            .into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, service)
            .with_graceful_shutdown(shutdown)
            .await
    }
}

/// Saves the state before a response is sent, so that every issued token survives a crash. If
/// saving fails, the response is replaced by an error.
async fn save_before_response(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    match shared.save() {
        Ok(()) => response,
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
