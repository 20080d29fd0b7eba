//! Refresh requests and the lifetime of the new tokens.

use std::sync::Arc;

use axum::Router;
use evergrant_adapters::{ErrorClass, HeldTokens};
use evergrant_model::{AccessToken, Clock, Timestamp};
use tokio::net::TcpListener;

use crate::support::{
    FakePlatform, NOW_S, acme, clock, held_tokens, reddit, reddit_with_clock, response,
};

#[tokio::test]
async fn refresh_sends_only_the_refresh_token() {
    let platform =
        FakePlatform::responding_with(response(200, r#"{"access_token":"new","expires_in":60}"#))
            .await;
    let tokens = reddit(&platform.base)
        .refresh_access_token(&held_tokens("old", "r"))
        .await
        .unwrap();
    let form: Vec<_> = platform.only_request().form.into_iter().collect();
    let expected = [("grant_type", "refresh_token"), ("refresh_token", "r")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(form, expected);
    assert_eq!(tokens.access.expose(), "new");
    assert!(
        tokens.refresh.is_none(),
        "the old refresh token stays valid"
    );
}

#[tokio::test]
async fn a17_token_lifetime_starts_when_the_request_is_sent() {
    let clock = clock();
    let server_clock = Arc::clone(&clock);
    let app = Router::new().fallback(move || {
        server_clock.advance_seconds(100);
        async { r#"{"access_token":"a","expires_in":3600}"# }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let tokens = reddit_with_clock(Arc::clone(&clock), &base)
        .refresh_access_token(&held_tokens("a", "r"))
        .await
        .unwrap();
    assert_eq!(
        tokens.expires_at,
        Some(Timestamp::from_unix_seconds(NOW_S + 3600))
    );
    assert_eq!(clock.now(), Timestamp::from_unix_seconds(NOW_S + 100));
}

#[tokio::test]
async fn refresh_without_a_refresh_token_makes_no_call() {
    let platform = FakePlatform::responding_with(response(200, r#"{"access_token":"a"}"#)).await;
    let only_access = HeldTokens {
        access: Some(AccessToken::new("a")),
        refresh: None,
    };
    let error = reddit(&platform.base)
        .refresh_access_token(&only_access)
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::NeedsReauth);
    let without_refresh = acme(&platform.base, "tokens.refresh = false")
        .refresh_access_token(&held_tokens("a", "r"))
        .await
        .unwrap_err();
    assert_eq!(without_refresh.class(), ErrorClass::NeedsReauth);
    assert!(platform.requests().is_empty());
}
