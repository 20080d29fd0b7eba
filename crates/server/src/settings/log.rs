//! The section `[log]`: the format and the filter of the log.

use tracing_subscriber::EnvFilter;

use super::{Sources, key};
use crate::failure::Problems;

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Text with colours on a terminal.
    Pretty,
    /// One JSON object per line.
    Json,
}

/// The settings of the log.
#[derive(Debug)]
pub(crate) struct Log {
    /// Default: pretty on a terminal, JSON otherwise.
    pub(crate) format: LogFormat,
    /// The value of `RUST_LOG`. `None`: the default of the command.
    pub(crate) filter: Option<EnvFilter>,
}

impl Log {
    pub(crate) fn read(sources: &Sources, problems: &mut Problems) -> Self {
        Self {
            format: format(sources, problems),
            filter: filter(sources, problems),
        }
    }
}

fn format(sources: &Sources, problems: &mut Problems) -> LogFormat {
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let default = if is_terminal {
        LogFormat::Pretty
    } else {
        LogFormat::Json
    };
    let Some(setting) = sources.get(&key::LOG_FORMAT) else {
        return default;
    };
    match setting.text().as_str() {
        "json" => LogFormat::Json,
        "pretty" => LogFormat::Pretty,
        other => {
            problems.add(
                format!("{}: {other:?} is not a log format", setting.name),
                "write json or pretty",
            );
            default
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
