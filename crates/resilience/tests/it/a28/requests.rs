//! Requests in transit to the platform and their responses.

use super::dice::Dice;
use super::platform::{Platform, Redeemed, Tokens};
use evergrant_resilience::refresh::attempt::{Failure, Verdict};

/// What happens to a request in transit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Delivered,
    /// The platform processes it, and its response is lost.
    ResponseLost,
    /// It is lost before it arrives, without an error.
    Lost,
    /// The connection fails.
    NotConnected,
    /// The platform rejects it with status 429.
    Limited,
    /// The platform responds with status 500, before or after it processed the request.
    Failed {
        acted: bool,
    },
}

/// Longest time between sending and processing, in milliseconds. No rule could protect against a
/// request that is processed after its lease has expired.
const SLOWEST_MS: i64 = 4_000;

pub(crate) struct Request {
    pub(crate) refresh: u32,
    pub(crate) generation: i64,
    pub(crate) sent_at_ms: i64,
    processed_at_ms: Option<i64>,
    /// When the sender receives the response; `None` if it never does.
    pub(crate) received_at_ms: Option<i64>,
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
            0..=5 => Fate::Delivered,
            6 | 7 => Fate::ResponseLost,
            8 => Fate::Lost,
            9 | 10 => Fate::NotConnected,
            11 => Fate::Limited,
            12 => Fate::Failed { acted: true },
            _ => Fate::Failed { acted: false },
        };
        let acts = matches!(
            fate,
            Fate::Delivered | Fate::ResponseLost | Fate::Failed { acted: true }
        );
        let processed_at_ms = acts.then(|| now_ms + dice.below(SLOWEST_MS));
        let responds = !matches!(fate, Fate::ResponseLost | Fate::Lost);
        let received_at_ms =
            responds.then(|| processed_at_ms.unwrap_or(now_ms) + dice.below(8_000));
        Self {
            refresh,
            generation,
            sent_at_ms: now_ms,
            processed_at_ms,
            received_at_ms,
            fate,
            redeemed: None,
        }
    }

    /// Returns when the platform processes it; `None` if it has already or never will.
    pub(crate) fn will_be_processed_at(&self) -> Option<i64> {
        self.processed_at_ms.filter(|_| self.redeemed.is_none())
    }

    /// The sender ends, which closes its connection: the platform processes the request now or
    /// never. No rule could protect against one that it processes after the lease was taken over.
    pub(crate) fn close(&mut self, dice: &Dice, platform: &mut Platform, now_ms: i64) {
        if self.will_be_processed_at().is_some() {
            self.processed_at_ms = None;
            if dice.one_in(2) {
                self.act(platform, now_ms);
            }
        }
    }

    /// Delays the processing of this request until after that of an earlier one: the platform
    /// processes requests of one grant in the order in which they were sent.
    pub(crate) fn follow(&mut self, at_ms: i64) {
        self.processed_at_ms = self.processed_at_ms.map(|own| own.max(at_ms));
        self.received_at_ms = self.received_at_ms.map(|own| own.max(at_ms));
    }

    pub(crate) fn act(&mut self, platform: &mut Platform, at_ms: i64) -> Redeemed {
        *self.redeemed.insert(platform.redeem(self.refresh, at_ms))
    }

    /// Returns whether the sender must assume that the platform may have processed it.
    pub(crate) fn may_be_processed(&self) -> bool {
        !matches!(self.fate, Fate::NotConnected | Fate::Limited)
    }

    /// Returns the result that the sender sees.
    pub(crate) fn response(&self) -> Result<Tokens, Failure> {
        let failure = |verdict, unprocessed| Failure {
            verdict,
            unprocessed,
            pending: false,
            confirm: false,
            wait_ms: None,
        };
        match (self.fate, self.redeemed) {
            (Fate::Delivered, Some(Redeemed::Issued(pair))) => Ok(pair),
            (Fate::Delivered, _) => Err(failure(Verdict::Terminal, false)),
            (Fate::NotConnected, _) => Err(failure(Verdict::Transient, true)),
            (Fate::Limited, _) => Err(failure(Verdict::RateLimited, true)),
            (Fate::ResponseLost | Fate::Lost | Fate::Failed { .. }, _) => {
                Err(failure(Verdict::Unknown, false))
            }
        }
    }
}
