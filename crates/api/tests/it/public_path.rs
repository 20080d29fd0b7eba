//! A public URL with a path: every route answers with and without it, and every address that
//! Evergrant emits is below it.

use axum::body::to_bytes;
use axum::http::Method;
use axum::response::Response;
use evergrant_api::undocumented_paths;
use serde_json::{Value, json};
use url::Url;

use crate::caller::TestRequest;
use crate::harness::{Harness, JUNIPER};
use crate::response::TestResponse;

const ORIGIN: &str = "http://localhost:8080";
const PUBLIC_URL: &str = "http://localhost:8080/x/grants";

/// Part of the response of a path without a route.
const NO_ROUTE: &str = "No such route. The OpenAPI document";

/// Status, `Location` and body of a response without its correlation id.
async fn answer(request: TestRequest<'_>) -> String {
    let response = request.response().await;
    let location = response.headers().get("location").cloned();
    let (status, body) = (response.status(), body_of(response).await);
    let lines: Vec<_> = body
        .split(['\n', ',', '>'])
        .filter(|part| !part.contains("correlationId") && !part.contains("</code"))
        .collect();
    format!("{status} {location:?} {}", lines.concat())
}

async fn body_of(response: Response) -> String {
    let is_stream = response
        .headers()
        .get("content-type")
        .is_some_and(|kind| kind == "text/event-stream");
    assert!(!is_stream, "an event stream does not end");
    let bytes = to_bytes(response.into_body(), 16 << 20).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Returns every operation, with `x` for each parameter of its path.
fn operations() -> Vec<(Method, String)> {
    let document: Value = serde_json::from_str(&evergrant_api::openapi_json()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let documented = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        methods.filter_map(move |method| {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            (method != "PARAMETERS").then(|| (method, path.clone()))
        })
    });
    let (undocumented, _) = undocumented_paths();
    let pages = undocumented
        .into_iter()
        .map(|path| (Method::GET, path.replace("{*file}", "swagger-ui.css")));
    documented
        .chain(pages)
        .map(|(method, path)| (method, with_parameters(&path)))
        .collect()
}

fn with_parameters(path: &str) -> String {
    let segments: Vec<_> = path
        .split('/')
        .map(|segment| {
            if segment.starts_with('{') {
                "x"
            } else {
                segment
            }
        })
        .collect();
    segments.join("/")
}

#[tokio::test]
async fn every_route_answers_with_and_without_the_path() {
    let harness = Harness::at(PUBLIC_URL).await;
    let operations = operations();
    assert!(operations.len() >= 30, "{operations:?}");
    for (method, path) in operations {
        let send = |path: String| {
            let request = harness.anonymous().request(method.clone(), &path);
            answer(request.header("accept", "application/json"))
        };
        let without = send(path.clone()).await;
        assert!(!without.contains(NO_ROUTE), "{method} {path}: {without}");
        let with = send(format!("/x/grants{path}")).await;
        assert_eq!(with, without, "{method} {path}");
    }
}

#[tokio::test]
async fn only_the_path_itself_is_removed() {
    let harness = Harness::at(PUBLIC_URL).await;
    for path in [
        "/grants/errors",
        "/x/errors",
        "/x/grantserrors",
        "/x/grants/x/grants/errors",
    ] {
        let answer = answer(harness.anonymous().request(Method::GET, path)).await;
        assert!(answer.contains(NO_ROUTE), "{path}: {answer}");
    }
    for path in ["/x/grants", "/x/grants/", "/x/grants/errors", "/errors"] {
        let answer = answer(harness.anonymous().request(Method::GET, path)).await;
        assert!(answer.starts_with("200 OK"), "{path}: {answer}");
    }
}

/// Returns the addresses of Evergrant in a text: what stands between quotation marks and is a path
/// or a URL of the public host, also as a parameter of another URL.
fn addresses(text: &str) -> Vec<String> {
    let quoted = text
        .split(['"', '\''])
        .map(|part| part.replace("&amp;", "&"));
    let mut found = Vec::new();
    for part in quoted {
        let is_address = part.starts_with(ORIGIN) || part.starts_with('/');
        let parameters = Url::parse(&part).ok().into_iter().flat_map(|url| {
            let pairs = url.query_pairs().into_owned();
            pairs.map(|(_, value)| value).collect::<Vec<_>>()
        });
        found.extend(parameters.filter(|value| value.starts_with(ORIGIN)));
        found.extend(is_address.then_some(part));
    }
    found
}

/// Asserts that the response has exactly `count` addresses of Evergrant in its headers and body,
/// and that all of them are below the public URL.
async fn assert_below(response: Response, count: usize, what: &str) -> String {
    let headers = response.headers().clone();
    let body = body_of(response).await;
    let mut found = addresses(&body);
    for name in ["location", "link", "content-location"] {
        let values = headers.get_all(name).into_iter();
        found.extend(values.map(|value| value.to_str().unwrap().to_owned()));
    }
    for cookie in headers.get_all("set-cookie") {
        let mut attributes = cookie.to_str().unwrap().split("; ");
        let path = attributes.find_map(|part| part.strip_prefix("Path="));
        found.push(path.unwrap().to_owned());
    }
    found.retain(|address| !address.starts_with("https://app.example"));
    assert_eq!(found.len(), count, "{what}: {found:?} in {body}");
    for address in found {
        let path = address.strip_prefix(ORIGIN).unwrap_or(&address);
        let rest = path.strip_prefix("/x/grants").unwrap_or("outside");
        assert!(
            rest.is_empty() || rest.starts_with('/'),
            "{what}: {address}"
        );
    }
    body
}

