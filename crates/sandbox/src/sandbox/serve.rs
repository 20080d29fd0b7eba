//! The sandbox over HTTP: every page, endpoint and control.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

use super::Sandbox;
use crate::pages::FrontPage;
use crate::shared::Shared;
use crate::{control, engine, pages, platforms};

/// More than any request here needs.
const LONGEST_BODY: usize = 64 << 10;

impl Sandbox {
    /// Every page and endpoint.
    pub fn router(&self) -> Router {
        let front = FrontPage {
            shared: self.shared.clone(),
            platforms: self.platforms.clone(),
            dev_settings: platforms::dev_settings,
            acme_definition: platforms::acme_definition,
        };
        let mut router = pages::routes(front).nest("/control", control::routes(self.clone()));
        for platform in self.platforms() {
            let stage = self.stage(platform);
            router = router.merge(
                engine::routes(&stage)
                    .merge(platform.routes())
                    .with_state(stage),
            );
        }
        router
            .layer(DefaultBodyLimit::max(LONGEST_BODY))
            .layer(from_fn_with_state(
                self.shared.clone(),
                save_before_answering,
            ))
    }

    /// Serves on `listener` until `shutdown` ends. Without a public address in the options, pages
    /// and answers name the listener's.
    ///
    /// # Errors
    ///
    /// As `axum::serve`: where the listener fails.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        self.shared
            .serve_at(format!("http://{}", listener.local_addr()?));
        let service = self
            .router()
            .into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, service)
            .with_graceful_shutdown(shutdown)
            .await
    }
}

/// Lets no answer out before what it promises is on disk.
async fn save_before_answering(
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
