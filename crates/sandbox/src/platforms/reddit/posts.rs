//! Posts and comments, derived from the account and the time only.
//!
//! The same time always yields the same history, and a later time yields more.

use evergrant_model::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::account::{Account, seconds};

/// Maximum number of items in a listing.
const MAX_LISTING_LEN: i64 = 1000;

/// Whether an item is a post or a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Post,
    Comment,
}

impl Kind {
    /// Returns the type prefix of fullnames.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Post => "t3",
            Self::Comment => "t1",
        }
    }
}

/// A post or comment: a "thing" in Reddit's API documentation.
pub(super) struct Item<'a> {
    account: &'a Account,
    kind: Kind,
    /// Sequence number. The account's first is 1.
    number: i64,
    /// When it was published, in Unix seconds.
    pub(super) created_seconds: i64,
    pub(super) score: i64,
    pub(super) replies: i64,
    /// Pseudo-random bytes, constant for the item; they determine everything that does not depend
    /// on the time.
    seed: [u8; 32],
}

/// Returns the account's latest items of one kind, newest first.
pub(super) fn newest(account: &Account, kind: Kind, now: Timestamp) -> Vec<Item<'_>> {
    let now_seconds = now.unix_ms() / 1000;
    let every_seconds = account.posts_every_hours * 3600;
    let count = (now_seconds - account.created).max(0) / every_seconds;
    let items = (1..=count)
        .rev()
        .map(|number| Item::new(account, kind, number, every_seconds, now_seconds));
    items
        .filter(|item| item.created_seconds <= now_seconds)
        .take(usize::try_from(MAX_LISTING_LEN).unwrap_or_default())
        .collect()
}

impl<'a> Item<'a> {
    fn new(
        account: &'a Account,
        kind: Kind,
        number: i64,
        every_seconds: i64,
        now_seconds: i64,
    ) -> Self {
        let seed: [u8; 32] =
            Sha256::digest(format!("{}/{}/{number}", account.id, kind.prefix())).into();
        let [jitter, popularity, .., discussion, noise] = seed.map(i64::from);
        let created_seconds =
            account.created + number * every_seconds + jitter * every_seconds / 512;
        let age_hours = (now_seconds - created_seconds).max(0) / 3600;
        let peak = if popularity > 250 {
            900 + popularity * 5
        } else {
            4 + popularity
        };
        // Half of the votes arrive within 12 hours. Like Reddit's vote fuzzing, the last digit is
        // unreliable.
        let fuzz = (age_hours + noise) % 3 - 1;
        let score = (1 + peak * age_hours / (age_hours + 12) + fuzz).max(0);
        let replies = discussion % 24 * age_hours / (age_hours + 18);
        Self {
            account,
            kind,
            number,
            created_seconds,
            score,
            replies,
            seed,
        }
    }

    /// Returns the fullname, such as `t3_sim9z4f`.
    pub(super) fn fullname(&self) -> String {
        format!("{}_{}", self.kind.prefix(), self.id())
    }

    fn id(&self) -> String {
        format!("{}{}", self.account.id, base36(self.number))
    }

