//! What `dev` says once it runs: where everything is, and a line to paste.

use evergrant_service::ProviderSpec;
use secrecy::{ExposeSecret, SecretString};

use super::data_folder::DataFolder;
use crate::failure::Failure;
use crate::output;

/// Where everything is, without a slash at the end.
pub(super) struct Urls {
    pub(super) public: String,
    pub(super) sandbox: String,
    pub(super) admin: Option<String>,
}

/// What there is to say.
pub(super) struct Welcome<'a> {
    pub(super) folder: &'a DataFolder,
    pub(super) urls: &'a Urls,
    pub(super) api_key: &'a SecretString,
    pub(super) simulated: &'a [&'a ProviderSpec],
}

impl Welcome<'_> {
    /// Prints it.
    ///
    /// # Errors
    ///
    /// Where nobody reads.
    pub(super) fn print(&self) -> Result<(), Failure> {
        output::line(format!(
            "Evergrant {} is running, data in {}",
            env!("CARGO_PKG_VERSION"),
            self.folder.shown()
        ))?;
        let rows = self.rows();
        let width = rows
            .iter()
            .map(|(_, url, _)| url.len())
            .max()
            .unwrap_or_default();
        for (label, url, about) in &rows {
            output::line(format!("  {label:<7}  {url:<width$}   {about}"))?;
        }
        let (key, url) = (self.api_key.expose_secret(), &self.urls.public);
        output::line(format!(
            "  try      curl -H 'Authorization: Bearer {key}' -H 'Evergrant-User: 1' {url}/api/integrations/status"
        ))
    }

    fn rows(&self) -> Vec<(&'static str, String, String)> {
        let key = self.api_key.expose_secret();
        let mut rows = vec![
            (
                "console",
                self.urls.public.clone(),
                "signed in as the demo creator; switch to a new user at the top right".to_owned(),
            ),
            (
                "API",
                format!("{}/docs", self.urls.public),
                format!("key {key}  (Ctrl-C stops everything)"),
            ),
            ("sandbox", self.urls.sandbox.clone(), self.played()),
        ];
        rows.extend(
            self.urls
                .admin
                .clone()
                .map(|url| ("health", url, "/healthz and /readyz".to_owned())),
        );
        rows
    }

    fn played(&self) -> String {
        let names: Vec<_> = self
            .simulated
            .iter()
            .map(|spec| spec.name.as_str())
            .collect();
        match names.as_slice() {
            [] => "plays no platform: all have credentials of their own".to_owned(),
            [only] => format!("plays {only}"),
            [first @ .., last] => format!("plays {} and {last}", first.join(", ")),
        }
    }
}
