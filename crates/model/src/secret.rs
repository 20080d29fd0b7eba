//! Texts that must never be seen: each kind is a type without `Display`, `Serialize` or a telling
//! `Debug`.
//!
//! The one way to the text is `expose()`, so that a search for that word is the audit of where
//! secrets go. The memory is wiped on drop.

use secrecy::{ExposeSecret, SecretString};

macro_rules! secret {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(SecretString);

        impl $name {
            /// Takes `text` out of circulation.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                Self(SecretString::from(text.into()))
            }

            /// The text itself, for as long as the caller needs it and no longer.
            #[must_use]
            pub fn expose(&self) -> &str {
                self.0.expose_secret()
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

secret! {
    /// What an app presents to a platform's API.
    AccessToken;
    /// What buys a new access token. For platforms without one this is absent.
    RefreshToken;
    /// The secret half of a client registration at a platform.
    ClientSecret;
    /// The code that a platform hands to the callback; it buys the first token set, once.
    AuthorizationCode;
    /// The random text whose hash went out with the authorization request (RFC 7636 §4.1).
    PkceVerifier;
    /// The random text that ties a callback to the flow that began it (RFC 6749 §10.12).
    FlowState;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_kind_and_never_the_text() {
        let shown = format!(
            "{:?} {:?} {:?} {:?} {:?} {:?}",
            AccessToken::new("hush"),
            RefreshToken::new("hush"),
            ClientSecret::new("hush"),
            AuthorizationCode::new("hush"),
            PkceVerifier::new("hush"),
            FlowState::new("hush"),
        );
        assert_eq!(
            shown,
            "AccessToken RefreshToken ClientSecret AuthorizationCode PkceVerifier FlowState"
        );
    }
}
