//! `spillway explain --config FILE METHOD URL`.

use std::fmt::{self, Display, Formatter};
use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::config::{self, Problem};
use crate::edge::hygiene::Rehearsal;
use crate::policy::Policy;
use crate::policy::explain::{Capacity, Explanation};

/// Exit code of wrong usage.
const WRONG_USAGE: u8 = 2;
/// Exit code of a bad configuration: `EX_CONFIG` of sysexits.h.
const BAD_CONFIGURATION: u8 = 78;

/// Shows how a request would be judged
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The configuration file
    #[arg(long)]
    pub config: PathBuf,
    /// Judge as at this time (RFC 3339 with offset)
    #[arg(long, value_name = "TIME")]
    pub at: Option<Timestamp>,
    /// Address the connection comes from
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub peer: IpAddr,
    /// A header of the request; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = parse_header)]
    pub headers: Vec<(String, String)>,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Method, such as GET
    pub method: String,
    /// URL, or a path when a Host header is given
    pub url: String,
}

/// How the answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

fn parse_header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("expected 'Name: value'")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

/// 0 when there is an answer, whatever it is; 2 for a request that cannot be sent, 78 for a bad file, 1 when the answer
/// cannot be printed.
#[must_use]
pub fn run(args: &ExplainArgs) -> ExitCode {
    match explain(args) {
        Ok(explanation) => print(args, &explanation).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        Err(failure) => {
            // There is nowhere left to say that stderr is closed.
            let _ = write!(io::stderr().lock(), "{}", failure.text);
            ExitCode::from(failure.code)
        }
    }
}

struct Failure {
    code: u8,
    text: String,
}

fn explain(args: &ExplainArgs) -> Result<Explanation, Failure> {
    let headers = args.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let rehearsal = Rehearsal::new(&args.method, &args.url, headers, args.peer)
        .map_err(|why| Failure { code: WRONG_USAGE, text: format!("{why}\n") })?;
    let policy = policy(args)?;
    Ok(rehearsal.explain(&policy, args.at.unwrap_or_else(Timestamp::now)))
}

fn policy(args: &ExplainArgs) -> Result<Policy, Failure> {
    let file = args.config.display();
    let text = fs::read_to_string(&args.config).map_err(|why| Failure {
        code: BAD_CONFIGURATION,
        text: format!("{file}: the file cannot be read: {why}\n"),
    })?;
    let settings = config::load(&text, config::base_of(&args.config));
    let policy = settings.and_then(|settings| Policy::compile(Arc::new(settings), 0));
    policy.map_err(|problems: Vec<Problem>| Failure {
        code: BAD_CONFIGURATION,
        text: problems.iter().map(|problem| format!("{file}:{problem}\n")).collect(),
    })
}

fn print(args: &ExplainArgs, explanation: &Explanation) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match args.format {
        Format::Text => write!(stdout, "{}", InWords { args, explanation }),
        Format::Json => writeln!(stdout, "{}", serde_json::to_string_pretty(explanation)?),
    }
}

/// An explanation for people: a line for each thing, its name first.
struct InWords<'a> {
    args: &'a ExplainArgs,
    explanation: &'a Explanation,
}

impl Display for InWords<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Explanation { target, client, route, class, limits, room, completes, capacity, campaign, verdict, .. } =
            self.explanation;
        if let Some(target) = target {
            line(f, "request", format_args!("{} {} of host {}", target.method, target.path, target.host))?;
        }
        if let Some(client) = client {
            let via = if client.trusted_peer { format!(", by trusted proxy {}", client.peer) } else { String::new() };
            let scheme = if client.https { "https" } else { "http" };
            line(f, "client", format_args!("{} over {scheme}{via}", client.ip))?;
        }
        if let Some(route) = route {
            let host = route.host.as_deref().unwrap_or("any host");
            let methods = if route.methods.is_empty() { "any method".to_owned() } else { route.methods.join(", ") };
            let begins = if route.journey { "; begins a journey" } else { "" };
            let (name, path) = (&route.name, &route.path);
            line(f, "route", format_args!("{name} (line {}): {host}, {path}, {methods}{begins}", route.line))?;
        }
        if let Some(class) = class {
            let why = match class.unattended {
                Some(why) => format!(", as nobody waits for it ({why})"),
                None if class.by_journey => ", by the shopper's journey".to_owned(),
                None => String::new(),
            };
            line(f, "class", format_args!("{}, importance {}{why}", class.name, class.rank))?;
        }
        for limit in limits {
            line(
                f,
                "limit",
                format_args!(
                    "{}: {}, burst {}, {}; {} counted under {}",
                    limit.name, limit.rate, limit.burst, limit.mode, limit.key, limit.counted_under
                ),
            )?;
        }
        if let Some(room) = room {
            let opens = room.opens.as_ref().map_or_else(String::new, |opens| format!(", opens {opens}"));
            let (name, mode, inside, rate) = (&room.name, room.mode, room.active_shoppers, &room.admit_rate);
            let order = if room.order == "lottery" { ", by lot" } else { "" };
            line(
                f,
                "room",
                format_args!(
                    "{name}: {mode}{opens}, {inside} inside, rate {rate}{order}; newcomers {}",
                    room.newcomers
                ),
            )?;
        }
        if let Some(room) = completes {
            line(f, "completes", format_args!("a good answer ends the stay in room {room}"))?;
        }
        if let Some(capacity) = capacity {
            line(f, "capacity", format_args!("{}", AtOnce(capacity)))?;
        }
        let at = self.args.at.map_or_else(String::new, |at| format!(" at {at}"));
        line(f, "campaign", format_args!("{}{at}", campaign.as_deref().unwrap_or("none in force")))?;
        let status = verdict.status.map_or_else(String::new, |status| format!(" with {status}"));
        let decided = verdict.line.map_or_else(String::new, |line| format!(" (line {line})"));
        line(f, "verdict", format_args!("{}{status}: {}{decided}", verdict.outcome.as_str(), verdict.text))
    }
}

