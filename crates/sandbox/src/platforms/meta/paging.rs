//! Pages of a list, turned over by cursors.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{GraphCall, GraphError};

const USUAL_LIMIT: usize = 25;
const HIGHEST_LIMIT: usize = 100;

/// The page of `nodes` that the call asks for. `next` carries the token, as Meta's does: whoever
/// keeps it, keeps that.
pub(crate) fn page(call: &GraphCall, nodes: Vec<Value>) -> Result<Value, GraphError> {
    let limit = match call.form.get("limit").map(str::parse) {
        None => USUAL_LIMIT,
        Some(Ok(limit)) => usize::clamp(limit, 1, HIGHEST_LIMIT),
        Some(Err(_)) => return Err(GraphError::parameter("Param limit must be a number.")),
    };
    let place = |cursor: &str| {
        let at = nodes
            .iter()
            .position(|node| cursor_of(node).as_deref() == Some(cursor));
        at.ok_or_else(|| GraphError::parameter("Invalid cursors values"))
    };
    let start = match (call.form.get("after"), call.form.get("before")) {
        (Some(after), _) => place(after)? + 1,
        (None, Some(before)) => place(before)?.saturating_sub(limit),
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
                json!(turned(call, &[("before", &first)])),
            )
        }));
        let has_more = start + shown.len() < total;
        paging.extend(
            has_more.then(|| ("next".to_owned(), json!(turned(call, &[("after", &last)])))),
        );
    }
    Ok(json!({ "data": shown, "paging": paging }))
}

/// The address of this call with other parameters in the place of its own.
pub(crate) fn turned(call: &GraphCall, parameters: &[(&str, &str)]) -> String {
    // The proof is not repeated: whoever follows the address has to add their own.
    let replaced = ["access_token", "appsecret_proof", "after", "before"];
    let kept = call
        .form
        .pairs()
        .filter(|(name, _)| !replaced.contains(name) && parameters.iter().all(|(p, _)| p != name));
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query
        .append_pair("access_token", call.token().unwrap_or_default())
        .extend_pairs(kept)
        .extend_pairs(parameters);
    let base = call.stage.shared.base_url();
    format!(
        "{base}{}{}/{}?{}",
        call.host.prefix,
        call.version,
        call.path.join("/"),
        query.finish()
    )
}

/// The place of a node, as text that says nothing.
fn cursor_of(node: &Value) -> Option<String> {
    let id = node.get("id")?.as_str()?;
    Some(format!("QVF{}", URL_SAFE_NO_PAD.encode(id)))
}
