//! Secret texts: each kind is a type without `Display` and `Serialize`, and its `Debug` prints only
//! the type name.
//!
//! `expose()` is the only way to the text, so that a search for it finds every use of a secret. The
//! memory is wiped on drop.

use secrecy::{ExposeSecret, SecretString};

macro_rules! secret {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(SecretString);

        impl $name {
            /// Wraps `text`.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                Self(SecretString::from(text.into()))
            }

            /// Returns the secret text.
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
    /// An access token for a provider's API.
    AccessToken;
    /// A refresh token (RFC 6749 §1.5).
    RefreshToken;
    /// The secret of a client registration at a provider.
    ClientSecret;
    /// An authorization code (RFC 6749 §4.1.2). It can be exchanged for a token set once.
    AuthorizationCode;
    /// The PKCE code verifier, whose hash is sent with the authorization request (RFC 7636 §4.1).
    PkceVerifier;
    /// The `state` parameter, which binds a callback to its authorization flow (RFC 6749 §10.12).
    FlowState;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_only_the_type_name() {
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
