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
    [wrong_members(), wrong_codings(), wrong_texts()].concat()
}

/// Returns responses with faults in members that are not needed.
fn wrong_members() -> Vec<(&'static str, CannedResponse)> {
    let with = |member: &str| with_member(member.as_bytes());
    let nested = format!("\"x\":{}{}", "[".repeat(3000), "]".repeat(3000));
    vec![
        ("invalid byte", with_member(b"\"name\":\"J\xfcrgen\"")),
        ("lone surrogate", with(r#""name":"\ud83d""#)),
        ("repeated member", with(r#""scope":"c","id":1,"id":2"#)),
        ("same token twice", with(r#""access_token":"new""#)),
        ("other case as well", with(r#""refreshToken":"next""#)),
        ("number out of range", with("\"id\":1e999")),
        ("control character", with("\"name\":\"a\nb\"")),
        ("comment", with("/* \" */\"id\":1")),
        ("deep nesting", with(&nested)),
    ]
}

/// Returns the pair behind another member.
fn with_member(member: &[u8]) -> CannedResponse {
    let body = [b"{", member, b",", PAIR.trim_start_matches('{').as_bytes()].concat();
    response(200, body)
}

/// Returns responses with codings that are rare, not declared or wrongly declared.
fn wrong_codings() -> Vec<(&'static str, CannedResponse)> {
    let zlib = all(ZlibEncoder::new(PAIR.as_bytes(), Compression::fast()));
    let raw = all(DeflateEncoder::new(PAIR.as_bytes(), Compression::fast()));
    let (first, second) = PAIR.as_bytes().split_at(20);
    let utf_16: Vec<u8> = PAIR.encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        ("gzip", encoded("gzip", gzip(PAIR.as_bytes()))),
        ("gzip without header", response(200, gzip(PAIR.as_bytes()))),
        ("gzip as br", encoded("br", gzip(PAIR.as_bytes()))),
        (
            "two gzip members",
            encoded("gzip", [gzip(first), gzip(second)].concat()),
        ),
        ("deflate", encoded("deflate", zlib.clone())),
        ("zlib as gzip", encoded("gzip", zlib)),
        ("raw deflate", encoded("deflate", raw)),
        ("plain as gzip", encoded("gzip", PAIR.into())),
        ("plain as br", encoded("br", PAIR.into())),
        ("plain as utf-8", encoded("utf-8", PAIR.into())),
        ("UTF-16", response(200, utf_16)),
    ]
}

/// Returns responses with something around the object, or with another text for it.
fn wrong_texts() -> Vec<(&'static str, CannedResponse)> {
    let form = "access_token=new&refresh_token=next&expires_in=60&scope=b+a";
    let in_string = serde_json::Value::from(PAIR).to_string();
    let padded = PAIR.replace("\"new\"", r#""new\r\n""#);
    let padded = padded.replace("\"next\"", r#""\tnext\n""#);
    let camel_case = PAIR.replace("access_token", "accessToken");
    let camel_case = camel_case.replace("refresh_token", "refreshToken");
    let text = |text: String| response(200, text);
    vec![
        ("byte order mark", text(format!("\u{feff}{PAIR}"))),
        ("form", text(form.to_owned())),
        ("form with mark", text(format!("\u{feff}{form}\r\n"))),
        ("form with rest", text(format!("{form}&\n\0"))),
        (
            "HTML label",
            response(200, PAIR).header("content-type", "text/html"),
        ),
        ("NUL byte", text(format!("{PAIR}\n\0"))),
        ("guard", text(format!(")]}}',\n{PAIR}"))),
        (
            "HTML comment",
            text(format!("{PAIR}<!-- served by web7 -->")),
        ),
        ("comma at the end", text(PAIR.replace('}', ",}"))),
        ("list", text(format!("[{PAIR}]"))),
        ("encoded twice", text(in_string)),
        ("line breaks around tokens", text(padded)),
        ("camel case", text(camel_case)),
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

/// Bodies whose tokens are ambiguous, damaged or incomplete.
const DOUBTFUL: &[(&str, &str)] = &[
    (
        "two access tokens",
        r#"{"access_token":"a","access_token":"b"}"#,
    ),
    (
        "two access tokens, two names",
        r#"{"access_token":"a","accessToken":"b"}"#,
    ),
    (
        "two refresh tokens",
        r#"{"access_token":"a","refresh_token":"r","refresh_token":"s"}"#,
    ),
    (
        "two pairs",
        r#"[{"access_token":"a"},{"access_token":"b"}]"#,
    ),
    (
        "two documents",
        r#"{"access_token":"a"}{"access_token":"b"}"#,
    ),
    ("two tokens in a form", "access_token=a&access_token=b"),
    ("pair in a comment", r#"{"a":1/*,"access_token":"a"*/}"#),
    ("blank token", r#"{"access_token":" "}"#),
    ("text for no token", r#"{"access_token":"null"}"#),
    ("control character in a token", r#"{"access_token":"a\nb"}"#),
];

/// Returns responses whose tokens are ambiguous, damaged or incomplete.
fn doubtful_pairs() -> Vec<(&'static str, CannedResponse)> {
    let gzipped = gzip(PAIR.as_bytes());
    let truncated_gzip = gzipped[..gzipped.len() - 9].to_vec();
    let page = format!("<html>{PAIR}</html>");
    let mut responses = vec![
        (
            "invalid byte in a token",
            response(200, b"{\"access_token\":\"a\xff\"}"),
        ),
        (
            "invalid byte in the refresh token",
            response(200, b"{\"access_token\":\"a\",\"refresh_token\":\"r\xff\"}"),
        ),
        ("truncated JSON", response(200, &PAIR[..PAIR.len() - 1])),
        ("truncated gzip", encoded("gzip", truncated_gzip)),
        ("unknown coding", encoded("br", vec![0x8b, 0x02])),
        ("page", response(200, page)),
    ];
    let texts = DOUBTFUL.iter();
    responses.extend(texts.map(|(fault, body)| (*fault, response(200, body))));
    responses
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
