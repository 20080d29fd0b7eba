#![doc = include_str!("../README.md")]

/// A `Debug` that names the type and tells nothing of what it holds.
macro_rules! opaque_debug {
    ($($name:ident),*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

mod check;
mod cipher;
pub mod digest;
mod key;
mod ring;
mod token;

pub use cipher::{CipherError, TokenCipher};
pub use key::{EncryptionKey, KeyError};
pub use ring::{KeyRing, parse_previous_keys};
pub use token::EncryptedToken;
