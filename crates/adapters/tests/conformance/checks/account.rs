//! The account: its stable id, and exactly the metadata that the entry declares.

use std::collections::BTreeSet;

use evergrant_model::AccountInfo;
use serde_json::Value;

use crate::capability::Capability::{MultiAccount, PersonKey, Profile};
use crate::harness::{Harness, code_from, held_tokens};
use crate::suite::{Check, check};
use crate::verdict::{Verdict, ensure, expect_ok};

pub(super) const CHECKS: &[Check] = &[
    check!(
        "the account id does not depend on the user name",
        [Profile(true)],
        stable_id
    ),
    check!(
        "no account belongs to two people",
        [Profile(true)],
        no_shared_account
    ),
    check!(
        "every declared fact is present and has its declared type",
        [Profile(true)],
        facts
    ),
    check!(
        "the metadata contains only declared facts",
        [Profile(true)],
        only_declared_facts
    ),
    check!(
        "one consent grants access to one account",
        [MultiAccount(false)],
        one_account
    ),
    check!(
        "one consent can grant access to several accounts",
        [MultiAccount(true)],
        several_accounts
    ),
    check!(
        "an account that the person does not share is not listed",
        [MultiAccount(true)],
        unshared_account
    ),
    check!(
        "all accounts of a person share a person key that no other person has",
        [PersonKey],
        person_key
    ),
];

fn ids(accounts: &[AccountInfo]) -> Vec<&str> {
    accounts.iter().map(|account| account.id.as_str()).collect()
}

/// Connects the person twice and changes their name in between.
async fn stable_id(harness: &Harness) -> Verdict {
    let person = &harness.first_person().name;
    let before = harness.accounts_of(person).await?;
    for name in before
        .iter()
        .flat_map(|account| [&account.username, &account.display_name])
        .flatten()
    {
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        harness
            .rewriter
            .replace(&quoted(name), &quoted(&format!("formerly {name}")));
    }
    let after = harness.accounts_of(person).await?;
    let renamed = before
        .iter()
        .zip(&after)
        .all(|(before, after)| before.username != after.username);
    ensure!(
        !before.is_empty() && renamed,
        "the second profile does not have the new name"
    );
    ensure!(
        ids(&before) == ids(&after),
        "{:?} became {:?}",
        ids(&before),
        ids(&after)
    );
    Ok(())
}

async fn no_shared_account(harness: &Harness) -> Verdict {
    ensure!(
        harness.people.len() > 1,
        "the simulator has only one person with an account"
    );
    let mut seen = BTreeSet::new();
    for person in &harness.people {
        for account in harness.accounts_of(&person.name).await? {
            let id = account.id.as_str().to_owned();
            ensure!(
                seen.insert(id.clone()),
                "{} has account {id} of another person",
                person.name
            );
        }
    }
    ensure!(!seen.is_empty(), "no person has an account");
    Ok(())
}

/// Returns the accounts of all people.
async fn all_accounts(harness: &Harness) -> Verdict<Vec<AccountInfo>> {
    let mut all = Vec::new();
    for person in &harness.people {
        all.extend(harness.accounts_of(&person.name).await?);
    }
    Ok(all)
}

/// An account may lack a fact, so at least one account must have it.
async fn facts(harness: &Harness) -> Verdict {
    let accounts = all_accounts(harness).await?;
    for (name, kind) in harness.entry.facts() {
        let values: Vec<&Value> = accounts
            .iter()
            .filter_map(|account| account.metadata.get(&name))
            .collect();
        ensure!(!values.is_empty(), "no account has {name}");
        let wrong = values.iter().find(|value| !kind.fits(value));
        ensure!(
            wrong.is_none(),
            "{name} is {wrong:?}, which is not {kind:?}"
        );
    }
    Ok(())
}

async fn only_declared_facts(harness: &Harness) -> Verdict {
    let declared = harness.entry.facts();
    for account in all_accounts(harness).await? {
        let other: Vec<_> = account
            .metadata
            .keys()
            .filter(|name| !declared.contains_key(*name))
            .collect();
        ensure!(other.is_empty(), "undeclared facts: {other:?}");
    }
    Ok(())
}

async fn one_account(harness: &Harness) -> Verdict {
    for person in &harness.people {
        let accounts = harness.accounts_of(&person.name).await?;
        ensure!(
            ids(&accounts) == [person.account_id.as_str()],
            "{} has {:?}",
            person.name,
            ids(&accounts)
        );
    }
    Ok(())
}

/// Returns a person whose consent grants access to several accounts, with these accounts.
async fn with_several(harness: &Harness) -> Verdict<(&str, Vec<AccountInfo>)> {
    for person in &harness.people {
        let accounts = harness.accounts_of(&person.name).await?;
        if accounts.len() > 1 {
            return Ok((&person.name, accounts));
        }
    }
    Err("no person's consent grants access to more than one account".to_owned())
}

async fn several_accounts(harness: &Harness) -> Verdict {
    let (_, accounts) = with_several(harness).await?;
    let unique: BTreeSet<_> = ids(&accounts).into_iter().collect();
    ensure!(unique.len() == accounts.len(), "an account is listed twice");
    Ok(())
}

/// The person shares the first account and everything that its metadata names, such as the Page
/// that it is linked to.
async fn unshared_account(harness: &Harness) -> Verdict {
    let (person, accounts) = with_several(harness).await?;
    let first = &accounts[0];
    let shared: Vec<&str> = first
        .metadata
        .values()
        .filter_map(Value::as_str)
        .chain([first.id.as_str()])
        .collect();
    let redirect =
        harness
            .sandbox
            .approve_with_assets(&harness.auth_url()?, person, None, Some(&shared));
    let callback = expect_ok("the callback", expect_ok("the consent", redirect)?.parse())?;
    let tokens = expect_ok(
        "the exchange",
        harness.exchange(&code_from(&callback)?).await,
    )?;
    let listed = expect_ok("the profile", harness.accounts(&held_tokens(tokens)).await)?;
    ensure!(
        ids(&listed) == [first.id.as_str()],
        "listed are {:?}",
        ids(&listed)
    );
    Ok(())
}

async fn person_key(harness: &Harness) -> Verdict {
    let key = harness.spec().person_key.as_deref().unwrap_or_default();
    let mut seen = BTreeSet::new();
    for person in &harness.people {
        let accounts = harness.accounts_of(&person.name).await?;
        let keys: BTreeSet<String> = accounts
            .iter()
            .map(|account| {
                account
                    .metadata
                    .get(key)
                    .map_or(String::new(), Value::to_string)
            })
            .collect();
        ensure!(
            keys.len() <= 1 && !keys.contains(""),
            "the accounts of {} have the person keys {keys:?}",
            person.name
        );
        for value in keys {
            ensure!(
                seen.insert(value.clone()),
                "two people have the person key {value}"
            );
        }
    }
    ensure!(seen.len() > 1, "only {} people have an account", seen.len());
    Ok(())
}
