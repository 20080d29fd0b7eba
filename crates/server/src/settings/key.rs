//! Every setting of the program by its names, in the environment and in `evergrant.toml`.

/// A setting's two names.
pub(super) struct Key {
    /// In the environment.
    pub(super) env: &'static str,
    /// Its section of the file.
    pub(super) section: &'static str,
    /// In that section.
    pub(super) name: &'static str,
}

macro_rules! keys {
    ($($key:ident = $env:literal, $section:ident.$name:ident;)*) => {
        $(pub(super) const $key: Key = Key { env: $env, section: stringify!($section), name: stringify!($name) };)*

        /// Every setting that `evergrant.toml` may hold, by section.
        pub(super) const ALL: &[Key] = &[$($key),*];
    };
}

keys! {
    LISTEN = "EVERGRANT_LISTEN", server.listen;
    ADMIN_LISTEN = "EVERGRANT_ADMIN_LISTEN", server.admin_listen;
    PUBLIC_URL = "EVERGRANT_PUBLIC_URL", server.public_url;
    ALLOWED_REDIRECTS = "EVERGRANT_ALLOWED_REDIRECTS", server.allowed_redirects;
    ALLOWED_ORIGINS = "EVERGRANT_ALLOWED_ORIGINS", server.allowed_origins;
    DATABASE_URL = "DATABASE_URL", database.url;
    ENCRYPTION_KEY = "TOKEN_ENCRYPTION_KEY", encryption.key;
    ENCRYPTION_KEYS_PREVIOUS = "TOKEN_ENCRYPTION_KEYS_PREVIOUS", encryption.keys_previous;
    FLOW_TTL = "EVERGRANT_FLOW_TTL", flows.ttl;
    REFRESH_CONCURRENCY = "EVERGRANT_REFRESH_CONCURRENCY", refresh.concurrency;
    REFRESH_MARGIN = "EVERGRANT_REFRESH_MARGIN", refresh.margin;
    DATA_DIR = "EVERGRANT_DATA_DIR", refresh.data_dir;
    LOG_FORMAT = "EVERGRANT_LOG", log.format;
}

/// The settings file; `evergrant.toml` in the working directory unless set.
pub(super) const CONFIG: &str = "EVERGRANT_CONFIG";
/// Which messages are logged.
pub(super) const LOG_FILTER: &str = "RUST_LOG";
/// Where the simulator listens, for `dev` and `sandbox`.
pub(super) const SANDBOX_LISTEN: &str = "EVERGRANT_SANDBOX_LISTEN";

/// Takes the place of `TOKEN_ENCRYPTION_KEY` where that is not set.
pub(super) const SECOND_ENCRYPTION_KEY: &str = "DATA_ENCRYPTION_KEY";

/// The settings that only the environment may hold.
#[cfg(test)]
pub(super) const ENVIRONMENT_ONLY: [&str; 4] =
    [CONFIG, LOG_FILTER, SANDBOX_LISTEN, SECOND_ENCRYPTION_KEY];
