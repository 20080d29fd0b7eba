//! What `/v2/user/info/` tells of an account, field by field.

use evergrant_model::Timestamp;
use serde_json::Value;

use super::account::Account;
use super::videos;

/// The day of the counts in `people.toml`: 1 January 2026.
const COUNTED_AT_S: i64 = 1_767_225_600;
const DAY_S: i64 = 86_400;

/// Each field with the scope that it needs.
pub(super) const FIELDS: [(&str, &str); 14] = [
    ("open_id", "user.info.basic"),
    ("union_id", "user.info.basic"),
    ("avatar_url", "user.info.basic"),
    ("avatar_url_100", "user.info.basic"),
    ("avatar_large_url", "user.info.basic"),
    ("display_name", "user.info.basic"),
    ("username", "user.info.profile"),
    ("bio_description", "user.info.profile"),
    ("profile_deep_link", "user.info.profile"),
    ("is_verified", "user.info.profile"),
    ("follower_count", "user.info.stats"),
    ("following_count", "user.info.stats"),
    ("likes_count", "user.info.stats"),
    ("video_count", "user.info.stats"),
];

impl Account {
    /// The value of a field of [`FIELDS`]; `picture` is where the person's picture is.
    pub(super) fn field(&self, name: &str, client: &str, picture: &str, now: Timestamp) -> Value {
        let sized = |width: u32| format!("{picture}?width={width}").into();
        match name {
            "open_id" => self.open_id(client).into(),
            "union_id" => self.union_id.as_str().into(),
            "avatar_url" => sized(168),
            "avatar_url_100" => sized(100),
            "avatar_large_url" => sized(1080),
            "display_name" => self.display_name.as_str().into(),
            "username" => self.username.as_str().into(),
            "bio_description" => self.bio.as_str().into(),
            "profile_deep_link" => format!("https://www.tiktok.com/@{}", self.username).into(),
            "is_verified" => self.verified.into(),
            "follower_count" => grown(self.followers, self.followers_per_day, now).into(),
            "following_count" => self.following.into(),
            "likes_count" => grown(self.likes, self.likes_per_day, now).into(),
            "video_count" => videos::newest(self, now)
                .filter(|video| video.is_public(now))
                .count()
                .into(),
            _ => Value::Null,
        }
    }
}

/// A count that grows by the day, and is a little lower on some days than on the day before.
fn grown(count: i64, per_day: i64, now: Timestamp) -> i64 {
    let day = now
        .seconds_since(Timestamp::from_unix_seconds(COUNTED_AT_S))
        .div_euclid(DAY_S);
    let lost = (day * 5).rem_euclid(7) * per_day / 3;
    (count + day * per_day - lost).max(0)
}
