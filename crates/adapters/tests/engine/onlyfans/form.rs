//! The credential form: pasted text, single fields and their faults.

use evergrant_adapters::SessionCheck;
use evergrant_model::ScopeSet;

use super::{CANONICAL, accepted, faults, form, onlyfans, values};

#[tokio::test]
async fn without_check_url_the_session_is_stored_unverified_without_calls() {
    let adapter = onlyfans("");
    let credentials = accepted(&*adapter, &form()).await;
    assert_eq!(
        (credentials.session.expose(), credentials.verified),
        (CANONICAL, false)
    );
    assert_eq!(credentials.account.id.as_str(), "900001");
    assert!(credentials.account.metadata.is_empty());
    assert!(!format!("{credentials:?}").contains("s3ss"));
    assert_eq!(
        adapter.check_session(&credentials.session).await.unwrap(),
        SessionCheck::Unverified
    );
    let accounts = adapter
        .user_profile(&credentials.session, &ScopeSet::default())
        .await
        .unwrap();
    assert_eq!(accounts, [credentials.account]);
}

#[tokio::test]
async fn all_parts_of_a_session_are_read_from_pasted_text() {
    let curl = "curl 'https://onlyfans.com/api2/v2/users/me' -H 'x-bc: bc0ffee' -H 'user-agent: Mozilla/5.0 (Sim)' -b 'sess=s3ss; auth_id=900001; auth_uid_900001=42; other=1'";
    for pasted in [curl, CANONICAL, &format!(r#"{{"auth":{CANONICAL}}}"#)] {
        let credentials = accepted(&*onlyfans(""), &values(&[("pasted", pasted)])).await;
        assert_eq!(credentials.session.expose(), CANONICAL, "{pasted}");
    }
    for cookie in [
        "sess=s3ss; auth_id=900001; auth_uid_=42",
        "Cookie: sess=s3ss; auth_id=900001; auth_uid_=42",
    ] {
        let mut mixed = values(&[
            ("pasted", cookie),
            ("user_agent", "Mozilla/5.0 (Sim)"),
            ("x_bc", "bc0ffee"),
        ]);
        assert_eq!(
            accepted(&*onlyfans(""), &mixed).await.session.expose(),
            CANONICAL
        );
        mixed.insert("auth_id".to_owned(), "900002".to_owned());
        assert_eq!(
            accepted(&*onlyfans(""), &mixed).await.account.id.as_str(),
            "900002",
            "a filled-in field takes precedence over the pasted text"
        );
    }
}

#[tokio::test]
async fn missing_part_is_reported_at_the_pasted_text_or_at_its_field() {
    assert_eq!(
        faults(&values(&[("sess", "s3ss"), ("auth_id", " ")])).await,
        [
            ("auth_id", "Please fill in auth_id.".to_owned()),
            ("user_agent", "Please fill in User-Agent.".to_owned()),
            ("x_bc", "Please fill in x-bc.".to_owned()),
        ]
    );
    let headers = values(&[
        (
            "pasted",
            "Cookie: sess=s3ss; auth_id=900001\nHost: onlyfans.com",
        ),
        ("user_agent", "Sim"),
    ]);
    assert_eq!(
        faults(&headers).await,
        [(
            "pasted",
            "The pasted text contains no x-bc. Cookies alone are not enough. Choose Copy as cURL, or \
             enter the other values below."
                .to_owned()
        )]
    );
    let request = values(&[("pasted", "sess=s3ss\nUser-Agent: Sim\nx-bc: bc0ffee")]);
    assert_eq!(
        faults(&request).await,
        [(
            "pasted",
            "The pasted text contains no auth_id. The cookie named auth_id beside sess: your account \
             number."
                .to_owned()
        )]
    );
}

#[tokio::test]
async fn incomplete_text_is_answered_with_what_to_paste_instead() {
    let cut = "The pasted text contains no User-Agent or x-bc. Cookies alone are not enough. Choose \
               Copy as cURL, or enter the other values below.";
    for (pasted, message) in [
        (
            "hello",
            "The pasted text contains no session. Choose Copy as cURL on a request to onlyfans.com.",
        ),
        ("sess=hush; auth_id=900001", cut),
        (
            "curl 'https://fansly.com/a' -b 'sess=hush; auth_id=900001'",
            "The pasted text is of fansly.com. Copy a request to onlyfans.com.",
        ),
        (
            "Cookie: sess=\u{2022}\u{2022}\u{2022}; auth_id=900001\nUser-Agent: Sim\nx-bc: hush",
            "The value of sess is hidden in the pasted text. Copy the request itself, not what a \
             page shows of it.",
        ),
        (
            ".onlyfans.com\tTRUE\t/\tTRUE\t1\tsess\thush",
            "The pasted session has expired. Sign in to OnlyFans again, and copy a new request.",
        ),
        (
            r#"{"log":{"entries":[{"request":{"url":"https://onlyfans.com/a","headers":[]}}]}}"#,
            "This HAR file has no cookies. Export it with sensitive data, or choose Copy as cURL on \
             one request.",
        ),
        (
            r#"fetch("https://onlyfans.com/a", {"headers": {"x-bc": "hush"}})"#,
            "Copy as fetch leaves out the cookies. Choose Copy as cURL.",
        ),
    ] {
        assert_eq!(
            faults(&values(&[("pasted", pasted)])).await,
            [("pasted", message.to_owned())],
            "{pasted}"
        );
    }
}

#[test]
fn single_values_are_read_without_validation() {
    let adapter = onlyfans("");
    let submitted = values(&[
        ("pasted", "sess=s3ss; auth_id=900001; other=1"),
        ("auth_id", " not a number "),
        ("unknown", "hush"),
    ]);
    let read = adapter.read_credentials(&submitted);
    assert_eq!(
        read,
        values(&[("auth_id", "not a number"), ("sess", "s3ss")])
    );
}

const INVALID_VALUES: &[(&str, &str, &str)] = &[
    ("sess", "hush\r\nx: y", INVALID_SESS),
    ("sess", "hush\0x", INVALID_SESS),
    ("sess", "hush; auth_id=1", INVALID_SESS),
    (
        "user_agent",
        "hush\nSim",
        "User-Agent contains invalid characters. Copy it again.",
    ),
    (
        "x_bc",
        "hush-é",
        "x-bc contains invalid characters. Copy it again.",
    ),
    ("auth_id", "hush", "auth_id must be a number."),
    ("auth_id", "-1", "auth_id must be a number."),
    (
        "auth_id",
        "123456789012345678901",
        "auth_id must be a number.",
    ),
];
const INVALID_SESS: &str = "sess contains invalid characters. Copy it again.";

#[tokio::test]
async fn invalid_values_are_rejected_without_repeating_them() {
    for (field, value, message) in INVALID_VALUES {
        let mut form = form();
        form.insert((*field).to_owned(), (*value).to_owned());
        assert_eq!(
            faults(&form).await,
            [(*field, (*message).to_owned())],
            "{value:?}"
        );
    }
    let json = values(&[("pasted", &CANONICAL.replace("bc0ffee", "bc\\r\\nx: y"))]);
    assert_eq!(faults(&json).await[0].0, "pasted");
}

#[tokio::test]
async fn values_longer_than_8_kb_are_rejected() {
    let mut long = form();
    long.insert("x_bc".to_owned(), "a".repeat(8193));
    assert_eq!(
        faults(&long).await,
        [("x_bc", "x-bc is longer than 8 KB.".to_owned())]
    );
    long = values(&[("pasted", &format!("sess={}", "a".repeat(64 * 1024)))]);
    let message = "The pasted text is longer than 64 KB. Paste a single request: choose Copy as cURL \
                   on a request to onlyfans.com.";
    assert_eq!(faults(&long).await, [("pasted", message.to_owned())]);
}
