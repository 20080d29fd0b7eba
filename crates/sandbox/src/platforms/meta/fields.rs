//! The `fields` parameter, such as `fields=id,name,children{id}`, which selects the fields of a
//! node.
//!
//! Without the parameter only the id is returned. A field without a value is omitted. A field that
//! does not exist fails the call.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::{Map, Value, json};

use super::GraphError;

/// Maximum nesting depth of field lists.
const MAX_DEPTH: usize = 8;

/// The node types. Each has its own set of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node {
    User,
    Picture,
    Page,
    Business,
    Account,
    /// An Instagram account at Instagram Login.
    LoginAccount,
    Media,
    /// A media item at Instagram Login, without `saved_count`, `shares_count`, `reposts_count` and
    /// the `total_*` fields.
    LoginMedia,
    Child,
}

impl Node {
    /// Returns the fields that exist on this node type, separated by spaces.
    fn known(self) -> &'static str {
        match self {
            Self::User => "id name picture",
            Self::Picture => "data",
            Self::Page => "id name access_token tasks category instagram_business_account",
            Self::Business => "id name",
            Self::Account => {
                "id username name biography website profile_picture_url followers_count follows_count media_count"
            }
            Self::LoginAccount => {
                "id user_id username name account_type biography website profile_picture_url followers_count \
                 follows_count media_count"
            }
            Self::Media => {
                "id caption media_type media_product_type media_url thumbnail_url permalink shortcode timestamp username \
                 like_count comments_count children saved_count shares_count reposts_count total_like_count \
                 total_comments_count total_views_count"
            }
            Self::LoginMedia => {
                "id caption media_type media_product_type media_url thumbnail_url permalink shortcode timestamp username \
                 like_count comments_count children"
            }
            Self::Child => "id media_type media_url thumbnail_url timestamp permalink",
        }
    }

    /// Returns the node type that a field refers to, or `None` for a plain value.
    fn of_field(name: &str) -> Option<Self> {
        match name {
            "picture" => Some(Self::Picture),
            "instagram_business_account" => Some(Self::Account),
            "children" => Some(Self::Child),
            _ => None,
        }
    }
}

/// A parsed field list. Each field may have a nested list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields(Vec<(String, Option<Self>)>);

impl Fields {
    pub(crate) fn parse(text: &str) -> Result<Self, GraphError> {
        let mut chars = text.chars().peekable();
        let fields = Self::read(&mut chars, 0);
        match (fields, chars.next()) {
            (Some(fields), None) => Ok(fields),
            _ => Err(GraphError::new(2500, "Syntax error in the list of fields.")),
        }
    }

    fn read(chars: &mut Peekable<Chars<'_>>, depth: usize) -> Option<Self> {
        let mut fields = Vec::new();
        loop {
            let mut name = String::new();
            while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                name.push(c);
            }
            skip_modifiers(chars);
            let mut inner = None;
            if depth < MAX_DEPTH && chars.next_if_eq(&'{').is_some() {
                inner = Some(Self::read(chars, depth + 1)?);
                chars.next_if_eq(&'}')?;
            }
            if name.is_empty() {
                return None;
            }
            fields.push((name, inner));
            if chars.next_if_eq(&',').is_none() {
                return Some(Self(fields));
            }
        }
    }

    /// Returns the selected fields of a node. The id is always included.
    pub(crate) fn select(&self, node: Node, full_node: &Value) -> Result<Value, GraphError> {
        let mut part = Map::new();
        part.extend(full_node.get("id").map(|id| ("id".to_owned(), id.clone())));
        for (name, inner) in &self.0 {
            if !node.known().split(' ').any(|known| known == name) {
                let message =
                    format!("Tried accessing nonexisting field ({name}) on node type ({node:?})");
                return Err(GraphError::parameter(message));
            }
            let Some(value) = full_node.get(name) else {
                continue;
            };
            part.insert(
                name.clone(),
                Self::select_value(Node::of_field(name), inner.as_ref(), value)?,
            );
        }
        Ok(Value::Object(part))
    }

    /// Returns a field's value. Nodes and lists of nodes are reduced to the nested field list, or
    /// to the id.
    fn select_value(
        node: Option<Node>,
        inner: Option<&Self>,
        value: &Value,
    ) -> Result<Value, GraphError> {
        let Some(node) = node.filter(|node| *node != Node::Picture) else {
            return Ok(value.clone());
        };
        let only_id = Self(vec![("id".to_owned(), None)]);
        let fields = inner.unwrap_or(&only_id);
        match value.get("data").and_then(Value::as_array) {
            None => fields.select(node, value),
            Some(list) => {
                let list = list
                    .iter()
                    .map(|one| fields.select(node, one))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(json!({ "data": list }))
            }
        }
    }
}

/// Skips modifiers such as `.limit(5)`, which are accepted and ignored.
fn skip_modifiers(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if_eq(&'.').is_some() {
        for c in chars.by_ref() {
            if c == ')' {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_field_lists_select_fields_of_nested_nodes() {
        let full_node = json!({ "id": "1", "caption": "c", "children": { "data": [{ "id": "2", "media_type": "IMAGE" }] } });
        let get = |fields: &str| {
            Fields::parse(fields)
                .ok()
                .and_then(|fields| fields.select(Node::Media, &full_node).ok())
        };
        assert_eq!(get("id"), Some(json!({ "id": "1" })));
        assert_eq!(
            get("children"),
            Some(json!({ "id": "1", "children": { "data": [{ "id": "2" }] } }))
        );
        let deep =
            json!({ "id": "1", "children": { "data": [{ "id": "2", "media_type": "IMAGE" }] } });
        assert_eq!(get("children.limit(5){media_type}"), Some(deep));
        assert_eq!(
            get("thumbnail_url"),
            Some(json!({ "id": "1" })),
            "a field without a value is omitted"
        );
        for bad in [
            "nonsense",
            "children{nonsense}",
            "",
            "id,",
            "children{id",
            "id}",
            "{id}",
        ] {
            assert_eq!(get(bad), None, "{bad}");
        }
    }
}
