//! `evergrant sandbox`: the platforms' simulator alone.

use clap::Args;
use evergrant_sandbox::{Sandbox as Simulator, SandboxOptions, dev_settings};

use crate::failure::{Failure, Problems};
use crate::settings::{Listen, SandboxListen, Sources, parse_listen};
use crate::signals::Signals;
use crate::{listener, output};

#[derive(Args)]
pub(super) struct Sandbox {
    /// Where to listen; 127.0.0.1:8081 if left out, or what `EVERGRANT_SANDBOX_LISTEN` says
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

impl Sandbox {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let mut signals = Signals::new()?;
        let listener = listener::bind(&self.listen()?, "--listen").await?;
        let base = format!("http://{}", listener::local_address(&listener)?);
        output::line(format!("sandbox  {base}"))?;
        output::line("\nSettings that make a service take it for the platforms:\n")?;
        for (name, value) in dev_settings(&base) {
            output::line(format!("{name}='{value}'"))?;
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
        let sources = Sources::of_process(&mut problems);
        let usual = SandboxListen::read(&sources, &mut problems);
        let Some(text) = &self.listen else {
            return problems.finish().map(|()| usual);
        };
        let unfit = || {
            Failure::new(
                format!("--listen: {text:?} is not an address to listen on"),
                "write 127.0.0.1:8081",
            )
        };
        let address = parse_listen(text).ok_or_else(unfit)?;
        Ok(Listen {
            address,
            chosen_by: Some("--listen".to_owned()),
        })
    }
}
