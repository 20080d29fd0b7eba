//! Instagram through Facebook Login. A Facebook user grants access; the accounts are those linked
//! to their Facebook Pages.
//!
//! Departures from the engine:
//! - Every Graph call carries a proof that the client knows the app secret.
//! - The user can decline single scopes on the consent page.
//! - Some lifetimes are reported by `debug_token` only.
//! - A DELETE request revokes the grant.
//!
//! Source: Meta's pages "Manually Build a Login Flow", "Get Long-Lived Access Tokens" and "Securing
//! Graph API Requests".

use async_trait::async_trait;
use evergrant_model::{AccessToken, AccountInfo, ClientSecret, ScopeSet, Timestamp, TokenSet};
use evergrant_outbound::Response;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use serde_json::{Map, Value};
use sha2::Sha256;
use url::Url;
use zeroize::Zeroizing;

use crate::definition::CallKind;
use crate::oauth2::api_client::{plain_request, with_query};
use crate::oauth2::engine::OAuth2;
use crate::oauth2::json::Document;
use crate::oauth2::stated_time::{expiry, time};
use crate::oauth2::userinfo;
use crate::{
    AdapterError, AuthorizationRequest, CodeExchange, ErrorClass, HeldTokens, PlatformAdapter,
    ProviderSpec, RemoteRevocation,
};

/// Maximum number of list requests, each of which returns up to 100 Facebook Pages.
const MAX_PAGE_REQUESTS: usize = 20;
/// The fields of a Facebook Page that are requested.
const PAGE_FIELDS: &str = "id,name,instagram_business_account{id,username,name,profile_picture_url,followers_count,media_count}";

/// When a token and its access to data expire; `None` if unknown or never.
#[derive(Default)]
struct Expiries {
    token: Option<Timestamp>,
    data_access: Option<Timestamp>,
}

/// The adapter for Instagram through Facebook Login.
pub(crate) struct Instagram {
    engine: OAuth2,
}

impl Instagram {
    pub(crate) fn new(engine: OAuth2) -> Self {
        Self { engine }
    }

    /// Sends one Graph call with the token and its `appsecret_proof`.
    async fn call(&self, method: Method, url: &Url, token: &str) -> Result<Response, AdapterError> {
        let client = self.engine.api().registration()?;
        let proof = client
            .secret
            .as_ref()
            .map(|secret| proof(secret, token))
            .unwrap_or_default();
        let url = with_query(url, &[("access_token", token), ("appsecret_proof", &proof)]);
        self.engine
            .api()
            .send(plain_request(client, method, &url))
            .await
    }

    /// Sends a GET and returns the JSON object of the response. It names accounts, so it must be
    /// unambiguous.
    async fn read(&self, url: &Url, token: &str) -> Result<Document, AdapterError> {
        let response = self.call(Method::GET, url, token).await?;
        let document = self.engine.api().profile_document(&response, &[token])?;
        if document.contradicts_itself() {
            let message = "the response has a member with two different values";
            return Err(AdapterError::unreadable(message, response.status));
        }
        Ok(document)
    }

    /// Returns the URL of `/me`.
    fn me_url(&self) -> Result<&Url, AdapterError> {
        self.engine
            .api()
            .registration()
            .map(|client| &client.endpoints.userinfo)
    }

