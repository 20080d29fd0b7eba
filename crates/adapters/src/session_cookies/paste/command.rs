//! Reads commands: curl in the words of bash, of Windows' cmd and of PowerShell, and wget.

use super::findings::Findings;
use super::shell;

/// The options without a leading command, of a command that was copied in part.
const OPTIONS: [&str; 6] = ["-H", "-b", "-A", "--header", "--cookie", "--user-agent"];

/// Returns the part of a text that begins with a command.
pub(super) fn find(text: &str) -> Option<&str> {
    if OPTIONS.iter().any(|option| text.starts_with(option)) {
        return Some(text);
    }
    let mut at = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let start = word.find(|c| !matches!(c, '$' | '>' | '`' | '(' | ';' | '&'));
        let start = at + start.unwrap_or(0);
        let is_last = at + word.len() == text.len();
        if !is_last && is_command(text[start..at + word.len()].trim_end()) {
            return Some(&text[start..]);
        }
        at += word.len();
    }
    None
}

fn is_command(word: &str) -> bool {
    ["curl", "curl.exe", "wget"]
        .iter()
        .any(|name| word.eq_ignore_ascii_case(name))
}

/// Reads the options that set headers and cookies.
pub(super) fn read(command: &str, findings: &mut Findings<'_>) {
    let words = shell::words(command);
    let mut words = words.iter().map(String::as_str);
    let mut has_address = false;
    while let Some(word) = words.next() {
        let mut argument = |short: &str, long: &str| match word.strip_prefix(long) {
            Some("") => words.next(),
            Some(rest) if rest.starts_with('=') => rest.get(1..),
            _ if word == short => words.next(),
            _ if long.starts_with(word) || word.starts_with("--") => None,
            _ => word.strip_prefix(short),
        };
        if let Some(header) = argument("-H", "--header") {
            if let Some((name, text)) = header.split_once(':') {
                // The authority of a request is in its address.
                if !name.trim().eq_ignore_ascii_case("host") {
                    findings.named(name, text);
                }
            }
        } else if let Some(cookies) = argument("-b", "--cookie") {
            findings.cookies(cookies);
        } else if let Some(agent) = argument("-A", "--user-agent") {
            findings.named("user-agent", agent);
        } else if word == "-d" || word.starts_with("--data") {
            if !word.contains('=') {
                words.next();
            }
        } else if is_command(word) {
            findings.begin_source();
            has_address = false;
        } else if !has_address && super::value::is_web_address(word) {
            findings.set_host(word);
            has_address = true;
        }
    }
}
