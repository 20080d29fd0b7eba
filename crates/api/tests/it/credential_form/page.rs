//! The page with the form, and flows that have none.

use evergrant_service::{FORM_TEXTS, fill};
use serde_json::json;

use crate::credential_form::{FORM, curl, form_path, open_page, send};
use crate::fake_providers::SESS;
use crate::harness::Harness;

#[tokio::test]
async fn page_has_the_texts_of_the_dialog_and_links_the_site() {
    let harness = Harness::new().await;
    let page = open_page(&harness).await;
    assert!(page.status == 200 && page.is_page(), "{page}");
    let texts = FORM_TEXTS;
    let shown = [
        texts.title,
        texts.sign_in,
        texts.steps[0],
        texts.steps[1],
        texts.steps[2],
        texts.needs_computer,
        texts.paste,
        texts.paste_hint,
        texts.other_forms,
        texts.by_hand,
        texts.warning,
        texts.storage,
        texts.ends,
        texts.terms,
        texts.consent,
        texts.save,
    ];
    let placeholders = [("provider", "OnlyFans"), ("domain", "onlyfans.com")];
    for text in shown {
        let text = fill(text, &placeholders);
        assert!(page.body.contains(&text), "{text}: {page}");
    }
    assert!(
        page.body
            .contains("To give <strong>app.example</strong> access"),
        "{page}"
    );
    assert!(
        page.body
            .contains(r#"/onlyfans/" target="_blank" rel="noopener noreferrer">Open OnlyFans</a>"#),
        "{page}"
    );
}

#[tokio::test]
async fn page_has_the_fields_in_order_and_no_script() {
    let harness = Harness::new().await;
    let page = open_page(&harness).await;
    assert_eq!(page.checkboxes("consent"), [("yes".to_owned(), false)]);
    let positions = [
        "pasted",
        "sess",
        "auth_id",
        "user_agent",
        "x_bc",
        "auth_uid_",
    ]
    .map(|name| {
        page.body
            .find(&format!(r#" name="{name}""#))
            .unwrap_or_else(|| panic!("no {name}: {page}"))
    });
    assert!(
        positions.is_sorted() && !page.body.contains("<details open"),
        "{page}"
    );
    assert!(
        !page.content().contains("aria-invalid") && !page.body.contains("<script"),
        "{page}"
    );
}

#[tokio::test]
async fn content_security_policy_allows_own_form_and_app_origin() {
    let harness = Harness::new().await;
    open_page(&harness).await.check_form_policy();
}

#[tokio::test]
async fn unknown_used_expired_or_other_flow_has_no_form() {
    let harness = Harness::new().await;
    let used = form_path(&harness, json!({})).await;
    let page = harness.anonymous().get(&used).await;
    assert_eq!(
        send(
            &harness,
            &page,
            &[("consent", "yes"), ("pasted", &curl(SESS))]
        )
        .await
        .status,
        303
    );
    let reddit = harness
        .start_flow(1, "reddit", json!({}))
        .await
        .text("state");
    let repeated = form_path(&harness, json!({})).await;
    let expired = form_path(&harness, json!({})).await;
    let mut paths = vec![
        used,
        "/connect/onlyfans".to_owned(),
        "/connect/onlyfans?state=guessed".to_owned(),
    ];
    paths.push(format!("/connect/reddit?state={reddit}"));
    paths.push(format!("/connect/onlyfans?state={reddit}"));
    paths.push(expired.replace("onlyfans", "nowhere"));
    paths.push(format!("{repeated}&state=another"));
    for path in paths {
        let rejected = harness.anonymous().get(&path).await;
        assert!(
            rejected.status == 400 && rejected.is_page() && rejected.body.contains("INVALID_STATE"),
            "{path}: {rejected}"
        );
    }
    harness.clock.advance_seconds(600);
    assert_eq!(harness.anonymous().get(&expired).await.status, 400);
}

#[tokio::test]
async fn both_forms_post_to_page_url() {
    let harness = Harness::new().await;
    let page = open_page(&harness).await;
    assert_eq!(
        page.body
            .matches(&format!(r#"method="post" action="{FORM}""#))
            .count(),
        2,
        "{page}"
    );
    assert_eq!(page.body.matches("<form").count(), 2, "{page}");
}
