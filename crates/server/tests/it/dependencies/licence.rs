//! SPDX licence expressions, as manifests state them.

use std::iter::Peekable;

/// Returns whether `allowed` satisfies the expression: one side of each `OR` and both sides of each
/// `AND`. `/` is an `OR` in manifests that are older than the standard.
pub(crate) fn is_accepted(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let is_accepted = either(&mut words, allowed);
    is_accepted && words.next().is_none()
}

fn either<'a>(words: &mut Peekable<impl Iterator<Item = &'a str>>, allowed: &[String]) -> bool {
    let mut is_accepted = both(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        is_accepted |= both(words, allowed);
    }
    is_accepted
}

fn both<'a>(words: &mut Peekable<impl Iterator<Item = &'a str>>, allowed: &[String]) -> bool {
    let mut is_accepted = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        is_accepted &= one(words, allowed);
    }
    is_accepted
}

/// Parses a licence with its exception, or an expression in parentheses. Returns whether it is
/// accepted.
fn one<'a>(words: &mut Peekable<impl Iterator<Item = &'a str>>, allowed: &[String]) -> bool {
    let Some(name) = words.next() else {
        return false;
    };
    if name == "(" {
        let is_accepted = either(words, allowed);
        let is_closed = words.next() == Some(")");
        return is_accepted && is_closed;
    }
    let mut licence = name.to_owned();
    if words.next_if_eq(&"WITH").is_some() {
        licence = format!("{name} WITH {}", words.next().unwrap_or_default());
    }
    allowed.contains(&licence)
}

#[test]
fn expression_is_judged_by_its_operators() {
    let allowed = ["MIT", "Apache-2.0", "ISC", "Apache-2.0 WITH LLVM-exception"];
    let allowed = allowed.map(str::to_owned);
    for accepted in [
        "MIT",
        "MIT OR GPL-3.0-only",
        "GPL-3.0-only OR MIT",
        "MIT/GPL-3.0-only",
        "GPL-3.0-only / Apache-2.0",
        "MIT AND ISC",
        "GPL-3.0-only AND ISC OR MIT",
        "(MIT OR GPL-3.0-only) AND ISC",
        "MIT OR (GPL-3.0-only AND ISC)",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(is_accepted(accepted, &allowed), "{accepted}");
    }
    for refused in [
        "",
        "GPL-3.0-only",
        "MITT",
        "MIT AND GPL-3.0-only",
        "GPL-3.0-only AND (MIT OR ISC)",
        "(MIT OR ISC) AND GPL-3.0-only",
        "MIT WITH LLVM-exception",
        "(MIT",
        "MIT)",
        "MIT ISC",
    ] {
        assert!(!is_accepted(refused, &allowed), "{refused}");
    }
}
