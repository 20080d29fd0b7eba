//! Names and values as they occur in pasted texts.

use zeroize::Zeroizing;

use super::part::Part;

/// Returns a name in lower case with underscores: `X-BC` is `x_bc`.
pub(super) fn normal_name(name: &str) -> String {
    let is_known_length = name.len() <= 64;
    let name = if is_known_length { name.trim() } else { "" };
    name.chars()
        .map(|c| match c {
            '-' | ' ' => '_',
            c => c.to_ascii_lowercase(),
        })
        .collect()
}

pub(super) fn is_web_address(text: &str) -> bool {
    let scheme = |scheme: &str| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    scheme("https://") || scheme("http://")
}

/// Returns a cookie text without the line breaks of a wrapped paste. A line that begins with a name
/// begins a pair; any other line continues a value.
pub(super) fn unwrapped(text: &str) -> Zeroizing<String> {
    let mut joined = Zeroizing::new(String::with_capacity(text.len()));
    let lines = text.split(['\r', '\n']).map(str::trim);
    for line in lines.filter(|line| !line.is_empty()) {
        if !joined.is_empty() && begins_pair(line) {
            joined.push(';');
        }
        joined.push_str(line);
    }
    joined
}

fn begins_pair(line: &str) -> bool {
    let Some((name, text)) = line.split_once('=') else {
        return false;
    };
    let name = name.trim_end();
    let padding = text.split(';').next().unwrap_or_default();
    !name.is_empty() && name.chars().all(is_name_char) && !padding.trim().bytes().all(|b| b == b'=')
}

/// Returns the `name=value` pairs of a cookie text: separated by semicolons, commas or spaces, with
/// or without spaces around `=`. Text before a name is skipped.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(';').flat_map(pairs_of_segment)
}

fn pairs_of_segment(segment: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = segment;
    std::iter::from_fn(move || {
        let (before, after) = rest.split_once('=')?;
        let before = before.trim_end();
        let name = before
            .rfind(|c: char| !is_name_char(c))
            .map_or(before, |at| &before[at..])
            .trim_start_matches(|c: char| !is_name_char(c));
        let after = after.trim_start();
        let end = after.find(char::is_whitespace).unwrap_or(after.len());
        rest = &after[end..];
        // A parameter of a URL is not a cookie.
        let divider = before[..before.len() - name.len()].chars().next_back();
        let is_parameter = matches!(divider, Some('?' | '&' | '/' | '%' | '.'));
        Some((if is_parameter { "" } else { name }, &after[..end]))
    })
}

pub(super) fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// Returns a value without what the paste added: line breaks, surrounding quotes, and a comma or
/// backslash at the end.
pub(super) fn cleaned(part: Part, text: &str) -> Zeroizing<String> {
    let joint = if part == Part::UserAgent { " " } else { "" };
    let lines = text.split(['\r', '\n']).map(str::trim);
    let mut joined = Zeroizing::new(String::with_capacity(text.len()));
    for line in lines.filter(|line| !line.is_empty()) {
        if !joined.is_empty() {
            joined.push_str(joint);
        }
        joined.push_str(line);
    }
    let inner = trimmed(&joined);
    let is_encoded = part == Part::UserAgent && !inner.contains(' ') && inner.contains("%20");
    if is_encoded {
        return percent_decoded(inner);
    }
    Zeroizing::new(inner.to_owned())
}

fn trimmed(text: &str) -> &str {
    let is_added = |c: char| matches!(c, ',' | '\\') || c.is_whitespace();
    let text = text.trim_start().trim_end_matches(is_added);
    let unquoted = ['"', '\'', '`']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    match unquoted {
        Some(inner) => inner.trim(),
        None => text.trim_end_matches(['"', '\'']),
    }
}

/// Whether a value stands for none.
pub(super) fn is_absent(text: &str) -> bool {
    text.is_empty() || ["null", "undefined", "None", "deleted"].contains(&text)
}

/// Whether a value is hidden behind dots or asterisks, or cut by an ellipsis.
pub(super) fn is_masked(text: &str) -> bool {
    let is_mask = |c: char| matches!(c, '•' | '●' | '∙' | '⋯' | '…' | '█');
    let word = text.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let says_so = ["redacted", "masked", "hidden", "removed"];
    text.contains(is_mask)
        || text.contains("***")
        || text.trim().ends_with("...")
        || says_so.iter().any(|one| word.eq_ignore_ascii_case(one))
        || (word.len() >= 3 && word.bytes().all(|b| matches!(b, b'x' | b'X')))
}

/// Whether a value can be that of the part.
pub(super) fn is_plausible(part: Part, text: &str) -> bool {
    match part {
        Part::UserAgent => text.bytes().all(|b| matches!(b, b' '..=b'~')),
        Part::AuthId => text.bytes().all(|b| b.is_ascii_digit()),
        _ => text
            .bytes()
            .all(|b| matches!(b, b'!'..=b'~') && !matches!(b, b'"' | b',' | b';' | b'\\')),
    }
}

/// Returns the end of a cookie's life in Unix seconds; `None` if it is that of the browser session
/// or unreadable. Numbers above 10^11 are milliseconds.
pub(super) fn expiry(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        let seconds = if number > 1e11 {
            number / 1000.0
        } else {
            number
        };
        #[expect(clippy::cast_possible_truncation, reason = "casts of floats saturate")]
        return Some(seconds as i64);
    }
    let is_utc = text.as_bytes().get(10) == Some(&b'T') && text.ends_with('Z');
    let time: jiff::Timestamp = text.parse().ok().filter(|_| is_utc)?;
    Some(time.as_second())
}

/// Decodes `%XX`; an invalid escape stays as it is.
pub(super) fn percent_decoded(text: &str) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|hex| str::from_utf8(hex).ok())
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = code.and_then(|_| tail.get(2..)).unwrap_or(tail);
    }
    Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned())
}
