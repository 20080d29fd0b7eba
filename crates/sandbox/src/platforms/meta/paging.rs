//! Cursor-based pagination.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{GraphCall, GraphError};

const DEFAULT_LIMIT: usize = 25;
const MAX_LIMIT: usize = 100;

/// Returns the requested page of `nodes`.
///
/// As at Meta, the `next` URL contains the access token, so storing the URL stores the token.
///
/// # Errors
/// Returns error 100 if `limit` is not a number or the cursor is unknown.
pub(crate) fn page(call: &GraphCall, nodes: Vec<Value>) -> Result<Value, GraphError> {
    let limit = limit(call)?;
    let position = |cursor: &str| {
        let at = nodes
            .iter()
            .position(|node| cursor_of(node).as_deref() == Some(cursor));
        at.ok_or_else(|| GraphError::parameter("Invalid cursors values"))
    };
    let start = match (call.form.get("after"), call.form.get("before")) {
        (Some(after), _) => position(after)? + 1,
        (None, Some(before)) => position(before)?.saturating_sub(limit),
        (None, None) => 0,
    };
    let total = nodes.len();
    let shown: Vec<Value> = nodes.into_iter().skip(start).take(limit).collect();
    let (Some(first), Some(last)) = (
        shown.first().and_then(cursor_of),
        shown.last().and_then(cursor_of),
    ) else {
        return Ok(json!({ "data": shown }));
    };
    let mut paging = json!({ "cursors": { "before": first, "after": last } });
    if let Some(paging) = paging.as_object_mut() {
        paging.extend((start > 0).then(|| {
            (
                "previous".to_owned(),
                json!(url_with(call, &[("before", &first)])),
            )
        }));
        let has_more = start + shown.len() < total;
        paging.extend(has_more.then(|| {
            (
                "next".to_owned(),
                json!(url_with(call, &[("after", &last)])),
            )
        }));
    }
    Ok(json!({ "data": shown, "paging": paging }))
}

/// Returns the page size. Default: [`DEFAULT_LIMIT`].
fn limit(call: &GraphCall) -> Result<usize, GraphError> {
    match call.form.get("limit").map(str::parse) {
        None => Ok(DEFAULT_LIMIT),
        Some(Ok(limit)) => Ok(usize::clamp(limit, 1, MAX_LIMIT)),
        Some(Err(_)) => Err(GraphError::parameter("Param limit must be a number.")),
    }
}

/// Returns the URL of this call with `parameters` replaced.
pub(crate) fn url_with(call: &GraphCall, parameters: &[(&str, &str)]) -> String {
    // The proof is not repeated: the caller must add it again when following the URL.
    let replaced = ["access_token", "appsecret_proof", "after", "before"];
    let retained = call
        .form
        .pairs()
        .filter(|(name, _)| !replaced.contains(name) && parameters.iter().all(|(p, _)| p != name));
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("access_token", call.token().unwrap_or_default())
        .extend_pairs(retained)
        .extend_pairs(parameters);
    let base = call.context.shared.base_url();
    format!(
        "{base}{}{}/{}?{}",
        call.host.prefix,
        call.version,
        call.path.join("/"),
        query.finish()
    )
}

/// Returns the opaque cursor of a node.
fn cursor_of(node: &Value) -> Option<String> {
    let id = node.get("id")?.as_str()?;
    Some(format!("QVF{}", URL_SAFE_NO_PAD.encode(id)))
}