    /// Returns one of `choices`, always the same for the item.
    fn pick<'t>(&self, index: usize, choices: &'t [String]) -> &'t str {
        let seed_byte = self.seed.get(index).copied().map_or(0, usize::from);
        choices
            .get(seed_byte % choices.len().max(1))
            .map_or("", String::as_str)
    }

    fn seed_byte(&self, index: usize) -> u8 {
        self.seed.get(index).copied().unwrap_or_default()
    }

    /// Returns the entry in a listing's `children`.
    pub(super) fn child(&self, base_url: &str) -> Value {
        let data = match self.kind {
            Kind::Post => self.post(base_url),
            Kind::Comment => self.comment(),
        };
        json!({ "kind": self.kind.prefix(), "data": data })
    }

    /// Returns the fields that posts and comments share.
    fn common(&self) -> Value {
        let community = self.pick(3, &self.account.communities);
        let edited = if self.seed_byte(4) < 40 {
            seconds(self.created_seconds + 900)
        } else {
            Value::Bool(false)
        };
        json!({
            "id": self.id(),
            "name": self.fullname(),
            "author": self.account.username,
            "author_fullname": format!("t2_{}", self.account.id),
            "subreddit": community,
            "subreddit_name_prefixed": format!("r/{community}"),
            "subreddit_id": format!("t5_{community}"),
            "score": self.score,
            "ups": self.score,
            "downs": 0,
            "created": seconds(self.created_seconds),
            "created_utc": seconds(self.created_seconds),
            "edited": edited,
            "over_18": false,
            "archived": false,
            "saved": false,
            "stickied": false,
            "likes": true,
            "gilded": 0,
            "distinguished": null,
        })
    }

    fn post(&self, base_url: &str) -> Value {
        let title = self.pick(5, &self.account.titles);
        let community = self.pick(3, &self.account.communities);
        let permalink = format!("/r/{community}/comments/{}/{}/", self.id(), url_slug(title));
        let mut post = self.common();
        let own = json!({
            "title": title,
            "selftext": "",
            "permalink": permalink,
            "url": format!("https://www.reddit.com{permalink}"),
            "domain": format!("self.{community}"),
            "is_self": true,
            "is_video": false,
            "thumbnail": "self",
            "thumbnail_width": null,
            "thumbnail_height": null,
            "upvote_ratio": f64::from(80 + self.seed_byte(6) % 20) / 100.0,
            "num_comments": self.replies,
            "num_crossposts": 0,
            "view_count": null,
            "spoiler": false,
            "locked": false,
            "media": null,
        });
        extend(&mut post, own);
        match self.seed_byte(7) % 5 {
            0 => extend(
                &mut post,
                json!({ "selftext": "Details & photos in the comments. <3" }),
            ),
            1 => extend(&mut post, self.link()),
            _ => extend(&mut post, self.picture(base_url)),
        }
        post
    }

    /// Returns the fields of a link post: no preview, and a keyword as thumbnail.
    fn link(&self) -> Value {
        let url = format!("https://notes.example/{}", self.id());
        json!({ "is_self": false, "url": url, "domain": "notes.example", "thumbnail": "default" })
    }

    fn picture(&self, base_url: &str) -> Value {
        let url = format!("{base_url}/images/{}.png", self.id());
        let size = |width: u32| format!("{url}?width={width}&s={}", self.fullname());
        json!({
            "is_self": false,
            "url": url,
            "domain": "i.redd.it",
            "post_hint": "image",
            "thumbnail": size(140),
            "thumbnail_width": 140,
            "thumbnail_height": 140,
            "preview": { "enabled": true, "images": [{
                "id": self.fullname(),
                "source": { "url": size(800), "width": 800, "height": 800 },
                "resolutions": [{ "url": size(320), "width": 320, "height": 320 }],
            }]},
        })
    }

    fn comment(&self) -> Value {
        let community = self.pick(3, &self.account.communities);
        let title = self.pick(5, &self.account.titles);
        let post = format!("{}{}", self.account.id, base36(self.number));
        let mut comment = self.common();
        let own = json!({
            "body": "Thank you! It took longer than it looks.",
            "body_html": "<div class=\"md\"><p>Thank you! It took longer than it looks.</p></div>",
            "link_id": format!("t3_{post}"),
            "parent_id": format!("t3_{post}"),
            "link_title": title,
            "permalink": format!("/r/{community}/comments/{post}/{}/{}/", url_slug(title), self.id()),
            "replies": "",
            "is_submitter": true,
            "score_hidden": false,
        });
        extend(&mut comment, own);
        comment
    }
}

fn extend(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}

fn base36(mut number: i64) -> String {
    let mut digits = Vec::new();
    while number > 0 {
        digits.extend(
            u32::try_from(number % 36)
                .ok()
                .and_then(|digit| char::from_digit(digit, 36)),
        );
        number /= 36;
    }
    digits.iter().rev().collect()
}

/// Returns a title as it appears in a URL: lower-case words joined by underscores.
fn url_slug(title: &str) -> String {
    let words = title
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    words
        .map(str::to_ascii_lowercase)
        .collect::<Vec<_>>()
        .join("_")
}
