//! What happened to a request, as an [`AdapterError`], and what an error tells the circuit breaker.

use evergrant_outbound::{
    BlockKind, CallError, CallOutcome, NotAdmitted, PictureError, Refusal, RequestError,
};

use super::adapter_error::{AdapterError, Cause, ErrorClass};

impl From<RequestError> for AdapterError {
    fn from(error: RequestError) -> Self {
        let class = match error {
            RequestError::InvalidHeader => ErrorClass::BadRequest,
            RequestError::InvalidRequest | RequestError::PrivateNetwork => ErrorClass::ConfigError,
            RequestError::NotConnected { .. } => ErrorClass::Transient,
            RequestError::NoResponse { .. } | RequestError::Interrupted { .. } => {
                ErrorClass::Unknown
            }
        };
        let cause = match error {
            RequestError::InvalidHeader | RequestError::InvalidRequest => Cause::Answer,
            _ if error.timed_out() => Cause::Timeout,
            _ => Cause::Network,
        };
        let converted = Self::new(class, error.message()).caused_by(cause);
        match error {
            RequestError::NoResponse { .. } => converted,
            RequestError::Interrupted { status, .. } => converted.with_status(status),
            _ => converted.surely_unprocessed(),
        }
    }
}

impl From<NotAdmitted> for AdapterError {
    fn from(error: NotAdmitted) -> Self {
        let class = match error.refusal {
            Refusal::Blocked(BlockKind::Registration) => ErrorClass::ConfigError,
            Refusal::Blocked(BlockKind::Breaker | BlockKind::MassRejection) => {
                ErrorClass::Transient
            }
            Refusal::Blocked(BlockKind::RateLimit)
            | Refusal::AllowanceSpent
            | Refusal::QueueFull
            | Refusal::NoPlaceInTime => ErrorClass::RateLimited,
        };
        Self::new(class, error.message())
            .surely_unprocessed()
            .with_retry_after(Some(error.retry_after_seconds))
    }
}

impl From<PictureError> for AdapterError {
    fn from(error: PictureError) -> Self {
        match error {
            PictureError::Request(error) => error.into(),
            PictureError::PrivateNetwork => {
                let what = "the platform names a picture on a private network";
                Self::new(ErrorClass::ConfigError, what).surely_unprocessed()
            }
            PictureError::NotAnImage { status } => {
                let what = "the platform has no picture that can be passed on";
                status.map_or(Self::new(ErrorClass::Unknown, what), |status| {
                    Self::unread(what, status)
                })
            }
        }
    }
}

impl CallError for AdapterError {
    fn outcome(&self) -> CallOutcome {
        match self.class() {
            ErrorClass::RateLimited => CallOutcome::RateLimited {
                retry_after_seconds: self.retry_after_seconds(),
            },
            ErrorClass::Transient | ErrorClass::Unknown | ErrorClass::Blocked => {
                CallOutcome::Failed
            }
            ErrorClass::ConfigError if self.blames_registration() => {
                CallOutcome::RegistrationRefused
            }
            _ => CallOutcome::Refused,
        }
    }

    fn panicked() -> Self {
        Self::new(ErrorClass::Unknown, "the adapter stopped in the middle").of_ours()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_tells_the_breaker_how_the_call_went() {
        use ErrorClass as C;
        let outcome = |class| AdapterError::new(class, "x").outcome();
        for class in [C::Transient, C::Unknown, C::Blocked] {
            assert_eq!(outcome(class), CallOutcome::Failed, "{class:?}");
        }
        for class in [
            C::TokenExpired,
            C::NeedsReauth,
            C::NeedsUserAction,
            C::ScopeMissing,
            C::BadRequest,
            C::ConfigError,
        ] {
            assert_eq!(outcome(class), CallOutcome::Refused, "{class:?}");
        }
        let config = |code| {
            AdapterError::new(C::ConfigError, "x")
                .with_provider_code(Some(code))
                .outcome()
        };
        assert_eq!(config("invalid_client"), CallOutcome::RegistrationRefused);
        assert_eq!(config("invalid_scope"), CallOutcome::Refused);
        let limited = AdapterError::new(C::RateLimited, "x")
            .with_retry_after(Some(7))
            .outcome();
        assert_eq!(
            limited,
            CallOutcome::RateLimited {
                retry_after_seconds: Some(7)
            }
        );
    }

    #[test]
    fn a_call_that_was_not_admitted_surely_changed_nothing() {
        use BlockKind as B;
        for (refusal, class) in [
            (Refusal::AllowanceSpent, ErrorClass::RateLimited),
            (Refusal::QueueFull, ErrorClass::RateLimited),
            (Refusal::NoPlaceInTime, ErrorClass::RateLimited),
            (Refusal::Blocked(B::RateLimit), ErrorClass::RateLimited),
            (Refusal::Blocked(B::Registration), ErrorClass::ConfigError),
            (Refusal::Blocked(B::Breaker), ErrorClass::Transient),
            (Refusal::Blocked(B::MassRejection), ErrorClass::Transient),
        ] {
            let error = AdapterError::from(NotAdmitted {
                refusal,
                retry_after_seconds: 5,
            });
            assert_eq!(
                (error.class(), error.retry_after_seconds()),
                (class, Some(5)),
                "{refusal:?}"
            );
            assert!(error.is_surely_unprocessed(), "{refusal:?}");
        }
    }
}
