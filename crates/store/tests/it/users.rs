//! People: made once, found again, numbered for good.

use std::collections::BTreeSet;

use evergrant_model::{ExternalId, UserId};
use evergrant_store::{CreatedUser, NewUser, Store, User};
use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres};

use crate::support::{at, created, new_user, trace};

on_both_databases!(
    a_new_user_is_found_by_number_and_external_id,
    an_existing_user_is_answered_unchanged,
    what_belongs_to_somebody_else_is_taken,
    users_come_in_pages_in_the_order_of_their_numbers,
    a_chosen_number_keeps_later_ones_ahead,
    a_number_is_never_given_twice,
    twenty_at_once_make_one_user,
    chosen_and_given_numbers_never_collide,
);
on_postgres!(the_applications_name_for_the_sequence_does_not_matter);

fn external(id: &str) -> ExternalId {
    ExternalId::new(id).unwrap()
}

fn numbered(id: i64) -> NewUser {
    NewUser {
        id: Some(UserId::try_from(id).unwrap()),
        ..NewUser::default()
    }
}

async fn make(store: &Store, new: &NewUser) -> User {
    created(store.users().create(new, at(0)).await.unwrap())
}

async fn delete(store: &Store, user: UserId) {
    assert!(
        store
            .users()
            .delete(user, &trace("delete"), at(0), |_, _| None)
            .await
            .unwrap()
    );
}

async fn a_new_user_is_found_by_number_and_external_id(database: TestDatabase) {
    let store = database.store().await;
    let (name, email) = (
        Some("Juniper".to_owned()),
        Some("juniper@example.com".to_owned()),
    );
    let new = NewUser {
        id: None,
        email,
        name,
        external_id: Some(external("app|1")),
    };
    let user = make(&store, &new).await;
    assert_eq!((&user.email, &user.name), (&new.email, &new.name));
    assert_eq!(user.external_id.as_deref(), Some("app|1"));
    assert_eq!((user.created_at, user.updated_at), (at(0), at(0)));
    assert_eq!(
        store.users().by_id(user.id).await.unwrap(),
        Some(user.clone())
    );
    assert_eq!(
        store
            .users()
            .by_external_id(&external("app|1"))
            .await
            .unwrap(),
        Some(user)
    );
    assert_eq!(
        store
            .users()
            .by_external_id(&external("app|2"))
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        store
            .users()
            .by_id(UserId::try_from(i64::from(i32::MAX)).unwrap())
            .await
            .unwrap(),
        None
    );
}

async fn an_existing_user_is_answered_unchanged(database: TestDatabase) {
    let store = database.store().await;
    let email = Some("juniper@example.com".to_owned());
    let new = NewUser {
        email: email.clone(),
        external_id: Some(external("app|1")),
        ..NewUser::default()
    };
    let user = make(&store, &new).await;
    let before = database.contents().await;
    let name = Some("Somebody".to_owned());
    for same in [
        NewUser {
            id: Some(user.id),
            name: name.clone(),
            ..NewUser::default()
        },
        NewUser {
            external_id: new.external_id.clone(),
            name: name.clone(),
            ..NewUser::default()
        },
        NewUser {
            email,
            name,
            ..NewUser::default()
        },
    ] {
        let made = store.users().create(&same, at(60)).await.unwrap();
        assert!(matches!(&made, CreatedUser::Existing(_)), "{made:?}");
        assert_eq!(made.into_user(), Some(user.clone()));
    }
    assert_eq!(database.contents().await, before);
}

async fn what_belongs_to_somebody_else_is_taken(database: TestDatabase) {
    let store = database.store().await;
    let email = Some("juniper@example.com".to_owned());
    let new = NewUser {
        email: email.clone(),
        external_id: Some(external("app|1")),
        ..NewUser::default()
    };
    make(&store, &new).await;
    let before = database.contents().await;
    for other in [
        NewUser {
            email: email.clone(),
            ..numbered(77)
        },
        NewUser {
            external_id: new.external_id.clone(),
            ..numbered(77)
        },
        NewUser {
            email,
            external_id: Some(external("app|2")),
            ..NewUser::default()
        },
    ] {
        let made = store.users().create(&other, at(0)).await.unwrap();
        assert!(matches!(made, CreatedUser::Taken), "{made:?}");
    }
    assert_eq!(database.contents().await, before);
}

async fn users_come_in_pages_in_the_order_of_their_numbers(database: TestDatabase) {
    let store = database.store().await;
    for id in [30, 10, 20] {
        make(&store, &numbered(id)).await;
    }
    let ids = |users: Vec<User>| users.iter().map(|user| user.id.get()).collect::<Vec<_>>();
    assert_eq!(ids(store.users().page(0, 2).await.unwrap()), [10, 20]);
    assert_eq!(ids(store.users().page(20, 2).await.unwrap()), [30]);
    assert_eq!(ids(store.users().page(30, 2).await.unwrap()), [0; 0]);
}

async fn a_chosen_number_keeps_later_ones_ahead(database: TestDatabase) {
    let store = database.store().await;
    make(&store, &numbered(100)).await;
    assert_eq!(new_user(&store).await.get(), 101);
    // A lower one does not turn the count back.
    make(&store, &numbered(50)).await;
    assert_eq!(new_user(&store).await.get(), 102);
}

async fn a_number_is_never_given_twice(database: TestDatabase) {
    let store = database.store().await;
    let given = new_user(&store).await;
    delete(&store, given).await;
    let next = new_user(&store).await;
    assert!(next > given);
    make(&store, &numbered(1000)).await;
    delete(&store, UserId::try_from(1000).unwrap()).await;
    // Below the count by now, so it must not be turned back either.
    make(&store, &numbered(999)).await;
    assert_eq!(new_user(&store).await.get(), 1001);
}

async fn twenty_at_once_make_one_user(database: TestDatabase) {
    let store = database.store().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let store = store.clone();
        let new = NewUser {
            external_id: Some(external("app|1")),
            ..NewUser::default()
        };
        tasks.spawn(async move { store.users().create(&new, at(0)).await.unwrap() });
    }
    let made = tasks.join_all().await;
    assert_eq!(
        made.iter()
            .filter(|made| matches!(made, CreatedUser::New(_)))
            .count(),
        1
    );
    let ids: BTreeSet<_> = made
        .into_iter()
        .map(|made| made.into_user().unwrap().id)
        .collect();
    assert_eq!(ids.len(), 1);
}

async fn chosen_and_given_numbers_never_collide(database: TestDatabase) {
    let store = database.store().await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 1..=40 {
        let store = store.clone();
        let new = if n % 2 == 0 {
            NewUser::default()
        } else {
            numbered(1000 * n)
        };
        tasks.spawn(async move { make(&store, &new).await.id });
    }
    let ids: BTreeSet<_> = tasks.join_all().await.into_iter().collect();
    assert_eq!(ids.len(), 40);
    assert!(new_user(&store).await > *ids.last().unwrap());
}

async fn the_applications_name_for_the_sequence_does_not_matter(database: TestDatabase) {
    database
        .execute("ALTER SEQUENCE users_id_seq RENAME TO people_numbers")
        .await;
    let store = database.store().await;
    make(&store, &numbered(100)).await;
    assert_eq!(new_user(&store).await.get(), 101);
}
