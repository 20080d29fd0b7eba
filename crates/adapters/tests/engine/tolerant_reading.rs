//! Token responses with faults that do not concern the tokens.

use std::io::Read;

use evergrant_adapters::{ErrorClass, HttpLimits};
use evergrant_model::ScopeSet;
use flate2::Compression;
use flate2::read::{DeflateEncoder, GzEncoder, ZlibEncoder};

use crate::support::{CannedResponse, FakePlatform, acme, acme_with_limits, held_tokens, response};

const PAIR: &str = r#"{"access_token":"new","refresh_token":"next","expires_in":60,"scope":"b a"}"#;

fn all(mut encoder: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    encoder.read_to_end(&mut bytes).unwrap();
    bytes
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    all(GzEncoder::new(plain, Compression::best()))
}

/// Returns a response with this `Content-Encoding`.
fn encoded(coding: &str, body: Vec<u8>) -> CannedResponse {
    response(200, body).header("content-encoding", coding)
}

/// Returns responses with the same pair of tokens, each with a fault of another kind.
fn faulty_pairs() -> Vec<(&'static str, CannedResponse)> {
    let zlib = all(ZlibEncoder::new(PAIR.as_bytes(), Compression::fast()));
    let raw = all(DeflateEncoder::new(PAIR.as_bytes(), Compression::fast()));
    let form = "access_token=new&refresh_token=next&expires_in=60&scope=b+a";
    let with = |member: &[u8]| {
        let body = [b"{", member, b",", PAIR.trim_start_matches('{').as_bytes()].concat();
        response(200, body)
    };
    vec![
        ("byte order mark", response(200, format!("\u{feff}{PAIR}"))),
        ("form", response(200, form)),
        (
            "form with mark",
            response(200, format!("\u{feff}{form}\r\n")),
        ),
        (
            "HTML label",
            response(200, PAIR).header("content-type", "text/html"),
        ),
        ("gzip", encoded("gzip", gzip(PAIR.as_bytes()))),
        ("deflate", encoded("deflate", zlib)),
        ("raw deflate", encoded("deflate", raw)),
        ("false label", encoded("gzip", PAIR.into())),
        ("invalid byte", with(b"\"name\":\"J\xfcrgen\"")),
        ("lone surrogate", with(br#""name":"\ud83d""#)),
        ("repeated member", with(br#""scope":"c","id":1,"id":2"#)),
        ("same token twice", with(br#""access_token":"new""#)),
        ("number out of range", with(b"\"id\":1e999")),
        ("control character", with(b"\"name\":\"a\nb\"")),
    ]
}

#[tokio::test]
async fn pair_is_read_despite_faults_in_the_rest() {
    let platform = FakePlatform::responding_with(response(200, "")).await;
    for (fault, canned) in faulty_pairs() {
        platform.respond_with(canned);
        let tokens = acme(&platform.base, "")
            .refresh_access_token(&held_tokens("a", "r"))
            .await
            .unwrap_or_else(|error| panic!("{fault}: {error}"));
        assert_eq!(tokens.access.expose(), "new", "{fault}");
        assert_eq!(tokens.refresh.unwrap().expose(), "next", "{fault}");
        assert_eq!(tokens.scope, Some(ScopeSet::parse("a b")), "{fault}");
        assert!(tokens.expires_at.is_some(), "{fault}");
    }
}

/// Returns responses whose tokens are ambiguous, damaged or incomplete.
fn doubtful_pairs() -> Vec<(&'static str, CannedResponse)> {
    let gzipped = gzip(PAIR.as_bytes());
    vec![
        (
            "two access tokens",
            response(200, r#"{"access_token":"a","access_token":"b"}"#),
        ),
        (
            "two refresh tokens",
            response(
                200,
                r#"{"access_token":"a","refresh_token":"r","refresh_token":"s"}"#,
            ),
        ),
        (
            "two tokens in a form",
            response(200, "access_token=a&access_token=b"),
        ),
        (
            "invalid byte in a token",
            response(200, b"{\"access_token\":\"a\xff\"}"),
        ),
        (
            "invalid byte in the refresh token",
            response(200, b"{\"access_token\":\"a\",\"refresh_token\":\"r\xff\"}"),
        ),
        ("truncated JSON", response(200, &PAIR[..PAIR.len() - 1])),
        (
            "truncated gzip",
            encoded("gzip", gzipped[..gzipped.len() - 9].to_vec()),
        ),
        ("unknown coding", encoded("br", vec![0x8b, 0x02])),
        ("page", response(200, format!("<html>{PAIR}</html>"))),
        ("blank token", response(200, r#"{"access_token":" "}"#)),
    ]
}

#[tokio::test]
async fn ambiguous_or_damaged_tokens_are_not_taken() {
    let platform = FakePlatform::responding_with(response(200, "")).await;
    for (fault, canned) in doubtful_pairs() {
        platform.respond_with(canned);
        let error = acme(&platform.base, "")
            .refresh_access_token(&held_tokens("a", "r"))
            .await
            .unwrap_err();
        assert_eq!(error.class(), ErrorClass::Unknown, "{fault}: {error}");
    }
}

#[tokio::test]
async fn size_limit_applies_to_the_decompressed_body() {
    let padded = format!("{PAIR}{}", " ".repeat(2000));
    let platform = FakePlatform::responding_with(encoded("gzip", gzip(padded.as_bytes()))).await;
    for (body_bytes, is_read) in [(padded.len(), true), (padded.len() - 1, false)] {
        let limits = HttpLimits {
            body_bytes,
            ..HttpLimits::default()
        };
        let tokens = acme_with_limits(&platform.base, "", limits)
            .refresh_access_token(&held_tokens("a", "r"))
            .await;
        assert_eq!(tokens.is_ok(), is_read, "{body_bytes}");
    }
}

#[tokio::test]
async fn form_is_no_profile_and_errors_in_forms_are_recognized() {
    let platform = FakePlatform::responding_with(response(200, "sub=1&name=x")).await;
    let adapter = acme(&platform.base, "");
    let stored = held_tokens("a", "r");
    let access = stored.access.clone().unwrap();
    let profile = adapter.user_profile(&access, &ScopeSet::default()).await;
    assert_eq!(profile.unwrap_err().class(), ErrorClass::Unknown);
    platform.respond_with(response(200, "error=bad_refresh_token&error_description=x"));
    let error = adapter.refresh_access_token(&stored).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::NeedsReauth);
    assert_eq!(error.provider_code(), Some("bad_refresh_token"));
}

#[tokio::test]
async fn profile_is_read_despite_faults_and_ambiguous_id_is_not_taken() {
    let platform = FakePlatform::responding_with(response(200, "")).await;
    let access = held_tokens("a", "r").access.unwrap();
    for (body, id) in [
        (
            &b"\xef\xbb\xbf{\"sub\":\"7\",\"name\":\"J\xfcrgen\"}"[..],
            Some("7"),
        ),
        (
            br#"{"sub":"7","sub":"7","name":"\ud83d","name":"x"}"#,
            Some("7"),
        ),
        (br#"{"sub":"7","sub":"8"}"#, None),
        (b"{\"sub\":\"7\xff\"}", None),
    ] {
        platform.respond_with(response(200, body));
        let profile = acme(&platform.base, "")
            .user_profile(&access, &ScopeSet::default())
            .await;
        let found = profile
            .ok()
            .map(|accounts| accounts[0].id.as_str().to_owned());
        assert_eq!(found.as_deref(), id, "{}", String::from_utf8_lossy(body));
    }
}
