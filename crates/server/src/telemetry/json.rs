//! Log lines as JSON objects, one a line.
//!
//! The formatter of `tracing_subscriber` writes only the outermost message of an error, and drops
//! its causes.

use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::causes::chain;

/// Formats an event as `{"timestamp", "level", "fields", "target", "span"}`.
pub(super) struct JsonLines;

#[derive(Serialize)]
struct LogLine<'a> {
    timestamp: String,
    level: &'a str,
    fields: Map<String, Value>,
    target: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    span: Option<Map<String, Value>>,
}

impl<S> FormatEvent<S, JsonFields> for JsonLines
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let mut fields = Fields::default();
        event.record(&mut fields);
        let span = event.parent().and_then(|id| context.span(id));
        let line = LogLine {
            timestamp,
            level: event.metadata().level().as_str(),
            fields: fields.values,
            target: fields
                .target
                .as_deref()
                .unwrap_or(event.metadata().target()),
            span: span
                .or_else(|| context.lookup_current())
                .map(|span| fields_of(&span)),
        };
        let line = serde_json::to_string(&line).map_err(|_| std::fmt::Error)?;
        writeln!(writer, "{line}")
    }
}

/// Returns the fields of a span and its name.
fn fields_of<S>(span: &SpanRef<'_, S>) -> Map<String, Value>
where
    S: for<'lookup> LookupSpan<'lookup>,
{
    let extensions = span.extensions();
    let formatted = extensions.get::<FormattedFields<JsonFields>>();
    let mut fields: Map<String, Value> = formatted
        .and_then(|fields| serde_json::from_str(fields.as_str()).ok())
        .unwrap_or_default();
    fields.insert("name".to_owned(), span.name().into());
    fields
}

/// The fields of an event.
#[derive(Default)]
struct Fields {
    values: Map<String, Value>,
    /// The target of an event of the `log` crate, which arrives as a field.
    target: Option<String>,
}

impl Fields {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        let name = field.name();
        if !name.starts_with("log.") {
            let name = name.strip_prefix("r#").unwrap_or(name);
            self.values.insert(name.to_owned(), value.into());
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "log.target" {
            self.target = Some(value.to_owned());
        }
        self.insert(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.insert(field, chain(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.insert(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn line_has_the_causes_of_an_error_and_the_fields_of_its_span() {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(lines.clone())
            .fmt_fields(JsonFields::new())
            .event_format(JsonLines)
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let _span = tracing::info_span!("request", correlation_id = "c1").entered();
            let cause = "x".parse::<u32>().unwrap_err();
            let error =
                std::io::Error::other(crate::telemetry::causes::tests::link("query failed", cause));
            tracing::error!(
                code = 3,
                ok = false,
                error = &error as &dyn std::error::Error,
                "request failed"
            );
        });
        let line: Value = serde_json::from_slice(&lines.0.lock().unwrap()).unwrap();
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
        assert_eq!(
            (&line["level"], &line["target"]),
            (&"ERROR".into(), &module_path!().into())
        );
        assert_eq!(
            line["fields"],
            serde_json::json!({
                "message": "request failed", "code": 3, "ok": false,
                "error": "query failed: invalid digit found in string",
            })
        );
        assert_eq!(
            line["span"],
            serde_json::json!({"name": "request", "correlation_id": "c1"})
        );
    }
}
