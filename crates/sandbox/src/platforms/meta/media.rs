//! What an account posted: made up from the account and the time alone, so that the same moment
//! always shows the same media, and later moments show more of them.

use evergrant_model::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Account, days};

const FIRST_POST_ID: i64 = 18_000_000_000_000_000;
const FIRST_STORY_ID: i64 = 18_100_000_000_000_000;
/// Ids of one account lie within so many.
const PER_ACCOUNT: i64 = 1_000_000;
/// No list reaches further back than this.
const LONGEST_LIST: usize = 10_000;
/// How long a story can be seen.
const STORY_LIFE_S: i64 = 86_400;

/// What kind of thing was posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Image,
    Reel,
    Carousel,
    Story,
}

/// One post or story.
pub(crate) struct Medium<'a> {
    pub(crate) account: &'a Account,
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) created_s: i64,
    age_h: i64,
    number: i64,
    dice: [u8; 32],
}

/// Whether an id belongs to something that the account posted.
pub(crate) fn is_of(account: &Account, id: &str) -> bool {
    // A child's id is its album's with a digit behind it.
    let Some(id) = id.get(..17).and_then(|id| id.parse::<i64>().ok()) else {
        return false;
    };
    [FIRST_POST_ID, FIRST_STORY_ID].iter().any(|first| {
        let begin = first + account.number * PER_ACCOUNT;
        (begin..begin + PER_ACCOUNT).contains(&id)
    })
}

/// The posts of an account, the newest first.
pub(crate) fn posts(account: &Account, now: Timestamp) -> Vec<Medium<'_>> {
    let every_s = account.post_every_h * 3600;
    history(account, every_s, now)
        .take(LONGEST_LIST)
        .map(|(number, at_s)| Medium::post(account, number, at_s, now))
        .collect()
}

/// The stories that can be seen now, the newest first.
pub(crate) fn stories(account: &Account, now: Timestamp) -> Vec<Medium<'_>> {
    let now_s = now.unix_ms() / 1000;
    let told = history(account, account.story_every_h * 3600, now);
    let live = told.take_while(|(_, at_s)| now_s - at_s < STORY_LIFE_S);
    live.map(|(number, at_s)| Medium::new(account, Kind::Story, number, at_s, now))
        .collect()
}

/// Number and time of what was posted, backwards.
fn history(account: &Account, every_s: i64, now: Timestamp) -> impl Iterator<Item = (i64, i64)> {
    let now_s = now.unix_ms() / 1000;
    let created = account.created;
    (1..=(now_s - created).max(0) / every_s)
        .rev()
        .map(move |number| (number, created + number * every_s))
}

impl<'a> Medium<'a> {
    fn post(account: &'a Account, number: i64, at_s: i64, now: Timestamp) -> Self {
        let kind = match number % 5 {
            0 | 3 => Kind::Reel,
            2 => Kind::Carousel,
            _ => Kind::Image,
        };
        Self::new(account, kind, number, at_s, now)
    }

    fn new(account: &'a Account, kind: Kind, number: i64, created_s: i64, now: Timestamp) -> Self {
        let first = if kind == Kind::Story {
            FIRST_STORY_ID
        } else {
            FIRST_POST_ID
        };
        let id = (first + account.number * PER_ACCOUNT + number).to_string();
        let dice = Sha256::digest(&id).into();
        let age_h = (now.unix_ms() / 1000 - created_s).max(0) / 3600;
        Self {
            account,
            id,
            kind,
            created_s,
            age_h,
            number,
            dice,
        }
    }

    fn die(&self, at: usize) -> i64 {
        self.dice.get(at).copied().map_or(0, i64::from)
    }

    /// A count that grows while the thing is young; `share` is in thousandths of the followers.
    fn count(&self, die: usize, share: i64) -> i64 {
        let followers = self.account.followers(self.created_s).max(20);
        followers * share * (128 + self.die(die)) / 256_000 * self.age_h / (self.age_h + 10)
    }

    /// How often this was done with it.
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
            "ig_reels_avg_watch_time" => 4200 + self.die(9) * 30,
            "ig_reels_video_view_total_time" => views * (4200 + self.die(9) * 30),
            "reels_skip_rate" => 20 + self.die(10) % 40,
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

    /// Every field of the node. What does not apply is not there, rather than null.
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
            "timestamp": days::written(self.created_s),
            "username": self.account.username,
            "comments_count": self.metric("comments"),
        });
        if let Some(fields) = node.as_object_mut() {
            let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
            self.put_what_may_be_missing(&mut put, base_url);
            if !is_login {
                self.put_totals(&mut put);
            }
        }
        node
    }

    fn put_what_may_be_missing(
        &self,
        put: &mut impl FnMut(&str, Value) -> Option<Value>,
        base_url: &str,
    ) {
        let at = usize::try_from(self.number).unwrap_or_default();
        let caption = self
            .account
            .captions
            .get(at % self.account.captions.len().max(1));
        if let Some(caption) = caption.filter(|_| self.number % 6 != 1 && self.kind != Kind::Story)
        {
            put("caption", json!(caption));
        }
        if !self.account.hides_likes {
            put("like_count", json!(self.metric("likes")));
        }
        // Music that somebody else owns: the file is withheld.
        if self.kind != Kind::Reel || self.number % 10 != 0 {
            put("media_url", json!(self.file(base_url, &self.id)));
        }
        if self.kind == Kind::Reel {
            put(
                "thumbnail_url",
                json!(self.file(base_url, &format!("{}t", self.id))),
            );
        }
        if self.kind == Kind::Carousel {
            let children = (1..=3).map(|nth| self.child(base_url, nth));
            put("children", json!({ "data": children.collect::<Vec<_>>() }));
        }
    }

    fn put_totals(&self, put: &mut impl FnMut(&str, Value) -> Option<Value>) {
        let totals = [
            ("saved_count", "saved"),
            ("shares_count", "shares"),
            ("reposts_count", "reposts"),
            ("total_like_count", "likes"),
            ("total_comments_count", "comments"),
            ("total_views_count", "views"),
        ];
        for (field, metric) in totals {
            put(field, json!(self.metric(metric)));
        }
    }

    /// One picture of an album: it has no permalink, and never any insights.
    pub(crate) fn child(&self, base_url: &str, nth: i64) -> Value {
        let id = format!("{}{nth}", self.id);
        json!({ "id": id, "media_type": "IMAGE", "media_url": self.file(base_url, &id), "timestamp": days::written(self.created_s) })
    }

    /// A signed address with an end.
    fn file(&self, base_url: &str, name: &str) -> String {
        let ends = self.created_s + (self.age_h / 24 + 4) * 86_400;
        format!("{base_url}/images/{name}.png?_nc_ht=sim&oe={ends:x}")
    }
}
