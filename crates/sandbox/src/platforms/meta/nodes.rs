//! The Instagram nodes, the same behind both logins: an account, its media and stories, and their
//! insights.

use serde_json::{Value, json};

use super::media::{self, Kind, Medium};
use super::{Account, Caller, GraphCall, GraphError, Node, insights, media_insights, page};
use crate::platform::Stage;

/// What a path of the call leads to, as counters name it. `None`: not to an Instagram node.
pub(crate) fn endpoint(call: &GraphCall) -> Option<&'static str> {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["me"] if call.host.is_login => Some("me"),
        [id, "insights"] if is_medium(id) => Some("media_insights"),
        [_, "insights"] => Some("account_insights"),
        [_, "media"] => Some("media"),
        [_, "stories"] => Some("stories"),
        [_, "children"] => Some("children"),
        [id] if is_medium(id) => Some("medium"),
        [id] if id.bytes().all(|byte| byte.is_ascii_digit()) => Some("account"),
        _ => None,
    }
}

fn is_medium(id: &str) -> bool {
    id.starts_with("180") || id.starts_with("181")
}

/// Answers a `GET` about an Instagram node.
pub(crate) fn instagram_node(call: &GraphCall, caller: &Caller) -> Result<Value, GraphError> {
    let id = call.path.first().map(String::as_str).unwrap_or_default();
    let account = call
        .account(caller)
        .ok_or_else(|| GraphError::no_such_node(id))?;
    may_read(call, caller)?;
    match (endpoint(call).unwrap_or_default(), is_medium(id)) {
        ("media", false) => list(call, media::posts(account, call.now())),
        ("stories", false) => list(call, media::stories(account, call.now())),
        ("account_insights", false) => insights::read(call, account),
        ("me" | "account", _) => account_node(call, account),
        ("medium", _) => medium_node(call, account, id),
        ("media_insights", _) => media_insights::read(call, &medium(call, account, id)?),
        ("children", true) => children(call, &medium(call, account, id)?),
        _ => Err(GraphError::unsupported(&call.path.join("/"))),
    }
}

/// The right permission, and a consent that is not too long ago.
fn may_read(call: &GraphCall, caller: &Caller) -> Result<(), GraphError> {
    let wants_insights = call.path.last().is_some_and(|last| last == "insights");
    let needed = if wants_insights {
        call.host.insights
    } else {
        call.host.basic
    };
    if [call.host.basic, needed]
        .iter()
        .any(|scope| !caller.scopes.contains(scope))
    {
        return Err(GraphError::permission(format!(
            "The app does not have the permission {needed}."
        )));
    }
    if call.now() >= Caller::data_ends_at(&caller.selection) {
        return Err(GraphError::permission(
            "The app's access to the person's data has expired. Ask them again.",
        ));
    }
    Ok(())
}

fn account_node(call: &GraphCall, account: &Account) -> Result<Value, GraphError> {
    let mut whole = account.node(&call.picture(&account.username), call.now());
    if call.host.is_login {
        put_login_ids(&mut whole, account);
        return call.fields()?.of(Node::LoginAccount, &whole);
    }
    call.fields()?.of(Node::Account, &whole)
}

/// At Instagram Login `id` is the app's own name for the person.
fn put_login_ids(whole: &mut Value, account: &Account) {
    if let Some(fields) = whole.as_object_mut() {
        fields.insert("id".into(), json!(account.login_id));
    }
}

fn media_kind(call: &GraphCall) -> Node {
    if call.host.is_login {
        Node::LoginMedia
    } else {
        Node::Media
    }
}

fn base_url(stage: &Stage) -> &str {
    stage.shared.base_url()
}

fn list(call: &GraphCall, mut media: Vec<Medium<'_>>) -> Result<Value, GraphError> {
    let time = |name: &str| {
        call.form
            .get(name)
            .and_then(|seconds| seconds.parse::<i64>().ok())
    };
    let (since, until) = (
        time("since").unwrap_or(i64::MIN),
        time("until").unwrap_or(i64::MAX),
    );
    media.retain(|medium| (since..=until).contains(&medium.created_s));
    let (fields, kind) = (call.fields()?, media_kind(call));
    let nodes = media.iter().map(|medium| {
        fields.of(
            kind,
            &medium.node(base_url(&call.stage), call.host.is_login),
        )
    });
    page(call, nodes.collect::<Result<_, _>>()?)
}

fn medium_node(call: &GraphCall, account: &Account, id: &str) -> Result<Value, GraphError> {
    let fields = call.fields()?;
    let Some((album, nth)) = child_of(id) else {
        let medium = medium(call, account, id)?;
        return fields.of(
            media_kind(call),
            &medium.node(base_url(&call.stage), call.host.is_login),
        );
    };
    let album = medium(call, account, album)?;
    if album.kind != Kind::Carousel || !(1..=3).contains(&nth) {
        return Err(GraphError::no_such_node(id));
    }
    fields.of(Node::Child, &album.child(base_url(&call.stage), nth))
}

/// Album and place of a child, by its id.
fn child_of(id: &str) -> Option<(&str, i64)> {
    let (album, nth) = id.split_at_checked(17)?;
    Some((album, nth.parse().ok()?))
}

fn children(call: &GraphCall, album: &Medium<'_>) -> Result<Value, GraphError> {
    let fields = call.fields()?;
    let count = if album.kind == Kind::Carousel { 3 } else { 0 };
    let nodes =
        (1..=count).map(|nth| fields.of(Node::Child, &album.child(base_url(&call.stage), nth)));
    page(call, nodes.collect::<Result<_, _>>()?)
}

/// The post or living story of this id. A story that has ended is gone, and a child of an album is
/// not a post.
fn medium<'a>(call: &GraphCall, account: &'a Account, id: &str) -> Result<Medium<'a>, GraphError> {
    let now = call.now();
    let mut all = media::posts(account, now)
        .into_iter()
        .chain(media::stories(account, now));
    all.find(|medium| medium.id == id)
        .ok_or_else(|| GraphError::no_such_node(id))
}
