//! Lifetime insights of a post or story.

use serde_json::{Value, json};

use super::media::{Kind, MediaItem};
use super::{GraphCall, GraphError};

/// Number of viewers below which story insights are withheld.
const MIN_VIEWERS: i64 = 5;

/// Returns the metrics available for a media type, separated by spaces.
fn available_metrics(kind: Kind) -> &'static str {
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

/// Returns the requested insights of a media item.
///
/// # Errors
/// Returns error 100 if a metric is not available for the media type or the item predates the
/// professional account, and error 10 for a story with too few viewers.
pub(crate) fn read(call: &GraphCall, media_item: &MediaItem<'_>) -> Result<Value, GraphError> {
    let names = call
        .form
        .get("metric")
        .ok_or_else(|| GraphError::parameter("The parameter metric is required"))?;
    check_metrics(names, media_item.kind)?;
    check_availability(media_item)?;
    let metrics = names.split(',').map(|name| {
        json!({
            "name": name,
            "period": "lifetime",
            "title": name.replace('_', " "),
            "description": "Simulated by the sandbox.",
            "values": [{ "value": media_item.metric(name) }],
            "id": format!("{}/insights/{name}/lifetime", media_item.id),
        })
    });
    Ok(json!({ "data": metrics.collect::<Vec<_>>() }))
}

/// Checks that the media type has every requested metric.
fn check_metrics(names: &str, kind: Kind) -> Result<(), GraphError> {
    if let Some(unsupported) = names.split(',').find(|name| {
        !available_metrics(kind)
            .split(' ')
            .any(|known| known == *name)
    }) {
        let message = format!(
            "The Media Insights API does not support the {unsupported} metric for this media product type."
        );
        return Err(GraphError::parameter(message));
    }
    Ok(())
}

/// Checks that insights are not withheld for the item.
fn check_availability(media_item: &MediaItem<'_>) -> Result<(), GraphError> {
    if media_item.created_seconds < media_item.account.professional_since {
        let message =
            "The media was posted before the account was converted to a professional account.";
        return Err(GraphError::parameter(message).subcode(2_108_006));
    }
    if media_item.kind == Kind::Story
        && media_item
            .metric("views")
            .is_some_and(|views| views < MIN_VIEWERS)
    {
        return Err(GraphError::permission(
            "Not enough viewers for the media to show insights.",
        ));
    }
    Ok(())
}
