//! Pictures, passed on: fetched once, from where the platform is called and nowhere else, and
//! nothing but raster images.

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

use crate::harness::Stand;
use crate::outcomes::call;

on_sqlite!(
    many_who_look_at_once_make_one_call,
    what_is_no_raster_image_is_not_passed_on,
    item_64_a_picture_on_another_host_of_ours_is_not_fetched,
    an_address_that_another_key_signed_is_not_ours,
);

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nand so on";

/// A host of pictures.
struct Host {
    at: String,
    asked: Arc<AtomicU64>,
}

impl Host {
    async fn start() -> Self {
        let (listener, asked) = (
            TcpListener::bind("127.0.0.1:0").await.unwrap(),
            Arc::new(AtomicU64::new(0)),
        );
        let at = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/{name}", get(picture))
            .with_state(Arc::clone(&asked));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { at, asked }
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    /// A service to which Acme is called at this host.
    async fn service(&self, stand: &Stand) -> IntegrationsService {
        let path = "/acme/oauth/token";
        let acme = acme_definition(&stand.platforms_at);
        stand
            .replica(&acme.replace(
                &format!("{}{path}", stand.platforms_at),
                &format!("{}{path}", self.at),
            ))
            .await
    }
}

async fn picture(State(asked): State<Arc<AtomicU64>>, Path(name): Path<String>) -> Response {
    asked.fetch_add(1, Ordering::SeqCst);
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

/// The picture that Acme says is at `address`.
async fn shown(service: &IntegrationsService, address: &str) -> Result<Arc<Picture>, ServiceError> {
    let ours = service
        .avatars()
        .address("acme", &json!({"avatar_url": address}))
        .unwrap();
    let (rest, target) = ours.rsplit_once('/').unwrap();
    service
        .avatars()
        .fetch(&call(), rest.rsplit('/').next().unwrap(), target)
        .await
}

async fn many_who_look_at_once_make_one_call(database: TestDatabase) {
    let (stand, host) = (Stand::new(database).await, Host::start().await);
    let (service, address) = (host.service(&stand).await, format!("{}/good.png", host.at));
    let mut viewers = JoinSet::new();
    for _ in 0..32 {
        let (service, address) = (service.clone(), address.clone());
        viewers.spawn(async move { shown(&service, &address).await.unwrap() });
    }
    for seen in viewers.join_all().await {
        assert_eq!((seen.media_type, seen.bytes.as_slice()), ("image/png", PNG));
    }
    assert_eq!(host.asked(), 1);
}

async fn what_is_no_raster_image_is_not_passed_on(database: TestDatabase) {
    let (stand, host) = (Stand::new(database).await, Host::start().await);
    let service = host.service(&stand).await;
    for name in [
        "script.svg",
        "large.png",
        "moved.png",
        "empty.png",
        "missing.png",
    ] {
        for _ in 0..2 {
            let error = shown(&service, &format!("{}/{name}", host.at))
                .await
                .unwrap_err();
            assert_eq!(error.code(), ErrorCode::ProviderUnavailable, "{name}");
        }
    }
    assert_eq!(
        host.asked(),
        10,
        "a failure is not remembered, and a redirect not followed"
    );
}

async fn item_64_a_picture_on_another_host_of_ours_is_not_fetched(database: TestDatabase) {
    let (stand, host, other) = (
        Stand::new(database).await,
        Host::start().await,
        Host::start().await,
    );
    let service = host.service(&stand).await;
    let localhost = other.at.replace("127.0.0.1", "localhost");
    for address in [
        &other.at,
        &localhost,
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "x",
    ] {
        assert!(
            shown(&service, &format!("{address}/good.png"))
                .await
                .is_err(),
            "{address}"
        );
    }
    assert_eq!(other.asked(), 0);
}

async fn an_address_that_another_key_signed_is_not_ours(database: TestDatabase) {
    let (stand, host) = (Stand::new(database).await, Host::start().await);
    let service = host.service(&stand).await;
    let ours = service
        .avatars()
        .address(
            "acme",
            &json!({"avatar_url": format!("{}/good.png", host.at)}),
        )
        .unwrap();
    let (rest, target) = ours.rsplit_once('/').unwrap();
    let signature = rest.rsplit('/').next().unwrap();
    let forged: String = signature.chars().rev().collect();
    let refused = service
        .avatars()
        .fetch(&call(), &forged, target)
        .await
        .unwrap_err();
    assert_eq!((refused.code(), host.asked()), (ErrorCode::NotFound, 0));
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
            .address("acme", &json!({"avatar_url": null}))
            .is_none()
    );
}
