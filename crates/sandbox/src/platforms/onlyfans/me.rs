//! The profile that the site shows to an account's owner.

use evergrant_model::Timestamp;
use serde_json::{Map, Value, json};

use super::account::{Account, iso_time};
use super::posts;

/// Reference time of the counts in `people.toml`, in Unix seconds: 1 January 2026, 00:00 UTC.
const COUNTS_AS_OF_SECONDS: i64 = 1_767_225_600;
const DAY_SECONDS: i64 = 86_400;

impl Account {
    /// Returns the owner's profile: the defaults overridden with the account's values. Both contain
    /// private data.
    pub(super) fn me(&self, picture: &str, now: Timestamp) -> Value {
        let mut me = default_fields();
        let posts: Vec<_> = posts::newest(self, now).collect();
        let (photos, videos) = (
            posts.iter().filter(|post| !post.is_video()),
            posts.iter().filter(|post| post.is_video()),
        );
        let (photos, videos) = (photos.count(), videos.count());
        let own = json!({
            "id": self.id,
            "username": self.username,
            "name": self.name,
            "avatar": picture,
            "header": format!("{picture}?width=760"),
            "isPerformer": self.performer,
            "isRealPerformer": self.performer,
            "isVerified": self.performer,
            "isOtpEnabled": self.two_factor,
            "joinDate": iso_time(self.joined),
            "lastSeen": iso_time(now.unix_ms() / 1000),
            "postsCount": posts.len(),
            "photosCount": photos,
            "videosCount": videos,
            "mediasCount": photos + videos,
            "favoritedCount": projected_count(self.favorited, self.favorited_per_day, now),
            "favoritesCount": self.subscribes * 9,
            "subscribersCount": projected_count(self.subscribers, self.subscribers_per_day, now),
            "subscribesCount": self.subscribes,
            "email": format!("{}@private.example", self.username),
            "wsAuthToken": format!("sim-private-socket-token-{}", self.id),
        });
        if let Value::Object(own) = own {
            me.extend(own);
        }
        Value::Object(me)
    }
}

/// Returns the fields that are the same for every account.
fn default_fields() -> Map<String, Value> {
    serde_json::from_str(include_str!("me.json")).unwrap_or_default()
}

/// Returns a count that grows every day.
fn projected_count(count: i64, per_day: i64, now: Timestamp) -> i64 {
    let day = now
        .since(Timestamp::from_unix_seconds(COUNTS_AS_OF_SECONDS))
        .as_secs()
        .div_euclid(DAY_SECONDS);
    (count + day * per_day).max(0)
}
