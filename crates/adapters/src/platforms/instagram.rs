//! Instagram through Facebook Login: the grant is a Facebook person's, the accounts are those
//! linked to their Pages.
//!
//! Departs from the engine in what Graph wants of every call (a proof that we know the app's
//! secret), in scopes that a person may untick, in lifetimes that are sometimes told by
//! `debug_token` alone, and in ending a grant by DELETE. Source: Meta's pages "Manually Build a
//! Login Flow", "Get Long-Lived Access Tokens" and "Securing Graph API Requests".

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
use crate::oauth2::userinfo;
use crate::{
    AdapterError, AuthorizationRequest, CodeExchange, ErrorClass, HeldTokens, PlatformAdapter,
    ProviderSpec, RemoteRevocation,
};

/// The most pages of 100 Facebook Pages each that are read.
const MOST_PAGES: usize = 20;
const PAGE_FIELDS: &str = "id,name,instagram_business_account{id,username,name,profile_picture_url,followers_count,media_count}";

/// When a token and what it may read end, in seconds since 1970; `None` if unknown, and for never.
#[derive(Default)]
struct Ends {
    token: Option<i64>,
    data_access: Option<i64>,
}

/// See the module's text.
pub(crate) struct Instagram {
    engine: OAuth2,
}

impl Instagram {
    pub(crate) fn new(engine: OAuth2) -> Self {
        Self { engine }
    }

    /// One Graph call.
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

    async fn read(&self, url: &Url, token: &str) -> Result<Document, AdapterError> {
        self.engine
            .api()
            .profile_document(&self.call(Method::GET, url, token).await?)
    }

    fn me(&self) -> Result<&Url, AdapterError> {
        self.engine
            .api()
            .registration()
            .map(|client| &client.endpoints.userinfo)
    }

