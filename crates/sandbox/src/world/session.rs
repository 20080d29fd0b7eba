//! Sessions of a browser, for platforms without OAuth: what their owner copies out of the browser
//! and gives to an app.

use serde::Serialize;

use crate::faults::Misbehaviour;

/// Who signs in, and with which browser.
pub(crate) struct SignIn<'a> {
    pub(crate) person: &'a str,
    pub(crate) user_agent: &'a str,
    pub(crate) misbehaviour: Misbehaviour,
}

/// A signed-in browser, as far as the platform looks at it. `Debug` shows none of it.
#[derive(Clone, Serialize)]
pub struct Session {
    /// The cookie that stands for the sign-in.
    pub sess: String,
    /// The account's number, in a cookie as well.
    pub auth_id: String,
    /// The browser's name, to which the session is tied.
    pub user_agent: String,
    /// The browser's token, sent as the header `x-bc`.
    pub x_bc: String,
    /// One more cookie, which accounts with two factors have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_uid_: Option<String>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

impl Session {
    /// The value of the header `Cookie`.
    #[must_use]
    pub fn cookie_line(&self) -> String {
        let more = self
            .auth_uid_
            .as_ref()
            .map(|value| format!("; auth_uid_={value}"));
        format!(
            "sess={}; auth_id={}{}",
            self.sess,
            self.auth_id,
            more.unwrap_or_default()
        )
    }

    /// A call of `url` as browsers copy it for a shell.
    #[must_use]
    pub fn curl(&self, url: &str) -> String {
        let headers = [
            "accept: application/json".to_owned(),
            format!("user-agent: {}", self.user_agent),
            format!("user-id: {}", self.auth_id),
            format!("x-bc: {}", self.x_bc),
        ];
        let headers = headers
            .map(|line| format!("  -H {} \\\n", in_shell(&line)))
            .concat();
        format!(
            "curl {} \\\n{headers}  -b {}",
            in_shell(url),
            in_shell(&self.cookie_line())
        )
    }

    /// All of it as JSON, in the form of the sign-in files that people know.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(&serde_json::json!({ "auth": self })).unwrap_or_default()
    }
}

/// A text that a shell takes as one word.
fn in_shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
