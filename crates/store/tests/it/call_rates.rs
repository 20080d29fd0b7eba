//! The learned rates of calls, shared by all replicas.

use evergrant_store::StoredCallRate;
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::support::{at, slug};

on_both_databases!(
    stored_rate_is_the_lowest_of_the_replicas,
    growth_since_an_older_cut_is_ignored
);

fn rate(calls_per_hour: i64) -> StoredCallRate {
    StoredCallRate {
        provider: slug("reddit"),
        endpoint: "token www.reddit.com".to_owned(),
        calls_per_hour,
        cuts: 1,
        searching: true,
        pause_ms: 5_000,
    }
}

async fn stored_rate_is_the_lowest_of_the_replicas(database: TestDatabase) {
    let rates = database.store().await.call_rates();
    assert!(rates.cut(&rate(100), at(10), at(0)).await.unwrap());
    assert_eq!(rates.all(at(9)).await.unwrap(), [rate(100)]);
    assert_eq!(rates.all(at(10)).await.unwrap(), [], "cut too long ago");
    assert!(!rates.cut(&rate(100), at(11), at(0)).await.unwrap());
    assert!(!rates.cut(&rate(200), at(11), at(0)).await.unwrap());
    assert!(rates.cut(&rate(90), at(11), at(0)).await.unwrap());
    let cut = StoredCallRate {
        cuts: 2,
        ..rate(90)
    };
    assert_eq!(rates.all(at(0)).await.unwrap(), [cut]);
    assert!(
        rates.cut(&rate(200), at(99), at(11)).await.unwrap(),
        "the stored one no longer applies"
    );
}

async fn growth_since_an_older_cut_is_ignored(database: TestDatabase) {
    let rates = database.store().await.call_rates();
    assert!(!rates.grow(&rate(100)).await.unwrap(), "nothing is stored");
    rates.cut(&rate(100), at(10), at(0)).await.unwrap();
    assert!(rates.grow(&rate(110)).await.unwrap());
    assert!(!rates.grow(&rate(105)).await.unwrap(), "it is higher");
    rates.cut(&rate(80), at(11), at(0)).await.unwrap();
    assert!(!rates.grow(&rate(120)).await.unwrap(), "it was cut since");
    let stored = rates.all(at(0)).await.unwrap();
    assert_eq!(stored[0].calls_per_hour, 80);
}
