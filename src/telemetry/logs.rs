//! Diagnostics on stderr, as text or as one JSON object a line, and panics among them.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal};
use std::panic::PanicHookInfo;

use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

use crate::config::settings::{LogFormat, LogSettings};

/// The diagnostics of this process, whose level may change while it runs.
#[derive(Debug)]
pub struct Logs {
    filter: FilterHandle,
    format: LogFormat,
}

/// Why diagnostics could not be set up or changed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level is no `tracing` filter.
    #[error("log.level: {0}")]
    Level(#[from] tracing_subscriber::filter::ParseError),
    /// Somebody else in this process took the diagnostics already.
    #[error("diagnostics are already set up in this process")]
    Taken,
}

impl Logs {
    /// Sends diagnostics to stderr from now on, panics of any thread included.
    ///
    /// # Errors
    ///
    /// When the level is no filter, or diagnostics were set up before.
    pub fn start(settings: &LogSettings) -> Result<Self, LogError> {
        let (subscriber, filter) = subscriber(settings, io::stderr, io::stderr().is_terminal())?;
        subscriber.try_init().map_err(|_| LogError::Taken)?;
        std::panic::set_hook(Box::new(log_panic));
        Ok(Self { filter, format: settings.format })
    }

    /// Puts another level in force.
    ///
    /// # Errors
    ///
    /// When the level is no filter; the one in force stays.
    pub fn reload(&self, settings: &LogSettings) -> Result<(), LogError> {
        let filter = EnvFilter::try_new(&settings.level)?;
        self.filter.reload(filter).map_err(|_| LogError::Taken)
    }

    /// Whether `settings` ask for what cannot change while running: another format.
    #[must_use]
    pub fn needs_restart(&self, settings: &LogSettings) -> bool {
        settings.format != self.format
    }
}

type FilterHandle = reload::Handle<EnvFilter, Registry>;

fn subscriber<W>(
    settings: &LogSettings,
    writer: W,
    ansi: bool,
) -> Result<(impl Subscriber + use<W>, FilterHandle), LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(EnvFilter::try_new(&settings.level)?);
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match settings.format {
        LogFormat::Text => lines.with_ansi(ansi).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    Ok((Registry::default().with(filter).with(lines), handle))
}

fn log_panic(info: &PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("(not a string)");
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    let current = std::thread::current();
    let thread = current.name().unwrap_or("unnamed");
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        tracing::error!(thread, location, %backtrace, "panicked: {message}");
    } else {
        tracing::error!(thread, location, "panicked: {message}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Written {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn settings(level: &str, format: LogFormat) -> LogSettings {
        LogSettings { level: level.to_owned(), format, access: None }
    }

    fn start(settings: &LogSettings) -> (Written, FilterHandle, tracing::subscriber::DefaultGuard) {
        let written = Written::default();
        let writer = written.clone();
        let (subscriber, handle) = subscriber(settings, move || writer.clone(), false).unwrap();
        (written, handle, tracing::subscriber::set_default(subscriber))
    }

    #[test]
    fn a_changed_level_holds_at_once() {
        let (written, filter, _guard) = start(&settings("warn", LogFormat::Text));
        let logs = Logs { filter, format: LogFormat::Text };
        tracing::info!("too quiet to hear");
        logs.reload(&settings("info", LogFormat::Text)).unwrap();
        tracing::info!("loud enough");
        assert!(written.text().contains("loud enough"));
        assert!(!written.text().contains("too quiet"));
    }

    #[test]
    fn a_wrong_level_leaves_the_old_one() {
        let (written, filter, _guard) = start(&settings("info", LogFormat::Text));
        let logs = Logs { filter, format: LogFormat::Text };
        assert!(logs.reload(&settings("spillway=shouting", LogFormat::Text)).is_err());
        tracing::info!("still here");
        assert!(written.text().contains("still here"));
    }

    #[test]
    fn a_json_line_keeps_its_line_whatever_is_logged() {
        let (written, _filter, _guard) = start(&settings("info", LogFormat::Json));
        tracing::info!(origin = "shop\n\u{1b}[31m\"", "it\nbroke");
        let text = written.text();
        assert_eq!(text.lines().count(), 1);
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["origin"], "shop\n\u{1b}[31m\"");
        assert_eq!(line["message"], "it\nbroke");
        assert_eq!(line["level"], "INFO");
    }

    #[test]
    fn a_panic_is_a_line_of_the_log() {
        let (written, _filter, _guard) = start(&settings("info", LogFormat::Json));
        let before: Arc<dyn Fn(&PanicHookInfo<'_>) + Send + Sync> = std::panic::take_hook().into();
        let meanwhile = Arc::clone(&before);
        std::panic::set_hook(Box::new(move |info| {
            log_panic(info);
            meanwhile(info);
        }));
        let caught = std::panic::catch_unwind(|| panic!("the {} broke", "dam"));
        std::panic::set_hook(Box::new(move |info| before(info)));
        assert!(caught.is_err());
        let line: serde_json::Value = serde_json::from_str(&written.text()).unwrap();
        assert_eq!(line["message"], "panicked: the dam broke");
        assert!(line["location"].as_str().unwrap().contains("logs.rs"));
    }

    #[test]
    fn another_format_needs_a_restart() {
        let (_written, filter, _guard) = start(&settings("info", LogFormat::Text));
        let logs = Logs { filter, format: LogFormat::Text };
        assert!(!logs.needs_restart(&settings("debug", LogFormat::Text)));
        assert!(logs.needs_restart(&settings("info", LogFormat::Json)));
    }
}
