//! Browser sessions at platforms without OAuth: the values that a user copies from the browser and
//! gives to an app.

use serde::Serialize;

use crate::faults::ConsentFault;

/// A sign-in: the person, their browser and the fault that was selected for it.
pub(crate) struct SignIn<'a> {
    pub(crate) person: &'a str,
    pub(crate) user_agent: &'a str,
    pub(crate) consent_fault: ConsentFault,
}

/// The credentials of a signed-in browser. `Debug` prints none of them.
#[derive(Clone, Serialize)]
pub struct Session {
    /// The session cookie.
    pub sess: String,
    /// The numeric account id, also sent as a cookie.
    pub auth_id: String,
    /// The browser's `User-Agent`; the session is bound to it.
    pub user_agent: String,
    /// The browser token, sent in the header `x-bc`.
    pub x_bc: String,
    /// An additional cookie of accounts with two-factor authentication; `None` for other accounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_uid_: Option<String>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

impl Session {
    /// Returns the value of the header `Cookie`.
    #[must_use]
    pub fn cookie_line(&self) -> String {
        let two_factor = self
            .auth_uid_
            .as_ref()
            .map(|value| format!("; auth_uid_={value}"));
        format!(
            "sess={}; auth_id={}{}",
            self.sess,
            self.auth_id,
            two_factor.unwrap_or_default()
        )
    }

    /// Returns a request to `url` in the format of the browsers' "Copy as cURL".
    #[must_use]
    pub fn curl(&self, url: &str) -> String {
        let headers = [
            "accept: application/json".to_owned(),
            format!("user-agent: {}", self.user_agent),
            format!("user-id: {}", self.auth_id),
            format!("x-bc: {}", self.x_bc),
        ];
        let headers = headers
            .map(|line| format!("  -H {} \\\n", shell_quoted(&line)))
            .concat();
        format!(
            "curl {} \\\n{headers}  -b {}",
            shell_quoted(url),
            shell_quoted(&self.cookie_line())
        )
    }

    /// Returns the session as JSON in the format `{"auth": {…}}` of common session files.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(&serde_json::json!({ "auth": self })).unwrap_or_default()
    }
}

/// Returns `text` in single quotes, as one word for a POSIX shell.
fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