fn line(f: &mut Formatter<'_>, name: &str, text: fmt::Arguments<'_>) -> fmt::Result {
    writeln!(f, "{name:<9} {text}")
}

/// How many requests an origin takes at once, and the part of the class.
struct AtOnce<'a>(&'a Capacity);

impl Display for AtOnce<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Capacity { origin, mode, limit, min, guaranteed } = self.0;
        let guaranteed = guaranteed * 100.0;
        match (limit, min) {
            (None, _) => write!(f, "{origin} takes any number at once"),
            (Some(limit), None) => {
                write!(f, "{origin} takes {limit} at once, {guaranteed}% of it guaranteed to the class")
            }
            (Some(max), Some(_)) if *mode == "shadow" => {
                write!(
                    f,
                    "{origin} takes any number at once; what a measured limit of up to {max} would refuse is counted"
                )
            }
            (Some(max), Some(min)) => write!(
                f,
                "{origin} takes as many at once as it does best with, {min} to {max}, {guaranteed}% of it guaranteed to the class"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: ExplainArgs,
    }

    fn args(line: &[&str]) -> ExplainArgs {
        let line = ["explain", "--config", "config/spillway.toml"].iter().chain(line);
        match Line::try_parse_from(line) {
            Ok(line) => line.args,
            Err(error) => panic!("{error}"),
        }
    }

    fn answer(line: &[&str]) -> String {
        let args = args(line);
        match explain(&args) {
            Ok(explanation) => InWords { args: &args, explanation: &explanation }.to_string(),
            Err(failure) => format!("{}: {}", failure.code, failure.text),
        }
    }

    #[test]
    fn says_who_asks_for_what_and_what_decides() {
        let line = ["--at", "2026-11-11T00:00:00+08:00", "-H", "X-Forwarded-For: 2001:db8::7"];
        let text = answer(&[&line[..], &["POST", "https://Shop.example/x/../checkout//start?step=1"]].concat());
        for expected in [
            "request   POST /checkout/start of host shop.example\n",
            "client    2001:db8::7 over https, by trusted proxy 127.0.0.1\n",
            "route     checkout (line ",
            "class     checkout, importance 1\n",
            "limit     per-client: 20/s, burst 40, enforce; client-ip counted under 2001:db8::/64\n",
            "room      sale: auto, 2000 inside, rate auto; newcomers come in while there is room and nobody waits, and \
             wait in line otherwise\n",
            "capacity  storefront takes as many at once as it does best with, 4 to 1000, 30% of it guaranteed to the class\n",
            "campaign  none in force at 2026-11-10T16:00:00Z\n",
            "verdict   forwarded: forwarded to storefront if room sale has a place and per-client has a token and a seat \
             is free within 2s (line ",
        ] {
            assert!(text.contains(expected), "{expected:?} is not in\n{text}");
        }
    }

    #[test]
    fn says_which_answer_ends_a_stay() {
        let text = answer(&["POST", "https://shop.example/pay"]);
        assert!(text.contains("completes a good answer ends the stay in room sale\n"), "{text}");
        assert!(!text.contains("room      "), "{text}");
    }

    #[test]
    fn says_why_a_request_is_refused() {
        let text = answer(&["GET", "http://shop/a%2fb"]);
        assert!(
            text.ends_with(
                "verdict   failed with 400: The request's path is malformed: an escaped slash or a \
                                backslash is read differently by different servers.\n"
            ),
            "{text}"
        );
        assert!(answer(&["GET", "/"]).ends_with("verdict   failed with 400: The request names no host.\n"));
        assert!(answer(&["-H", "Host: shop", "GET", "/"]).contains("verdict   forwarded"));
    }

    #[test]
    fn what_cannot_be_sent_is_wrong_usage() {
        assert_eq!(answer(&["G T", "http://shop/"]), "2: \"G T\" is not a method\n");
        assert_eq!(answer(&["GET", "shop"]), "2: \"shop\" is neither a URL nor a path\n");
        assert_eq!(answer(&["GET", "ftp://shop/"]), "2: \"ftp://shop/\" is neither a URL nor a path\n");
        assert_eq!(answer(&["-H", "a b: c", "GET", "/"]), "2: \"a b\" is not a header name\n");
        assert!(Line::try_parse_from(["explain", "--config", "x", "--at", "noon", "GET", "/"]).is_err());
        assert!(Line::try_parse_from(["explain", "--config", "x", "-H", "no colon", "GET", "/"]).is_err());
    }

    #[test]
    fn a_file_that_is_not_there_is_a_bad_configuration() {
        let args = ExplainArgs { config: PathBuf::from("config/none.toml"), ..args(&["GET", "http://shop/"]) };
        let failure = explain(&args).err().map(|failure| (failure.code, failure.text));
        assert!(failure.is_some_and(|(code, text)| code == 78 && text.contains("config/none.toml")));
    }
}
