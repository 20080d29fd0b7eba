//! HTML pages: the start page, the error codes, and the interactive API documentation.

use evergrant_api::{App, Logo};
use evergrant_model::ErrorCode;
use insta::assert_snapshot;

use crate::harness::Harness;
use crate::response::TestResponse;

/// Returns the absolute URLs in a page, except XML namespaces.
fn external_urls(response: &TestResponse) -> Vec<String> {
    let text = response.body.replace("http://www.w3.org/", "");
    let starts = text.match_indices("http").filter(|(at, _)| {
        text[*at..].starts_with("http://") || text[*at..].starts_with("https://")
    });
    starts
        .map(|(at, _)| text[at..].chars().take(60).collect())
        .collect()
}

#[tokio::test]
async fn start_page_links_to_docs() {
    let harness = Harness::new().await;
    let page = harness.anonymous().get("/").await;
    assert!(
        page.status == 200 && page.is_page() && page.body.contains(r#"href="/docs/""#),
        "{page}"
    );
}

#[tokio::test]
async fn errors_page_describes_every_code() {
    let harness = Harness::new().await;
    let page = harness.anonymous().get("/errors").await;
    assert!(page.status == 200 && page.is_page());
    for code in ErrorCode::ALL {
        assert!(
            page.body.contains(&format!(r#"<dt id="{code}">"#)),
            "{code}"
        );
    }
}

/// Name and logo of an app; the name needs escaping.
fn fern() -> App {
    App {
        name: Some("Fern & Vale".to_owned()),
        logo: Some(Logo {
            content: b"<svg/>".to_vec(),
            media_type: "image/svg+xml",
        }),
    }
}

#[tokio::test]
async fn page_of_a_flow_has_the_apps_name_logo_and_way_back() {
    let harness = Harness::new().await.with_app(fern());
    for path in ["/api/integrations/callback/reddit?state=x", "/portal/evp_x"] {
        let page = harness.anonymous().get(path).await;
        for part in [
            r#"<img src="/app-logo" height="28" alt="">"#,
            "<span>Fern &amp; Vale</span>",
            r#"<a href="https://app.example/settings">Back to Fern &amp; Vale</a>"#,
        ] {
            assert!(page.body.contains(part), "{part} is not in {page}");
        }
    }
}

#[tokio::test]
async fn page_without_a_name_shows_evergrants() {
    let harness = Harness::new().await;
    let page = harness.anonymous().get("/portal/evp_x").await;
    for part in ["<span>Evergrant</span>", "Back to app.example</a>"] {
        assert!(page.body.contains(part), "{part} is not in {page}");
    }
    let logo = harness.anonymous().get("/app-logo").await;
    assert_eq!(logo.problem(), "404 NOT_FOUND");
}

#[tokio::test]
async fn logo_runs_no_script_as_a_document() {
    let harness = Harness::new().await.with_app(fern());
    let logo = harness.anonymous().get("/app-logo").await;
    assert_eq!(
        (
            logo.status.as_u16(),
            logo.body.as_str(),
            logo.header("content-type")
        ),
        (200, "<svg/>", Some("image/svg+xml"))
    );
    let policy = logo.header("content-security-policy").unwrap();
    assert!(
        policy.contains("default-src 'none'") && policy.ends_with("; sandbox"),
        "{policy}"
    );
}

#[tokio::test]
async fn docs_page_loads_nothing_from_other_hosts() {
    let harness = Harness::new().await;
    let moved = harness.anonymous().get("/docs").await;
    assert_eq!((moved.status.as_u16(), moved.location()), (308, "/docs/"));
    let page = harness.anonymous().get("/docs/").await;
    assert!(page.status == 200 && page.is_page());
    assert_eq!(external_urls(&page), Vec::<String>::new());
    let files: Vec<_> = page
        .body
        .split(['"', '\''])
        .filter(|part| part.starts_with("./"))
        .collect();
    assert!(files.len() >= 4, "{page}");
    for file in files {
        let response = harness
            .anonymous()
            .get(&format!("/docs/{}", &file[2..]))
            .await;
        assert_eq!(response.status, 200, "{file}");
        let kind = response.header("content-type").unwrap();
        assert!(
            ["text/javascript", "text/css", "image/png"].contains(&kind),
            "{file}: {kind}"
        );
        assert!(
            response
                .header("content-security-policy")
                .unwrap()
                .contains("connect-src 'self'"),
            "{file}"
        );
    }
}

#[tokio::test]
async fn docs_page_uses_served_document_and_no_validator() {
    let harness = Harness::new().await;
    let config = harness
        .anonymous()
        .get("/docs/swagger-initializer.js")
        .await;
    assert_eq!(external_urls(&config), Vec::<String>::new());
    assert_snapshot!(config.body, @r##"
    window.onload = function() {
      //<editor-fold desc="Changeable Configuration Block">

      // the following lines will be replaced by docker/configurator, when it runs in a docker-container
      window.ui = SwaggerUIBundle({
          "dom_id": "#swagger-ui",
      "url": "/openapi.json",
      "deepLinking": true,
      "tryItOutEnabled": true,
      "validatorUrl": "none",
      "layout": "BaseLayout",
        presets: [
          SwaggerUIBundle.presets.apis,
          SwaggerUIStandalonePreset
        ],
        plugins: [
          SwaggerUIBundle.plugins.DownloadUrl
        ],
        
      });

      //</editor-fold>
    };
    "##);
}

#[tokio::test]
async fn docs_serves_no_other_file() {
    let harness = Harness::new().await;
    for file in [
        "nothing.js",
        "%2e%2e/%2e%2e/etc/passwd",
        "..%2fCargo.toml",
        "a/b/c",
    ] {
        let response = harness.anonymous().get(&format!("/docs/{file}")).await;
        assert_eq!(response.problem(), "404 NOT_FOUND", "{file}");
    }
}
