//! Fetches the account of a grant from the userinfo endpoint.
//!
//! The account id is required, because connections are identified by it. All other facts are only
//! displayed, so a fact that is missing or has the wrong type is omitted and never fails a connect.

use evergrant_model::{AccessToken, AccountInfo, ProviderAccountId, ScopeSet};
use http::Method;
use http::header::AUTHORIZATION;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::api_client::{ApiClient, plain_request, with_query};
use super::client_registration::ClientRegistration;
use super::json::Document;
use crate::AdapterError;
use crate::definition::{AccessTokenIn, Definition, Fact, FactKind};

/// Longest string that is kept as a fact, in characters.
const MAX_TEXT_CHARS: usize = 2048;

/// Fetches the profile for this access token.
///
/// # Errors
///
/// An error of any class.
pub(crate) async fn profile(
    api: &ApiClient,
    access: &AccessToken,
    granted: &ScopeSet,
) -> Result<Document, AdapterError> {
    let client = api.registration()?;
    let mut url = client.endpoints.userinfo.clone();
    let fields = profile_fields(api, granted);
    if !fields.is_empty() {
        url.query_pairs_mut()
            .append_pair("fields", &fields.join(","));
    }
    read_with_token(api, client, url, access)
        .await
        .map(|document| api.unwrapped(document))
}

/// Returns the profile fields that the granted scopes allow. If the granted scopes are unknown,
/// returns those that the required scopes allow.
fn profile_fields<'a>(api: &'a ApiClient, granted: &ScopeSet) -> Vec<&'a str> {
    let fields_of = |scopes: &ScopeSet| -> Vec<&'a str> {
        let fields = api
            .definition()
            .endpoints
            .userinfo_fields
            .iter()
            .filter(|(scope, _)| scopes.contains(scope));
        fields
            .flat_map(|(_, fields)| fields)
            .map(String::as_str)
            .collect()
    };
    let fields = fields_of(granted);
    if !fields.is_empty() {
        return fields;
    }
    let required = api
        .spec
        .scopes
        .iter()
        .filter(|scope| scope.required)
        .map(|scope| scope.id.as_str());
    fields_of(&required.collect())
}

/// Sends a GET with the access token and returns the JSON object of the response.
async fn read_with_token(
    api: &ApiClient,
    client: &ClientRegistration,
    url: Url,
    access: &AccessToken,
) -> Result<Document, AdapterError> {
    let response = match api.definition().endpoints.access_token_in {
        AccessTokenIn::Header => {
            let mut request = plain_request(client, Method::GET, &url);
            request.credentials = vec![(
                AUTHORIZATION,
                Zeroizing::new(format!("Bearer {}", access.expose())),
            )];
            api.send(request).await?
        }
        AccessTokenIn::Query => {
            let url = with_query(&url, &[("access_token", access.expose())]);
            api.send(plain_request(client, Method::GET, &url)).await?
        }
    };
    api.profile_document(&response, &[access.expose()])
}

/// Reads the account from a profile response.
///
/// # Errors
///
/// `Unknown` with status 200 if the response has no usable id, or two different ones.
pub(crate) fn account_in(
    document: &Document,
    definition: &Definition,
) -> Result<AccountInfo, AdapterError> {
    if document.is_ambiguous(&definition.account.pointers.id) {
        return Err(no_usable_id());
    }
    account(document.value(), definition)
}

/// Reads the account from a profile.
///
/// # Errors
///
/// `Unknown` with status 200 if the profile has no usable id.
pub(crate) fn account(
    profile: &Value,
    definition: &Definition,
) -> Result<AccountInfo, AdapterError> {
    let pointers = &definition.account.pointers;
    let text = |pointer: &Option<String>| {
        pointer
            .as_deref()
            .and_then(|pointer| profile.pointer(pointer))
            .and_then(text)
    };
    let mut info = AccountInfo {
        id: id(profile, &pointers.id)?,
        username: text(&pointers.username),
        display_name: text(&pointers.display_name),
        avatar_url: text(&pointers.avatar).filter(|address| is_http_url(address)),
        metadata: serde_json::Map::new(),
    };
    let identity = [
        ("username", &info.username),
        ("display_name", &info.display_name),
        ("avatar_url", &info.avatar_url),
    ];
    let identity = identity
        .into_iter()
        .filter_map(|(name, text)| Some((name.to_owned(), Value::from(text.clone()?))));
    let plain = definition
        .account
        .facts
        .iter()
        .filter_map(|name| Some((name.clone(), typed(profile.get(name)?, None)?)));
    let named = definition
        .account
        .metadata
        .iter()
        .filter_map(|(name, fact)| Some((name.clone(), fact_value(profile, fact)?)));
    info.metadata = plain.chain(named).chain(identity).collect();
    Ok(info)
}

