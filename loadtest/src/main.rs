//! Measures Spillway against its peers on one machine.
//!
//! One command for each figure. All traffic stays on 127.0.0.1, loads last seconds, and only processes that were started
//! here are ended. Proxies run on one core, clients and origins on another; rounds are interleaved (A B C A B C …) and
//! medians compared.

mod certificate;
mod handshake;
mod latency;
mod origin;
mod pacer;
mod peer;
mod process;
mod proxied;
mod report;
mod stage;
mod tls;
mod wrk;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use report::{Figure, MARKDOWN_HEADING, Verdict};
use stage::Stage;

#[derive(Debug, Parser)]
#[command(about = "Measures Spillway against its peers on one machine")]
struct Arguments {
    #[command(subcommand)]
    command: Measurement,
    /// How figures are printed
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    options: stage::Options,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
}

#[derive(Debug, Subcommand)]
enum Measurement {
    /// CPU per proxied request
    Proxied(proxied::Options),
    /// CPU per refused request
    Refused,
    /// CPU per full TLS handshake
    Handshake,
    /// Added latency at a tenth of saturation
    Latency(latency::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match measure(arguments.command, arguments.options) {
        Ok(figures) => {
            print(&figures, arguments.format);
            let missed = figures.iter().any(|figure| figure.verdict() == Verdict::Missed);
            ExitCode::from(u8::from(missed))
        }
        Err(problem) => {
            eprintln!("loadtest: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn measure(measurement: Measurement, options: stage::Options) -> Result<Vec<Figure>, String> {
    let stage = Stage::prepare(options)?;
    match measurement {
        Measurement::Proxied(options) => Ok(vec![proxied::proxied(&stage, options)?]),
        Measurement::Refused => Ok(vec![proxied::refused(&stage)?]),
        Measurement::Handshake => Ok(vec![handshake::handshake(&stage)?]),
        Measurement::Latency(options) => latency::latency(&stage, options),
    }
}

fn print(figures: &[Figure], format: Format) {
    match format {
        Format::Text => figures.iter().for_each(|figure| println!("{}", figure.text())),
        Format::Json => println!("{}", serde_json::to_string_pretty(figures).unwrap_or_default()),
        Format::Markdown => {
            println!("{MARKDOWN_HEADING}");
            figures.iter().for_each(|figure| println!("{}", figure.markdown()));
        }
    }
}