async fn open(harness: &Harness, address: &str, count: usize, what: &str) -> String {
    let path = address.strip_prefix(ORIGIN).unwrap_or(address);
    let response = harness.anonymous().request(Method::GET, path).response();
    assert_below(response.await, count, what).await
}

/// Posts JSON with an API key that acts for user 1.
async fn post(harness: &Harness, path: &str, body: Value, count: usize) -> Value {
    let app = harness.app_for(1).await;
    let request = app.request(Method::POST, path).json(&body.to_string());
    let body = assert_below(request.response().await, count, path).await;
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn addresses_of_the_api_are_below_the_public_url() {
    let harness = Harness::at(PUBLIC_URL).await;
    let started = post(&harness, "/api/integrations/connect/reddit", json!({}), 1).await;
    let authorize = Url::parse(started["authUrl"].as_str().unwrap()).unwrap();
    let redirect = authorize
        .query_pairs()
        .find(|(name, _)| name == "redirect_uri");
    assert_eq!(
        redirect.unwrap().1,
        format!("{PUBLIC_URL}/api/integrations/callback/reddit")
    );
    harness.connect(1, "juniper").await;
    let status = harness.app_for(1).await;
    let status = status.request(Method::GET, "/api/integrations/status");
    let listed = assert_below(status.response().await, 1, "avatarUrl").await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let picture = listed["integrations"][0]["avatarUrl"].as_str().unwrap();
    let request = harness
        .anonymous()
        .request(Method::GET, &picture[ORIGIN.len()..]);
    assert_eq!(request.response().await.status(), 200);
    open(
        &harness,
        "/api/integrations/status",
        1,
        "the type of a problem",
    )
    .await;
    let accounts = json!([{"provider": "reddit", "accountId": JUNIPER}, {"provider": "reddit", "accountId": "none"}]);
    let tokens = json!({ "accounts": accounts });
    post(&harness, "/api/integrations/tokens", tokens, 1).await;
}

#[tokio::test]
async fn addresses_of_sign_in_are_below_the_public_url() {
    let harness = Harness::at(PUBLIC_URL).await;
    let session = json!({"userId": 1, "portal": true});
    let link = post(&harness, "/api/sessions", session, 1).await;
    let link = link["url"].as_str().unwrap();
    // The redirect to the first page, and the path of the cookie.
    open(&harness, link, 2, "the portal link").await;
}

#[tokio::test]
async fn addresses_of_hosted_forms_are_below_the_public_url() {
    let harness = Harness::at(PUBLIC_URL).await;
    let started = post(&harness, "/api/integrations/connect/onlyfans", json!({}), 1).await;
    let form = started["authUrl"].as_str().unwrap();
    let action = r#"action="/x/grants/connect/onlyfans""#;
    let page = open(&harness, form, 2, "the credential form").await;
    assert_eq!(page.matches(action).count(), 2, "{page}");
    let state = started["state"].as_str().unwrap();
    let rejected = harness
        .anonymous()
        .request(Method::POST, "/connect/onlyfans");
    let rejected = rejected.form(&[("state", state)]).response().await;
    let page = assert_below(rejected, 2, "the rejected form").await;
    assert_eq!(page.matches(action).count(), 2, "{page}");

    let started = post(
        &harness,
        "/api/integrations/connect/instagram",
        json!({}),
        1,
    )
    .await;
    let state = started["state"].as_str().unwrap();
    let callback = format!("/api/integrations/callback/instagram?state={state}&code=good");
    let page = open(&harness, &callback, 3, "the account chooser").await;
    let action = r#"action="/x/grants/connect/instagram/choose""#;
    assert!(
        page.contains(action) && page.contains(r#"src="/x/grants/images/"#),
        "{page}"
    );
}

#[tokio::test]
async fn addresses_of_pages_are_below_the_public_url() {
    let harness = Harness::at(PUBLIC_URL).await;
    open(&harness, "/", 1, "the start page").await;
    open(&harness, "/docs", 1, "the redirect to /docs/").await;
    open(
        &harness,
        "/docs/swagger-initializer.js",
        1,
        "the configuration of /docs/",
    )
    .await;
    let document = harness.anonymous().get("/openapi.json").await;
    assert_eq!(document.json()["servers"][0]["url"], "/x/grants");
}

/// Without configured redirects, a flow ends at the console.
#[tokio::test]
async fn own_pages_are_allowed_redirects_only_below_the_path() {
    let harness = Harness::at(PUBLIC_URL).await;
    let app = harness.app_for(1).await;
    let connect = async |redirect_url: &str| -> TestResponse {
        let body = json!({ "redirectUrl": redirect_url });
        app.post("/api/integrations/connect/reddit", body).await
    };
    let own = connect("http://localhost:8080/x/grants/return").await;
    assert_eq!(own.status, 200, "{own}");
    for other in [
        "http://localhost:8080/return",
        "http://localhost:8080/x/grants-of-another",
    ] {
        let app = harness.app_for(1).await;
        let body = json!({ "redirectUrl": other }).to_string();
        let request = app.request(Method::POST, "/api/integrations/connect/reddit");
        let response = request.json(&body).response().await;
        assert_eq!(response.status(), 400, "{other}");
    }
}