    /// Returns the URL of `/me/{edge}`.
    fn edge_url(&self, edge: &str) -> Result<Url, AdapterError> {
        let mut url = self.me_url()?.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(edge);
        }
        Ok(url)
    }

    /// Fetches the scopes that the user granted and did not decline.
    async fn granted_scopes(&self, access: &AccessToken) -> Result<ScopeSet, AdapterError> {
        let document = self
            .read(&self.edge_url("permissions")?, access.expose())
            .await?;
        let granted = items(&document)?
            .iter()
            .filter(|item| item.get("status").and_then(Value::as_str) == Some("granted"));
        Ok(granted
            .filter_map(|item| item.get("permission").and_then(Value::as_str))
            .collect())
    }

    /// Fetches the expiries of a token from `debug_token`. A failure leaves them unknown.
    async fn expiries(&self, access: &AccessToken) -> Expiries {
        let now = self.engine.api().clock.now();
        self.debug_token(access)
            .await
            .map_or(Expiries::default(), |document| {
                let at = |pointer: &str| document.value().pointer(pointer);
                Expiries {
                    token: at("/data/expires_at").and_then(|value| expiry(value, now)),
                    data_access: at("/data/data_access_expires_at")
                        .and_then(|value| time(value, now)),
                }
            })
    }

    async fn debug_token(&self, access: &AccessToken) -> Option<Document> {
        let client = self.engine.api().registration().ok()?;
        let app = Zeroizing::new(format!(
            "{}|{}",
            client.id,
            client.secret.as_ref()?.expose()
        ));
        let mut url = self.me_url().ok()?.clone();
        url.path_segments_mut()
            .ok()?
            .pop()
            .pop()
            .push("debug_token");
        let url = with_query(&url, &[("input_token", access.expose())]);
        self.read(&url, &app).await.ok()
    }

    /// Adds the expiries. Token responses omit the expiry of a token that never expires, and
    /// sometimes that of others. Access to data ends 90 days after the user last used the app, even
    /// if the token is still valid.
    async fn with_expiries(&self, mut tokens: TokenSet) -> TokenSet {
        let expiries = self.expiries(&tokens.access).await;
        tokens.expires_at = tokens.expires_at.or(expiries.token);
        tokens.grant_expires_at = expiries.data_access;
        tokens
    }

    /// Returns the cursor of the next part of the Pages list, if there is one. Graph's own `next`
    /// URL is not used, because it contains the token.
    fn next_cursor(document: &Document, after: Option<&str>) -> Option<String> {
        let paging = document.get("paging")?;
        paging.get("next")?;
        let cursor = paging.pointer("/cursors/after")?.as_str()?;
        (Some(cursor) != after).then(|| cursor.to_owned())
    }

    /// Returns the account that is linked to a Page, if there is one.
    fn account(
        &self,
        page: &Value,
        user_facts: &Map<String, Value>,
    ) -> Option<Result<AccountInfo, AdapterError>> {
        let mut account = page.get("instagram_business_account")?.as_object()?.clone();
        let page_field = |key: &str| page.get(key).cloned().unwrap_or_default();
        account.extend([
            ("page_id".to_owned(), page_field("id")),
            ("page_name".to_owned(), page_field("name")),
        ]);
        account.extend(user_facts.clone());
        Some(userinfo::account(
            &Value::Object(account),
            self.engine.api().definition(),
        ))
    }

    /// Fetches the facts of the Facebook user who granted access. All their accounts share them.
    async fn user_facts(&self, access: &AccessToken) -> Result<Map<String, Value>, AdapterError> {
        let me = self
            .read(
                &with_query(self.me_url()?, &[("fields", "id,name")]),
                access.expose(),
            )
            .await?;
        let no_user_id = || AdapterError::new(ErrorClass::Unknown, "the profile has no user id");
        let id = me
            .get("id")
            .filter(|id| id.is_string())
            .ok_or_else(|| no_user_id().with_status(200))?;
        let data_access_expiry = self.expiries(access).await.data_access;
        let expiry = data_access_expiry.map(|at| {
            let seconds = at.unix_ms() / 1000;
            ("data_access_expires_at".to_owned(), seconds.into())
        });
        Ok([("facebook_user_id".to_owned(), id.clone())]
            .into_iter()
            .chain(expiry)
            .collect())
    }
}

#[async_trait]
impl PlatformAdapter for Instagram {
    fn spec(&self) -> &ProviderSpec {
        self.engine.spec()
    }

    fn auth_url(&self, request: &AuthorizationRequest<'_>) -> Result<String, AdapterError> {
        self.engine.auth_url(request)
    }

