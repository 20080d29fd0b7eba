//! Reads lines: headers, in the one-line form and in that of browsers' panels with the name above
//! the value; `Cookie` texts; cookie files in Netscape's format; tables; and environment files.

use zeroize::Zeroizing;

use super::findings::Findings;
use super::value;

/// Reads the lines of a text.
pub(super) fn read(text: &str, findings: &mut Findings<'_>) {
    let mut reader = Reader {
        findings,
        awaiting: None,
        held: Held::Nothing,
    };
    for line in text.split(['\r', '\n']) {
        let line = line.trim().trim_start_matches(['>', '•', '*', ' ']);
        if !line.is_empty() {
            reader.read_line(line);
        }
    }
    reader.release();
}

struct Reader<'f, 's> {
    findings: &'f mut Findings<'s>,
    /// The name on the line before, whose value this line is.
    awaiting: Option<String>,
    held: Held,
}

/// A value that the next line can continue.
enum Held {
    Nothing,
    Cookies(Zeroizing<String>),
    UserAgent(Zeroizing<String>),
}

impl Reader<'_, '_> {
    fn read_line(&mut self, line: &str) {
        if let Some(name) = self.awaiting.take()
            && !is_known(line.trim_end_matches(':'))
        {
            return self.named(&name, line);
        }
        if self.row(line) || self.request_line(line) {
            return;
        }
        if is_known(line.trim_end_matches(':')) {
            self.release();
            self.awaiting = Some(line.trim_end_matches(':').to_owned());
        } else if let Some((name, text)) = self.header(line) {
            if is_known(name) || text.trim().is_empty() {
                self.named(name, text);
            } else if is_cookie_start(text) && !name.eq_ignore_ascii_case("set-cookie") {
                self.named("cookie", text);
            } else {
                self.release();
            }
        } else if let Some((name, text)) = assignment(line) {
            self.named(name, text);
        } else {
            self.other(line);
        }
    }

    /// Splits a header line. The comment of a User-Agent can contain a colon.
    fn header<'l>(&self, line: &'l str) -> Option<(&'l str, &'l str)> {
        header(line).filter(|(name, _)| is_known(name) || !self.is_in_comment())
    }

    /// Whether the held User-Agent ends inside of parentheses.
    fn is_in_comment(&self) -> bool {
        match &self.held {
            Held::UserAgent(agent) => agent.rfind('(') > agent.rfind(')'),
            _ => false,
        }
    }

    /// Reads a value that belongs to a name.
    fn named(&mut self, name: &str, text: &str) {
        self.release();
        let text = Zeroizing::new(text.trim().to_owned());
        match value::normal_name(name).as_str() {
            "cookie" | "cookies" => self.held = Held::Cookies(text),
            "user_agent" | "useragent" => self.held = Held::UserAgent(text),
            _ => drop(self.findings.named(name, &text)),
        }
    }

    /// Reads a line of cookies, or the rest of a value that was wrapped.
    fn other(&mut self, line: &str) {
        match &mut self.held {
            Held::UserAgent(agent) if continues_agent(line) => {
                agent.push(' ');
                agent.push_str(line);
            }
            Held::Cookies(cookies) if line.contains('=') || continues_cookies(cookies, line) => {
                cookies.push('\n');
                cookies.push_str(line);
            }
            _ if line.contains('=') => {
                self.release();
                self.held = Held::Cookies(Zeroizing::new(line.to_owned()));
            }
            _ => self.release(),
        }
    }

    fn release(&mut self) {
        match std::mem::replace(&mut self.held, Held::Nothing) {
            Held::Nothing => {}
            Held::Cookies(text) => self.findings.cookies(&text),
            Held::UserAgent(text) => drop(self.findings.named("user-agent", &text)),
        }
    }

    /// Reads a row of a cookie file or of a table. Returns whether the line is one.
    fn row(&mut self, line: &str) -> bool {
        let is_flag = |text: &str| matches!(text, "TRUE" | "FALSE");
        let line = line.strip_prefix("#HttpOnly_").unwrap_or(line);
        if line.starts_with('#') {
            return true;
        }
        let fields: Vec<&str> = line.split_whitespace().take(8).collect();
        if let [domain, subdomains, _, secure, expires, name, text, ..] = *fields.as_slice()
            && is_flag(subdomains)
            && is_flag(secure)
        {
            self.release();
            let expires = value::expiry(expires);
            self.findings.exported(name, text, Some(domain), expires);
            return true;
        }
        let cells: Vec<&str> = line.split('\t').map(str::trim).take(6).collect();
        match cells.as_slice() {
            [name, text, rest @ ..] if is_known(name.trim_end_matches(':')) => {
                self.release();
                let name = name.trim_end_matches(':');
                let domain = rest.first().filter(|cell| cell.contains('.'));
                let expires = rest.get(2).and_then(|cell| value::expiry(cell));
                match domain {
                    Some(domain) => self.findings.exported(name, text, Some(domain), expires),
                    None => self.named(name, text),
                }
                true
            }
            _ => false,
        }
    }

    /// Reads the first line of a request. Returns whether the line is one.
    fn request_line(&mut self, line: &str) -> bool {
        let words: Vec<&str> = line.split_whitespace().take(4).collect();
        let [method, target, version] = words.as_slice() else {
            return false;
        };
        let is_method = method.bytes().all(|b| b.is_ascii_uppercase());
        if !is_method || !version.starts_with("HTTP/") {
            return false;
        }
        self.release();
        self.findings.begin_source();
        if value::is_web_address(target) {
            self.findings.set_host(target);
        }
        true
    }
}

