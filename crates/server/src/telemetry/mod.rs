//! The log on standard error: pretty or JSON, without the finer levels of dependencies that could
//! log secrets.

mod causes;
mod json;
mod pretty;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;
use tracing_subscriber::fmt::format::JsonFields;

use crate::settings::LogFormat;
use json::JsonLines;
use pretty::PrettyFields;

/// Default filter of `serve` and `dev`, if `RUST_LOG` is not set.
pub(crate) const SERVICE_FILTER: &str = "info";
/// Default filter of all other commands, which print their result to standard output.
pub(crate) const COMMAND_FILTER: &str = "warn";

/// Dependencies that handle raw bytes, headers or SQL statements. Their levels below `info` could
/// log secrets.
const WIRE_CRATES: [&str; 7] = [
    "h2",
    "hyper",
    "hyper_util",
    "reqwest",
    "rustls",
    "sqlx",
    "tower",
];

/// Installs the log and the panic hook. Later calls do not replace the log.
pub(crate) fn start(filter: Option<EnvFilter>, format: LogFormat, default: &str) {
    let filter = limit_wire_crates(filter, default);
    let builder = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(filter);
    // Fails only if a log is installed already, which then stays in use.
    let _ = match format {
        LogFormat::Json => builder
            .fmt_fields(JsonFields::new())
            .event_format(JsonLines)
            .try_init(),
        LogFormat::Pretty => builder
            .fmt_fields(PrettyFields)
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .try_init(),
    };
    log_panics();
}

/// Limits [`WIRE_CRATES`] to `info` if a filter is set, or to `warn` in the default filter.
fn limit_wire_crates(filter: Option<EnvFilter>, default: &str) -> EnvFilter {
    let level = if filter.is_some() { "info" } else { "warn" };
    let limits = WIRE_CRATES
        .iter()
        .filter_map(|name| format!("{name}={level}").parse::<Directive>().ok());
    limits.fold(
        filter.unwrap_or_else(|| EnvFilter::new(default)),
        EnvFilter::add_directive,
    )
}

/// Logs panics like other events, so that a JSON log contains only JSON.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let reason = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(location, reason, "thread panicked");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_log_cannot_enable_traces_of_wire_crates() {
        let set = EnvFilter::builder().parse("trace,hyper=trace").unwrap();
        let filter = limit_wire_crates(Some(set), SERVICE_FILTER).to_string();
        for name in WIRE_CRATES {
            assert!(filter.contains(&format!("{name}=info")), "{filter}");
        }
        assert!(!filter.contains("hyper=trace"), "{filter}");
    }

    #[test]
    fn default_filter_limits_wire_crates_to_warnings() {
        let filter = limit_wire_crates(None, SERVICE_FILTER).to_string();
        assert!(filter.contains("sqlx=warn"), "{filter}");
    }
}
