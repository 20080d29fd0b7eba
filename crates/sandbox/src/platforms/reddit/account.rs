//! A person's account at Reddit, and what `/api/v1/me` tells of it.

use evergrant_model::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The day of the counts in `people.toml`: 1 January 2026.
const COUNTED_AT_S: i64 = 1_767_225_600;
const DAY_S: i64 = 86_400;

/// The account as `people.toml` has it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the platform's own flags, each a field of its answer"
)]
pub(super) struct Account {
    /// Base 36, without the `t2_` of its kind.
    pub(super) id: String,
    pub(super) username: String,
    pub(super) about: String,
    /// Unix seconds.
    pub(super) created: i64,
    link_karma: i64,
    comment_karma: i64,
    karma_per_day: i64,
    /// Followers of the profile page; `None` where there is no such page.
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
    pub(super) posts_every_h: i64,
    pub(super) communities: Vec<String>,
    pub(super) titles: Vec<String>,
}

/// What the account has gathered by one moment.
pub(super) struct Karma {
    pub(super) link: i64,
    pub(super) comment: i64,
}

impl Account {
    /// Karma grows by the day, and is a little lower on some days than on the day before.
    pub(super) fn karma(&self, now: Timestamp) -> Karma {
        let day = days(now);
        let fuzz = |per_day: i64| {
            if per_day == 0 {
                0
            } else {
                (day * 7).rem_euclid(11) * per_day / 4
            }
        };
        let grown = |count: i64, per_day: i64| (count + day * per_day + fuzz(per_day)).max(1);
        let for_comments = self.karma_per_day / 3;
        Karma {
            link: grown(self.link_karma, self.karma_per_day - for_comments),
            comment: grown(self.comment_karma, for_comments),
        }
    }

    /// Flat, as `GET /api/v1/me` sends it: the account's own values over the usual ones.
    pub(super) fn me(&self, client: &str, picture: &str, now: Timestamp) -> Value {
        let mut me = usual();
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
        let subscribers = (self.subscribers? + days(now) * self.subscribers_per_day).max(0);
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

    /// `GET /api/v1/me/karma`: the karma by community, the most in the first.
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

/// What stands in every account of the sandbox.
fn usual() -> Map<String, Value> {
    serde_json::from_str(include_str!("me.json")).unwrap_or_default()
}

/// Whole days from the day of the counts.
fn days(now: Timestamp) -> i64 {
    now.seconds_since(Timestamp::from_unix_seconds(COUNTED_AT_S))
        .div_euclid(DAY_S)
}

/// Seconds as Reddit writes them: with a decimal point.
pub(super) fn seconds(unix_s: i64) -> Value {
    u32::try_from(unix_s).map_or(Value::Null, |unix_s| f64::from(unix_s).into())
}
