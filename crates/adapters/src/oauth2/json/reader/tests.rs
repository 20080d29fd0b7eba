//! Tests of the JSON reader.

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn faults_that_other_parsers_accept_do_not_lose_the_rest() {
    for (text, expected) in [
        (
            r#"{"a":"x\ud83d y","b":1}"#,
            json!({"a": "x\u{fffd} y", "b": 1}),
        ),
        (
            r#"{"a":"\ude00\ud83d","b":1}"#,
            json!({"a": "\u{fffd}\u{fffd}", "b": 1}),
        ),
        (r#"{"a":"\ud83d\ude00"}"#, json!({"a": "\u{1f600}"})),
        (
            "{\"a\":\"x\ny\u{0}\",\"b\":1}",
            json!({"a": "x\ny\u{0}", "b": 1}),
        ),
        (r#"{"a":1e999,"b":-1e999}"#, json!({"a": null, "b": null})),
        (
            r#"{"a":NaN,"b":[Infinity,-Infinity]}"#,
            json!({"a": null, "b": [null, null]}),
        ),
        (r#"{"a":1,"a":2}"#, json!({"a": 2})),
    ] {
        assert_eq!(read(text).unwrap().value, expected, "{text}");
    }
}

#[test]
fn text_around_the_value_and_commas_behind_members_are_ignored() {
    for text in [
        ")]}',\n{\"a\":[1]}",
        ")]}'{\"a\":[1]}",
        " while(1);{\"a\":[1]}",
        "while (1); {\"a\":[1]}",
        "for(;;);{\"a\":[1]}",
        "for (;;);{\"a\":[1]}",
        "{\"a\":[1]}\0",
        "{\"a\":[1]}\r\n\0\0\n",
        "{\"a\":[1]}<!-- page made in 0.1 s -->",
        "{\"a\":[1]}\n<!-- a --> <!---->\0",
        "/* } */{\"a\":[1]}",
        "// {\n{\"a\":[1]}",
        "{/**/\"a\"/* : */:/*\"*/[1//]\n]<!-- -->}",
        "{\"a\":[1],}",
        "{\"a\":[1,],\n}",
    ] {
        let found = read(text).map(|read| read.value);
        assert_eq!(found, Some(json!({"a": [1]})), "{text}");
    }
    let in_strings = r#"{"a":"/* x */ // <!-- y -->"}"#;
    let found = read(in_strings).unwrap().value;
    assert_eq!(found, json!({"a": "/* x */ // <!-- y -->"}));
}

/// Texts that are malformed or incomplete.
const MALFORMED: &[&str] = &[
    "",
    " ",
    "{",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":1",
    "{\"a\":1,",
    "{a:1}",
    "{,}",
    "{,\"a\":1}",
    "{\"a\":1,,}",
    "{\"a\":1,]",
    "{\"a\":1 \"b\":2}",
    "[1",
    "[1,",
    "[,]",
    "[1,,]",
    "[1 2]",
    "\"a",
    "\"\\",
    "\"\\u12\"",
    "\"\\u+123\"",
    "\"\\x\"",
    "nul",
    "True",
    "'a'",
    "1.2.3",
    "01",
    "-",
    "+1",
    "1.",
    ".5",
    "{} x",
    "{}{}",
    "{},",
    "\u{feff}{}",
    "\0{}",
    "{\0}",
    "<!-- {} -->",
    "{}<!-- ",
    "{}/* ",
    "{}// x",
    "{}<p>",
    ")]}'",
    ")]}' )]}' {}",
    "{})]}'",
];

#[test]
fn malformed_and_incomplete_text_is_rejected() {
    for text in MALFORMED {
        assert!(read(text).is_none(), "{text}");
    }
}

#[test]
fn repeated_members_are_ambiguous_only_where_they_differ() {
    let ambiguous = |text: &str| read(text).unwrap().ambiguous;
    assert_eq!(ambiguous(r#"{"a":1,"a":1}"#), Vec::<String>::new());
    assert_eq!(ambiguous(r#"{"a":1,"\u0061":2}"#), ["/a"]);
    assert_eq!(
        ambiguous(r#"{"a":{"b":1,"c":1},"a":{"b":2,"c":1}}"#),
        ["/a/b"]
    );
    assert_eq!(ambiguous(r#"{"a":[{"x/y":1,"x/y":2}]}"#), ["/a/0/x~1y"]);
    assert_eq!(ambiguous(r#"{"a":{"b":1},"a":{"c":1}}"#), ["/a/b", "/a/c"]);
    assert_eq!(ambiguous(r#"{"a":{"b":1},"a":1}"#), ["/a"]);
}

#[test]
fn deep_nesting_is_skipped_without_stack_overflow() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let innermost = |depth: usize| {
        let value = read(&nested(depth)).unwrap().value;
        value.pointer(&"/0".repeat(MAX_DEPTH)).cloned()
    };
    assert_eq!(innermost(MAX_DEPTH), Some(json!(1)));
    assert_eq!(innermost(MAX_DEPTH + 1), Some(json!([])));
    let around = |inner: &str| read(&format!(r#"{{"a":1,"b":{inner},"c":2}}"#));
    let lists = nested(100_000);
    let objects = format!("{}1{}", "{\"]\":".repeat(100_000), "}".repeat(100_000));
    for inner in [lists.as_str(), &objects] {
        let value = around(inner).unwrap().value;
        assert_eq!((&value["a"], &value["c"]), (&json!(1), &json!(2)));
    }
    let (last, _) = lists.split_at(lists.len() - 1);
    let crossed = lists.replace("1]", "1}");
    for malformed in [last, &crossed, &format!("{lists}]"), &"[".repeat(100_000)] {
        assert!(around(malformed).is_none());
    }
    assert!(read(&"{\"a\":".repeat(100_000)).is_none());
}

#[test]
fn strings_in_skipped_nesting_may_contain_brackets() {
    let nested = |inner: &str| {
        let (open, close) = ("[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        read(&format!("{open}{{{inner}}}{close}"))
    };
    assert!(nested(r#""a]}\"]":["\\"]"#).is_some());
    for malformed in [r#""a"#, r#""\"#, "]", "{"] {
        assert!(nested(malformed).is_none(), "{malformed}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(".*", inner, 0..6)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    /// Any JSON is read as `serde_json` reads it, compact or indented.
    #[test]
    fn every_json_text_is_read_like_a_strict_parser_reads_it(value in any_json()) {
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let expected: Value = serde_json::from_str(&text).unwrap();
            let found = read(&text).unwrap();
            prop_assert_eq!(&found.value, &expected);
            prop_assert!(found.ambiguous.is_empty());
        }
    }

    /// What a strict parser accepts has the same value, and no text causes a panic.
    #[test]
    fn any_text_is_read_or_rejected(text in "[\\[\\]{}\":,0-9eE.+\\-\\\\utrfalsn \n\u{fffd}é]{0,24}|.*") {
        let found = read(&text);
        if let Ok(expected) = serde_json::from_str::<Value>(&text) {
            prop_assert_eq!(found.map(|found| found.value), Some(expected));
        }
    }

    /// A text that was cut off is never read.
    #[test]
    fn truncated_object_is_rejected(value in any_json(), at: prop::sample::Index) {
        let text = json!({"a": value}).to_string();
        let cut = at.index(text.len());
        let cut = (0..=cut).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        prop_assert!(read(&text[..cut]).is_none());
    }
}
