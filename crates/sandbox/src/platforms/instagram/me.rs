//! Who the person is at Facebook, what they allowed, and which Pages and accounts they shared.

use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::facts::PROFILE;
use crate::platforms::meta;
use crate::platforms::meta::{
    Caller, GraphCall, GraphError, MetaPerson, Node, Page, appsecret_proof, instagram_node, page,
};
use crate::settings::RevokeReply;
use crate::world::grants::{Ending, Whose};

/// Answers a `GET`.
pub(super) async fn read(call: &GraphCall, path: &[&str]) -> Response {
    match path {
        ["me"] => call.respond("me", |caller| profile(call, caller)).await,
        [whose, "permissions"] => {
            let work = |caller: &Caller| its_own(call, caller, whose).map(|_| permissions(caller));
            call.respond("permissions", work).await
        }
        [whose, "accounts"] => {
            call.respond("accounts", |caller| accounts(call, caller, whose))
                .await
        }
        [whose, "businesses"] => {
            call.respond("businesses", |caller| businesses(call, caller, whose))
                .await
        }
        [business, kind @ ("owned_pages" | "client_pages")] => {
            call.respond("business_pages", |caller| {
                business_pages(call, caller, business, kind)
            })
            .await
        }
        _ => match meta::endpoint(call) {
            Some(endpoint) => call.respond(endpoint, |caller| node(call, caller)).await,
            None => unsupported(call).await,
        },
    }
}

/// For a path or method that nobody serves.
pub(super) async fn unsupported(call: &GraphCall) -> Response {
    let work = async { GraphError::unsupported(&call.path.join("/")).into_response() };
    call.stage.attend("other", work).await
}

/// The person whose token it is, called by any of their names.
fn its_own<'a>(
    call: &'a GraphCall,
    caller: &Caller,
    whose: &str,
) -> Result<&'a MetaPerson, GraphError> {
    let person = call.person(caller)?;
    if whose == "me" || whose == person.facebook_id {
        Ok(person)
    } else {
        Err(GraphError::no_such_node(whose))
    }
}

fn profile(call: &GraphCall, caller: &Caller) -> Result<Value, GraphError> {
    let person = call.person(caller)?;
    let picture = json!({ "height": 50, "width": 50, "is_silhouette": false, "url": call.picture(&caller.person) });
    let whole = json!({ "id": person.facebook_id, "name": person.facebook_name, "picture": { "data": picture } });
    call.fields()?.of(Node::User, &whole)
}

/// A user by id, or one of the Instagram nodes.
fn node(call: &GraphCall, caller: &Caller) -> Result<Value, GraphError> {
    let is_themselves = call
        .person(caller)
        .is_ok_and(|person| call.path == [person.facebook_id.as_str()]);
    if is_themselves {
        profile(call, caller)
    } else {
        instagram_node(call, caller)
    }
}

fn permissions(caller: &Caller) -> Value {
    let status =
        |status: &'static str| move |scope: &str| json!({ "permission": scope, "status": status });
    let granted = caller.scopes.iter().map(status("granted"));
    let declined = caller.selection.declined.iter().map(status("declined"));
    json!({ "data": granted.chain(declined).collect::<Vec<_>>() })
}

/// The Pages that were shared. One that a business holds takes a permission more.
fn accounts(call: &GraphCall, caller: &Caller, whose: &str) -> Result<Value, GraphError> {
    needs(caller, "pages_show_list")?;
    let person = its_own(call, caller, whose)?;
    let may_see_businesses = caller.scopes.contains("business_management");
    let seen = person
        .pages
        .iter()
        .filter(|page| may_see_businesses || page.business.is_none());
    let shared: Vec<&Page> = seen.filter(|page| caller.selection.has(&page.id)).collect();
    pages(call, caller, &shared)
}

fn needs(caller: &Caller, scope: &str) -> Result<(), GraphError> {
    let has = caller.scopes.contains(scope);
    if has {
        Ok(())
    } else {
        Err(GraphError::new(200, format!("Requires {scope} permission")))
    }
}

fn pages(call: &GraphCall, caller: &Caller, some: &[&Page]) -> Result<Value, GraphError> {
    let fields = call.fields()?;
    let nodes = some.iter().map(|page| {
        let mut whole =
            json!({ "id": page.id, "name": page.name, "category": "Artist", "tasks": page.tasks });
        let shared = page
            .instagram
            .as_ref()
            .filter(|account| caller.selection.has(&account.id));
        if let Some(fields) = whole.as_object_mut() {
            fields.insert("access_token".into(), json!(page_token(call, caller, page)));
            // A Page without an account has no such key.
            let node =
                shared.map(|account| account.node(&call.picture(&account.username), call.now()));
            fields.extend(node.map(|node| ("instagram_business_account".to_owned(), node)));
        }
        fields.of(Node::Page, &whole)
    });
    page(call, nodes.collect::<Result<_, _>>()?)
}

/// A token for the Page: the same whenever the same token asks. One taken with a long-lived token
/// has no end.
fn page_token(call: &GraphCall, caller: &Caller, page: &Page) -> String {
    let seed = appsecret_proof(
        caller.client.secret,
        &format!("{}/{}", caller.token, page.id),
    );
    let token = format!("EAAP{}", URL_SAFE_NO_PAD.encode(seed));
    let expires_at = caller.expires_at.filter(|_| caller.kind == "short");
    let mut world = call.stage.shared.world();
    world
        .grants
        .remember(caller.id, &token, "page", (call.now(), expires_at));
    token
}

fn businesses(call: &GraphCall, caller: &Caller, whose: &str) -> Result<Value, GraphError> {
    needs(caller, "business_management")?;
    let (person, fields) = (its_own(call, caller, whose)?, call.fields()?);
    let held = person
        .pages
        .iter()
        .filter_map(|page| page.business.as_ref());
    let nodes =
        held.map(|held| fields.of(Node::Business, &json!({ "id": held.id, "name": held.name })));
    page(call, nodes.collect::<Result<_, _>>()?)
}

/// The Pages that a business owns, chosen in the dialog or not; it has none of clients.
fn business_pages(
    call: &GraphCall,
    caller: &Caller,
    business: &str,
    kind: &str,
) -> Result<Value, GraphError> {
    needs(caller, "business_management")?;
    let person = call.person(caller)?;
    let is_of = |page: &&Page| {
        page.business
            .as_ref()
            .is_some_and(|held| held.id == business)
    };
    let owned: Vec<&Page> = person.pages.iter().filter(is_of).collect();
    if owned.is_empty() {
        return Err(GraphError::no_such_node(business));
    }
    pages(
        call,
        caller,
        if kind == "owned_pages" { &owned } else { &[] },
    )
}

/// Answers `DELETE …/permissions`: of all, which removes the app, or of one.
pub(super) async fn revoke(call: &GraphCall, whose: &str, one: Option<&str>) -> Response {
    let work = |caller: &Caller| {
        its_own(call, caller, whose)?;
        let reply = call.settings().revoke_reply;
        let mut world = call.stage.shared.world();
        let theirs = Whose {
            platform: PROFILE.slug,
            person: &caller.person,
            client: Some(caller.client.id),
        };
        match one {
            None => {
                world.grants.close_all_of(&theirs, Some(Ending::AppRemoved));
            }
            Some(scope) => world.grants.withdraw_scope(&theirs, scope),
        }
        Ok(match reply {
            RevokeReply::Object => json!({ "success": true }),
            RevokeReply::True => json!(true),
        })
    };
    call.respond("revoke", work).await
}
