//! Asks the userinfo endpoint whose account a grant reaches, and reads the answer.
//!
//! The stable id is demanded, since everything hangs on it. All else is shown to people and never
//! decided on, so a fact that is missing or not of its type is left out and never fails a connect.

use evergrant_model::{AccessToken, AccountInfo, ProviderAccountId, ScopeSet};
use http::Method;
use http::header::AUTHORIZATION;
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::api_client::{ApiClient, plain_request, with_query};
use super::client_registration::ClientRegistration;
use super::json::Document;
use crate::definition::{AccessTokenIn, Definition, Fact, FactKind};
use crate::{AdapterError, ErrorClass};

/// The longest text that is kept as a fact.
const LONGEST_TEXT_CHARS: usize = 2048;

/// The profile as the platform gives it for this token.
///
/// # Errors
///
/// Any class.
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

/// The fields that the granted scopes open; where the granted scopes are unknown, those that every
/// grant opens.
fn profile_fields<'a>(api: &'a ApiClient, granted: &ScopeSet) -> Vec<&'a str> {
    let allowed = |by: &ScopeSet| -> Vec<&'a str> {
        let fields = api
            .definition()
            .endpoints
            .userinfo_fields
            .iter()
            .filter(|(scope, _)| by.contains(scope));
        fields
            .flat_map(|(_, fields)| fields)
            .map(String::as_str)
            .collect()
    };
    let fields = allowed(granted);
    if !fields.is_empty() {
        return fields;
    }
    let required = api
        .spec
        .scopes
        .iter()
        .filter(|scope| scope.required)
        .map(|scope| scope.id.as_str());
    allowed(&required.collect())
}

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
    api.profile_document(&response)
}

/// The account that `profile` describes.
///
/// # Errors
///
/// `Unknown`, for an answer that came with success, where it has no id.
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
        avatar_url: text(&pointers.avatar).filter(|address| is_picture(address)),
        metadata: serde_json::Map::new(),
    };
    let shown = [
        ("username", &info.username),
        ("display_name", &info.display_name),
        ("avatar_url", &info.avatar_url),
    ];
    let shown = shown
        .into_iter()
        .filter_map(|(name, text)| Some((name.to_owned(), Value::from(text.clone()?))));
    let plain = definition
        .account
        .facts
        .iter()
        .filter_map(|name| Some((name.clone(), kept(profile.get(name)?, None)?)));
    let own = definition
        .account
        .metadata
        .iter()
        .filter_map(|(name, wanted)| Some((name.clone(), fact(profile, wanted)?)));
    info.metadata = plain.chain(own).chain(shown).collect();
    Ok(info)
}

/// A text or a whole number; a number with a fraction may have lost digits on the way.
fn id(profile: &Value, pointer: &str) -> Result<ProviderAccountId, AdapterError> {
    let told = match profile.pointer(pointer) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    };
    told.and_then(|id| ProviderAccountId::new(id).ok())
        .ok_or_else(|| {
            AdapterError::new(
                ErrorClass::Unknown,
                "the platform's profile has no usable account id",
            )
        })
        .map_err(|error| error.with_status(200))
}

fn text(value: &Value) -> Option<String> {
    let text = value.as_str()?.trim();
    (!text.is_empty() && text.chars().count() <= LONGEST_TEXT_CHARS).then(|| text.to_owned())
}

fn is_picture(address: &str) -> bool {
    url::Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

fn fact(profile: &Value, wanted: &Fact) -> Option<Value> {
    let (pointer, kind) = match wanted {
        Fact::Any(pointer) => (pointer, None),
        Fact::Typed { at, kind } => (at, Some(*kind)),
    };
    kept(profile.pointer(pointer)?, kind)
}

/// The value, where it is plain and of the kind that is wanted.
fn kept(value: &Value, kind: Option<FactKind>) -> Option<Value> {
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

    fn reddit(profile: &Value) -> Result<AccountInfo, AdapterError> {
        let definition =
            crate::definition::read_file(include_str!("../../catalogue/reddit.toml")).unwrap();
        account(profile, &definition)
    }

    #[test]
    fn reads_a_whole_reddit_profile() {
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
    fn what_is_missing_or_mistyped_is_left_out() {
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
        let half = reddit(&json!({"id": "sim9z", "total_karma": 12.5, "created_utc": 5})).unwrap();
        assert_eq!(Value::Object(half.metadata), json!({"created_utc": 5}));
    }

    #[test]
    fn a_number_may_be_an_id_and_keeps_its_digits() {
        assert_eq!(
            reddit(&json!({"id": 17_841_400_000_000_001_u64}))
                .unwrap()
                .id
                .as_str(),
            "17841400000000001"
        );
    }

    #[test]
    fn without_an_id_there_is_no_account() {
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
