//! Facebook nodes of the person who granted access: profile, permissions, Pages and businesses.

use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::profile::PROFILE;
use crate::platforms::meta;
use crate::platforms::meta::{
    Caller, GraphCall, GraphError, MetaPerson, Node, Page, appsecret_proof, instagram_node, page,
};
use crate::settings::RevokeReply;
use crate::world::grants::{GrantFilter, InvalidationReason};

/// Responds to a `GET` request for a Facebook or Instagram node.
pub(super) async fn read(call: &GraphCall, path: &[&str]) -> Response {
    match path {
        ["me"] => call.respond("me", |caller| profile(call, caller)).await,
        [user, "permissions"] => {
            let work =
                |caller: &Caller| own_profile(call, caller, user).map(|_| permissions(caller));
            call.respond("permissions", work).await
        }
        [user, "accounts"] => {
            call.respond("accounts", |caller| accounts(call, caller, user))
                .await
        }
        [user, "businesses"] => {
            call.respond("businesses", |caller| businesses(call, caller, user))
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

/// Responds to a path or method that does not exist.
pub(super) async fn unsupported(call: &GraphCall) -> Response {
    let work = async { GraphError::unsupported(&call.path.join("/")).into_response() };
    call.context.serve_endpoint("other", work).await
}

/// Returns the person behind the token if `user` is `me` or their Facebook id.
///
/// Any other `user` is an error: a token gives access to its own person only.
fn own_profile<'a>(
    call: &'a GraphCall,
    caller: &Caller,
    user: &str,
) -> Result<&'a MetaPerson, GraphError> {
    let person = call.person(caller)?;
    if user == "me" || user == person.facebook_id {
        Ok(person)
    } else {
        Err(GraphError::no_such_node(user))
    }
}

fn profile(call: &GraphCall, caller: &Caller) -> Result<Value, GraphError> {
    let person = call.person(caller)?;
    let picture = json!({ "height": 50, "width": 50, "is_silhouette": false, "url": call.picture(&caller.person) });
    let full_node = json!({ "id": person.facebook_id, "name": person.facebook_name, "picture": { "data": picture } });
    call.fields()?.select(Node::User, &full_node)
}

/// Returns the user node if the path is the person's Facebook id, else an Instagram node.
fn node(call: &GraphCall, caller: &Caller) -> Result<Value, GraphError> {
    let is_own_id = call
        .person(caller)
        .is_ok_and(|person| call.path == [person.facebook_id.as_str()]);
    if is_own_id {
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

/// Lists the Pages selected at consent. Pages owned by a business also need `business_management`.
fn accounts(call: &GraphCall, caller: &Caller, user: &str) -> Result<Value, GraphError> {
    require_scope(caller, "pages_show_list")?;
    let person = own_profile(call, caller, user)?;
    let may_see_businesses = caller.scopes.contains("business_management");
    let visible = person
        .pages
        .iter()
        .filter(|page| may_see_businesses || page.business.is_none());
    let shared: Vec<&Page> = visible
        .filter(|page| caller.selection.has(&page.id))
        .collect();
    pages(call, caller, &shared)
}

fn require_scope(caller: &Caller, scope: &str) -> Result<(), GraphError> {
    let has = caller.scopes.contains(scope);
    if has {
        Ok(())
    } else {
        Err(GraphError::new(200, format!("Requires {scope} permission")))
    }
}

fn pages(call: &GraphCall, caller: &Caller, selected: &[&Page]) -> Result<Value, GraphError> {
    let fields = call.fields()?;
    let nodes = selected.iter().map(|page| {
        let mut full_node =
            json!({ "id": page.id, "name": page.name, "category": "Artist", "tasks": page.tasks });
        let shared = page
            .instagram
            .as_ref()
            .filter(|account| caller.selection.has(&account.id));
        if let Some(fields) = full_node.as_object_mut() {
            fields.insert("access_token".into(), json!(page_token(call, caller, page)));
            // The key is absent, not null, for a Page without a linked Instagram account.
            let account_node =
                shared.map(|account| account.node(&call.picture(&account.username), call.now()));
            fields.extend(account_node.map(|node| ("instagram_business_account".to_owned(), node)));
        }
        fields.select(Node::Page, &full_node)
    });
    page(call, nodes.collect::<Result<_, _>>()?)
}

/// Returns the Page access token: stable for a given user token and Page.
///
/// A Page token obtained with a long-lived user token does not expire.
fn page_token(call: &GraphCall, caller: &Caller, page: &Page) -> String {
    let seed = appsecret_proof(
        caller.client.secret,
        &format!("{}/{}", caller.token, page.id),
    );
    let token = format!("EAAP{}", URL_SAFE_NO_PAD.encode(seed));
    let expires_at = caller.expires_at.filter(|_| caller.kind == "short");
    let mut world = call.context.shared.world();
    world
        .grants
        .record_token(caller.id, &token, "page", (call.now(), expires_at));
    token
}

fn businesses(call: &GraphCall, caller: &Caller, user: &str) -> Result<Value, GraphError> {
    require_scope(caller, "business_management")?;
    let (person, fields) = (own_profile(call, caller, user)?, call.fields()?);
    let businesses = person
        .pages
        .iter()
        .filter_map(|page| page.business.as_ref());
    let nodes = businesses.map(|business| {
        fields.select(
            Node::Business,
            &json!({ "id": business.id, "name": business.name }),
        )
    });
    page(call, nodes.collect::<Result<_, _>>()?)
}

/// Lists the Pages that a business owns, whether or not they were selected at consent.
///
/// The simulated businesses have no client Pages.
fn business_pages(
    call: &GraphCall,
    caller: &Caller,
    business: &str,
    kind: &str,
) -> Result<Value, GraphError> {
    require_scope(caller, "business_management")?;
    let person = call.person(caller)?;
    let owned_by = |page: &&Page| {
        page.business
            .as_ref()
            .is_some_and(|owner| owner.id == business)
    };
    let owned: Vec<&Page> = person.pages.iter().filter(owned_by).collect();
    if owned.is_empty() {
        return Err(GraphError::no_such_node(business));
    }
    pages(
        call,
        caller,
        if kind == "owned_pages" { &owned } else { &[] },
    )
}

/// Responds to `DELETE …/permissions`: revokes `permission`, or removes the app if it is `None`.
pub(super) async fn revoke(call: &GraphCall, user: &str, permission: Option<&str>) -> Response {
    let work = |caller: &Caller| {
        own_profile(call, caller, user)?;
        let reply = call.settings().revoke_reply;
        let mut world = call.context.shared.world();
        let filter = GrantFilter {
            platform: PROFILE.slug,
            person: &caller.person,
            client: Some(caller.client.id),
        };
        match permission {
            None => {
                world
                    .grants
                    .invalidate_matching(&filter, Some(InvalidationReason::AppRemoved));
            }
            Some(scope) => world.grants.revoke_scope(&filter, scope),
        }
        Ok(match reply {
            RevokeReply::Object => json!({ "success": true }),
            RevokeReply::True => json!(true),
        })
    };
    call.respond("revoke", work).await
}
