//! The metadata of accounts is stored without loss.

use evergrant_testkit::{TestDatabase, on_both_databases};
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use proptest::{prop_assert, prop_assert_eq};
use serde_json::{Map, Number, Value, json};

use crate::support::{
    Consent, RefreshedTokens, at, failure, for_all, new_user, record_failure, reload, trace, unique,
};

on_both_databases!(metadata_is_read_back, nul_character_is_replaced);

/// Random texts, including control characters, without U+0000.
fn texts() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        any::<char>(),
        prop::char::range('\u{1}', '\u{7f}'),
        Just('"'),
        Just('\\')
    ];
    prop::collection::vec(character, 0..12)
        .prop_map(|text| text.into_iter().filter(|one| *one != '\0').collect())
}

fn numbers() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<u64>().prop_map(Number::from),
        (-1e100..1e100_f64).prop_map(|float| Number::from_f64(float).unwrap()),
        (-1.0..1.0_f64).prop_map(|float| Number::from_f64(float).unwrap()),
    ]
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        numbers().prop_map(Value::Number),
        texts().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::btree_map(texts(), inner, 0..6)
                .prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

fn objects() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(texts(), values(), 0..6)
        .prop_map(|fields| fields.into_iter().collect())
}

/// Compares values, and numbers by their value: `jsonb` writes 1e20 as an integer, and reading may
/// round the last bit of a fraction.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => same_fields(one, other),
        (Value::Number(one), Value::Number(other)) if one.is_f64() => {
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            (one - other).abs() <= one.abs() * 2.0 * f64::EPSILON
        }
        _ => one == other,
    }
}

fn same_fields(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .all(|(name, value)| other.get(name).is_some_and(|other| same(value, other)))
}

async fn metadata_is_read_back(database: TestDatabase) {
    let store = database.store().await;
    let user = new_user(&store).await;
    for_all(64, &(objects(), objects()), async |(first, second)| {
        let mut consent = Consent {
            metadata: first,
            ..Consent::of(user, "reddit", &format!("account {}", unique()))
        };
        let connection = consent.store(&store).await;
        let (stored, expected) = (&connection.metadata, &consent.metadata);
        prop_assert!(same(stored, expected), "{expected} became {stored}");
        // Neither a refresh nor a failure changes it.
        let tokens = RefreshedTokens::new("refreshed", None);
        prop_assert!(tokens.store(&store, &connection).await);
        let refreshed = reload(&store, &connection).await;
        let failed = record_failure(&store, &refreshed, &failure(&trace("failed"))).await;
        prop_assert!(failed);
        prop_assert_eq!(&reload(&store, &connection).await.metadata, stored);
        // A reconnect replaces it.
        consent.metadata = second;
        let (replaced, expected) = (consent.store(&store).await.metadata, &consent.metadata);
        prop_assert!(same(&replaced, expected), "{expected} became {replaced}");
        Ok(())
    });
}

async fn nul_character_is_replaced(database: TestDatabase) {
    let store = database.store().await;
    let mut consent = Consent::of(new_user(&store).await, "reddit", "juniper");
    consent.metadata =
        json!({"name": "juni\0per", "a\0b": [{"c": "\0"}], "literally": "\\u0000", "count": 0});
    let connection = consent.store(&store).await;
    let expected = json!({"name": "juni\u{fffd}per", "a\u{fffd}b": [{"c": "\u{fffd}"}], "literally": "\\u0000", "count": 0});
    assert_eq!(connection.metadata, expected);
    assert_eq!(connection.created_at, at(0));
}
