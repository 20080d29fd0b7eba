//! Control of the simulated providers.

use std::sync::Arc;

use evergrant_model::ManualClock;
use evergrant_sandbox::{Fault, FaultKind, Sandbox, SandboxOptions, Switch};
use evergrant_testkit::shared;
use tokio::net::TcpListener;

use super::{TestEnv, until};

/// Starts a sandbox on loopback, with a token quota that no test reaches. Returns it with its base
/// URL.
pub(super) async fn start(clock: &Arc<ManualClock>) -> (Sandbox, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let options = SandboxOptions {
        clock: shared(clock),
        public_url: Some(url.clone()),
        ..SandboxOptions::default()
    };
    let sandbox = Sandbox::new(options).unwrap();
    let serving = sandbox.clone();
    tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
    for provider in ["acme", "reddit"] {
        sandbox
            .set(provider, Switch::TokenQuota(1_000_000))
            .unwrap();
    }
    (sandbox, url)
}

impl TestEnv {
    /// Forces the next response of an endpoint.
    pub(crate) fn fault(&self, provider: &str, endpoint: &str, kind: FaultKind) {
        self.force(Fault::new(provider, endpoint, kind));
    }

    /// Forces the next responses of an endpoint.
    pub(crate) fn force(&self, fault: Fault) {
        self.sandbox.inject_fault(fault).unwrap();
    }

    /// Returns how often an endpoint was called.
    pub(crate) fn calls(&self, provider: &str, endpoint: &str) -> u64 {
        self.sandbox.calls().get(provider, endpoint)
    }

    /// Waits until an endpoint has been called at least `times` times.
    pub(crate) async fn wait_for_calls(&self, provider: &str, endpoint: &str, times: u64) {
        until(async || self.calls(provider, endpoint) >= times).await;
    }

    /// Runs `work` while the sandbox releases every call that it holds.
    pub(crate) async fn release_during<T>(&self, work: impl Future<Output = T>) -> T {
        let release = async {
            loop {
                self.sandbox.release();
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            output = work => output,
            () = release => unreachable!("the loop never ends"),
        }
    }
}
