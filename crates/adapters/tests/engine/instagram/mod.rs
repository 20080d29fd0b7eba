//! Instagram with Facebook Login, against a fake Graph API.

mod accounts;
mod authorization;
mod tokens;

use std::sync::Arc;

use evergrant_adapters::{AdapterError, CodeExchange, HeldTokens, PlatformAdapter};
use evergrant_model::{AccessToken, AccountInfo, PkceVerifier, ScopeSet, TokenSet};

use crate::support::{FakePlatform, catalogue, code, response};

const CALLBACK: &str = "https://app.example/api/integrations/callback/instagram";
const VERIFIER: &str = "evergrant-sim-verifier-0123456789-abcdefghijklmnop";
const SHORT_LIVED: &str =
    r#"{"access_token":"EAAsimshort","token_type":"bearer","expires_in":5400}"#;
const LONG_LIVED: &str =
    r#"{"access_token":"EAAsimlong","token_type":"bearer","expires_in":5184000}"#;
const PERMISSIONS: &str = r#"{"data":[{"permission":"instagram_basic","status":"granted"},
    {"permission":"pages_show_list","status":"declined"},{"permission":"business_management","status":"expired"}]}"#;
const DEBUG_TOKEN: &str = r#"{"data":{"app_id":"1001","type":"USER","expires_at":1772409600,
    "data_access_expires_at":1775001600,"is_valid":true,"user_id":"10150000000000001"}}"#;
const TOKENS: &str = "GET /v25.0/oauth/access_token";
const PAGES: &str = "GET /v25.0/me/accounts";

fn instagram(base: &str) -> Arc<dyn PlatformAdapter> {
    catalogue("instagram", base, &[])
}

/// Starts a fake Graph API.
async fn graph() -> FakePlatform {
    let platform = FakePlatform::responding_with(response(404, "{}")).await;
    platform
        .respond_at(TOKENS, response(200, SHORT_LIVED))
        .respond_at("grant_type=fb_exchange_token", response(200, LONG_LIVED))
        .respond_at(
            "GET /v25.0/me?",
            response(200, r#"{"id":"10150000000000001","name":"June"}"#),
        )
        .respond_at("GET /v25.0/me/permissions", response(200, PERMISSIONS))
        .respond_at("GET /debug_token", response(200, DEBUG_TOKEN));
    platform
}

fn access_only(access: &str) -> HeldTokens {
    HeldTokens {
        access: Some(AccessToken::new(access)),
        refresh: None,
    }
}

async fn exchange(platform: &FakePlatform) -> Result<TokenSet, AdapterError> {
    let (code, verifier) = (code(), PkceVerifier::new(VERIFIER));
    let exchange = CodeExchange {
        code: &code,
        redirect_uri: CALLBACK,
        verifier: Some(&verifier),
    };
    instagram(&platform.base)
        .exchange_code_for_token(&exchange)
        .await
}

async fn accounts(platform: &FakePlatform) -> Result<Vec<AccountInfo>, AdapterError> {
    instagram(&platform.base)
        .user_profile(&AccessToken::new("EAAsimtoken123"), &ScopeSet::default())
        .await
}

/// Returns a Page with a linked Instagram account.
fn page(id: u64, instagram_id: &str) -> String {
    format!(
        r#"{{"id":"{id}","name":"Page {id}","instagram_business_account":{{"id":"{instagram_id}","username":"sim{id}",
        "name":"Sim {id}","profile_picture_url":"https://cdn.sim/{id}.jpg","followers_count":12,"media_count":3}}}}"#
    )
}
