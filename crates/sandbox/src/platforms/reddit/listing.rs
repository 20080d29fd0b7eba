//! A page of a listing: sorted, cut to a span of time, and turned over by fullname.

use evergrant_model::Timestamp;
use serde_json::{Value, json};

use super::posts::Thing;
use crate::engine::Form;

const USUAL_LIMIT: usize = 25;
const HIGHEST_LIMIT: usize = 100;

/// Makes the page that `query` asks for of `things`, which are newest first.
pub(super) fn page(
    mut things: Vec<Thing<'_>>,
    query: &Form,
    base_url: &str,
    now: Timestamp,
) -> Value {
    sort(&mut things, query, now);
    let limit = query
        .get("limit")
        .and_then(|limit| limit.parse().ok())
        .unwrap_or(USUAL_LIMIT)
        .clamp(1, HIGHEST_LIMIT);
    let place = |name: &str| things.iter().position(|thing| thing.fullname() == name);
    let (start, end) = match (query.get("after"), query.get("before")) {
        // What is behind a name that is not in the list is unknown: an empty page.
        (Some(after), _) => place(after).map_or((0, 0), |at| (at + 1, at + 1 + limit)),
        (None, Some(before)) => place(before).map_or((0, 0), |at| (at.saturating_sub(limit), at)),
        (None, None) => (0, limit),
    };
    let shown = things.get(start..end.min(things.len())).unwrap_or_default();
    let is_last = start + shown.len() >= things.len();
    let first = shown
        .first()
        .filter(|_| start > 0 && query.get("before").is_some());
    json!({ "kind": "Listing", "data": {
        "after": shown.last().filter(|_| !is_last).map(Thing::fullname),
        "before": first.map(Thing::fullname),
        "dist": shown.len(),
        "modhash": null,
        "geo_filter": "",
        "children": shown.iter().map(|thing| thing.child(base_url)).collect::<Vec<_>>(),
    }})
}

fn sort(things: &mut Vec<Thing<'_>>, query: &Form, now: Timestamp) {
    let order = query.get("sort").unwrap_or("new");
    if let ("top" | "controversial", Some(span_s)) = (order, query.get("t").and_then(span_s)) {
        let since_s = now.unix_ms() / 1000 - span_s;
        things.retain(|thing| thing.created_s >= since_s);
    }
    match order {
        "top" => things.sort_by_key(|thing| std::cmp::Reverse(thing.score)),
        "controversial" => things.sort_by_key(|thing| std::cmp::Reverse(thing.replies)),
        // Fresh ones high, unless an older one is far better liked: a day weighs as much as twenty
        // points.
        "hot" => {
            things.sort_by_key(|thing| std::cmp::Reverse(thing.score * 4320 + thing.created_s))
        }
        _ => {}
    }
}

/// A span of time in seconds; `None` for `all`, and for words that Reddit does not know.
fn span_s(word: &str) -> Option<i64> {
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
