//! The text that `dev` prints after the start: the URLs of its parts, and a `curl` command.

use evergrant_service::{ProviderSpec, PublicUrl};
use secrecy::{ExposeSecret, SecretString};

use super::data_folder::DataFolder;
use super::listeners::Urls;
use crate::failure::Failure;
use crate::output;

/// The facts that the text contains.
pub(super) struct Welcome<'a> {
    pub(super) folder: &'a DataFolder,
    pub(super) public_url: &'a PublicUrl,
    pub(super) urls: &'a Urls,
    pub(super) api_key: &'a SecretString,
    /// Platforms that the sandbox simulates.
    pub(super) simulated: &'a [&'a ProviderSpec],
}

impl Welcome<'_> {
    /// Prints the text to standard output.
    ///
    /// # Errors
    ///
    /// A failure if standard output cannot be written.
    pub(super) fn print(&self) -> Result<(), Failure> {
        output::print_line(format!(
            "Evergrant {} is running, data in {}",
            env!("CARGO_PKG_VERSION"),
            self.folder.description()
        ))?;
        let rows = self.rows();
        let width = rows
            .iter()
            .map(|row| row.url.len())
            .max()
            .unwrap_or_default();
        for Row { label, url, note } in &rows {
            output::print_line(format!("  {label:<7}  {url:<width$}   {note}"))?;
        }
        let key = self.api_key.expose_secret();
        let url = self.public_url.join("/api/integrations/status");
        output::print_line(format!(
            "  try      curl -H 'Authorization: Bearer {key}' -H 'Evergrant-User: 1' {url}"
        ))
    }

    fn rows(&self) -> Vec<Row> {
        let key = self.api_key.expose_secret();
        let row = |label, url, note: &str| Row {
            label,
            url,
            note: note.to_owned(),
        };
        let mut rows = vec![
            row(
                "console",
                self.public_url.to_string(),
                "signed in as the demo creator; switch to a new user at the top right",
            ),
            row(
                "API",
                self.public_url.join("/docs"),
                &format!("key {key}  (Ctrl-C stops everything)"),
            ),
            row(
                "sandbox",
                self.urls.sandbox.clone(),
                &self.simulated_names(),
            ),
        ];
        let admin = self.urls.admin.clone();
        rows.extend(admin.map(|url| row("health", url, "/healthz and /readyz")));
        rows
    }

    fn simulated_names(&self) -> String {
        let names: Vec<_> = self
            .simulated
            .iter()
            .map(|spec| spec.name.as_str())
            .collect();
        match names.as_slice() {
            [] => "simulates no platform: credentials are set for all of them".to_owned(),
            [only] => format!("simulates {only}"),
            [first @ .., last] => format!("simulates {} and {last}", first.join(", ")),
        }
    }
}

/// One line of the text: a part of the system, its URL, and a note.
struct Row {
    label: &'static str,
    url: String,
    note: String,
}
