//! Extracts a session from pasted text. The forms are those in which browsers, their extensions and
//! other programs export a session: commands, program text, JSON, HAR files, cookie files, headers.
//!
//! The grammar has a second implementation in `web/react/src/pasted`. Both read the vectors in
//! `tests/pasted_sessions.json`, and a form that one of them learns goes there first.
//!
//! Each reader takes time in proportion to the text, and the text is never run.

mod command;
mod findings;
mod lines;
mod literal;
mod part;
mod shell;
mod structure;
mod value;

use evergrant_model::Timestamp;
use zeroize::Zeroizing;

pub(crate) use findings::{Cause, Reading};
pub(crate) use part::Part;

use super::site::Site;
use findings::Findings;

/// Reads the session of the site that a text contains. Cookies whose life ends by `now` do not
/// count.
pub(crate) fn read(text: &str, site: &Site, now: Timestamp) -> Reading {
    let text = text.trim_start_matches('\u{feff}').trim();
    let mut best = read_as_written(text, site, now);
    for variant in [straightened(text), decoded(text)].into_iter().flatten() {
        if best.missing().is_empty() {
            break;
        }
        best = better(best, read_as_written(variant.trim(), site, now));
    }
    best
}

fn read_as_written(text: &str, site: &Site, now: Timestamp) -> Reading {
    let reading = |read: fn(&str, &mut Findings<'_>), text: &str| {
        let mut findings = Findings::new(site, now);
        read(text, &mut findings);
        findings.finish()
    };
    let is_json = text.starts_with(['{', '[']);
    if let Some(command) = command::find(text).filter(|_| !is_json) {
        let found = reading(command::read, command);
        if found.plausible_count() > 0 || matches!(found.cause, Some(Cause::WrongSite(_))) {
            return found;
        }
    }
    let literals = reading(structure::read, text);
    if is_json || literals.missing().is_empty() {
        return literals;
    }
    better(literals, reading(lines::read, text))
}

/// Returns the reading with more parts; the first one if both have as many.
fn better(first: Reading, second: Reading) -> Reading {
    let says_more =
        |cause: &Option<Cause>| cause.as_ref().is_some_and(|cause| *cause != Cause::Nothing);
    let (count, other) = (first.plausible_count(), second.plausible_count());
    let is_second =
        other > count || (other == count && !says_more(&first.cause) && says_more(&second.cause));
    if is_second { second } else { first }
}

/// Returns the text with plain quotes, spaces and dashes in place of those that word processors and
/// messengers put; `None` if there are none.
fn straightened(text: &str) -> Option<Zeroizing<String>> {
    let straight = |c: char| match c {
        '“' | '”' | '„' | '‟' | '″' => '"',
        '‘' | '’' | '‚' | '‛' | '′' => '\'',
        '\u{a0}' | '\u{202f}' => ' ',
        '\u{200b}' | '\u{feff}' | '\u{200e}' => '\u{1}',
        c => c,
    };
    if text.is_ascii() {
        return None;
    }
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    for c in text.chars().map(straight) {
        match c {
            '\u{1}' => {}
            '—' => plain.push_str("--"),
            '–' => plain.push('-'),
            c => plain.push(c),
        }
    }
    Some(plain)
}

/// Returns a text that is percent-encoded as a whole, decoded; `None` for other texts.
fn decoded(text: &str) -> Option<Zeroizing<String>> {
    let is_encoded = !text.contains(['=', ' ', '\n']) && text.contains("%3");
    is_encoded.then(|| value::percent_decoded(text))
}

#[cfg(test)]
mod tests;
