//! Programs that others wrote.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// A program of a Debian package; where it is missing, the test fails with what to install.
pub fn tool(name: &str, package: &str) -> PathBuf {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("{name} is missing: apt-get install --no-install-recommends {package}"))
}

/// What a program says until it has ended; it must have ended well.
pub async fn says(mut command: Command) -> String {
    let output = tokio::task::spawn_blocking(move || command.stdin(Stdio::null()).output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Gives a program `input` and waits for its end.
pub async fn fed(mut command: Command, input: String) -> Output {
    let feed = move || {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    tokio::task::spawn_blocking(feed).await.unwrap()
}
