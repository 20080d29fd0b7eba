//! What a browser may look at: the front door, the error codes, and the page to try the API.

use insta::assert_snapshot;

use evergrant_model::ErrorCode;

use crate::answer::Answer;
use crate::stand::Stand;

/// Hosts that a page would ask for something.
fn foreign_addresses(answer: &Answer) -> Vec<String> {
    let text = answer.body.replace("http://www.w3.org/", "");
    let starts = text.match_indices("http").filter(|(at, _)| {
        text[*at..].starts_with("http://") || text[*at..].starts_with("https://")
    });
    starts
        .map(|(at, _)| text[at..].chars().take(60).collect())
        .collect()
}

#[tokio::test]
async fn the_front_door_says_where_to_go() {
    let stand = Stand::new().await;
    let page = stand.anonymous().get("/").await;
    assert!(
        page.status == 200 && page.is_page() && page.body.contains(r#"href="/docs/""#),
        "{page}"
    );
}

#[tokio::test]
async fn a_problems_type_leads_to_its_description() {
    let stand = Stand::new().await;
    let page = stand.anonymous().get("/errors").await;
    assert!(page.status == 200 && page.is_page());
    for code in ErrorCode::ALL {
        assert!(
            page.body.contains(&format!(r#"<dt id="{code}">"#)),
            "{code}"
        );
    }
}

#[tokio::test]
async fn docs_works_without_any_other_host() {
    let stand = Stand::new().await;
    let moved = stand.anonymous().get("/docs").await;
    assert_eq!((moved.status.as_u16(), moved.location()), (308, "/docs/"));
    let page = stand.anonymous().get("/docs/").await;
    assert!(page.status == 200 && page.is_page());
    assert_eq!(foreign_addresses(&page), Vec::<String>::new());
    let files: Vec<_> = page
        .body
        .split(['"', '\''])
        .filter(|part| part.starts_with("./"))
        .collect();
    assert!(files.len() >= 4, "{page}");
    for file in files {
        let answer = stand
            .anonymous()
            .get(&format!("/docs/{}", &file[2..]))
            .await;
        assert_eq!(answer.status, 200, "{file}");
        let kind = answer.header("content-type").unwrap();
        assert!(
            ["text/javascript", "text/css", "image/png"].contains(&kind),
            "{file}: {kind}"
        );
        assert!(
            answer
                .header("content-security-policy")
                .unwrap()
                .contains("connect-src 'self'"),
            "{file}"
        );
    }
}

#[tokio::test]
async fn docs_reads_our_own_document_and_asks_no_validator() {
    let stand = Stand::new().await;
    let config = stand.anonymous().get("/docs/swagger-initializer.js").await;
    assert_eq!(foreign_addresses(&config), Vec::<String>::new());
    assert_snapshot!(config.body, @r##"
    window.onload = function() {
      //<editor-fold desc="Changeable Configuration Block">

      // the following lines will be replaced by docker/configurator, when it runs in a
      // docker-container
      window.ui = SwaggerUIBundle({
          "dom_id": "#swagger-ui",
      "url": "/openapi.json",
      "deepLinking": true,
      "tryItOutEnabled": true,
      "validatorUrl": "none",
      "layout": "StandaloneLayout",
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
async fn docs_has_no_other_file() {
    let stand = Stand::new().await;
    for file in [
        "nothing.js",
        "%2e%2e/%2e%2e/etc/passwd",
        "..%2fCargo.toml",
        "a/b/c",
    ] {
        let answer = stand.anonymous().get(&format!("/docs/{file}")).await;
        assert_eq!(answer.refusal(), (404, "NOT_FOUND".to_owned()), "{file}");
    }
}
