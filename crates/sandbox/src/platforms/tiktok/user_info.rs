//! The fields of `/v2/user/info/`.

use evergrant_model::Timestamp;
use serde_json::Value;

use super::account::Account;
use super::videos;

/// Reference time of the counts in `people.toml`, in Unix seconds: 1 January 2026, 00:00 UTC.
const COUNTS_AS_OF_SECONDS: i64 = 1_767_225_600;
const DAY_SECONDS: i64 = 86_400;

/// Each field and the scope that it requires.
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
    /// Returns the value of a field listed in [`FIELDS`]. `picture` is the URL of the person's
    /// picture.
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
            "follower_count" => projected_count(self.followers, self.followers_per_day, now).into(),
            "following_count" => self.following.into(),
            "likes_count" => projected_count(self.likes, self.likes_per_day, now).into(),
            "video_count" => videos::newest(self, now)
                .filter(|video| video.is_public(now))
                .count()
                .into(),
            _ => Value::Null,
        }
    }
}

/// Returns a count that grows daily, with occasional small drops.
fn projected_count(count: i64, per_day: i64, now: Timestamp) -> i64 {
    let day = now
        .since(Timestamp::from_unix_seconds(COUNTS_AS_OF_SECONDS))
        .as_secs()
        .div_euclid(DAY_SECONDS);
    let dip = (day * 5).rem_euclid(7) * per_day / 3;
    (count + day * per_day - dip).max(0)
}
