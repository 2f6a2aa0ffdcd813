//! Measures Spillway against its peers on one machine.
//!
//! One command for each figure. All traffic stays on 127.0.0.1, loads last seconds, and only processes that were started
//! here are ended. Proxies run on one core, clients and origins on another; rounds are interleaved (A B C A B C …) and
//! medians compared.

mod admin;
mod certificate;
mod handshake;
mod keys;
mod lab;
mod latency;
mod memory;
mod noise;
mod origin;
mod pacer;
mod peer;
mod process;
mod proxied;
mod reload;
mod report;
mod room;
mod scale;
mod shop;
mod simulated;
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
    /// Two workers against one
    Scale,
    /// Memory per idle TLS connection
    IdleMemory(memory::Options),
    /// Reload of a policy with many routes
    ReloadRoutes(reload::RoutesOptions),
    /// Requests that fail under reloads and a handover
    ReloadStorm(reload::StormOptions),
    /// A flood of client addresses through one limit
    TenMillionKeys(keys::Options),
    /// Places lost, doubled or reordered while the proxy is killed again and again
    Kill(room::kill::Options),
    /// CPU per status poll of those who wait
    Polls,
    /// Time until the front of the line sees a pause or a message
    Notice,
    /// A million shoppers at a waiting room: order, cap, rate, promises, memory
    Million(room::million::Options),
    /// The demo's shop in trouble, behind each proxy, with plots; hours, if not told what to leave out
    Lab(lab::Options),
    /// No sockets: governors against models of origins and shoppers, in simulated time
    Simulated(simulated::Options),
    /// Every figure of the README's table; some 15 minutes
    All,
    /// No measurement: the demo's shop alone, to put something in front of it
    Shop {
        /// Its port
        #[arg(long, default_value_t = 9000)]
        port: u16,
    },
}

fn main() -> ExitCode {
    let Arguments { command, format, options } = Arguments::parse();
    let done = match command {
        Measurement::Shop { port } => shop::open(port),
        Measurement::Lab(lab) => lab::lab(&lab, options, format).map(|()| ExitCode::SUCCESS),
        Measurement::Simulated(simulated) => {
            simulated::run(&simulated);
            Ok(ExitCode::SUCCESS)
        }
        measurement => measure(&measurement, options).map(|figures| {
            print(&figures, format);
            let missed = figures.iter().any(|figure| figure.verdict() == Verdict::Missed);
            ExitCode::from(u8::from(missed))
        }),
    };
    done.unwrap_or_else(|problem| {
        eprintln!("loadtest: {problem}");
        ExitCode::FAILURE
    })
}

fn measure(measurement: &Measurement, options: stage::Options) -> Result<Vec<Figure>, String> {
    let stage = Stage::prepare(options)?;
    let mut figures = match *measurement {
        Measurement::Shop { .. } | Measurement::Lab(_) | Measurement::Simulated(_) => Vec::new(),
        Measurement::Proxied(options) => vec![proxied::proxied(&stage, options)?],
        Measurement::Refused => vec![proxied::refused(&stage)?],
        Measurement::Handshake => vec![handshake::handshake(&stage)?],
        Measurement::Latency(options) => latency::latency(&stage, options)?,
        Measurement::Scale => scale::scale(&stage)?,
        Measurement::IdleMemory(options) => vec![memory::idle_memory(&stage, options)?],
        Measurement::ReloadRoutes(options) => reload::routes(&stage, options)?,
        Measurement::ReloadStorm(options) => reload::storm(&stage, options)?,
        Measurement::TenMillionKeys(options) => keys::ten_million_keys(&stage, options)?,
        Measurement::Kill(options) => room::kill::kill(&stage, options)?,
        Measurement::Polls => room::polls::polls(&stage)?,
        Measurement::Notice => room::notice::notice(&stage)?,
        Measurement::Million(options) => room::million::million(&stage, options)?,
        Measurement::All => all(&stage)?,
    };
    for figure in &mut figures {
        figure.notes.extend(stage.noise.clone());
    }
    Ok(figures)
}

/// Everything the README shows.
fn all(stage: &Stage) -> Result<Vec<Figure>, String> {
    use proxied::{Options, Size};
    let mut figures = Vec::new();
    let transports = [(false, false), (true, false), (true, true)];
    for (size, (tls, h2)) in [Size::Small, Size::Large].into_iter().flat_map(|size| transports.map(|how| (size, how))) {
        figures.push(proxied::proxied(stage, Options { size, tls, h2 })?);
    }
    figures.push(proxied::refused(stage)?);
    figures.push(handshake::handshake(stage)?);
    figures.extend(latency::latency(stage, latency::Options { rate: None })?);
    figures.extend(scale::scale(stage)?);
    figures.push(memory::idle_memory(stage, memory::Options { connections: 5000 })?);
    figures.extend(reload::routes(stage, reload::RoutesOptions { routes: 10_000 })?);
    figures.extend(reload::storm(stage, reload::StormOptions { seconds: 60 })?);
    figures.extend(keys::ten_million_keys(stage, keys::Options { keys: 10_000_000 })?);
    Ok(figures)
}

fn print(figures: &[Figure], format: Format) {
    match format {
        Format::Text => figures.iter().for_each(|figure| println!("{}", figure.text())),
        Format::Json => println!("{}", serde_json::to_string_pretty(figures).unwrap_or_default()),
        Format::Markdown => {
            println!("{MARKDOWN_HEADING}");
            figures
                .iter()
                .filter(|figure| figure.fits_the_table())
                .for_each(|figure| println!("{}", figure.markdown()));
            println!();
            figures.iter().flat_map(Figure::footnotes).for_each(|note| println!("{note}"));
        }
    }
}
