//! The Instagram nodes shared by both logins: account, media, stories and insights.

use serde_json::{Value, json};

use super::media::{self, Kind, MediaItem};
use super::{Account, Caller, GraphCall, GraphError, Node, insights, media_insights, page};
use crate::platform::PlatformContext;

/// Returns the endpoint's name in call counters and faults, or `None` if the path is not an
/// Instagram node.
pub(crate) fn endpoint(call: &GraphCall) -> Option<&'static str> {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["me"] if call.host.is_login => Some("me"),
        [id, "insights"] if is_media_id(id) => Some("media_insights"),
        [_, "insights"] => Some("account_insights"),
        [_, "media"] => Some("media"),
        [_, "stories"] => Some("stories"),
        [_, "children"] => Some("children"),
        [id] if is_media_id(id) => Some("medium"),
        [id] if id.bytes().all(|byte| byte.is_ascii_digit()) => Some("account"),
        _ => None,
    }
}

fn is_media_id(id: &str) -> bool {
    id.starts_with("180") || id.starts_with("181")
}

/// Returns the Instagram node or edge that the path refers to.
///
/// # Errors
/// Returns error 100 if the node or edge does not exist, and error 10 if a permission is missing or
/// the data access has expired.
pub(crate) fn instagram_node(call: &GraphCall, caller: &Caller) -> Result<Value, GraphError> {
    let id = call.path.first().map(String::as_str).unwrap_or_default();
    let account = call
        .account(caller)
        .ok_or_else(|| GraphError::no_such_node(id))?;
    check_read_access(call, caller)?;
    match (endpoint(call).unwrap_or_default(), is_media_id(id)) {
        ("media", false) => list(call, media::posts(account, call.now())),
        ("stories", false) => list(call, media::stories(account, call.now())),
        ("account_insights", false) => insights::read(call, account),
        ("me" | "account", _) => account_node(call, account),
        ("medium", _) => media_item_node(call, account, id),
        ("media_insights", _) => media_insights::read(call, &media_item(call, account, id)?),
        ("children", true) => children(call, &media_item(call, account, id)?),
        _ => Err(GraphError::unsupported(&call.path.join("/"))),
    }
}

/// Checks the permissions and that data access has not expired since consent.
fn check_read_access(call: &GraphCall, caller: &Caller) -> Result<(), GraphError> {
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
    if call.now() >= Caller::data_access_expires_at(&caller.selection) {
        return Err(GraphError::permission(
            "The app's access to the person's data has expired. The person must consent again.",
        ));
    }
    Ok(())
}

fn account_node(call: &GraphCall, account: &Account) -> Result<Value, GraphError> {
    let mut node = account.node(&call.picture(&account.username), call.now());
    if call.host.is_login {
        insert_login_id(&mut node, account);
        return call.fields()?.select(Node::LoginAccount, &node);
    }
    call.fields()?.select(Node::Account, &node)
}

/// Replaces `id` with the app-scoped id, as Instagram Login does.
fn insert_login_id(node: &mut Value, account: &Account) {
    if let Some(fields) = node.as_object_mut() {
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

fn base_url(context: &PlatformContext) -> &str {
    context.shared.base_url()
}

fn list(call: &GraphCall, mut media: Vec<MediaItem<'_>>) -> Result<Value, GraphError> {
    let time = |name: &str| {
        call.form
            .get(name)
            .and_then(|seconds| seconds.parse::<i64>().ok())
    };
    let (since, until) = (
        time("since").unwrap_or(i64::MIN),
        time("until").unwrap_or(i64::MAX),
    );
    media.retain(|media_item| (since..=until).contains(&media_item.created_seconds));
    let (fields, kind) = (call.fields()?, media_kind(call));
    let nodes = media.iter().map(|media_item| {
        fields.select(
            kind,
            &media_item.node(base_url(&call.context), call.host.is_login),
        )
    });
    page(call, nodes.collect::<Result<_, _>>()?)
}

fn media_item_node(call: &GraphCall, account: &Account, id: &str) -> Result<Value, GraphError> {
    let fields = call.fields()?;
    let Some((album, nth)) = child_of(id) else {
        let media_item = media_item(call, account, id)?;
        return fields.select(
            media_kind(call),
            &media_item.node(base_url(&call.context), call.host.is_login),
        );
    };
    let album = media_item(call, account, album)?;
    if album.kind != Kind::Carousel || !(1..=3).contains(&nth) {
        return Err(GraphError::no_such_node(id));
    }
    fields.select(Node::Child, &album.child(base_url(&call.context), nth))
}

/// Splits the id of an album child into the album's id and the child's position.
fn child_of(id: &str) -> Option<(&str, i64)> {
    let (album, nth) = id.split_at_checked(17)?;
    Some((album, nth.parse().ok()?))
}

fn children(call: &GraphCall, album: &MediaItem<'_>) -> Result<Value, GraphError> {
    let fields = call.fields()?;
    let count = if album.kind == Kind::Carousel { 3 } else { 0 };
    let nodes = (1..=count)
        .map(|nth| fields.select(Node::Child, &album.child(base_url(&call.context), nth)));
    page(call, nodes.collect::<Result<_, _>>()?)
}

/// Returns the post or visible story with this id. Expired stories and album children are not
/// found.
fn media_item<'a>(
    call: &GraphCall,
    account: &'a Account,
    id: &str,
) -> Result<MediaItem<'a>, GraphError> {
    let now = call.now();
    let mut all = media::posts(account, now)
        .into_iter()
        .chain(media::stories(account, now));
    all.find(|media_item| media_item.id == id)
        .ok_or_else(|| GraphError::no_such_node(id))
}