    async fn exchange_code_for_token(
        &self,
        exchange: &CodeExchange<'_>,
    ) -> Result<TokenSet, AdapterError> {
        let mut tokens = self.engine.exchange_code_for_token(exchange).await?;
        // The code is used up and the tokens are valid. A failure to fetch the scopes must not lose
        // them.
        tokens.scope = self
            .granted_scopes(&tokens.access)
            .await
            .ok()
            .or(tokens.scope);
        Ok(self.with_expiries(tokens).await)
    }

    async fn refresh_access_token(&self, held: &HeldTokens) -> Result<TokenSet, AdapterError> {
        let tokens = self.engine.refresh_access_token(held).await?;
        Ok(self.with_expiries(tokens).await)
    }

    async fn user_profile(
        &self,
        access: &AccessToken,
        _granted: &ScopeSet,
    ) -> Result<Vec<AccountInfo>, AdapterError> {
        let user_facts = self.user_facts(access).await?;
        let (mut accounts, mut after) = (Vec::<AccountInfo>::new(), None);
        for _ in 0..MAX_PAGE_REQUESTS {
            let mut query = vec![("fields", PAGE_FIELDS), ("limit", "100")];
            query.extend(after.as_deref().map(|cursor| ("after", cursor)));
            let pages = self
                .read(
                    &with_query(&self.edge_url("accounts")?, &query),
                    access.expose(),
                )
                .await?;
            for account in items(&pages)?
                .iter()
                .filter_map(|page| self.account(page, &user_facts))
            {
                accounts.push(account?);
            }
            let Some(next) = Self::next_cursor(&pages, after.as_deref()) else {
                break;
            };
            after = Some(next);
        }
        Ok(accounts)
    }

    async fn revoke_access(&self, held: &HeldTokens) -> Result<RemoteRevocation, AdapterError> {
        let Some(access) = &held.access else {
            return Ok(RemoteRevocation::Unsupported);
        };
        let response = self
            .call(
                Method::DELETE,
                &self.edge_url("permissions")?,
                access.expose(),
            )
            .await?;
        let secrets = [access.expose()];
        match self
            .engine
            .api()
            .accepted(CallKind::Revoke, &response, &secrets)
        {
            Ok(body) if confirms_success(body.as_ref(), &response) => Ok(RemoteRevocation::Revoked),
            Ok(_) => Err(AdapterError::unreadable(
                "the response does not confirm the revocation",
                response.status,
            )),
            Err(error) if error.reports_invalid_token() => Ok(RemoteRevocation::Revoked),
            Err(error) => Err(error),
        }
    }
}

/// Returns the `appsecret_proof`: the lower-case hex of the HMAC-SHA-256 of the token, keyed with
/// the app secret.
fn proof(secret: &ClientSecret, token: &str) -> String {
    // HMAC accepts keys of any length, so this never fails.
    Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).map_or_else(
        |_| String::new(),
        |mut mac| {
            mac.update(token.as_bytes());
            const_hex::encode(mac.finalize().into_bytes())
        },
    )
}

/// Returns the list in a response. A response without a list is an error and not an empty list.
fn items(document: &Document) -> Result<&[Value], AdapterError> {
    let list = document
        .get("data")
        .and_then(Value::as_array)
        .map(Vec::as_slice);
    list.ok_or_else(|| {
        AdapterError::new(ErrorClass::Unknown, "the response contains no list").with_status(200)
    })
}

/// Returns whether a response is `{"success":true}`, or the bare `true` of older Graph versions.
fn confirms_success(body: Option<&Document>, response: &Response) -> bool {
    match body {
        Some(body) => body.get("success") == Some(&Value::Bool(true)),
        None => response.body.trim_ascii() == b"true",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proof_is_hex_of_hmac_over_token() {
        let proof = proof(&ClientSecret::new("sim-app-secret"), "EAAsimtoken123");
        assert_eq!(
            proof,
            "1de1a69ce068e005de390a197e71d9bfec0771b558a7abf536275fa32b4e5f34"
        );
    }
}
