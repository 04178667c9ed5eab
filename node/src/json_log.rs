//! The log as JSON: one object a line, for programs that collect logs.

use std::fmt::{self, Debug};

use serde_json::{Map, Value};
use tracing::{
    field::{Field, Visit},
    Event, Subscriber,
};
use tracing_log::NormalizeEvent;
use tracing_subscriber::{
    filter::LevelFilter,
    fmt::{
        format::Writer,
        time::{FormatTime, SystemTime},
        FmtContext, FormatEvent, FormatFields, MakeWriter,
    },
    registry::LookupSpan,
    EnvFilter,
};

/// The filters of sc-tracing's text log.
const DEFAULT_FILTERS: &str = "info,ws=off,yamux=off,regalloc=off,cranelift_codegen=off,\
    cranelift_wasm=warn,hyper=warn,trust_dns_proto=off,hickory_proto=off,\
    libp2p_mdns::behaviour::iface=off,rustls::common_state=off,rustls::conn=off";

/// Makes the log of this process JSON, on stderr. `filters` has the form of `--log`, and comes after
/// those of `RUST_LOG`.
///
/// # Errors
///
/// A filter is not valid, or the process has a log already.
pub fn init(filters: &str) -> sc_cli::Result<()> {
    let from_env = std::env::var("RUST_LOG").unwrap_or_default();
    let filter = parse_filters(&[DEFAULT_FILTERS, &from_env, filters])
        .map_err(|error| format!("a log filter is not valid: {error}"))?;
    // Messages have colours in them that their authors choose by the terminal.
    console::set_colors_enabled(false);
    console::set_colors_enabled_stderr(false);
    let level = match filter.max_level_hint().and_then(LevelFilter::into_level) {
        Some(level) => tracing_log::AsLog::as_log(&level).to_level_filter(),
        None => log::LevelFilter::Off,
    };
    let failed = |error: &dyn fmt::Display| format!("the log could not be started: {error}");
    tracing_log::LogTracer::builder()
        .with_max_level(level)
        .init()
        .map_err(|error| failed(&error))?;
    tracing::subscriber::set_global_default(subscriber(filter, std::io::stderr))
        .map_err(|error| failed(&error))?;
    Ok(())
}

fn parse_filters(parts: &[&str]) -> Result<EnvFilter, tracing_subscriber::filter::ParseError> {
    let directives = parts.iter().flat_map(|part| part.split(',')).map(str::trim);
    directives
        .filter(|directive| !directive.is_empty())
        .try_fold(EnvFilter::default(), |filter, directive| {
            Ok(filter.add_directive(directive.parse()?))
        })
}

fn subscriber<W>(filter: EnvFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .event_format(JsonEvents)
        .with_writer(writer)
        .finish()
}

/// Writes an event as one line: `timestamp` (RFC 3339, UTC), `level`, `target`, `message`, and in
/// `fields` what else the event has.
struct JsonEvents;

impl<S, N> FormatEvent<S, N> for JsonEvents
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        // Events from the `log` crate have their target in fields.
        let normalized = event.normalized_metadata();
        let metadata = normalized.as_ref().unwrap_or_else(|| event.metadata());
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.0.remove("message").unwrap_or_default();
        let mut line = serde_json::json!({
            "timestamp": timestamp,
            "level": metadata.level().as_str(),
            "target": metadata.target(),
            "message": message,
        });
        if !fields.0.is_empty() {
            line["fields"] = Value::Object(fields.0);
        }
        writeln!(writer, "{line}")
    }
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        if !field.name().starts_with("log.") {
            self.0.insert(field.name().into(), value.into());
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
        self.insert(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.insert(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no test panics while writing").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that `log` writes with these filters.
    fn lines(filters: &[&str], log: impl FnOnce()) -> Vec<Value> {
        let buffer = Buffer::default();
        let filter = parse_filters(filters).expect("the filters are valid");
        let writer = buffer.clone();
        tracing::subscriber::with_default(subscriber(filter, move || writer.clone()), log);
        let bytes = buffer.0.lock().expect("no test panics while writing").clone();
        let text = String::from_utf8(bytes).expect("the log is UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }

    #[test]
    fn an_event_is_one_object_on_one_line() {
        let lines = lines(&[DEFAULT_FILTERS], || {
            tracing::warn!(target: "assay", height = 7u64, peer = ?"a\"b", ok = true, "two\nlines {}", 1);
        });
        let [line] = lines.as_slice() else { panic!("not one line: {lines:?}") };
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["target"], "assay");
        assert_eq!(line["message"], "two\nlines 1");
        let fields = serde_json::json!({ "height": 7, "peer": "\"a\\\"b\"", "ok": true });
        assert_eq!(line["fields"], fields);
        let timestamp = line["timestamp"].as_str().expect("the timestamp is a string");
        assert!(timestamp.starts_with("20") && timestamp.ends_with('Z'), "{timestamp}");
    }

    #[test]
    fn events_of_the_log_crate_keep_their_target_and_have_no_fields() {
        let lines = lines(&[DEFAULT_FILTERS], || {
            let record = log::Record::builder()
                .args(format_args!("imported"))
                .level(log::Level::Info)
                .target("substrate")
                .file(Some("import.rs"))
                .build();
            tracing_log::format_trace(&record).expect("a record becomes an event");
        });
        let [line] = lines.as_slice() else { panic!("not one line: {lines:?}") };
        assert_eq!((&line["target"], &line["message"]), (&"substrate".into(), &"imported".into()));
        assert_eq!(line.get("fields"), None);
    }

    #[test]
    fn later_filters_replace_earlier_ones() {
        let log = || {
            tracing::debug!(target: "assay", "shown");
            tracing::debug!(target: "sync", "not shown");
            tracing::info!(target: "yamux", "not shown");
        };
        assert_eq!(lines(&[DEFAULT_FILTERS], log).len(), 0);
        let shown = lines(&[DEFAULT_FILTERS, "", "assay=trace, yamux=off", "assay=debug"], log);
        assert_eq!(shown.len(), 1, "{shown:?}");
        assert!(parse_filters(&["assay=loud"]).is_err());
    }
}
