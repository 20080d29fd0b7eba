//! What a person posted and commented: made up from the account and the time alone, so that the
//! same moment always shows the same history, and later moments show more of it.

use evergrant_model::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::account::{Account, seconds};

/// No listing reaches further back than this.
const LONGEST_LISTING: i64 = 1000;

/// Whether a thing is a post or a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Post,
    Comment,
}

impl Kind {
    /// As fullnames begin.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Post => "t3",
            Self::Comment => "t1",
        }
    }
}

/// One post or comment.
pub(super) struct Thing<'a> {
    account: &'a Account,
    kind: Kind,
    /// 1 for the account's first.
    number: i64,
    pub(super) created_s: i64,
    pub(super) score: i64,
    pub(super) replies: i64,
    /// Drawn once for this thing; decides everything that does not depend on the time.
    dice: [u8; 32],
}

/// The newest things of an account, the newest first.
pub(super) fn newest(account: &Account, kind: Kind, now: Timestamp) -> Vec<Thing<'_>> {
    let now_s = now.unix_ms() / 1000;
    let every_s = account.posts_every_h * 3600;
    let so_far = (now_s - account.created).max(0) / every_s;
    let things = (1..=so_far)
        .rev()
        .map(|number| Thing::new(account, kind, number, every_s, now_s));
    things
        .filter(|thing| thing.created_s <= now_s)
        .take(usize::try_from(LONGEST_LISTING).unwrap_or_default())
        .collect()
}

impl<'a> Thing<'a> {
    fn new(account: &'a Account, kind: Kind, number: i64, every_s: i64, now_s: i64) -> Self {
        let dice: [u8; 32] =
            Sha256::digest(format!("{}/{}/{number}", account.id, kind.prefix())).into();
        let [early, luck, .., talk, noise] = dice.map(i64::from);
        let created_s = account.created + number * every_s + early * every_s / 512;
        let age_h = (now_s - created_s).max(0) / 3600;
        let peak = if luck > 250 { 900 + luck * 5 } else { 4 + luck };
        // Half of the votes come in the first half day; the last digit is never to be trusted.
        let fuzz = (age_h + noise) % 3 - 1;
        let score = (1 + peak * age_h / (age_h + 12) + fuzz).max(0);
        let replies = talk % 24 * age_h / (age_h + 18);
        Self {
            account,
            kind,
            number,
            created_s,
            score,
            replies,
            dice,
        }
    }

    /// The fullname, as in `t3_sim9z4f`.
    pub(super) fn fullname(&self) -> String {
        format!("{}_{}", self.kind.prefix(), self.id())
    }

    fn id(&self) -> String {
        format!("{}{}", self.account.id, base36(self.number))
    }

    /// One of `choices`, always the same for this thing.
    fn pick<'t>(&self, die: usize, choices: &'t [String]) -> &'t str {
        let die = self.dice.get(die).copied().map_or(0, usize::from);
        choices
            .get(die % choices.len().max(1))
            .map_or("", String::as_str)
    }

    fn die(&self, die: usize) -> u8 {
        self.dice.get(die).copied().unwrap_or_default()
    }

    /// As it stands in a listing's `children`.
    pub(super) fn child(&self, base_url: &str) -> Value {
        let data = match self.kind {
            Kind::Post => self.post(base_url),
            Kind::Comment => self.comment(),
        };
        json!({ "kind": self.kind.prefix(), "data": data })
    }

    /// What posts and comments have in common.
    fn common(&self) -> Value {
        let community = self.pick(3, &self.account.communities);
        let edited = if self.die(4) < 40 {
            seconds(self.created_s + 900)
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
            "created": seconds(self.created_s),
            "created_utc": seconds(self.created_s),
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
        let permalink = format!(
            "/r/{community}/comments/{}/{}/",
            self.id(),
            in_address(title)
        );
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
            "upvote_ratio": f64::from(80 + self.die(6) % 20) / 100.0,
            "num_comments": self.replies,
            "num_crossposts": 0,
            "view_count": null,
            "spoiler": false,
            "locked": false,
            "media": null,
        });
        extend(&mut post, own);
        match self.die(7) % 5 {
            0 => extend(
                &mut post,
                json!({ "selftext": "Details & photos in the comments. <3" }),
            ),
            1 => extend(&mut post, self.link()),
            _ => extend(&mut post, self.picture(base_url)),
        }
        post
    }

    /// A link elsewhere: no preview, and a thumbnail that is a word.
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
            "permalink": format!("/r/{community}/comments/{post}/{}/{}/", in_address(title), self.id()),
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

/// A title as it appears in an address: words in lower case, joined by underscores.
fn in_address(title: &str) -> String {
    let words = title
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    words
        .map(str::to_ascii_lowercase)
        .collect::<Vec<_>>()
        .join("_")
}
