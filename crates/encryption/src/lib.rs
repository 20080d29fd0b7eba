#![doc = include_str!("../README.md")]

/// Implements `Debug` so that it prints only the type name.
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
mod key_ring;
mod token;

pub use cipher::{CipherError, TokenCipher};
pub use key::{EncryptionKey, KeyError};
pub use key_ring::{KeyRing, parse_previous_keys};
pub use token::EncryptedToken;
