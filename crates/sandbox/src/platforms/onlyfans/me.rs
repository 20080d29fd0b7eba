//! What the site tells the owner of an account about it.

use evergrant_model::Timestamp;
use serde_json::{Map, Value, json};

use super::account::{Account, moment};
use super::posts;

/// The day of the counts in `people.toml`: 1 January 2026.
const COUNTED_AT_S: i64 = 1_767_225_600;
const DAY_S: i64 = 86_400;

impl Account {
    /// The owner's own profile: the account's values over the usual ones, private things among
    /// both.
    pub(super) fn me(&self, picture: &str, now: Timestamp) -> Value {
        let mut me = usual();
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
            "joinDate": moment(self.joined),
            "lastSeen": moment(now.unix_ms() / 1000),
            "postsCount": posts.len(),
            "photosCount": photos,
            "videosCount": videos,
            "mediasCount": photos + videos,
            "favoritedCount": grown(self.favorited, self.favorited_per_day, now),
            "favoritesCount": self.subscribes * 9,
            "subscribersCount": grown(self.subscribers, self.subscribers_per_day, now),
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

/// What stands in every account of the sandbox.
fn usual() -> Map<String, Value> {
    serde_json::from_str(include_str!("me.json")).unwrap_or_default()
}

/// A count that grows by the day.
fn grown(count: i64, per_day: i64, now: Timestamp) -> i64 {
    let day = now
        .seconds_since(Timestamp::from_unix_seconds(COUNTED_AT_S))
        .div_euclid(DAY_S);
    (count + day * per_day).max(0)
}
