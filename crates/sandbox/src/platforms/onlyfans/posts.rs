//! What a person posted: made up from the account and the time alone, like everything that people
//! publish here.

use evergrant_model::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::account::{Account, moment};
use crate::engine::Form;

const USUAL_PAGE: usize = 10;
const LONGEST_PAGE: usize = 100;
/// A link to a picture works this long.
const LINK_LIFE_S: i64 = 3600;

/// One post.
pub(super) struct Post<'a> {
    account: &'a Account,
    /// 1 for the account's first.
    number: i64,
    created_s: i64,
    /// Drawn once for this post.
    dice: [u8; 32],
}

/// Every post of an account, the newest first.
pub(super) fn newest(account: &Account, now: Timestamp) -> impl Iterator<Item = Post<'_>> {
    let every_s = account.posts_every_h * 3600;
    let so_far = (now.unix_ms() / 1000 - account.joined).max(0) / every_s;
    (1..=so_far).rev().map(move |number| Post {
        account,
        number,
        created_s: account.joined + number * every_s,
        dice: Sha256::digest(format!("{}/post/{number}", account.id)).into(),
    })
}

/// The page that `query` asks for: behind the marker of the last post seen, or behind so and so
/// many.
pub(super) fn page(account: &Account, query: &Form, base_url: &str, now: Timestamp) -> Value {
    let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
    let limit = number("limit").unwrap_or(USUAL_PAGE).clamp(1, LONGEST_PAGE);
    let marker = query.get("afterPublishTime").and_then(seconds_of);
    let behind =
        newest(account, now).filter(|post| marker.is_none_or(|last_s| post.created_s < last_s));
    let mut behind = behind.skip(number("offset").unwrap_or_default());
    let list: Vec<_> = behind
        .by_ref()
        .take(limit)
        .map(|post| post.entry(base_url, now))
        .collect();
    json!({ "list": list, "hasMore": behind.next().is_some() })
}

/// The whole seconds of a decimal marker.
fn seconds_of(marker: &str) -> Option<i64> {
    marker.split('.').next()?.parse().ok()
}

impl Post<'_> {
    fn die(&self, die: usize) -> i64 {
        self.dice.get(die).copied().map_or(0, i64::from)
    }

    pub(super) fn is_video(&self) -> bool {
        self.die(0) < 40
    }

    fn id(&self) -> i64 {
        self.account.id * 10_000 + self.number
    }

    fn entry(&self, base_url: &str, now: Timestamp) -> Value {
        let die = usize::try_from(self.die(1)).unwrap_or_default();
        let caption = self
            .account
            .captions
            .get(die % self.account.captions.len().max(1))
            .map_or("", String::as_str);
        let age_h = (now.unix_ms() / 1000 - self.created_s).max(0) / 3600;
        json!({
            "responseType": "post",
            "id": self.id(),
            "postedAt": moment(self.created_s),
            // A text, because no floating-point number holds it.
            "postedAtPrecise": format!("{}.{:06}", self.created_s, self.die(2) * 3901),
            "text": format!("<p>{caption} &amp; more</p>"),
            "rawText": format!("{caption} & more"),
            "price": if self.die(3) < 60 { json!(5 + self.die(4) % 20) } else { Value::Null },
            "isPinned": false,
            "isArchived": false,
            "favoritesCount": (20 + self.die(5)) * age_h / (age_h + 24),
            "commentsCount": self.die(6) % 30 * age_h / (age_h + 24),
            "mediaCount": 1,
            "canViewMedia": true,
            "media": [self.media(base_url, now)],
        })
    }

    fn media(&self, base_url: &str, now: Timestamp) -> Value {
        let ends_s = now.unix_ms() / 1000 + LINK_LIFE_S;
        let link = |width: u32| {
            format!(
                "{base_url}/images/{}.png?width={width}&Expires={ends_s}",
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
