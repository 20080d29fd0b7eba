//! Runs the sandbox alone: `cargo run -p evergrant-sandbox --example sandbox -- 8081`.

use evergrant_sandbox::{Sandbox, SandboxOptions, dev_settings};

#[tokio::main]
#[expect(
    clippy::print_stdout,
    reason = "the address and the settings are the program's output"
)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args()
        .nth(1)
        .map_or(Ok(8081), |port| port.parse::<u16>())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let base_url = format!("http://{}", listener.local_addr()?);
    println!("sandbox  {base_url}");
    for (name, value) in dev_settings(&base_url) {
        println!("{name}='{value}'");
    }
    Sandbox::new(SandboxOptions::default())?
        .serve(listener, std::future::pending())
        .await?;
    Ok(())
}
