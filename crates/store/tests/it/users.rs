//! Creating users, finding them, and their ids.

use std::collections::BTreeSet;

use evergrant_model::{ExternalId, UserId};
use evergrant_store::{CreatedUser, NewUser, Store, StoreError, User};
use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres};

use crate::support::{at, created, delete_user, new_user};

on_both_databases!(
    created_user_is_found_by_id_and_external_id,
    existing_user_is_returned_unchanged,
    unique_value_of_another_user_is_taken,
    users_are_paged_by_id,
    generated_ids_follow_chosen_ids,
    user_ids_are_not_reused,
    largest_id_leaves_ids_to_generate,
    generated_id_skips_taken_ids,
    user_is_not_created_without_a_free_id,
    concurrent_creations_create_one_user,
    chosen_and_generated_ids_do_not_collide,
);
on_postgres!(sequence_of_user_ids_may_have_any_name);

fn external(id: &str) -> ExternalId {
    ExternalId::new(id).unwrap()
}

fn with_id(id: i64) -> NewUser {
    NewUser {
        id: Some(UserId::try_from(id).unwrap()),
        ..NewUser::default()
    }
}

async fn create(store: &Store, new: &NewUser) -> User {
    created(store.users().create(new, at(0)).await.unwrap())
}

async fn created_user_is_found_by_id_and_external_id(database: TestDatabase) {
    let store = database.store().await;
    let new = NewUser {
        id: None,
        email: Some("juniper@example.com".to_owned()),
        name: Some("Juniper".to_owned()),
        external_id: Some(external("app|1")),
    };
    let user = create(&store, &new).await;
    assert_eq!((&user.email, &user.name), (&new.email, &new.name));
    assert_eq!(user.external_id.as_deref(), Some("app|1"));
    assert_eq!((user.created_at, user.updated_at), (at(0), at(0)));
    let users = store.users();
    assert_eq!(users.by_id(user.id).await.unwrap(), Some(user.clone()));
    let found = users.by_external_id(&external("app|1")).await.unwrap();
    assert_eq!(found, Some(user));
    let unknown = users.by_external_id(&external("app|2")).await.unwrap();
    assert_eq!(unknown, None);
    let unknown = UserId::try_from(i64::from(i32::MAX)).unwrap();
    assert_eq!(users.by_id(unknown).await.unwrap(), None);
}

async fn existing_user_is_returned_unchanged(database: TestDatabase) {
    let store = database.store().await;
    let email = Some("juniper@example.com".to_owned());
    let new = NewUser {
        email: email.clone(),
        external_id: Some(external("app|1")),
        ..NewUser::default()
    };
    let user = create(&store, &new).await;
    let before = database.contents().await;
    let name = Some("Another name".to_owned());
    for new in [
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
        let result = store.users().create(&new, at(60)).await.unwrap();
        assert!(matches!(&result, CreatedUser::Existing(_)), "{result:?}");
        assert_eq!(result.into_user(), Some(user.clone()));
    }
    assert_eq!(database.contents().await, before);
}

async fn unique_value_of_another_user_is_taken(database: TestDatabase) {
    let store = database.store().await;
    let email = Some("juniper@example.com".to_owned());
    let new = NewUser {
        email: email.clone(),
        external_id: Some(external("app|1")),
        ..NewUser::default()
    };
    create(&store, &new).await;
    let before = database.contents().await;
    for other in [
        NewUser {
            email: email.clone(),
            ..with_id(77)
        },
        NewUser {
            external_id: new.external_id.clone(),
            ..with_id(77)
        },
        NewUser {
            email,
            external_id: Some(external("app|2")),
            ..NewUser::default()
        },
    ] {
        let result = store.users().create(&other, at(0)).await.unwrap();
        assert!(matches!(result, CreatedUser::Taken), "{result:?}");
    }
    assert_eq!(database.contents().await, before);
}

async fn users_are_paged_by_id(database: TestDatabase) {
    let store = database.store().await;
    for id in [30, 10, 20] {
        create(&store, &with_id(id)).await;
    }
    let ids = |users: Vec<User>| users.iter().map(|user| user.id.get()).collect::<Vec<_>>();
    assert_eq!(ids(store.users().page(0, 2).await.unwrap()), [10, 20]);
    assert_eq!(ids(store.users().page(20, 2).await.unwrap()), [30]);
    assert_eq!(ids(store.users().page(30, 2).await.unwrap()), [0; 0]);
}

