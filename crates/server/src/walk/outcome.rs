//! What happened last, told from the address that the visitor came back with. Nothing of it is shown as it stands: each
//! known word has a sentence, and every other is passed over.

use evergrant_adapters::Registry;
use evergrant_model::{ErrorCode, ProviderSlug, Revocation};

use super::Asked;

/// A sentence, and whether it is good news.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) is_good: bool,
    pub(super) sentence: String,
}

impl Outcome {
    /// The outcome that an address tells of, if it tells of one.
    pub(super) fn read(asked: &Asked, registry: &Registry) -> Option<Self> {
        let slug = asked.integration.as_deref().and_then(|text| ProviderSlug::new(text).ok());
        let spec = slug.and_then(|slug| registry.platform(&slug));
        let name = spec.as_ref().map_or("The platform", |adapter| adapter.spec().name.as_str());
        Some(match asked.status.as_deref()? {
            "connected" => {
                Self::good(format!("Connected. The tokens of {name} are stored encrypted, and renewed in time."))
            }
            "renewed" => Self::good("Renewed. The next reader gets the new token.".to_owned()),
            "disconnected" => Self::good(goodbye(asked.revocation.as_deref(), name)),
            "error" => Self { is_good: false, sentence: trouble(asked.code.as_deref(), name) },
            _ => return None,
        })
    }

    fn good(sentence: String) -> Self {
        Self { is_good: true, sentence }
    }
}

fn goodbye(revocation: Option<&str>, name: &str) -> String {
    match revocation.and_then(Revocation::parse) {
        Some(Revocation::Revoked) => format!("Disconnected. {name} has confirmed that access has ended."),
        Some(Revocation::Pending) => format!("Disconnected here. {name} has not confirmed yet; we keep asking."),
        _ => format!("Disconnected here, and the tokens are deleted. Access at {name} can only be ended there."),
    }
}

fn trouble(code: Option<&str>, name: &str) -> String {
    match code.and_then(ErrorCode::parse) {
        Some(ErrorCode::OauthDenied) => "You did not allow access, so nothing was connected.".to_owned(),
        Some(ErrorCode::AccountAlreadyConnected) => {
            "That account belongs to another user, so nothing was changed.".to_owned()
        }
        Some(ErrorCode::InvalidState) => {
            "That sign-in took too long or was used already. Please begin it again.".to_owned()
        }
        Some(ErrorCode::ReconnectRequired) => {
            format!("{name} no longer accepts this connection. Please connect it again.")
        }
        Some(ErrorCode::RateLimitError) => {
            format!("{name} asks us to slow down. Nothing is lost; try again in a while.")
        }
        Some(ErrorCode::AccountNotFound) => "That account is not connected any more.".to_owned(),
        Some(ErrorCode::TimeoutError | ErrorCode::NetworkError | ErrorCode::ProviderUnavailable) => {
            format!("{name} could not be reached. Nothing is lost; try again in a while.")
        }
        Some(code) => format!("That did not work ({code}). Nothing is lost; the log says more."),
        None => "That did not work. Nothing is lost; the log says more.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use evergrant_adapters::{HttpClient, HttpLimits, NetworkPolicy};
    use evergrant_model::SystemClock;

    use super::*;

    fn told(status: &str, code: Option<&str>, integration: &str) -> Option<Outcome> {
        let http = HttpClient::new(HttpLimits::default()).unwrap();
        let registry = Registry::new(http, Arc::new(SystemClock), &|_| None, Vec::new(), NetworkPolicy::default());
        let asked = Asked {
            status: Some(status.to_owned()),
            code: code.map(str::to_owned),
            integration: Some(integration.to_owned()),
            ..Asked::default()
        };
        Outcome::read(&asked, &registry.unwrap())
    }

    #[test]
    fn names_the_platform_that_it_knows() {
        let outcome = told("connected", None, "reddit").unwrap();
        assert!(outcome.is_good && outcome.sentence.contains("Reddit"), "{outcome:?}");
        assert!(!told("error", Some("OAUTH_DENIED"), "reddit").unwrap().is_good);
    }

    #[test]
    fn repeats_nothing_of_the_address() {
        assert_eq!(told("<script>", None, "reddit"), None);
        for (status, code, integration) in [
            ("error", Some("<script>"), "reddit"),
            ("error", Some("INVALID_CODE"), "evil"),
            ("connected", None, "<script>"),
        ] {
            let sentence = told(status, code, integration).unwrap().sentence;
            assert!(!sentence.contains("script") && !sentence.contains("evil"), "{sentence}");
        }
    }
}
