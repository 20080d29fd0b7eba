//! The demo persons at Facebook and Instagram: their Pages, professional accounts and follower
//! growth.

use std::collections::BTreeMap;

use evergrant_model::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// Reference time of the counts in `accounts.toml`, in Unix seconds: 1 January 2026, 00:00 UTC.
const COUNTS_AS_OF_SECONDS: i64 = 1_767_225_600;
const DAY_SECONDS: i64 = 86_400;
/// Followers below which Instagram withholds several metrics.
const MIN_FOLLOWERS_FOR_ALL_METRICS: i64 = 100;

/// The demo persons with a Facebook account, by handle.
pub(crate) type MetaPeople = BTreeMap<String, MetaPerson>;

/// Parses the embedded `accounts.toml`.
///
/// # Errors
/// Returns the parse error if the file does not match [`MetaPerson`].
pub(crate) fn load_people() -> Result<MetaPeople, toml::de::Error> {
    toml::from_str(include_str!("accounts.toml"))
}

/// A demo person with a Facebook account.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetaPerson {
    pub(crate) facebook_id: String,
    pub(crate) facebook_name: String,
    pub(crate) about: String,
    /// Description on Instagram Login's sign-in page. `None` if the person has no professional
    /// account.
    pub(crate) login_about: Option<String>,
    pub(crate) pages: Vec<Page>,
}

impl MetaPerson {
    /// Returns the professional accounts linked to the person's Pages.
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
    /// The business portfolio that owns the Page, if any. Listing such a Page needs
    /// `business_management`.
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
    /// The account id in webhooks, and `user_id` at Instagram Login.
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
    /// When the account was created, in Unix seconds.
    pub(crate) created: i64,
    /// When it became a professional account, in Unix seconds.
    pub(crate) professional_since: i64,
    pub(crate) post_every_hours: i64,
    pub(crate) story_every_hours: i64,
    #[serde(default)]
    pub(crate) hides_likes: bool,
    /// Views of each story, for accounts with so few viewers that story insights are withheld.
    /// `None`: derived from the followers.
    pub(crate) story_viewers: Option<i64>,
    pub(crate) captions: Vec<String>,
}

impl Account {
    /// Returns the follower count for the day of `at_seconds`: linear growth with a periodic swing.
    pub(crate) fn followers(&self, at_seconds: i64) -> i64 {
        let day = (at_seconds - COUNTS_AS_OF_SECONDS).div_euclid(DAY_SECONDS);
        let swing = (day * 5).rem_euclid(9) * self.followers_per_day / 8;
        (self.followers + day * self.followers_per_day + swing).max(0)
    }

    /// Returns whether the account has enough followers for all metrics.
    pub(crate) fn has_min_followers(&self, now: Timestamp) -> bool {
        self.followers(now.unix_ms() / 1000) >= MIN_FOLLOWERS_FOR_ALL_METRICS
    }

    /// Returns the complete node. Fields without a value are absent, not null.
    pub(crate) fn node(&self, picture: &str, now: Timestamp) -> Value {
        let now_seconds = now.unix_ms() / 1000;
        let mut node = json!({
            "id": self.id,
            "username": self.username,
            "name": self.name,
            "profile_picture_url": picture,
            "followers_count": self.followers(now_seconds),
            "follows_count": self.follows,
            "media_count": (now_seconds - self.created).max(0) / (self.post_every_hours * 3600),
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
