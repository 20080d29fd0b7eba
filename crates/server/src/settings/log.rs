//! `[log]`: what is logged, and in which form.

use tracing_subscriber::EnvFilter;

use super::{Sources, key};
use crate::failure::Problems;

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Pretty,
    /// For machines: one object a line.
    Json,
}

/// What is logged, and in which form.
#[derive(Debug)]
pub(crate) struct Log {
    /// `None` on a terminal means pretty, elsewhere JSON.
    pub(crate) format: LogFormat,
    /// What `RUST_LOG` asks for; `None` for the usual.
    pub(crate) filter: Option<EnvFilter>,
}

impl Log {
    pub(super) fn read(sources: &Sources, problems: &mut Problems) -> Self {
        Self {
            format: format(sources, problems),
            filter: filter(sources, problems),
        }
    }
}

fn format(sources: &Sources, problems: &mut Problems) -> LogFormat {
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let usual = if is_terminal {
        LogFormat::Pretty
    } else {
        LogFormat::Json
    };
    let Some(given) = sources.given(&key::LOG_FORMAT) else {
        return usual;
    };
    match given.text().as_str() {
        "json" => LogFormat::Json,
        "pretty" => LogFormat::Pretty,
        other => {
            problems.add(
                format!("{}: there is no log format {other:?}", given.name),
                "write json or pretty",
            );
            usual
        }
    }
}

fn filter(sources: &Sources, problems: &mut Problems) -> Option<EnvFilter> {
    let text = sources
        .environment(key::LOG_FILTER)
        .filter(|text| !text.is_empty())?;
    let parsed = EnvFilter::builder().parse(text);
    parsed
        .map_err(|error| {
            problems.add(
                format!("{}: {error}", key::LOG_FILTER),
                "write it as info or evergrant_service=debug",
            );
        })
        .ok()
}
