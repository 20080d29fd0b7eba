//! The call that checks a session.

use evergrant_adapters::{CredentialError, ErrorClass, SessionCheck};
use evergrant_model::{AccessToken, ScopeSet, StatusReason};

use super::{CANONICAL, PROFILE, accepted, faults_at, form, with_check_at};
use crate::support::{FakePlatform, response};

#[tokio::test]
async fn check_sends_the_session_and_keeps_only_declared_facts() {
    let platform = FakePlatform::responding_with(response(200, PROFILE)).await;
    let adapter = with_check_at(&platform);
    let credentials = accepted(&*adapter, &form()).await;
    assert!(credentials.verified);
    let request = platform.only_request();
    assert_eq!(request.route(), "GET /api2/v2/users/me");
    let mut names: Vec<_> = request
        .headers
        .keys()
        .map(axum::http::HeaderName::as_str)
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["accept", "cookie", "host", "user-agent", "user-id", "x-bc"]
    );
    assert_eq!(
        request.header("cookie"),
        "sess=s3ss; auth_id=900001; auth_uid_=42"
    );
    assert_eq!(
        (request.header("user-agent"), request.header("x-bc")),
        ("Mozilla/5.0 (Sim)", "bc0ffee")
    );
    assert_eq!(
        (request.header("user-id"), request.header("accept")),
        ("900001", "application/json")
    );
    assert_eq!(
        serde_json::Value::Object(credentials.account.metadata.clone()),
        serde_json::json!({
            "username": "simcreator", "display_name": "Sim", "avatar_url": "https://cdn.sim/a.jpg",
            "is_performer": true, "join_date": "2024-01-15T00:00:00+00:00", "posts_count": 41, "photos_count": 60,
            "videos_count": 9, "medias_count": 69, "favorited_count": 515, "subscribers_count": 88,
        })
    );
    let again = adapter.check_session(&credentials.session).await.unwrap();
    assert_eq!(again, SessionCheck::Alive(Box::new(credentials.account)));
}

#[tokio::test]
async fn unconfirmed_session_is_rejected_with_the_reason() {
    let other_account = "This session belongs to a different account than auth_id.";
    let ended = "OnlyFans says that this session has ended. Log in there and copy it again.";
    let rejected = "OnlyFans does not accept this session. Log in there and copy it again.";
    for (status, body, message) in [
        (200, r#"{"id":900002,"isAuth":true}"#, other_account),
        (200, r#"{"isAuth":false}"#, ended),
        (200, r#"{"id":900001,"isAuth":false}"#, ended),
        (200, "{}", ended),
        (401, r#"{"error":{"code":0,"message":"sim"}}"#, rejected),
        (400, "", rejected),
    ] {
        let platform = FakePlatform::responding_with(response(status, body)).await;
        assert_eq!(
            faults_at(&*with_check_at(&platform), &form()).await,
            [("sess", message.to_owned())],
            "{status} {body}"
        );
    }
}

#[tokio::test]
async fn failed_check_is_not_a_verdict_on_the_session() {
    for (status, class) in [
        (429, ErrorClass::RateLimited),
        (503, ErrorClass::Transient),
        (504, ErrorClass::Transient),
        (200, ErrorClass::Unknown),
    ] {
        let platform = FakePlatform::responding_with(response(status, "<html>")).await;
        match with_check_at(&platform).accept_credentials(&form()).await {
            Err(CredentialError::Provider(error)) => assert_eq!(error.class(), class, "{status}"),
            other => panic!("{status} {other:?}"),
        }
    }
    let platform = FakePlatform::responding_with(response(403, "<html>")).await;
    assert!(
        !accepted(&*with_check_at(&platform), &form()).await.verified,
        "a blocked check does not verify the session"
    );
    let stored = AccessToken::new(CANONICAL);
    assert_eq!(
        with_check_at(&platform)
            .check_session(&stored)
            .await
            .unwrap_err()
            .class(),
        ErrorClass::Blocked
    );
}

#[tokio::test]
async fn stored_session_ends_by_guest_profile_or_confirmed_rejection() {
    let stored = AccessToken::new(CANONICAL);
    for body in [r#"{"isAuth":false}"#, "{}", r#"{"id":900002}"#] {
        let platform = FakePlatform::responding_with(response(200, body)).await;
        assert_eq!(
            with_check_at(&platform)
                .check_session(&stored)
                .await
                .unwrap(),
            SessionCheck::Ended,
            "{body}"
        );
        let error = with_check_at(&platform)
            .user_profile(&stored, &ScopeSet::default())
            .await
            .unwrap_err();
        assert_eq!(
            (error.class(), error.reason()),
            (ErrorClass::NeedsReauth, Some(StatusReason::SessionEnded))
        );
    }
    for status in [400, 401] {
        let platform = FakePlatform::responding_with(response(status, "")).await;
        let error = with_check_at(&platform)
            .check_session(&stored)
            .await
            .unwrap_err();
        assert_eq!(
            (error.class(), error.reason()),
            (ErrorClass::NeedsReauth, Some(StatusReason::SessionEnded))
        );
        assert!(error.needs_confirmation());
    }
    let malformed = with_check_at(&FakePlatform::responding_with(response(200, PROFILE)).await)
        .check_session(&AccessToken::new("not a session"))
        .await;
    assert_eq!(malformed.unwrap_err().class(), ErrorClass::BadRequest);
}
