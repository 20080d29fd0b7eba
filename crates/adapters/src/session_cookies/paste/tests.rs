//! The vectors that both implementations of the grammar read, and properties.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct VectorFile {
    domains: Vec<String>,
    now: Timestamp,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    text: String,
    found: BTreeMap<String, String>,
    cause: Option<String>,
    host: Option<String>,
    masked: Option<Vec<String>>,
}

fn vectors() -> VectorFile {
    serde_json::from_str(include_str!("../../../tests/pasted_sessions.json")).unwrap()
}

/// Returns the name of a cause in the vectors.
fn name(cause: &Cause) -> &'static str {
    match cause {
        Cause::Nothing => "nothing",
        Cause::WrongSite(_) => "wrongSite",
        Cause::Masked(_) => "masked",
        Cause::Expired => "expired",
        Cause::Har => "har",
        Cause::Fetch => "fetch",
        Cause::CookiesOnly => "cookiesOnly",
    }
}

fn found(reading: &Reading) -> BTreeMap<String, String> {
    let value = |part: Part| Some((part.field().to_owned(), reading.get(part)?.to_owned()));
    Part::ALL.into_iter().filter_map(value).collect()
}

#[test]
fn every_vector_is_read() {
    let VectorFile {
        domains,
        now,
        vectors,
    } = vectors();
    let site = Site {
        sign_in_url: None,
        domains,
    };
    let mut wrong = Vec::new();
    for vector in &vectors {
        let reading = read(&vector.text, &site, now);
        let (host, masked) = match &reading.cause {
            Some(Cause::WrongSite(host)) => (Some(host.clone()), None),
            Some(Cause::Masked(parts)) => (
                None,
                Some(parts.iter().map(|part| part.field().to_owned()).collect()),
            ),
            _ => (None, None),
        };
        let cause = reading.cause.as_ref().map(|cause| name(cause).to_owned());
        let read = (found(&reading), cause, host, masked);
        let expected = (
            vector.found.clone(),
            vector.cause.clone(),
            vector.host.clone(),
            vector.masked.clone(),
        );
        if read != expected {
            wrong.push(format!("{}:\n  {read:?}\n  {expected:?}", vector.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(vectors.len() > 90);
}

fn onlyfans() -> Site {
    Site {
        sign_in_url: None,
        domains: vec!["onlyfans.com".to_owned()],
    }
}

fn read_now(text: &str) -> Reading {
    read(
        text,
        &onlyfans(),
        Timestamp::from_unix_seconds(1_767_225_600),
    )
}

/// The pieces of which the forms consist.
const PIECES: &[&str] = &[
    "\"",
    "'",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "\\",
    "`",
    "^\"",
    "$'",
    "=",
    ":",
    ";",
    ",",
    "\n",
    "\t",
    " ",
    "#",
    "%3",
    "\"\"\"",
    "'''",
    "-H ",
    "-b",
    "curl ",
    "fetch(",
    "cookie",
    "Cookie: ",
    "cookie:\n",
    "sess=",
    "sess=a;",
    "auth_id",
    "auth_uid_1",
    "x-bc",
    "user-agent: a\nb/1\n",
    "System.Net.Cookie(",
    "WebRequestSession",
    "https://onlyfans.com/a",
    "https://b.example",
    "{\"url\":\"https://a\",",
    "\"log\":{\"entries\":",
    "\"name\":",
    "\"value\":",
    "[\"{",
    "GET / HTTP/2\n",
    "TRUE\t",
    "900001",
    "••",
    "“",
    "\u{feff}",
    "é",
    "\u{10348}",
];

proptest! {
    /// Reading any text never panics.
    #[test]
    fn any_text_is_read(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60), text in "\\PC*") {
        let _ = read_now(&pieces.concat());
        let _ = read_now(&text);
    }

    /// A value in single quotes is unchanged.
    #[test]
    fn single_quoted_value_is_unchanged(value in "[a-wyz0-9!#-&(-+./:<-@\\[\\]^_{|}~-]{1,40}") {
        prop_assume!(!value::is_masked(&value) && !value::is_absent(&value));
        let command = format!("curl 'https://onlyfans.com' -H 'x-bc: {value}'");
        let reading = read_now(&command);
        prop_assert_eq!(reading.get(Part::XBc), Some(value.as_str()));
    }
}

/// A reader that takes quadratic time needs minutes for one of these texts of 64 KiB.
#[test]
fn repeated_pieces_are_read_in_linear_time() {
    for piece in PIECES {
        let text = piece.repeat(64 * 1024 / piece.len());
        let _ = read_now(&text);
        let _ = read_now(&format!("curl {text}"));
        let _ = read_now(&format!("{{{text}"));
        let _ = read_now(&format!("'{text}"));
    }
}
