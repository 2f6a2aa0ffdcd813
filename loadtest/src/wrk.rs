//! wrk and h2load as closed-loop clients: as fast as the proxy lets them.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::peer::find;

/// What to ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask {
    pub(crate) address: SocketAddr,
    pub(crate) path: &'static str,
    pub(crate) protocol: Protocol,
    /// Different client addresses to come from.
    pub(crate) clients: u32,
    pub(crate) lasting: Duration,
}

/// How to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http1Tls,
    Http2Tls,
}

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Heard {
    /// Answers.
    pub(crate) answers: u64,
    /// Of them, with status 400 and above.
    pub(crate) refusals: u64,
    /// Requests without an answer.
    pub(crate) broken: u64,
    pub(crate) lasted: Duration,
}

/// Kept-alive connections.
const CONNECTIONS: &str = "64";

impl Ask {
    /// Asks for as long as it should.
    pub(crate) fn ask(&self) -> Result<Heard, String> {
        match self.protocol {
            Protocol::Http1 | Protocol::Http1Tls => self.wrk(),
            Protocol::Http2Tls => self.h2load(),
        }
    }

    fn wrk(&self) -> Result<Heard, String> {
        let clients = self.clients.to_string();
        wrk(&self.url(), self.lasting, &[("CLIENTS", clients.as_ref())])
    }

    fn h2load(&self) -> Result<Heard, String> {
        let mut command = Command::new(find("h2load")?);
        command.args(["-t1", "-c", CONNECTIONS, "-m1", "-D", &self.lasting.as_secs().max(1).to_string()]);
        command.args(["-H", "x-forwarded-for: 10.1.0.1", "-H", ":authority: shop.example"]).arg(self.url());
        let said = output(&mut command)?;
        h2load_figures(&said).ok_or_else(|| format!("h2load said something unexpected:\n{said}"))
    }

    fn url(&self) -> String {
        let scheme = if self.protocol == Protocol::Http1 { "http" } else { "https" };
        format!("{scheme}://{}{}", self.address, self.path)
    }
}

/// Tickets of a waiting room, each of which is asked with in turn.
#[derive(Debug)]
pub(crate) struct Tickets {
    /// A file with one in a line, and behind a space the entity tag that its holder knows.
    pub(crate) list: PathBuf,
    /// The status that all answers should have; others are counted as refusals.
    pub(crate) expected: u16,
}

impl Tickets {
    /// Asks for as long as it should.
    pub(crate) fn ask(&self, address: SocketAddr, path: &str, lasting: Duration) -> Result<Heard, String> {
        let expected = self.expected.to_string();
        let how = [("TICKETS", self.list.as_os_str()), ("EXPECTED", expected.as_ref())];
        wrk(&format!("http://{address}{path}"), lasting, &how)
    }
}

fn wrk(url: &str, lasting: Duration, how: &[(&str, &OsStr)]) -> Result<Heard, String> {
    let script = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    std::fs::write(script.path(), include_str!("../peers/wrk.lua")).map_err(|error| error.to_string())?;
    let mut command = Command::new(find("wrk")?);
    command.args(["-t1", "-c", CONNECTIONS, "-d", &format!("{}s", lasting.as_secs().max(1)), "-s"]);
    command.arg(script.path()).args(["-H", "Host: shop.example"]).arg(url);
    command.envs(how.iter().copied());
    let said = output(&mut command)?;
    wrk_figures(&said).ok_or_else(|| format!("wrk said something unexpected:\n{said}"))
}

fn output(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().display().to_string();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn wrk_figures(said: &str) -> Option<Heard> {
    let line = said.lines().find_map(|line| line.strip_prefix("figures "))?;
    let mut numbers = line.split(' ').map_while(|number| number.parse().ok());
    let mut next = || numbers.next();
    let (answers, micros, refusals, broken) = (next()?, next()?, next()?, next()?);
    Some(Heard { answers, refusals, broken, lasted: Duration::from_micros(micros) })
}

fn h2load_figures(said: &str) -> Option<Heard> {
    let rest = |label: &str| said.lines().find_map(|line| line.strip_prefix(label));
    let count = |label: &str, what: &str| -> Option<u64> {
        rest(label)?.split(", ").find_map(|part| part.trim().strip_suffix(what)?.trim().parse().ok())
    };
    let lasted = rest("finished in ")?.split("s,").next()?.parse().ok()?;
    Some(Heard {
        answers: count("requests:", " done")?,
        refusals: count("status codes:", " 4xx")? + count("status codes:", " 5xx")?,
        broken: count("requests:", " errored")? + count("requests:", " timeout")?,
        lasted: Duration::from_secs_f64(lasted),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_script_is_read() {
        let heard = wrk_figures("Running 3s test\nfigures 1000 3000000 7 1 500 900\n");
        let lasted = Duration::from_secs(3);
        assert_eq!(heard, Some(Heard { answers: 1000, refusals: 7, broken: 1, lasted }));
        assert_eq!(wrk_figures("figures 1000"), None);
    }

    #[test]
    fn h2load_is_read() {
        let said = "finished in 1.50s, 8000.00 req/s, 711.45KB/s\n\
            requests: 8000 total, 8000 started, 7990 done, 7970 succeeded, 20 failed, 8 errored, 2 timeout\n\
            status codes: 7970 2xx, 0 3xx, 15 4xx, 5 5xx\n";
        let lasted = Duration::from_millis(1500);
        assert_eq!(h2load_figures(said), Some(Heard { answers: 7990, refusals: 20, broken: 10, lasted }));
    }
}
