//! A Reddit account and its representation in `/api/v1/me`.

use evergrant_model::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Reference time of the counts in `people.toml`, in Unix seconds: 1 January 2026, 00:00 UTC.
const COUNTS_AS_OF_SECONDS: i64 = 1_767_225_600;
const DAY_SECONDS: i64 = 86_400;

/// An account as listed in `people.toml`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the platform's own flags, each a field of its response"
)]
pub(super) struct Account {
    /// The id in base 36, without the `t2_` prefix.
    pub(super) id: String,
    pub(super) username: String,
    pub(super) about: String,
    /// When the account was created, in Unix seconds.
    pub(super) created: i64,
    link_karma: i64,
    comment_karma: i64,
    karma_per_day: i64,
    /// Followers of the profile page on 1 January 2026. `None` if the account has no profile page.
    subscribers: Option<i64>,
    #[serde(default)]
    subscribers_per_day: i64,
    #[serde(default)]
    tagline: String,
    verified_email: bool,
    #[serde(default)]
    is_mod: bool,
    #[serde(default)]
    is_gold: bool,
    #[serde(default)]
    pub(super) suspended: bool,
    pub(super) posts_every_hours: i64,
    pub(super) communities: Vec<String>,
    pub(super) titles: Vec<String>,
}

/// An account's karma at a given time.
pub(super) struct Karma {
    pub(super) link: i64,
    pub(super) comment: i64,
}

impl Account {
    /// Returns the karma at `now`. It grows daily, with occasional small drops.
    pub(super) fn karma(&self, now: Timestamp) -> Karma {
        let day = days_since_reference(now);
        let fuzz = |per_day: i64| {
            if per_day == 0 {
                0
            } else {
                (day * 7).rem_euclid(11) * per_day / 4
            }
        };
        let projected = |count: i64, per_day: i64| (count + day * per_day + fuzz(per_day)).max(1);
        let comment_share = self.karma_per_day / 3;
        Karma {
            link: projected(self.link_karma, self.karma_per_day - comment_share),
            comment: projected(self.comment_karma, comment_share),
        }
    }

    /// Returns the body of `GET /api/v1/me`: the defaults overridden with the account's values.
    pub(super) fn me(&self, client: &str, picture: &str, now: Timestamp) -> Value {
        let mut me = default_fields();
        let karma = self.karma(now);
        let own = json!({
            "id": self.id,
            "name": self.username,
            "created": seconds(self.created),
            "created_utc": seconds(self.created),
            "link_karma": karma.link,
            "comment_karma": karma.comment,
            "total_karma": karma.link + karma.comment,
            "has_verified_email": self.verified_email,
            "is_mod": self.is_mod,
            "is_gold": self.is_gold,
            "is_suspended": self.suspended,
            "icon_img": picture,
            "oauth_client_id": client,
            "subreddit": self.profile_page(picture, now),
        });
        if let Value::Object(own) = own {
            me.extend(own);
        }
        Value::Object(me)
    }

    fn profile_page(&self, picture: &str, now: Timestamp) -> Option<Value> {
        let subscribers =
            (self.subscribers? + days_since_reference(now) * self.subscribers_per_day).max(0);
        let name = format!("u_{}", self.username);
        Some(json!({
            "name": format!("t5_{}", self.id),
            "display_name": name,
            "display_name_prefixed": format!("u/{}", self.username),
            "title": self.username,
            "public_description": self.tagline,
            "description": "",
            "url": format!("/user/{}/", self.username),
            "subscribers": subscribers,
            "subreddit_type": "user",
            "icon_img": picture,
            "is_default_icon": false,
            "is_default_banner": true,
            "banner_img": "",
            "over_18": false,
            "user_is_subscriber": false,
            "user_is_moderator": true,
            "restrict_posting": true,
            "link_flair_enabled": false,
        }))
    }

    /// Returns the body of `GET /api/v1/me/karma`: karma per community, highest first.
    pub(super) fn karma_list(&self, now: Timestamp) -> Value {
        let karma = self.karma(now);
        let (mut link, mut comment) = (karma.link, karma.comment);
        let last = self.communities.len().saturating_sub(1);
        let take = |at: usize, left: &mut i64| {
            let part = if at == last { *left } else { *left / 2 };
            *left -= part;
            part
        };
        let shares = self.communities.iter().enumerate().map(|(at, community)| {
            let (link, comment) = (take(at, &mut link), take(at, &mut comment));
            json!({ "sr": community, "link_karma": link, "comment_karma": comment })
        });
        json!({ "kind": "KarmaList", "data": shares.collect::<Vec<_>>() })
    }
}

/// Returns the fields that are the same for every account.
fn default_fields() -> Map<String, Value> {
    serde_json::from_str(include_str!("me.json")).unwrap_or_default()
}

/// Returns the whole days since the reference time of the counts.
fn days_since_reference(now: Timestamp) -> i64 {
    now.since(Timestamp::from_unix_seconds(COUNTS_AS_OF_SECONDS))
        .as_secs()
        .div_euclid(DAY_SECONDS)
}

/// Returns Unix seconds as a float, as Reddit sends them.
pub(super) fn seconds(unix_seconds: i64) -> Value {
    u32::try_from(unix_seconds).map_or(Value::Null, |unix_seconds| f64::from(unix_seconds).into())
}
