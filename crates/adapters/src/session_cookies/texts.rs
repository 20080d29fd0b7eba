//! What the credential form says to the account's owner.
//!
//! Evergrant's own form and the dialog of `@evergrant/react` have the same texts: a test writes
//! them to `docs/session-form.json`, from which the package generates its English messages.
//! `{provider}`, `{app}`, `{domain}`, `{host}`, `{label}` and `{labels}` are replaced.

use serde::Serialize;

/// The texts of the credential form. `{name}` in a text is a placeholder.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FormTexts {
    /// The title: `{provider}`.
    pub title: &'static str,
    /// Why a session is needed: `{provider}`, and `{app}`, the host of the app.
    pub introduction: &'static str,
    /// For phones, which cannot copy a session.
    pub needs_computer: &'static str,
    /// The label of the link to the sign-in page: `{provider}`.
    pub sign_in: &'static str,
    /// What to do, in order: `{provider}`, `{domain}`.
    pub steps: [&'static str; 3],
    /// The label of the field for the copied text.
    pub paste: &'static str,
    /// Its placeholder.
    pub paste_hint: &'static str,
    /// What else can be pasted.
    pub other_forms: &'static str,
    /// The label of the list of what the pasted text contains.
    pub found: &'static str,
    /// A value that the text contains: `{label}`.
    pub has: &'static str,
    /// A value that the text does not contain: `{label}`.
    pub lacks: &'static str,
    /// What Evergrant's form keeps after an error.
    pub kept: &'static str,
    /// The summary of the fields for single values.
    pub by_hand: &'static str,
    /// Marks a field that may be empty.
    pub optional: &'static str,
    /// An empty field: `{label}`.
    pub required: &'static str,
    /// What the session allows.
    pub warning: &'static str,
    /// How it is kept.
    pub storage: &'static str,
    /// That it ends.
    pub ends: &'static str,
    /// What the site's terms can say: `{provider}`.
    pub terms: &'static str,
    /// The label of the consent checkbox.
    pub consent: &'static str,
    /// The consent is missing.
    pub consent_needed: &'static str,
    /// The label of the submit button.
    pub save: &'static str,
    /// Parts that are missing from the pasted text: `{labels}`.
    pub missing: &'static str,
    /// Why parts are missing from a pasted text.
    pub causes: CauseTexts,
}

/// Why parts of a session are missing from a pasted text, and what to do.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CauseTexts {
    /// There is no session at all.
    pub nothing: &'static str,
    /// The text is of another site: `{host}`, `{domain}`.
    pub wrong_site: &'static str,
    /// Values are hidden: `{labels}`.
    pub masked: &'static str,
    /// The cookies have expired: `{provider}`.
    pub expired: &'static str,
    /// A HAR file without cookies.
    pub har: &'static str,
    /// A copied `fetch` without cookies.
    pub fetch: &'static str,
    /// Cookies without the headers.
    pub cookies_only: &'static str,
    /// The text exceeds what the server reads.
    pub too_long: &'static str,
}

/// The English texts.
pub const FORM_TEXTS: FormTexts = FormTexts {
    title: "Connect {provider}",
    introduction: "{provider} has no consent page for apps. To give {app} access, share the session of your own browser.",
    needs_computer: "This needs a computer: a phone’s browser cannot copy the session. Open this page on a computer.",
    sign_in: "Open {provider}",
    steps: [
        "Sign in to {provider} in another tab of this browser.",
        "There, open the developer tools (F12), choose Network, and reload the page.",
        "Right-click a request to {domain}, choose Copy as cURL, and paste it here.",
    ],
    paste: "Copied request",
    paste_hint: "Paste it here",
    other_forms: "A HAR file, copied request headers, or an export of all values works too.",
    found: "Found in the pasted text",
    has: "{label}: found",
    lacks: "{label}: missing",
    kept: "The values of your last attempt are kept until you leave this page. Paste another text to replace them.",
    by_hand: "Enter the values manually",
    optional: "optional",
    required: "Please fill in {label}.",
    warning: "Anyone with this session can act as you.",
    storage: "It is encrypted before it is stored and never shown again.",
    ends: "It cannot be refreshed: when it expires, you are notified and paste a new one.",
    terms: "Automated access may breach the terms of {provider}. Read them before you continue.",
    consent: "This is my own account, and I am allowed to use it this way.",
    consent_needed: "Please confirm this to continue.",
    save: "Connect",
    missing: "The pasted text contains no {labels}.",
    causes: CauseTexts {
        nothing: "The pasted text contains no session. Choose Copy as cURL on a request to {domain}.",
        wrong_site: "The pasted text is of {host}. Copy a request to {domain}.",
        masked: "The value of {labels} is hidden in the pasted text. Copy the request itself, not what a page shows of it.",
        expired: "The pasted session has expired. Sign in to {provider} again, and copy a new request.",
        har: "This HAR file has no cookies. Export it with sensitive data, or choose Copy as cURL on one request.",
        fetch: "Copy as fetch leaves out the cookies. Choose Copy as cURL.",
        cookies_only: "Cookies alone are not enough. Choose Copy as cURL, or enter the other values below.",
        too_long: "The pasted text is longer than 64 KB. Paste a single request: choose Copy as cURL on a request to {domain}.",
    },
};

/// Returns a text with the placeholders replaced.
#[must_use]
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        let value = values.iter().find(|(key, _)| *key == name);
        filled.push_str(value.map_or("", |(_, value)| value));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// Returns a list of alternatives: `sess, auth_id, or x-bc`.
#[must_use]
pub fn either(labels: &[&str]) -> String {
    match labels {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first, second] => format!("{first} or {second}"),
        [first @ .., last] => format!("{}, or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced_once() {
        let values = [("host", "{domain}"), ("domain", "b.example")];
        assert_eq!(
            fill("{host} or {domain}.", &values),
            "{domain} or b.example."
        );
        assert_eq!(fill("no {unknown} {", &values), "no  ");
    }

    #[test]
    fn alternatives_are_listed() {
        assert_eq!(either(&[]), "");
        assert_eq!(either(&["a"]), "a");
        assert_eq!(either(&["a", "b"]), "a or b");
        assert_eq!(either(&["a", "b", "c"]), "a, b, or c");
    }
}
