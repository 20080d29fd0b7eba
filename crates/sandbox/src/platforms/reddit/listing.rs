//! Listings: sorted, filtered by time, and paginated by fullname.

use evergrant_model::Timestamp;
use serde_json::{Value, json};

use super::posts::Item;
use crate::engine::Form;

const DEFAULT_LIMIT: usize = 25;
const MAX_LIMIT: usize = 100;

/// Returns the page of `items` that `query` selects. `items` are ordered newest first.
pub(super) fn page(
    mut items: Vec<Item<'_>>,
    query: &Form,
    base_url: &str,
    now: Timestamp,
) -> Value {
    sort(&mut items, query, now);
    let limit = query
        .get("limit")
        .and_then(|limit| limit.parse().ok())
        .unwrap_or(DEFAULT_LIMIT)
        .clamp(1, MAX_LIMIT);
    let position = |name: &str| items.iter().position(|item| item.fullname() == name);
    let (start, end) = match (query.get("after"), query.get("before")) {
        // A fullname that is not in the list yields an empty page.
        (Some(after), _) => position(after).map_or((0, 0), |at| (at + 1, at + 1 + limit)),
        (None, Some(before)) => {
            position(before).map_or((0, 0), |at| (at.saturating_sub(limit), at))
        }
        (None, None) => (0, limit),
    };
    let shown = items.get(start..end.min(items.len())).unwrap_or_default();
    let is_last = start + shown.len() >= items.len();
    let first = shown
        .first()
        .filter(|_| start > 0 && query.get("before").is_some());
    json!({ "kind": "Listing", "data": {
        "after": shown.last().filter(|_| !is_last).map(Item::fullname),
        "before": first.map(Item::fullname),
        "dist": shown.len(),
        "modhash": null,
        "geo_filter": "",
        "children": shown.iter().map(|item| item.child(base_url)).collect::<Vec<_>>(),
    }})
}

fn sort(items: &mut Vec<Item<'_>>, query: &Form, now: Timestamp) {
    let order = query.get("sort").unwrap_or("new");
    if let ("top" | "controversial", Some(span_seconds)) =
        (order, query.get("t").and_then(span_seconds))
    {
        let since_seconds = now.unix_ms() / 1000 - span_seconds;
        items.retain(|item| item.created_seconds >= since_seconds);
    }
    match order {
        "top" => items.sort_by_key(|item| std::cmp::Reverse(item.score)),
        "controversial" => items.sort_by_key(|item| std::cmp::Reverse(item.replies)),
        // Newer items rank higher unless an older one scores much better: one day equals 20 points.
        "hot" => {
            items.sort_by_key(|item| std::cmp::Reverse(item.score * 4320 + item.created_seconds));
        }
        _ => {}
    }
}

/// Returns the length of a period in seconds. `None` for `all` and for unknown values.
fn span_seconds(word: &str) -> Option<i64> {
    let hours = match word {
        "hour" => 1,
        "day" => 24,
        "week" => 24 * 7,
        "month" => 24 * 30,
        "year" => 24 * 365,
        _ => return None,
    };
    Some(hours * 3600)
}
