//! Enums whose variants are stored and transmitted as fixed strings.

/// Defines an enum together with the word of each variant.
///
/// The enum derives `Debug`, `Clone`, `Copy`, `PartialEq`, `Eq` and `Hash`, and has `ALL` (every
/// variant) and `WORDS` (every word) in declaration order, `as_str` (the word), `parse` (the
/// variant of a word, `None` for an unknown one) and `Display` (the word). Attributes such as
/// `#[non_exhaustive]` or further derives go before `enum`. `: Serialize`, or `: Serialize,
/// Deserialize`, after the name adds the serde traits, which use the words as well.
///
/// ```
/// evergrant_model::string_enum! {
///     /// The state of a door.
///     pub enum Door: Serialize, Deserialize {
///         /// It can be passed.
///         Open = "open",
///         /// It cannot be passed.
///         Shut = "shut",
///     }
/// }
/// assert_eq!(Door::parse("shut"), Some(Door::Shut));
/// assert_eq!(Door::parse("Shut"), None);
/// assert_eq!(Door::Open.to_string(), "open");
/// assert_eq!(Door::ALL, [Door::Open, Door::Shut]);
/// assert_eq!(serde_json::to_string(&Door::Open).unwrap(), "\"open\"");
/// assert_eq!(serde_json::from_str::<Door>("\"shut\"").unwrap(), Door::Shut);
/// assert!(serde_json::from_str::<Door>("\"ajar\"").is_err());
/// ```
#[macro_export]
macro_rules! string_enum {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $name:ident $(: $($serde:ident),+)? {
            $($(#[$variant_attribute:meta])* $variant:ident = $word:literal),+ $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        $visibility enum $name {
            $($(#[$variant_attribute])* $variant,)+
        }

        impl $name {
            /// Every variant, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word of every variant, in declaration order.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// Returns the word of this variant, as stored in rows and sent in messages.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// Returns the variant of `word`; `None` for an unknown word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        $($($crate::string_enum!(@$serde $name);)+)?
    };
    (@Serialize $name:ident) => {
        impl $crate::__serde::Serialize for $name {
            fn serialize<S: $crate::__serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
    (@Deserialize $name:ident) => {
        impl<'de> $crate::__serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::__serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <String as $crate::__serde::Deserialize>::deserialize(deserializer)?;
                Self::parse(&word).ok_or_else(|| {
                    <D::Error as $crate::__serde::de::Error>::unknown_variant(&word, Self::WORDS)
                })
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use crate::{ConnectionStatus, ErrorCode, EventKind, Revocation, StatusReason};

    fn assert_words_read_back<T: Copy + PartialEq + std::fmt::Debug>(
        all: &[T],
        word: fn(T) -> &'static str,
        parse: fn(&str) -> Option<T>,
    ) {
        for variant in all {
            assert_eq!(parse(word(*variant)), Some(*variant));
        }
        assert_eq!(parse(""), None);
        assert_eq!(parse("no such word"), None);
    }

    #[test]
    fn every_word_round_trips() {
        assert_words_read_back(ErrorCode::ALL, ErrorCode::as_str, ErrorCode::parse);
        assert_words_read_back(
            ConnectionStatus::ALL,
            ConnectionStatus::as_str,
            ConnectionStatus::parse,
        );
        assert_words_read_back(StatusReason::ALL, StatusReason::as_str, StatusReason::parse);
        assert_words_read_back(Revocation::ALL, Revocation::as_str, Revocation::parse);
        assert_words_read_back(EventKind::ALL, EventKind::as_str, EventKind::parse);
    }
}
