//! Converts the errors of `evergrant-outbound` to [`AdapterError`], and an [`AdapterError`] to the
//! outcome of a call.

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
            RequestError::InvalidHeader | RequestError::InvalidRequest => Cause::Response,
            _ if error.timed_out() => Cause::Timeout,
            _ => Cause::Network,
        };
        let converted = Self::new(class, error.message()).caused_by(cause);
        match error {
            RequestError::NoResponse { .. } => converted,
            RequestError::Interrupted { status, .. } => converted.with_status(status),
            _ => converted.known_unprocessed(),
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
            | Refusal::RateLimitReached
            | Refusal::QueueFull
            | Refusal::QueueTimeout => ErrorClass::RateLimited,
        };
        Self::new(class, error.message())
            .known_unprocessed()
            .with_retry_after(Some(error.retry_after))
    }
}

impl From<PictureError> for AdapterError {
    fn from(error: PictureError) -> Self {
        match error {
            PictureError::Request(error) => error.into(),
            PictureError::PrivateNetwork => {
                let message = "the picture's address points to a private network";
                Self::new(ErrorClass::ConfigError, message).known_unprocessed()
            }
            PictureError::NotAnImage { status } => {
                let message = "the provider's response is not a supported image";
                status.map_or(Self::new(ErrorClass::Unknown, message), |status| {
                    Self::unreadable(message, status)
                })
            }
        }
    }
}

impl CallError for AdapterError {
    fn outcome(&self) -> CallOutcome {
        match self.class() {
            ErrorClass::RateLimited => CallOutcome::RateLimited {
                retry_after: self.retry_after(),
            },
            // The API is up: it refuses this request.
            ErrorClass::Blocked if self.is_refusal() => CallOutcome::Rejected,
            ErrorClass::Transient | ErrorClass::Unknown | ErrorClass::Blocked => {
                CallOutcome::Failed
            }
            _ => CallOutcome::Rejected,
        }
    }

    fn panicked() -> Self {
        Self::new(ErrorClass::Unknown, "the adapter panicked").internal()
    }
}

#[cfg(test)]
mod tests {
    use evergrant_model::SignedDuration;

    use super::*;

    #[test]
    fn each_class_maps_to_call_outcome() {
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
            assert_eq!(outcome(class), CallOutcome::Rejected, "{class:?}");
        }
        let forbidden = AdapterError::new(C::Blocked, "x").with_status(403);
        assert_eq!(forbidden.outcome(), CallOutcome::Rejected);
        assert_eq!(forbidden.in_web_page(true).outcome(), CallOutcome::Failed);
        let limited = AdapterError::new(C::RateLimited, "x")
            .with_retry_after(Some(SignedDuration::from_secs(7)))
            .outcome();
        assert_eq!(
            limited,
            CallOutcome::RateLimited {
                retry_after: Some(SignedDuration::from_secs(7))
            }
        );
    }

    #[test]
    fn rejected_admission_is_known_unprocessed() {
        use BlockKind as B;
        for (refusal, class) in [
            (Refusal::RateLimitReached, ErrorClass::RateLimited),
            (Refusal::QueueFull, ErrorClass::RateLimited),
            (Refusal::QueueTimeout, ErrorClass::RateLimited),
            (Refusal::Blocked(B::RateLimit), ErrorClass::RateLimited),
            (Refusal::Blocked(B::Registration), ErrorClass::ConfigError),
            (Refusal::Blocked(B::Breaker), ErrorClass::Transient),
            (Refusal::Blocked(B::MassRejection), ErrorClass::Transient),
        ] {
            let error = AdapterError::from(NotAdmitted {
                refusal,
                retry_after: SignedDuration::from_secs(5),
            });
            assert_eq!(
                (error.class(), error.retry_after()),
                (class, Some(SignedDuration::from_secs(5))),
                "{refusal:?}"
            );
            assert!(error.is_known_unprocessed(), "{refusal:?}");
        }
    }
}
