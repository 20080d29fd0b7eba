//! How a post or story did, since it was posted.

use serde_json::{Value, json};

use super::media::{Kind, Medium};
use super::{GraphCall, GraphError};

/// A story that fewer have seen keeps its numbers to itself.
const FEWEST_VIEWERS: i64 = 5;

/// The metrics that a kind of medium has.
fn known(kind: Kind) -> &'static str {
    match kind {
        Kind::Image | Kind::Carousel => {
            "comments follows likes profile_activity profile_visits reach reposts saved shares total_interactions views"
        }
        Kind::Reel => {
            "comments likes reach reposts saved shares total_interactions views ig_reels_avg_watch_time \
             ig_reels_video_view_total_time reels_skip_rate crossposted_views"
        }
        Kind::Story => {
            "follows navigation profile_activity profile_visits reach replies reposts shares total_interactions views"
        }
    }
}

/// One metric that the medium does not have fails them all.
pub(crate) fn read(call: &GraphCall, medium: &Medium<'_>) -> Result<Value, GraphError> {
    let names = call
        .form
        .get("metric")
        .ok_or_else(|| GraphError::parameter("The parameter metric is required"))?;
    if let Some(strange) = names
        .split(',')
        .find(|name| !known(medium.kind).split(' ').any(|known| known == *name))
    {
        let message = format!(
            "The Media Insights API does not support the {strange} metric for this media product type."
        );
        return Err(GraphError::parameter(message));
    }
    if medium.created_s < medium.account.professional_since {
        let message = "The media was posted before the account became a professional one.";
        return Err(GraphError::parameter(message).subcode(2_108_006));
    }
    if medium.kind == Kind::Story
        && medium
            .metric("views")
            .is_some_and(|views| views < FEWEST_VIEWERS)
    {
        return Err(GraphError::permission(
            "Not enough viewers for the media to show insights.",
        ));
    }
    let metrics = names.split(',').map(|name| {
        json!({
            "name": name,
            "period": "lifetime",
            "title": name.replace('_', " "),
            "description": "Played by the sandbox.",
            "values": [{ "value": medium.metric(name) }],
            "id": format!("{}/insights/{name}/lifetime", medium.id),
        })
    });
    Ok(json!({ "data": metrics.collect::<Vec<_>>() }))
}