/// Whether a name is one of the parts, or of the address of a request.
fn is_known(name: &str) -> bool {
    let name = value::normal_name(name);
    let names = [
        "cookie",
        "cookies",
        "user_agent",
        "useragent",
        "x_bc",
        "user_id",
        "host",
        ":authority",
        "request_url",
        "sess",
        "auth_id",
    ];
    let is_account = name.starts_with("auth_uid_") && name.chars().all(value::is_name_char);
    names.contains(&name.as_str()) || is_account
}

/// Splits a header line.
fn header(line: &str) -> Option<(&str, &str)> {
    let pseudo = usize::from(line.starts_with(':'));
    let at = pseudo + line.get(pseudo..)?.find(':')?;
    let (name, text) = (line[..at].trim(), &line[at + 1..]);
    let is_name = |c: char| value::is_name_char(c) || c == ' ';
    let inner = &name[pseudo..];
    let is_name = !inner.is_empty() && inner.len() <= 64 && inner.chars().all(is_name);
    (is_name && (!inner.contains(' ') || is_known(inner))).then_some((name, text))
}

/// Splits a line of an environment file whose value can contain semicolons.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (name, text) = line.split_once('=')?;
    let name = name.trim();
    let name = name.rsplit([' ', ':']).next().unwrap_or_default();
    let is_header =
        ["user_agent", "x_bc", "user_id", "cookie"].contains(&value::normal_name(name).as_str());
    is_header.then_some((name, text))
}

/// Whether a text begins with a cookie of a session.
fn is_cookie_start(text: &str) -> bool {
    let name = text.split_once('=').map_or("", |(name, _)| name.trim());
    let name = value::normal_name(name);
    matches!(
        name.as_str(),
        "sess" | "auth_id" | "fp" | "csrf" | "st" | "lang"
    ) || name.starts_with("auth_uid_")
}

fn continues_agent(line: &str) -> bool {
    let is_version = |pair: &[u8]| matches!(pair, [b'/', digit] if digit.is_ascii_digit());
    !line.contains('=')
        && (line.starts_with('(')
            || line.contains(')')
            || line.as_bytes().windows(2).any(is_version))
}

/// Whether a line without a name is the rest of a cookie's value, and not a word of the person who
/// pasted it.
fn continues_cookies(cookies: &str, line: &str) -> bool {
    let is_value = |b: u8| b.is_ascii_alphanumeric() || b"%+/._~-;".contains(&b);
    cookies.len() >= 40
        && !cookies.ends_with(';')
        && line.bytes().all(is_value)
        && line.bytes().any(|b| b.is_ascii_digit())
}