async fn generated_ids_follow_chosen_ids(database: TestDatabase) {
    let store = database.store().await;
    create(&store, &with_id(100)).await;
    assert_eq!(new_user(&store).await.get(), 101);
    // A lower id does not move the sequence back.
    create(&store, &with_id(50)).await;
    assert_eq!(new_user(&store).await.get(), 102);
}

async fn user_ids_are_not_reused(database: TestDatabase) {
    let store = database.store().await;
    let generated = new_user(&store).await;
    assert!(delete_user(&store, generated).await);
    let next = new_user(&store).await;
    assert!(next > generated);
    create(&store, &with_id(1000)).await;
    assert!(delete_user(&store, UserId::try_from(1000).unwrap()).await);
    // An id below the sequence must not move it back either.
    create(&store, &with_id(999)).await;
    assert_eq!(new_user(&store).await.get(), 1001);
}

async fn largest_id_leaves_ids_to_generate(database: TestDatabase) {
    let store = database.store().await;
    let first = new_user(&store).await.get();
    for id in [i32::MAX, i32::MAX - 1, (1 << 30) + 1] {
        create(&store, &with_id(i64::from(id))).await;
    }
    assert_eq!(new_user(&store).await.get(), first + 1);
}

async fn generated_id_skips_taken_ids(database: TestDatabase) {
    let store = database.store().await;
    let first = new_user(&store).await.get();
    // Another program inserts rows without moving the sequence.
    for id in [first + 1, first + 2, first + 4] {
        let row = format!("INSERT INTO users (id) VALUES ({id})");
        database.execute(&row).await;
    }
    let end = format!("UPDATE sqlite_sequence SET seq = {first} WHERE name = 'users'");
    if !database.is_postgres() {
        database.execute(&end).await;
    }
    let generated = new_user(&store).await;
    assert_eq!(generated.get(), first + 3);
    // The sequence has moved, so the id of a deleted user is not generated again.
    assert!(delete_user(&store, generated).await);
    assert_eq!(new_user(&store).await.get(), first + 5);
}

async fn user_is_not_created_without_a_free_id(database: TestDatabase) {
    let store = database.store().await;
    create(&store, &with_id(i64::from(i32::MAX))).await;
    let end = [
        format!(
            "UPDATE sqlite_sequence SET seq = {} WHERE name = 'users'",
            i32::MAX - 1
        ),
        format!("SELECT setval('users_id_seq', {})", i32::MAX - 1),
    ];
    new_user(&store).await;
    database
        .execute(&end[usize::from(database.is_postgres())])
        .await;
    let before = database.contents().await;
    let created = store.users().create(&NewUser::default(), at(0)).await;
    assert!(
        matches!(created, Err(StoreError::Inconsistent(_))),
        "{created:?}"
    );
    assert_eq!(database.contents().await, before);
}

async fn concurrent_creations_create_one_user(database: TestDatabase) {
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
    let results = tasks.join_all().await;
    assert_eq!(
        results
            .iter()
            .filter(|result| matches!(result, CreatedUser::New(_)))
            .count(),
        1
    );
    let ids: BTreeSet<_> = results
        .into_iter()
        .map(|result| result.into_user().unwrap().id)
        .collect();
    assert_eq!(ids.len(), 1);
}

async fn chosen_and_generated_ids_do_not_collide(database: TestDatabase) {
    let store = database.store().await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 1..=40 {
        let store = store.clone();
        let new = if n % 2 == 0 {
            NewUser::default()
        } else {
            with_id(1000 * n)
        };
        tasks.spawn(async move { create(&store, &new).await.id });
    }
    let ids: BTreeSet<_> = tasks.join_all().await.into_iter().collect();
    assert_eq!(ids.len(), 40);
    assert!(new_user(&store).await > *ids.last().unwrap());
}

async fn sequence_of_user_ids_may_have_any_name(database: TestDatabase) {
    database
        .execute("ALTER SEQUENCE users_id_seq RENAME TO renamed_sequence")
        .await;
    let store = database.store().await;
    create(&store, &with_id(100)).await;
    assert_eq!(new_user(&store).await.get(), 101);
}
