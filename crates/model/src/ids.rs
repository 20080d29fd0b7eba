//! Id newtypes, so that one kind of id cannot be passed in place of another.

/// A text or number is not a valid id. The message describes a valid one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidId(&'static str);

impl InvalidId {
    /// Returns a description of a valid id, suitable for end users.
    #[must_use]
    pub fn expectation(self) -> &'static str {
        self.0
    }
}

/// A user of the host application: a positive 32-bit integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct UserId(i32);

impl UserId {
    /// The description of a valid user id.
    pub const EXPECTATION: &'static str = "a user id is a whole number from 1 to 2147483647";

    /// Returns the id as stored in the database.
    #[must_use]
    pub fn get(self) -> i32 {
        self.0
    }
}

impl TryFrom<i64> for UserId {
    type Error = InvalidId;

    fn try_from(number: i64) -> Result<Self, InvalidId> {
        match i32::try_from(number) {
            Ok(id) if id > 0 => Ok(Self(id)),
            _ => Err(InvalidId(Self::EXPECTATION)),
        }
    }
}

impl std::str::FromStr for UserId {
    type Err = InvalidId;

    /// Accepts digits only: no sign, space or leading zero.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
        let number = text.parse::<i64>().ok().filter(|_| plain);
        number
            .ok_or(InvalidId(Self::EXPECTATION))
            .and_then(Self::try_from)
    }
}

/// A stored connection: the id of its row in `oauth_accounts`. Ids are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct ConnectionId(i32);

impl ConnectionId {
    /// Wraps the id of a row.
    #[must_use]
    pub fn new(number: i32) -> Self {
        Self(number)
    }

    /// Returns the id as stored in the database.
    #[must_use]
    pub fn get(self) -> i32 {
        self.0
    }
}

macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident: $valid:expr, $expectation:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
        pub struct $name(String);

        impl $name {
            /// Validates and wraps `text`.
            ///
            /// # Errors
            ///
            /// [`InvalidId`] with a description of a valid id.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                let valid: fn(&str) -> bool = $valid;
                if valid(&text) { Ok(Self(text)) } else { Err(InvalidId($expectation)) }
            }

            /// Returns the id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }
    )*};
}

/// Returns whether `text` has 1 to `longest` characters and no control characters.
fn printable(text: &str, longest: usize) -> bool {
    !text.is_empty() && text.chars().count() <= longest && !text.chars().any(char::is_control)
}

fn is_slug(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=50).contains(&text.len())
        && text.bytes().all(allowed)
        && text.starts_with(|c: char| c.is_ascii_lowercase())
}

fn is_token(text: &str, longest: usize) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=longest).contains(&text.len()) && text.bytes().all(allowed)
}

text_id! {
    /// A provider, for example `reddit`: its name in routes, settings and the `provider` column.
    ProviderSlug: is_slug, "a provider is up to 50 lower-case letters, digits and hyphens, beginning with a letter";
    /// An account's id at the provider. It is stable, unlike a user name.
    ProviderAccountId: |text| printable(text, 255), "an account id is text of 1 to 255 characters without control characters";
    /// The host application's own id for a user.
    ExternalId: |text| printable(text, 255), "an external id is text of 1 to 255 characters without control characters";
    /// An authorization flow.
    FlowId: |text| is_token(text, 64), "a flow id is up to 64 letters, digits, hyphens and underscores";
    /// The public part of an API key.
    ApiKeyId: |text| is_token(text, 64), "a key id is up to 64 letters, digits, hyphens and underscores";
    /// The public part of a user session token.
    SessionId: |text| is_token(text, 64), "a session id is up to 64 letters, digits, hyphens and underscores";
    /// Correlates the log lines and the response of one request.
    CorrelationId: |text| is_token(text, 64), "a correlation id is up to 64 letters, digits, hyphens and underscores";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_ids_are_positive_and_fit_32_bits() {
        assert_eq!("2147483647".parse::<UserId>().unwrap().get(), i32::MAX);
        for bad in [
            "",
            "0",
            "-1",
            "+1",
            " 1",
            "1 ",
            "01",
            "1.0",
            "2147483648",
            "99999999999999999999",
            "one",
            "٣",
        ] {
            assert!(bad.parse::<UserId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn provider_slugs_are_restricted() {
        assert!(ProviderSlug::new("instagram-login").is_ok());
        for bad in [
            "",
            "Reddit",
            "a b",
            "-a",
            "1a",
            "a/b",
            "a\0",
            &"a".repeat(51),
        ] {
            assert!(ProviderSlug::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn account_ids_accept_any_script_but_no_control_characters() {
        assert!(ProviderAccountId::new("-000sim/Open Id%é").is_ok());
        assert!(ProviderAccountId::new("é".repeat(255)).is_ok());
        for bad in ["", "a\r\nb", "\0", &"é".repeat(256)] {
            assert!(ProviderAccountId::new(bad).is_err(), "{bad:?}");
        }
    }
}