    /// `/me/` and this.
    fn mine(&self, edge: &str) -> Result<Url, AdapterError> {
        let mut url = self.me()?.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(edge);
        }
        Ok(url)
    }

    /// What the person has granted and not unticked.
    async fn granted(&self, access: &AccessToken) -> Result<ScopeSet, AdapterError> {
        let document = self
            .read(&self.mine("permissions")?, access.expose())
            .await?;
        let granted = items(&document)?
            .iter()
            .filter(|item| item.get("status").and_then(Value::as_str) == Some("granted"));
        Ok(granted
            .filter_map(|item| item.get("permission").and_then(Value::as_str))
            .collect())
    }

    /// What Graph's debugger says of the token's ends.
    async fn ends(&self, access: &AccessToken) -> Ends {
        self.debugged(access)
            .await
            .map_or(Ends::default(), |document| Ends {
                token: moment(&document, "/data/expires_at"),
                data_access: moment(&document, "/data/data_access_expires_at"),
            })
    }

    async fn debugged(&self, access: &AccessToken) -> Option<Document> {
        let client = self.engine.api().registration().ok()?;
        let app = Zeroizing::new(format!(
            "{}|{}",
            client.id,
            client.secret.as_ref()?.expose()
        ));
        let mut url = self.me().ok()?.clone();
        url.path_segments_mut()
            .ok()?
            .pop()
            .pop()
            .push("debug_token");
        let url = with_query(&url, &[("input_token", access.expose())]);
        self.read(&url, &app).await.ok()
    }

    /// The answers leave out the end of a token that has none, and at times of others too. What the
    /// person allowed us to read ends by itself, 90 days after they last used the app, whatever
    /// becomes of the token.
    async fn with_ends(&self, mut tokens: TokenSet) -> TokenSet {
        let ends = self.ends(&tokens.access).await;
        let at = |seconds: Option<i64>| seconds.map(Timestamp::from_unix_seconds);
        tokens.expires_at = tokens.expires_at.or(at(ends.token));
        tokens.grant_expires_at = at(ends.data_access);
        tokens
    }

    /// The next answer of the list of Pages, if there is one. The address that Graph offers for it
    /// holds the token.
    fn next_pages(document: &Document, after: Option<&str>) -> Option<String> {
        let paging = document.get("paging")?;
        paging.get("next")?;
        let cursor = paging.pointer("/cursors/after")?.as_str()?;
        (Some(cursor) != after).then(|| cursor.to_owned())
    }

    /// The account that is linked to a Page, if there is one.
    fn account(
        &self,
        page: &Value,
        person: &Map<String, Value>,
    ) -> Option<Result<AccountInfo, AdapterError>> {
        let mut account = page.get("instagram_business_account")?.as_object()?.clone();
        let own = |key: &str| page.get(key).cloned().unwrap_or_default();
        account.extend([
            ("page_id".to_owned(), own("id")),
            ("page_name".to_owned(), own("name")),
        ]);
        account.extend(person.clone());
        Some(userinfo::account(
            &Value::Object(account),
            self.engine.api().definition(),
        ))
    }

    /// What is equal for all accounts of the person whose grant it is.
    async fn person(&self, access: &AccessToken) -> Result<Map<String, Value>, AdapterError> {
        let me = self
            .read(
                &with_query(self.me()?, &[("fields", "id,name")]),
                access.expose(),
            )
            .await?;
        let nobody = || {
            AdapterError::new(
                ErrorClass::Unknown,
                "the platform does not say whose the grant is",
            )
        };
        let id = me
            .get("id")
            .filter(|id| id.is_string())
            .ok_or_else(|| nobody().with_status(200))?;
        let data_end = self.ends(access).await.data_access;
        let ends = data_end.map(|at| ("data_access_expires_at".to_owned(), at.into()));
        Ok([("facebook_user_id".to_owned(), id.clone())]
            .into_iter()
            .chain(ends)
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
        // The code is spent and the tokens are good: a list that cannot be read must not lose them.
        tokens.scope = self.granted(&tokens.access).await.ok().or(tokens.scope);
        Ok(self.with_ends(tokens).await)
    }

    async fn refresh_access_token(&self, held: &HeldTokens) -> Result<TokenSet, AdapterError> {
        let tokens = self.engine.refresh_access_token(held).await?;
        Ok(self.with_ends(tokens).await)
    }

    async fn user_profile(
        &self,
        access: &AccessToken,
        _granted: &ScopeSet,
    ) -> Result<Vec<AccountInfo>, AdapterError> {
        let person = self.person(access).await?;
        let (mut accounts, mut after) = (Vec::<AccountInfo>::new(), None);
        for _ in 0..MOST_PAGES {
            let mut query = vec![("fields", PAGE_FIELDS), ("limit", "100")];
            query.extend(after.as_deref().map(|cursor| ("after", cursor)));
            let pages = self
                .read(
                    &with_query(&self.mine("accounts")?, &query),
                    access.expose(),
                )
                .await?;
            for account in items(&pages)?
                .iter()
                .filter_map(|page| self.account(page, &person))
            {
                accounts.push(account?);
            }
            let Some(next) = Self::next_pages(&pages, after.as_deref()) else {
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
        let reply = self
            .call(Method::DELETE, &self.mine("permissions")?, access.expose())
            .await?;
        match self.engine.api().accepted(CallKind::Revoke, &reply) {
            Ok(answer) if says_done(answer.as_ref(), &reply) => Ok(RemoteRevocation::Revoked),
            Ok(_) => Err(AdapterError::unread(
                "the platform's answer does not confirm the revocation",
                reply.status,
            )),
            Err(error) if error.says_gone() => Ok(RemoteRevocation::Revoked),
            Err(error) => Err(error),
        }
    }
}

/// `appsecret_proof`: the lower-case hex of an HMAC over the token, keyed with the app's secret.
fn proof(secret: &ClientSecret, token: &str) -> String {
    // HMAC takes keys of every length, so there is always a proof.
    Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).map_or_else(
        |_| String::new(),
        |mut mac| {
            mac.update(token.as_bytes());
            const_hex::encode(mac.finalize().into_bytes())
        },
    )
}

/// What an answer lists. None at all is no empty list.
fn items(document: &Document) -> Result<&[Value], AdapterError> {
    let list = document
        .get("data")
        .and_then(Value::as_array)
        .map(Vec::as_slice);
    list.ok_or_else(|| {
        AdapterError::new(ErrorClass::Unknown, "the platform's answer is not a list")
            .with_status(200)
    })
}

fn moment(document: &Document, pointer: &str) -> Option<i64> {
    document
        .value()
        .pointer(pointer)?
        .as_i64()
        .filter(|at| *at > 0)
}

/// `{"success":true}`, or the bare word of older versions.
fn says_done(answer: Option<&Document>, reply: &Response) -> bool {
    match answer {
        Some(answer) => answer.get("success") == Some(&Value::Bool(true)),
        None => reply.body.trim_ascii() == b"true",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_the_hex_of_an_hmac_over_the_token() {
        let proof = proof(&ClientSecret::new("sim-app-secret"), "EAAsimtoken123");
        assert_eq!(
            proof,
            "1de1a69ce068e005de390a197e71d9bfec0771b558a7abf536275fa32b4e5f34"
        );
    }
}
