//! `evergrant sandbox`: runs the simulated platforms alone.

use clap::Args;
use evergrant_sandbox::{Sandbox as Simulator, SandboxOptions, dev_settings};

use crate::failure::{Failure, Problems};
use crate::settings::{Listen, SandboxListen, Sources};
use crate::signals::Signals;
use crate::{listener, output};

const EXAMPLE_ADDRESS: &str = "127.0.0.1:8081";

#[derive(Args)]
pub(super) struct Sandbox {
    /// Loopback address to listen on. Default: `EVERGRANT_SANDBOX_LISTEN`, or 127.0.0.1:8081
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

impl Sandbox {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let mut signals = Signals::new()?;
        let listener = listener::bind(&self.listen()?, "--listen").await?;
        let base = format!("http://{}", listener::local_address(&listener)?);
        output::print_line(format!("sandbox  {base}"))?;
        output::print_line("\nSettings of a service that uses the simulated platforms:\n")?;
        for (name, value) in dev_settings(&base) {
            output::print_line(format!("{name}='{value}'"))?;
        }
        let simulator = Simulator::new(SandboxOptions::default());
        let simulator = simulator.map_err(|error| Failure::new(error.to_string(), ""))?;
        let serving = simulator.serve(listener, std::future::pending());
        tokio::select! {
            served = serving => Ok(served?),
            () = signals.next() => Ok(()),
        }
    }

    fn listen(&self) -> Result<Listen, Failure> {
        let mut problems = Problems::default();
        let listen = if let Some(text) = &self.listen {
            Listen::from_argument(text, EXAMPLE_ADDRESS, &mut problems)
        } else {
            let sources = Sources::from_process(&mut problems);
            Some(SandboxListen::read(&sources, &mut problems))
        };
        if let Some(listen) = &listen {
            let remedy = "use a loopback address: the simulator has no authentication";
            listen.require_loopback("sandbox", "--listen", remedy, &mut problems);
        }
        problems.finish_with(listen)
    }
}
