//! Whose account it is: an id to build on, the facts that the entry promises, and nothing more.

use std::collections::BTreeSet;

use evergrant_model::AccountInfo;
use serde_json::Value;

use crate::capability::Capability::{MultiAccount, PersonKey, Profile};
use crate::stand::{Stand, code_in, held};
use crate::suite::{Check, check};
use crate::verdict::{Verdict, ensure, works};

pub(super) const CHECKS: &[Check] = &[
    check!(
        "the id is the account's and not its name's",
        [Profile(true)],
        stable_id
    ),
    check!(
        "no two people have an account in common",
        [Profile(true)],
        own_accounts
    ),
    check!(
        "every fact that the entry declares is told, in its type",
        [Profile(true)],
        facts
    ),
    check!(
        "no fact is kept that the entry does not declare",
        [Profile(true)],
        nothing_else
    ),
    check!(
        "one consent reaches one account",
        [MultiAccount(false)],
        one_account
    ),
    check!(
        "one consent may reach several accounts",
        [MultiAccount(true)],
        several_accounts
    ),
    check!(
        "an account that the person keeps back is not reached",
        [MultiAccount(true)],
        kept_back
    ),
    check!(
        "a person's accounts share the person's key, and nobody else's do",
        [PersonKey],
        person_key
    ),
];

fn ids(accounts: &[AccountInfo]) -> Vec<&str> {
    accounts.iter().map(|account| account.id.as_str()).collect()
}

/// Two consents with another name between them.
async fn stable_id(stand: &Stand) -> Verdict {
    let person = &stand.someone().name;
    let before = stand.accounts_of(person).await?;
    for name in before
        .iter()
        .flat_map(|account| [&account.username, &account.display_name])
        .flatten()
    {
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        stand
            .front
            .replace(&quoted(name), &quoted(&format!("formerly {name}")));
    }
    let after = stand.accounts_of(person).await?;
    let renamed = before
        .iter()
        .zip(&after)
        .all(|(before, after)| before.username != after.username);
    ensure!(!before.is_empty() && renamed, "the new name is not told");
    ensure!(
        ids(&before) == ids(&after),
        "{:?} became {:?}",
        ids(&before),
        ids(&after)
    );
    Ok(())
}

async fn own_accounts(stand: &Stand) -> Verdict {
    ensure!(stand.people.len() > 1, "there is one person alone");
    let mut seen = BTreeSet::new();
    for person in &stand.people {
        for account in stand.accounts_of(&person.name).await? {
            let id = account.id.as_str().to_owned();
            ensure!(
                seen.insert(id.clone()),
                "{} has the account {id} of another person",
                person.name
            );
        }
    }
    ensure!(!seen.is_empty(), "nobody has an account");
    Ok(())
}

async fn everybody(stand: &Stand) -> Verdict<Vec<AccountInfo>> {
    let mut all = Vec::new();
    for person in &stand.people {
        all.extend(stand.accounts_of(&person.name).await?);
    }
    Ok(all)
}

/// Not every person has every fact, so somebody must.
async fn facts(stand: &Stand) -> Verdict {
    let accounts = everybody(stand).await?;
    for (name, kind) in stand.entry.facts() {
        let told: Vec<&Value> = accounts
            .iter()
            .filter_map(|account| account.metadata.get(&name))
            .collect();
        ensure!(!told.is_empty(), "nobody's account has {name}");
        let wrong = told.iter().find(|value| !kind.fits(value));
        ensure!(
            wrong.is_none(),
            "{name} is {wrong:?}, which is not {kind:?}"
        );
    }
    Ok(())
}

async fn nothing_else(stand: &Stand) -> Verdict {
    let declared = stand.entry.facts();
    for account in everybody(stand).await? {
        let other: Vec<_> = account
            .metadata
            .keys()
            .filter(|name| !declared.contains_key(*name))
            .collect();
        ensure!(other.is_empty(), "kept besides: {other:?}");
    }
    Ok(())
}

async fn one_account(stand: &Stand) -> Verdict {
    for person in &stand.people {
        let accounts = stand.accounts_of(&person.name).await?;
        ensure!(
            ids(&accounts) == [person.account_id.as_str()],
            "{} has {:?}",
            person.name,
            ids(&accounts)
        );
    }
    Ok(())
}

/// Somebody whose one consent reaches several accounts.
async fn with_several(stand: &Stand) -> Verdict<(&str, Vec<AccountInfo>)> {
    for person in &stand.people {
        let accounts = stand.accounts_of(&person.name).await?;
        if accounts.len() > 1 {
            return Ok((&person.name, accounts));
        }
    }
    Err("nobody's consent reaches more than one account".to_owned())
}

async fn several_accounts(stand: &Stand) -> Verdict {
    let (_, accounts) = with_several(stand).await?;
    let different: BTreeSet<_> = ids(&accounts).into_iter().collect();
    ensure!(
        different.len() == accounts.len(),
        "an account is there twice"
    );
    Ok(())
}

/// What is shared is the first account and all that its facts name, such as the page that leads to
/// it.
async fn kept_back(stand: &Stand) -> Verdict {
    let (person, accounts) = with_several(stand).await?;
    let first = &accounts[0];
    let shared: Vec<&str> = first
        .metadata
        .values()
        .filter_map(Value::as_str)
        .chain([first.id.as_str()])
        .collect();
    let back = stand
        .sandbox
        .approve_sharing(&stand.auth_url()?, person, None, Some(&shared));
    let callback = works("the callback", works("consent", back)?.parse())?;
    let tokens = works("the exchange", stand.exchange(&code_in(&callback)?).await)?;
    let reached = works("the profile", stand.accounts(&held(tokens)).await)?;
    ensure!(
        ids(&reached) == [first.id.as_str()],
        "reached are {:?}",
        ids(&reached)
    );
    Ok(())
}

async fn person_key(stand: &Stand) -> Verdict {
    let key = stand.spec().person_key.as_deref().unwrap_or_default();
    let mut seen = BTreeSet::new();
    for person in &stand.people {
        let accounts = stand.accounts_of(&person.name).await?;
        let told: BTreeSet<String> = accounts
            .iter()
            .map(|account| {
                account
                    .metadata
                    .get(key)
                    .map_or(String::new(), Value::to_string)
            })
            .collect();
        ensure!(
            told.len() <= 1 && !told.contains(""),
            "{}'s accounts have the keys {told:?}",
            person.name
        );
        for value in told {
            ensure!(
                seen.insert(value.clone()),
                "{value} is another person's as well"
            );
        }
    }
    ensure!(seen.len() > 1, "only {} people have an account", seen.len());
    Ok(())
}
