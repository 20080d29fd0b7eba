//! Posts and stories, derived from the account and the time only.
//!
//! The same time always yields the same media, and a later time yields more.

use evergrant_model::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Account, days};

const FIRST_POST_ID: i64 = 18_000_000_000_000_000;
const FIRST_STORY_ID: i64 = 18_100_000_000_000_000;
/// Size of the id range reserved for each account.
const IDS_PER_ACCOUNT: i64 = 1_000_000;
/// Maximum number of items in a list.
const MAX_LIST_LEN: usize = 10_000;
/// How long a story is visible.
const STORY_LIFETIME_SECONDS: i64 = 86_400;

/// The type of a media item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Image,
    Reel,
    Carousel,
    Story,
}

/// A post or story.
pub(crate) struct MediaItem<'a> {
    pub(crate) account: &'a Account,
    pub(crate) id: String,
    pub(crate) kind: Kind,
    /// When it was posted, in Unix seconds.
    pub(crate) created_seconds: i64,
    age_hours: i64,
    /// Sequence number. The account's first post and first story are 1.
    number: i64,
    /// Pseudo-random bytes, constant for the item.
    seed: [u8; 32],
}

/// Returns whether `id` is that of a media item, or of an album child, of the account.
pub(crate) fn belongs_to(account: &Account, id: &str) -> bool {
    // A child's id is the 17-digit id of its album followed by one digit.
    let Some(id) = id.get(..17).and_then(|id| id.parse::<i64>().ok()) else {
        return false;
    };
    [FIRST_POST_ID, FIRST_STORY_ID].iter().any(|first| {
        let first_id = first + account.number * IDS_PER_ACCOUNT;
        (first_id..first_id + IDS_PER_ACCOUNT).contains(&id)
    })
}

/// Returns the account's posts, newest first.
pub(crate) fn posts(account: &Account, now: Timestamp) -> Vec<MediaItem<'_>> {
    let every_seconds = account.post_every_hours * 3600;
    history(account, every_seconds, now)
        .take(MAX_LIST_LEN)
        .map(|(number, at_seconds)| MediaItem::post(account, number, at_seconds, now))
        .collect()
}

/// Returns the stories visible at `now`, newest first.
pub(crate) fn stories(account: &Account, now: Timestamp) -> Vec<MediaItem<'_>> {
    let now_seconds = now.unix_ms() / 1000;
    let all = history(account, account.story_every_hours * 3600, now);
    let visible =
        all.take_while(|(_, at_seconds)| now_seconds - at_seconds < STORY_LIFETIME_SECONDS);
    visible
        .map(|(number, at_seconds)| MediaItem::new(account, Kind::Story, number, at_seconds, now))
        .collect()
}

/// Returns the number and Unix time of each post, newest first.
fn history(
    account: &Account,
    every_seconds: i64,
    now: Timestamp,
) -> impl Iterator<Item = (i64, i64)> {
    let now_seconds = now.unix_ms() / 1000;
    let created = account.created;
    (1..=(now_seconds - created).max(0) / every_seconds)
        .rev()
        .map(move |number| (number, created + number * every_seconds))
}

impl<'a> MediaItem<'a> {
    fn post(account: &'a Account, number: i64, at_seconds: i64, now: Timestamp) -> Self {
        let kind = match number % 5 {
            0 | 3 => Kind::Reel,
            2 => Kind::Carousel,
            _ => Kind::Image,
        };
        Self::new(account, kind, number, at_seconds, now)
    }

    fn new(
        account: &'a Account,
        kind: Kind,
        number: i64,
        created_seconds: i64,
        now: Timestamp,
    ) -> Self {
        let first = if kind == Kind::Story {
            FIRST_STORY_ID
        } else {
            FIRST_POST_ID
        };
        let id = (first + account.number * IDS_PER_ACCOUNT + number).to_string();
        let seed = Sha256::digest(&id).into();
        let age_hours = (now.unix_ms() / 1000 - created_seconds).max(0) / 3600;
        Self {
            account,
            id,
            kind,
            created_seconds,
            age_hours,
            number,
            seed,
        }
    }

    fn seed_byte(&self, index: usize) -> i64 {
        self.seed.get(index).copied().map_or(0, i64::from)
    }

    /// Returns a count that grows with age and levels off. `share` is in thousandths of the
    /// followers.
    fn count(&self, index: usize, share: i64) -> i64 {
        let followers = self.account.followers(self.created_seconds).max(20);
        followers * share * (128 + self.seed_byte(index)) / 256_000 * self.age_hours
            / (self.age_hours + 10)
    }

