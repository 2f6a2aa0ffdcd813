//! Programs under test: started in a process group of their own, pinned, watched, and ended by id.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// A processor core.
pub(crate) type Core = usize;

/// How long a program may take to end when asked.
const GRACE: Duration = Duration::from_secs(3);

/// A running program with all the processes it has started; dropping it ends them.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    group: Pid,
}

impl Program {
    /// Starts `command` on `cores`, what it says going to `log`. Should this program die, the other is told to end.
    pub(crate) fn start(command: &Command, cores: &[Core], log: Stdio) -> io::Result<Self> {
        let list = cores.iter().map(Core::to_string).collect::<Vec<_>>().join(",");
        let mut wrapped = Command::new("setpriv");
        wrapped.args(["--pdeathsig", "TERM", "taskset", "-c", &list]);
        wrapped.arg(command.get_program()).args(command.get_args());
        if let Some(directory) = command.get_current_dir() {
            wrapped.current_dir(directory);
        }
        wrapped.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        std::os::unix::process::CommandExt::process_group(&mut wrapped, 0);
        let child = wrapped.spawn()?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { child, group })
    }

    /// Whether the first process has ended by itself.
    pub(crate) fn ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Processor time used so far by all processes of the group that are alive.
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = self.members().into_iter().flat_map(|process| children_of(&process.join("task")));
        tasks.map(|task| Duration::from_nanos(run_time(&task).unwrap_or(0))).sum()
    }

    /// Resident memory of all processes of the group in bytes, shared pages counted once for each.
    pub(crate) fn resident(&self) -> u64 {
        self.members().iter().filter_map(|process| resident(process)).sum()
    }

    /// Sends a signal to the first process.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(rustix::process::kill_process(self.group, signal)?)
    }

    /// Ends all of it at once, without a chance to say anything.
    pub(crate) fn kill(&mut self) {
        let _ = kill_process_group(self.group, Signal::KILL);
        self.wait(Instant::now() + GRACE);
    }

    /// Ids of the processes of the group.
    pub(crate) fn ids(&self) -> Vec<u32> {
        self.members().iter().filter_map(|path| path.file_name()?.to_str()?.parse().ok()).collect()
    }

    fn members(&self) -> Vec<PathBuf> {
        let own = self.group.as_raw_nonzero().get();
        let mut processes = children_of(Path::new("/proc"));
        processes.retain(|process| group_of(process) == Some(own));
        processes
    }

    fn wait(&mut self, until: Instant) -> bool {
        // A process whose first thread has ended is not in the list, and its other threads may still have its sockets.
        while !(self.ended() && self.members().is_empty()) {
            if Instant::now() > until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = kill_process_group(self.group, Signal::TERM);
        if !self.wait(Instant::now() + GRACE) {
            self.kill();
        }
    }
}

/// Resident memory of this process in bytes.
pub(crate) fn own_resident() -> u64 {
    resident(Path::new("/proc/self")).unwrap_or(0)
}

fn children_of(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let numbered = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.parse::<u32>().is_ok())
    };
    entries.map(|entry| entry.path()).filter(numbered).collect()
}

/// The process group, field 5 of `stat`; `None` for one that has ended.
fn group_of(process: &Path) -> Option<i32> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    // The name before it may contain anything.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    let group = fields.nth(1)?.parse().ok()?;
    (state != "Z").then_some(group)
}

/// Nanoseconds on a processor, exact where `stat` counts in ticks.
fn run_time(task: &Path) -> Option<u64> {
    fs::read_to_string(task.join("schedstat")).ok()?.split(' ').next()?.parse().ok()
}

fn resident(process: &Path) -> Option<u64> {
    let status = fs::read_to_string(process.join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_ends_with_all_it_has_started() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & sleep 60 & wait"]);
        let program = Program::start(&command, &[0], Stdio::inherit()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        while program.ids().len() < 3 {
            assert!(Instant::now() < deadline);
        }
        let ids = program.ids();
        drop(program);
        assert!(ids.iter().all(|id| group_of(Path::new(&format!("/proc/{id}"))).is_none()));
    }

    #[test]
    fn processor_time_is_that_of_the_program() {
        let mut command = Command::new("sh");
        command.args(["-c", "while :; do :; done"]);
        let program = Program::start(&command, &[0], Stdio::inherit()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while program.cpu() < Duration::from_millis(50) {
            assert!(Instant::now() < deadline);
        }
        assert!(program.resident() > 100_000);
    }
}
