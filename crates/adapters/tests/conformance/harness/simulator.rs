//! Starts the simulator and lists its people.

use std::sync::Arc;

use evergrant_model::{ManualClock, ProviderSlug, SeededEntropy};
use evergrant_sandbox::{Sandbox, SandboxOptions};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use super::CALLBACK;
use crate::rewriter::ResponseRewriter;

/// A person with an account at the provider, as the simulator lists them.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) account_id: String,
}

/// Starts a simulator. Returns it with its base URL, the layer that rewrites its responses, and the
/// handle that stops it.
pub(super) async fn serve(
    clock: Arc<ManualClock>,
) -> (Sandbox, String, ResponseRewriter, AbortHandle) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let options = SandboxOptions {
        public_url: Some(base.clone()),
        redirect_uris: vec![CALLBACK.to_owned()],
        clock,
        entropy: Arc::new(SeededEntropy::new(7)),
        ..SandboxOptions::default()
    };
    let (sandbox, rewriter) = (Sandbox::new(options).unwrap(), ResponseRewriter::default());
    let router = rewriter.layer_on(sandbox.router());
    let server = tokio::spawn(async move { axum::serve(listener, router).await }).abort_handle();
    (sandbox, base, rewriter, server)
}

/// Returns the people that have an account at the provider.
pub(super) async fn people(
    client: &reqwest::Client,
    base: &str,
    slug: &ProviderSlug,
) -> Vec<Person> {
    let response = client
        .get(format!("{base}/control/people"))
        .send()
        .await
        .unwrap();
    let listed: Value = response.json().await.unwrap();
    let person = |person: &Value| {
        let account_id = person["accounts"][slug.as_str()]["id"].as_str()?.to_owned();
        Some(Person {
            name: person["person"].as_str()?.to_owned(),
            account_id,
        })
    };
    listed["people"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(person)
        .collect()
}
