//! A real nginx as the origin: a small shop of files.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::tools::tool;

/// The page at `/`.
pub const PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>The shop</title>\
    <link rel=stylesheet href=/style.css><h1>Teapots</h1><p id=price>¥ 2,400</p></html>\n";
const STYLE: &str = "h1 { color: rgb(1, 2, 3) }\n";

/// A running nginx; ended when dropped.
pub struct Nginx {
    child: Child,
    address: SocketAddr,
    _dir: TempDir,
}

impl Nginx {
    /// Starts one on a port the kernel chose. It takes what is `PUT` under `/files/` and gives it back.
    pub fn shop() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let www = dir.path().join("www");
        std::fs::create_dir_all(www.join("files")).unwrap();
        for (name, text) in [("index.html", PAGE), ("style.css", STYLE), ("healthz", "fine\n"), ("login", "Log in\n")] {
            std::fs::write(www.join(name), text).unwrap();
        }
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let config = include_str!("nginx.conf").replace("DIR", &dir.path().display().to_string());
        std::fs::write(dir.path().join("nginx.conf"), config.replace("ADDRESS", &address.to_string())).unwrap();
        let child = start(&dir, socket);
        Self { child, address, _dir: dir }
    }

    /// Its URL, for `servers`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// nginx finds its listening socket where an upgrading one would have left it.
fn start(dir: &TempDir, socket: TcpListener) -> Child {
    Command::new("sh")
        .args(["-c", "exec 3<&0 0</dev/null; NGINX='3;' exec \"$0\" \"$@\""])
        .arg(tool("nginx", "nginx"))
        .arg("-c")
        .arg(dir.path().join("nginx.conf"))
        .arg("-e")
        .arg(dir.path().join("error.log"))
        .stdin(OwnedFd::from(socket))
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Killed, it would leave its worker behind.
        let master = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let _ = master.map(|master| kill_process(master, Signal::TERM));
        let _ = self.child.wait();
    }
}
