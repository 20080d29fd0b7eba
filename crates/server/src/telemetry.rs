//! The log: on standard error, pretty for people and JSON for machines, and never more talkative
//! about what passes on the wire than is safe.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;

use crate::settings::LogFormat;

/// What a service logs where `RUST_LOG` says nothing.
pub(crate) const USUAL: &str = "info";
/// What a command logs that does one thing and ends: its answer says the rest.
pub(crate) const COMMAND: &str = "warn";

/// Dependencies that handle bytes, headers or statements: their finer levels could show a secret.
const WIRE: [&str; 7] = [
    "h2",
    "hyper",
    "hyper_util",
    "reqwest",
    "rustls",
    "sqlx",
    "tower",
];

/// Begins to log. A second call changes nothing.
pub(crate) fn start(filter: Option<EnvFilter>, format: LogFormat, usual: &str) {
    let filter = quieted(filter, usual);
    let builder = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(filter);
    // Fails only where a log is there already, which then serves.
    let _ = match format {
        LogFormat::Json => builder.json().with_span_list(false).try_init(),
        LogFormat::Pretty => builder
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .try_init(),
    };
    log_panics();
}

fn quieted(filter: Option<EnvFilter>, usual: &str) -> EnvFilter {
    let level = if filter.is_some() { "info" } else { "warn" };
    let quiet = WIRE
        .iter()
        .filter_map(|name| format!("{name}={level}").parse::<Directive>().ok());
    quiet.fold(
        filter.unwrap_or_else(|| EnvFilter::new(usual)),
        EnvFilter::add_directive,
    )
}

/// A panic is a line of the log like any other, so that a machine which reads JSON can read it.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let what = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, what, "the program met a fault of its own");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_on_the_wire_is_never_traced() {
        let asked = EnvFilter::builder().parse("trace,hyper=trace").unwrap();
        let shown = quieted(Some(asked), USUAL).to_string();
        for name in WIRE {
            assert!(shown.contains(&format!("{name}=info")), "{shown}");
        }
        assert!(!shown.contains("hyper=trace"), "{shown}");
    }

    #[test]
    fn the_usual_log_is_quiet_about_dependencies() {
        assert!(quieted(None, USUAL).to_string().contains("sqlx=warn"));
    }
}