    /// Returns the value of an insights metric, or `None` if the metric does not exist.
    pub(crate) fn metric(&self, name: &str) -> Option<i64> {
        let views = self.count(0, if self.kind == Kind::Reel { 1900 } else { 780 });
        Some(match name {
            "views" => self
                .account
                .story_viewers
                .filter(|_| self.kind == Kind::Story)
                .unwrap_or(views),
            "reach" | "crossposted_views" => views * 7 / 10,
            "likes" => self.count(1, 90),
            "comments" => self.count(2, 6),
            "saved" => self.count(3, 11),
            "shares" => self.count(4, 8),
            "reposts" | "replies" => self.count(5, 3),
            "follows" => self.count(6, 1),
            "profile_visits" => self.count(7, 14),
            "profile_activity" => self.count(8, 4),
            "navigation" => views * 6 / 10,
            "total_interactions" => ["likes", "comments", "saved", "shares", "reposts"]
                .into_iter()
                .filter_map(|part| self.metric(part))
                .sum(),
            "ig_reels_avg_watch_time" => 4200 + self.seed_byte(9) * 30,
            "ig_reels_video_view_total_time" => views * (4200 + self.seed_byte(9) * 30),
            "reels_skip_rate" => 20 + self.seed_byte(10) % 40,
            _ => return None,
        })
    }

    fn link(&self) -> String {
        let path = if self.kind == Kind::Reel { "reel" } else { "p" };
        format!("https://www.instagram.com/{path}/{}/", self.shortcode())
    }

    fn shortcode(&self) -> String {
        format!("Sim{}{}", self.account.number, self.number)
    }

    /// Returns the complete node. Fields that do not apply are absent, not null.
    pub(crate) fn node(&self, base_url: &str, is_login: bool) -> Value {
        let (product, media_type) = match self.kind {
            Kind::Image => ("FEED", "IMAGE"),
            Kind::Reel => ("REELS", "VIDEO"),
            Kind::Carousel => ("FEED", "CAROUSEL_ALBUM"),
            Kind::Story => ("STORY", "IMAGE"),
        };
        let mut node = json!({
            "id": self.id,
            "media_type": media_type,
            "media_product_type": product,
            "permalink": self.link(),
            "shortcode": self.shortcode(),
            "timestamp": days::graph_time(self.created_seconds),
            "username": self.account.username,
            "comments_count": self.metric("comments"),
        });
        if let Some(fields) = node.as_object_mut() {
            let mut insert = |name: &str, value: Value| fields.insert(name.to_owned(), value);
            self.insert_optional_fields(&mut insert, base_url);
            if !is_login {
                self.insert_totals(&mut insert);
            }
        }
        node
    }

    fn insert_optional_fields(
        &self,
        insert: &mut impl FnMut(&str, Value) -> Option<Value>,
        base_url: &str,
    ) {
        let at = usize::try_from(self.number).unwrap_or_default();
        let caption = self
            .account
            .captions
            .get(at % self.account.captions.len().max(1));
        if let Some(caption) = caption.filter(|_| self.number % 6 != 1 && self.kind != Kind::Story)
        {
            insert("caption", json!(caption));
        }
        if !self.account.hides_likes {
            insert("like_count", json!(self.metric("likes")));
        }
        // Some reels contain licensed music, for which Instagram withholds the file.
        if self.kind != Kind::Reel || self.number % 10 != 0 {
            insert("media_url", json!(self.file(base_url, &self.id)));
        }
        if self.kind == Kind::Reel {
            insert(
                "thumbnail_url",
                json!(self.file(base_url, &format!("{}t", self.id))),
            );
        }
        if self.kind == Kind::Carousel {
            let children = (1..=3).map(|nth| self.child(base_url, nth));
            insert("children", json!({ "data": children.collect::<Vec<_>>() }));
        }
    }

    fn insert_totals(&self, insert: &mut impl FnMut(&str, Value) -> Option<Value>) {
        let totals = [
            ("saved_count", "saved"),
            ("shares_count", "shares"),
            ("reposts_count", "reposts"),
            ("total_like_count", "likes"),
            ("total_comments_count", "comments"),
            ("total_views_count", "views"),
        ];
        for (field, metric) in totals {
            insert(field, json!(self.metric(metric)));
        }
    }

    /// Returns an album child. It has no permalink and no insights.
    pub(crate) fn child(&self, base_url: &str, nth: i64) -> Value {
        let id = format!("{}{nth}", self.id);
        json!({ "id": id, "media_type": "IMAGE", "media_url": self.file(base_url, &id), "timestamp": days::graph_time(self.created_seconds) })
    }

    /// Returns a signed file URL that expires.
    fn file(&self, base_url: &str, name: &str) -> String {
        let expires = self.created_seconds + (self.age_hours / 24 + 4) * 86_400;
        format!("{base_url}/images/{name}.png?_nc_ht=sim&oe={expires:x}")
    }
}
