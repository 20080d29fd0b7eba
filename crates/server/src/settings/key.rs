//! The names of all settings, in the environment and in `evergrant.toml`.

/// The names of one setting.
pub(super) struct Key {
    /// Environment variable.
    pub(super) env: &'static str,
    /// Section of the file.
    pub(super) section: &'static str,
    /// Key in the section.
    pub(super) name: &'static str,
}

macro_rules! keys {
    ($($key:ident = $env:literal, $section:ident.$name:ident;)*) => {
        $(pub(super) const $key: Key = Key { env: $env, section: stringify!($section), name: stringify!($name) };)*

        /// All settings that `evergrant.toml` may contain, by section.
        pub(super) const ALL: &[Key] = &[$($key),*];
    };
}

keys! {
    LISTEN = "EVERGRANT_LISTEN", server.listen;
    ADMIN_LISTEN = "EVERGRANT_ADMIN_LISTEN", server.admin_listen;
    PUBLIC_URL = "EVERGRANT_PUBLIC_URL", server.public_url;
    ALLOWED_REDIRECTS = "EVERGRANT_ALLOWED_REDIRECTS", server.allowed_redirects;
    ALLOWED_ORIGINS = "EVERGRANT_ALLOWED_ORIGINS", server.allowed_origins;
    SHUTDOWN_DELAY = "EVERGRANT_SHUTDOWN_DELAY", server.shutdown_delay;
    APP_NAME = "EVERGRANT_APP_NAME", app.name;
    APP_LOGO = "EVERGRANT_APP_LOGO", app.logo;
    DATABASE_URL = "DATABASE_URL", database.url;
    DATABASE_DIRECT_URL = "DATABASE_DIRECT_URL", database.direct_url;
    ENCRYPTION_KEY = "TOKEN_ENCRYPTION_KEY", encryption.key;
    ENCRYPTION_KEYS_PREVIOUS = "TOKEN_ENCRYPTION_KEYS_PREVIOUS", encryption.keys_previous;
    FLOW_TTL = "EVERGRANT_FLOW_TTL", flows.ttl;
    REFRESH_CONCURRENCY = "EVERGRANT_REFRESH_CONCURRENCY", refresh.concurrency;
    REFRESH_MARGIN = "EVERGRANT_REFRESH_MARGIN", refresh.margin;
    DATA_DIR = "EVERGRANT_DATA_DIR", refresh.data_dir;
    LOG_FORMAT = "EVERGRANT_LOG", log.format;
}

/// Variable with the path of the settings file. Default: `evergrant.toml` in the working directory.
pub(super) const CONFIG: &str = "EVERGRANT_CONFIG";
/// Variable with the filter of log messages.
pub(super) const LOG_FILTER: &str = "RUST_LOG";
/// Variable with the address of the simulated platforms of `dev` and `sandbox`.
pub(super) const SANDBOX_LISTEN: &str = "EVERGRANT_SANDBOX_LISTEN";

/// Variable that is used if `TOKEN_ENCRYPTION_KEY` is not set.
pub(super) const SECOND_ENCRYPTION_KEY: &str = "DATA_ENCRYPTION_KEY";

/// Settings without a key in the file.
pub(super) const ENVIRONMENT_ONLY: [&str; 4] =
    [CONFIG, LOG_FILTER, SANDBOX_LISTEN, SECOND_ENCRYPTION_KEY];