/// Returns the account id, which is a string or an integer. A floating-point number may have lost
/// digits. In a string, U+FFFD replaces bytes that could not be decoded.
fn id(profile: &Value, pointer: &str) -> Result<ProviderAccountId, AdapterError> {
    let id = match profile.pointer(pointer) {
        Some(Value::String(text)) if !text.contains(char::REPLACEMENT_CHARACTER) => {
            Some(text.clone())
        }
        Some(Value::Number(number)) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    };
    id.and_then(|id| ProviderAccountId::new(id).ok())
        .ok_or_else(no_usable_id)
}

fn no_usable_id() -> AdapterError {
    AdapterError::unreadable("the profile has no usable account id", 200)
}

fn text(value: &Value) -> Option<String> {
    let text = value.as_str()?.trim();
    (!text.is_empty() && text.chars().count() <= MAX_TEXT_CHARS).then(|| text.to_owned())
}

fn is_http_url(address: &str) -> bool {
    url::Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

fn fact_value(profile: &Value, fact: &Fact) -> Option<Value> {
    let (pointer, kind) = match fact {
        Fact::Any(pointer) => (pointer, None),
        Fact::Typed { at, kind } => (at, Some(*kind)),
    };
    typed(profile.pointer(pointer)?, kind)
}

/// Returns the value if it is a string, number or boolean of the required type.
fn typed(value: &Value, kind: Option<FactKind>) -> Option<Value> {
    let fits = match (kind, value) {
        (None | Some(FactKind::Text), Value::String(_)) => return text(value).map(Value::from),
        (None | Some(FactKind::Number), Value::Number(_))
        | (None | Some(FactKind::Boolean), Value::Bool(_)) => true,
        (Some(FactKind::Integer), Value::Number(number)) => !number.is_f64(),
        _ => false,
    };
    fits.then(|| value.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ErrorClass;

    fn reddit(profile: &Value) -> Result<AccountInfo, AdapterError> {
        let definition =
            crate::definition::read_file(include_str!("../../catalogue/reddit.toml")).unwrap();
        account(profile, &definition)
    }

    #[test]
    fn complete_reddit_profile_is_read() {
        let info = reddit(&json!({
            "id": "sim9z", "name": "juniper", "subreddit": {"title": "Juniper"}, "total_karma": 1234,
            "icon_img": "https://styles.sim/a.png?s=1&t=2", "created_utc": 1_767_225_600.0, "inbox_count": 3,
        }))
        .unwrap();
        assert_eq!(info.id.as_str(), "sim9z");
        assert_eq!(info.username.as_deref(), Some("juniper"));
        assert_eq!(info.display_name.as_deref(), Some("Juniper"));
        assert_eq!(
            info.avatar_url.as_deref(),
            Some("https://styles.sim/a.png?s=1&t=2")
        );
        assert_eq!(
            Value::Object(info.metadata),
            json!({
                "username": "juniper", "display_name": "Juniper", "avatar_url": "https://styles.sim/a.png?s=1&t=2",
                "karma": 1234, "created_utc": 1_767_225_600.0,
            })
        );
    }

    #[test]
    fn missing_or_mistyped_facts_are_omitted() {
        let info = reddit(&json!({
            "id": "sim9z", "name": 7, "subreddit": null, "icon_img": "javascript:alert(1)",
            "total_karma": "1234", "created_utc": null,
        }))
        .unwrap();
        assert_eq!(
            (info.username, info.display_name, info.avatar_url),
            (None, None, None)
        );
        assert!(info.metadata.is_empty());
        let partial =
            reddit(&json!({"id": "sim9z", "total_karma": 12.5, "created_utc": 5})).unwrap();
        assert_eq!(Value::Object(partial.metadata), json!({"created_utc": 5}));
    }

    #[test]
    fn numeric_id_keeps_all_digits() {
        assert_eq!(
            reddit(&json!({"id": 17_841_400_000_000_001_u64}))
                .unwrap()
                .id
                .as_str(),
            "17841400000000001"
        );
    }

    #[test]
    fn profile_without_id_is_rejected() {
        for profile in [
            json!({}),
            json!({"id": null}),
            json!({"id": ""}),
            json!({"id": 1.5}),
            json!({"id": {"a": 1}}),
        ] {
            let error = reddit(&profile).unwrap_err();
            assert_eq!(
                (error.class(), error.http_status()),
                (ErrorClass::Unknown, Some(200)),
                "{profile}"
            );
        }
    }
}
