//! The avatar proxy: it fetches an image once, only from hosts of the provider's definition, and
//! serves raster images only.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use evergrant_model::ErrorCode;
use evergrant_sandbox::acme_definition;
use evergrant_service::{IntegrationsService, Picture, ServiceError};
use evergrant_testkit::{TestDatabase, on_sqlite};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::harness::{TestEnv, call, slug};

on_sqlite!(
    concurrent_viewers_share_one_fetch,
    only_raster_images_are_served,
    item_64_avatar_on_another_internal_host_is_not_fetched,
    url_with_wrong_signature_is_rejected,
);

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nand so on";

/// An HTTP server with images.
struct Host {
    url: String,
    requests: Arc<AtomicU64>,
}

impl Host {
    async fn start() -> Self {
        let (listener, requests) = (
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
            Arc::new(AtomicU64::new(0)),
        );
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/{name}", get(picture))
            .with_state(Arc::clone(&requests));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, requests }
    }

    fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }

    /// Starts a replica whose settings put Acme's token endpoint at this host, so that it may fetch
    /// Acme's avatars from there.
    async fn service(&self, env: &TestEnv) -> IntegrationsService {
        let path = "/acme/oauth/token";
        let acme = acme_definition(&env.sandbox_url);
        env.replica_with(&acme.replace(
            &format!("{}{path}", env.sandbox_url),
            &format!("{}{path}", self.url),
        ))
        .await
    }
}

/// Serves the images by name.
async fn picture(State(requests): State<Arc<AtomicU64>>, Path(name): Path<String>) -> Response {
    requests.fetch_add(1, Ordering::SeqCst);
    match name.as_str() {
        "good.png" => PNG.into_response(),
        "script.svg" => (
            [(header::CONTENT_TYPE, "image/png")],
            "<svg onload='alert(1)'/>",
        )
            .into_response(),
        "large.png" => [PNG, &vec![0; 1 << 20]].concat().into_response(),
        "moved.png" => (StatusCode::FOUND, [(header::LOCATION, "/good.png")]).into_response(),
        "empty.png" => ().into_response(),
        _ => (StatusCode::NOT_FOUND, PNG).into_response(),
    }
}

/// Fetches the avatar with this URL through the proxy.
async fn fetch_avatar(
    service: &IntegrationsService,
    address: &str,
) -> Result<Arc<Picture>, ServiceError> {
    let proxied = service
        .avatars()
        .address(&slug("acme"), &json!({"avatar_url": address}))
        .unwrap();
    let (rest, target) = proxied.rsplit_once('/').unwrap();
    service
        .avatars()
        .fetch(&call(), rest.rsplit('/').next().unwrap(), target)
        .await
}

async fn concurrent_viewers_share_one_fetch(database: TestDatabase) {
    let (env, host) = (TestEnv::new(database).await, Host::start().await);
    let (service, address) = (host.service(&env).await, format!("{}/good.png", host.url));
    let mut viewers = JoinSet::new();
    for _ in 0..32 {
        let (service, address) = (service.clone(), address.clone());
        viewers.spawn(async move { fetch_avatar(&service, &address).await.unwrap() });
    }
    for picture in viewers.join_all().await {
        assert_eq!(
            (picture.media_type, picture.bytes.as_slice()),
            ("image/png", PNG)
        );
    }
    assert_eq!(host.requests(), 1);
}

async fn only_raster_images_are_served(database: TestDatabase) {
    let (env, host) = (TestEnv::new(database).await, Host::start().await);
    let service = host.service(&env).await;
    for name in [
        "script.svg",
        "large.png",
        "moved.png",
        "empty.png",
        "missing.png",
    ] {
        for _ in 0..2 {
            let error = fetch_avatar(&service, &format!("{}/{name}", host.url))
                .await
                .unwrap_err();
            assert_eq!(error.code(), ErrorCode::ProviderUnavailable, "{name}");
        }
    }
    assert_eq!(
        host.requests(),
        10,
        "failures are not cached and redirects are not followed"
    );
}

async fn item_64_avatar_on_another_internal_host_is_not_fetched(database: TestDatabase) {
    let (env, host, other) = (
        TestEnv::new(database).await,
        Host::start().await,
        Host::start().await,
    );
    let service = host.service(&env).await;
    let localhost = other.url.replace("127.0.0.1", "localhost");
    for address in [
        &other.url,
        &localhost,
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "x",
    ] {
        assert!(
            fetch_avatar(&service, &format!("{address}/good.png"))
                .await
                .is_err(),
            "{address}"
        );
    }
    assert_eq!(other.requests(), 0);
}

async fn url_with_wrong_signature_is_rejected(database: TestDatabase) {
    let (env, host) = (TestEnv::new(database).await, Host::start().await);
    let service = host.service(&env).await;
    let proxied = service
        .avatars()
        .address(
            &slug("acme"),
            &json!({"avatar_url": format!("{}/good.png", host.url)}),
        )
        .unwrap();
    let (rest, target) = proxied.rsplit_once('/').unwrap();
    let signature = rest.rsplit('/').next().unwrap();
    let forged: String = signature.chars().rev().collect();
    let error = service
        .avatars()
        .fetch(&call(), &forged, target)
        .await
        .unwrap_err();
    assert_eq!((error.code(), host.requests()), (ErrorCode::NotFound, 0));
    assert!(
        service
            .avatars()
            .fetch(&call(), signature, target)
            .await
            .is_ok()
    );
    assert!(
        service
            .avatars()
            .address(&slug("acme"), &json!({"avatar_url": null}))
            .is_none()
    );
}
