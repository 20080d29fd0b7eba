//! The demo persons at Facebook and Instagram: their Pages, their professional accounts, and how
//! these grow.

use std::collections::BTreeMap;

use evergrant_model::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// The day of the counts in `accounts.toml`: 1 January 2026.
const COUNTED_AT_S: i64 = 1_767_225_600;
const DAY_S: i64 = 86_400;
/// Below this Instagram keeps several metrics to itself.
const FOLLOWERS_FOR_ALL_METRICS: i64 = 100;

/// Everybody, by handle.
pub(crate) type MetaPeople = BTreeMap<String, MetaPerson>;

/// Reads `accounts.toml`.
pub(crate) fn everybody() -> Result<MetaPeople, toml::de::Error> {
    toml::from_str(include_str!("accounts.toml"))
}

/// A person with a Facebook account.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetaPerson {
    pub(crate) facebook_id: String,
    pub(crate) facebook_name: String,
    pub(crate) about: String,
    /// What Instagram Login's page says; `None` where the person has no professional account to
    /// sign in with.
    pub(crate) login_about: Option<String>,
    pub(crate) pages: Vec<Page>,
}

impl MetaPerson {
    /// Every professional account that a Page leads to.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.pages.iter().filter_map(|page| page.instagram.as_ref())
    }
}

/// A Facebook Page.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) tasks: Vec<String>,
    /// The portfolio that holds the Page; such a Page needs a permission of its own.
    pub(crate) business: Option<Business>,
    pub(crate) instagram: Option<Account>,
}

/// A business portfolio.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Business {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// A professional Instagram account.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Account {
    pub(crate) number: i64,
    /// The id that webhooks use, and `user_id` at Instagram Login.
    pub(crate) id: String,
    /// The app-scoped id at Instagram Login.
    pub(crate) login_id: String,
    pub(crate) username: String,
    name: String,
    biography: Option<String>,
    website: Option<String>,
    #[serde(rename = "account_type")]
    kind: String,
    followers: i64,
    followers_per_day: i64,
    follows: i64,
    /// Unix seconds, like the next.
    pub(crate) created: i64,
    pub(crate) professional_since: i64,
    pub(crate) post_every_h: i64,
    pub(crate) story_every_h: i64,
    #[serde(default)]
    pub(crate) hides_likes: bool,
    /// Where so few watch its stories that their insights are withheld.
    pub(crate) story_viewers: Option<i64>,
    pub(crate) captions: Vec<String>,
}

impl Account {
    /// Followers at the end of the day that `at_s` lies in: growth, with better and worse weeks.
    pub(crate) fn followers(&self, at_s: i64) -> i64 {
        let day = (at_s - COUNTED_AT_S).div_euclid(DAY_S);
        let swing = (day * 5).rem_euclid(9) * self.followers_per_day / 8;
        (self.followers + day * self.followers_per_day + swing).max(0)
    }

    /// Whether metrics about followers exist for it.
    pub(crate) fn is_big_enough(&self, now: Timestamp) -> bool {
        self.followers(now.unix_ms() / 1000) >= FOLLOWERS_FOR_ALL_METRICS
    }

    /// Every field of the node; one that the account has nothing for is not there.
    pub(crate) fn node(&self, picture: &str, now: Timestamp) -> Value {
        let now_s = now.unix_ms() / 1000;
        let mut node = json!({
            "id": self.id,
            "username": self.username,
            "name": self.name,
            "profile_picture_url": picture,
            "followers_count": self.followers(now_s),
            "follows_count": self.follows,
            "media_count": (now_s - self.created).max(0) / (self.post_every_h * 3600),
            "account_type": self.kind,
            "user_id": self.id,
        });
        if let Some(fields) = node.as_object_mut() {
            fields.extend(
                self.biography
                    .as_ref()
                    .map(|text| ("biography".to_owned(), json!(text))),
            );
            fields.extend(
                self.website
                    .as_ref()
                    .map(|text| ("website".to_owned(), json!(text))),
            );
        }
        node
    }
}
