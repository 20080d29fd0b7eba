//! What is on its way to the platform and back.

use super::dice::Dice;
use super::platform::{Pair, Platform, Redeemed};
use evergrant_resilience::refresh::attempt::{Failure, Verdict};

/// What becomes of a request on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    /// The platform acts, and its answer never arrives.
    AnswerLost,
    /// It never arrives, and nobody learns of it.
    Lost,
    /// No connection comes about.
    NotConnected,
    /// 429.
    Limited,
    /// 500, before or after the platform acted.
    Failed {
        acted: bool,
    },
}

/// How long after the sending a platform may still act. A request that acts later than any lease
/// lasts is beyond what anybody could guard against.
const SLOWEST_MS: i64 = 4_000;

pub(crate) struct Request {
    pub(crate) refresh: u32,
    pub(crate) generation: i64,
    pub(crate) sent_at_ms: i64,
    acts_at_ms: Option<i64>,
    /// When the sender hears of it, unless it does not.
    pub(crate) heard_at_ms: Option<i64>,
    fate: Fate,
    redeemed: Option<Redeemed>,
}

impl Request {
    pub(crate) fn new(
        dice: &Dice,
        faults: bool,
        refresh: u32,
        generation: i64,
        now_ms: i64,
    ) -> Self {
        let fate = match dice.below(if faults { 14 } else { 1 }) {
            0..=5 => Fate::Answered,
            6 | 7 => Fate::AnswerLost,
            8 => Fate::Lost,
            9 | 10 => Fate::NotConnected,
            11 => Fate::Limited,
            12 => Fate::Failed { acted: true },
            _ => Fate::Failed { acted: false },
        };
        let acts = matches!(
            fate,
            Fate::Answered | Fate::AnswerLost | Fate::Failed { acted: true }
        );
        let acts_at_ms = acts.then(|| now_ms + dice.below(SLOWEST_MS));
        let heard = !matches!(fate, Fate::AnswerLost | Fate::Lost);
        let heard_at_ms = heard.then(|| acts_at_ms.unwrap_or(now_ms) + dice.below(8_000));
        Self {
            refresh,
            generation,
            sent_at_ms: now_ms,
            acts_at_ms,
            heard_at_ms,
            fate,
            redeemed: None,
        }
    }

    /// When the platform acts on it, if it has not yet.
    pub(crate) fn will_act_at(&self) -> Option<i64> {
        self.acts_at_ms.filter(|_| self.redeemed.is_none())
    }

    pub(crate) fn act(&mut self, platform: &mut Platform, at_ms: i64) -> Redeemed {
        *self.redeemed.insert(platform.redeem(self.refresh, at_ms))
    }

    /// Whether a sender could think that the platform acted on it.
    pub(crate) fn may_have_acted(&self) -> bool {
        !matches!(self.fate, Fate::NotConnected | Fate::Limited)
    }

    /// What the sender hears.
    pub(crate) fn answer(&self) -> Result<Pair, Failure> {
        let failure = |verdict, unprocessed| Failure {
            verdict,
            unprocessed,
            confirm: false,
            wait_ms: None,
        };
        match (self.fate, self.redeemed) {
            (Fate::Answered, Some(Redeemed::Pair(pair))) => Ok(pair),
            (Fate::Answered, _) => Err(failure(Verdict::Terminal, false)),
            (Fate::NotConnected, _) => Err(failure(Verdict::Transient, true)),
            (Fate::Limited, _) => Err(failure(Verdict::RateLimited, true)),
            (Fate::AnswerLost | Fate::Lost | Fate::Failed { .. }, _) => {
                Err(failure(Verdict::Unknown, false))
            }
        }
    }
}
