//! Posts, derived from the account and the time only: the same time always yields the same posts.

use evergrant_model::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::account::{Account, iso_time};
use crate::engine::Form;

const DEFAULT_PAGE_SIZE: usize = 10;
const MAX_PAGE_SIZE: usize = 100;
/// How long a media link is valid.
const LINK_LIFETIME_SECONDS: i64 = 3600;

/// A post.
pub(super) struct Post<'a> {
    account: &'a Account,
    /// Sequence number. The account's first is 1.
    number: i64,
    /// When it was published, in Unix seconds.
    created_seconds: i64,
    /// Pseudo-random bytes, constant for the post.
    seed: [u8; 32],
}

/// Returns the account's posts, newest first.
pub(super) fn newest(account: &Account, now: Timestamp) -> impl Iterator<Item = Post<'_>> {
    let every_seconds = account.posts_every_hours * 3600;
    let count = (now.unix_ms() / 1000 - account.joined).max(0) / every_seconds;
    (1..=count).rev().map(move |number| Post {
        account,
        number,
        created_seconds: account.joined + number * every_seconds,
        seed: Sha256::digest(format!("{}/post/{number}", account.id)).into(),
    })
}

/// Returns the page that `query` selects: older than `afterPublishTime`, after skipping `offset`
/// posts.
pub(super) fn page(account: &Account, query: &Form, base_url: &str, now: Timestamp) -> Value {
    let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
    let limit = number("limit")
        .unwrap_or(DEFAULT_PAGE_SIZE)
        .clamp(1, MAX_PAGE_SIZE);
    let marker = query.get("afterPublishTime").and_then(seconds_of);
    let older = newest(account, now)
        .filter(|post| marker.is_none_or(|before_seconds| post.created_seconds < before_seconds));
    let mut older = older.skip(number("offset").unwrap_or_default());
    let list: Vec<_> = older
        .by_ref()
        .take(limit)
        .map(|post| post.post_object(base_url, now))
        .collect();
    json!({ "list": list, "hasMore": older.next().is_some() })
}

/// Returns the whole seconds of a decimal `postedAtPrecise` value.
fn seconds_of(marker: &str) -> Option<i64> {
    marker.split('.').next()?.parse().ok()
}

impl Post<'_> {
    fn seed_byte(&self, index: usize) -> i64 {
        self.seed.get(index).copied().map_or(0, i64::from)
    }

    pub(super) fn is_video(&self) -> bool {
        self.seed_byte(0) < 40
    }

    fn id(&self) -> i64 {
        self.account.id * 10_000 + self.number
    }

    fn post_object(&self, base_url: &str, now: Timestamp) -> Value {
        let seed_byte = usize::try_from(self.seed_byte(1)).unwrap_or_default();
        let caption = self
            .account
            .captions
            .get(seed_byte % self.account.captions.len().max(1))
            .map_or("", String::as_str);
        let age_hours = (now.unix_ms() / 1000 - self.created_seconds).max(0) / 3600;
        json!({
            "responseType": "post",
            "id": self.id(),
            "postedAt": iso_time(self.created_seconds),
            // A string, because a float cannot represent it exactly.
            "postedAtPrecise": format!("{}.{:06}", self.created_seconds, self.seed_byte(2) * 3901),
            "text": format!("<p>{caption} &amp; more</p>"),
            "rawText": format!("{caption} & more"),
            "price": if self.seed_byte(3) < 60 { json!(5 + self.seed_byte(4) % 20) } else { Value::Null },
            "isPinned": false,
            "isArchived": false,
            "favoritesCount": (20 + self.seed_byte(5)) * age_hours / (age_hours + 24),
            "commentsCount": self.seed_byte(6) % 30 * age_hours / (age_hours + 24),
            "mediaCount": 1,
            "canViewMedia": true,
            "media": [self.media(base_url, now)],
        })
    }

    fn media(&self, base_url: &str, now: Timestamp) -> Value {
        let expires_seconds = now.unix_ms() / 1000 + LINK_LIFETIME_SECONDS;
        let link = |width: u32| {
            format!(
                "{base_url}/images/{}.png?width={width}&Expires={expires_seconds}",
                self.id()
            )
        };
        json!({
            "id": self.id() * 10,
            "type": if self.is_video() { "video" } else { "photo" },
            "canView": true,
            "thumb": link(300),
            "preview": link(960),
            "full": link(1920),
            "source": { "source": link(1920), "width": 1920, "height": 1920, "duration": 0 },
        })
    }
}
