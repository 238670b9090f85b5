//! A `redis-server` of a test's own: on a free port of the loopback, in a directory that goes with
//! it, gone when the test is, however it ends, and after two minutes if even that fails.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

pub(crate) struct Server {
    child: Child,
    pid: String,
    port: u16,
    // Removed when it is dropped.
    dir: TempDir,
}

impl Server {
    pub(crate) fn is_installed() -> bool {
        let version = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        version.is_ok_and(|it| it.success())
    }

    pub(crate) fn start() -> Self {
        // Somebody may take the port between its choice and its use.
        (0..5).find_map(|_| Self::start_at(free_port())).expect("a server starts")
    }

    pub(crate) fn start_at(port: u16) -> Option<Self> {
        Self::start_with(port, &[])
    }

    /// A node of a cluster that has no other yet, with the port on which nodes talk.
    pub(crate) fn start_clustered() -> (Self, u16) {
        let start = |_| {
            let (port, bus) = (free_port(), free_port());
            let bus_text = bus.to_string();
            let server =
                Self::start_with(port, &[CLUSTERED, &["--cluster-port", &bus_text]].concat());
            server.map(|it| (it, bus))
        };
        (0..5).find_map(start).expect("a server starts")
    }

    fn start_with(port: u16, more: &[&str]) -> Option<Self> {
        let dir = TempDir::new().unwrap();
        let pid_file = dir.path().join("pid");
        let mut child = Command::new("timeout")
            .args(["--kill-after=1", "120", "redis-server", "--bind", "127.0.0.1", "--port"])
            .arg(port.to_string())
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no", "--dir"])
            .arg(dir.path())
            .arg("--pidfile")
            .arg(&pid_file)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut lines = BufReader::new(child.stdout.take()?).lines();
        if !lines.any(|it| it.is_ok_and(|it| it.contains("Ready to accept connections"))) {
            _ = child.wait();
            return None;
        }
        // What nobody reads would fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let pid = std::fs::read_to_string(pid_file).ok()?.trim().to_owned();
        Some(Self { child, pid, port, dir })
    }

    /// A folder that goes with it.
    pub(crate) fn folder(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// It neither answers nor is it gone.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    /// Its memory goes with it.
    pub(crate) fn kill(self) -> u16 {
        self.port
    }

    /// A command, and the first line of what is answered.
    pub(crate) fn order(&self, command: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "{command}\r\n").unwrap();
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).unwrap();
        answer.trim().to_owned()
    }

    /// A command, and what is answered, as it comes.
    pub(crate) fn tell(&self, command: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "{command}\r\nQUIT\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.strip_suffix("+OK\r\n").unwrap_or(&answer).trim().to_owned()
    }

    fn signal(&self, name: &str) {
        _ = Command::new("kill").args(["-s", name, &self.pid]).status();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal("KILL");
        _ = self.child.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// What nodes that live go on serving when others do not.
const CLUSTERED: &[&str] = &[
    "--cluster-enabled",
    "yes",
    "--cluster-config-file",
    "nodes.conf",
    "--cluster-node-timeout",
    "5000",
    "--cluster-require-full-coverage",
    "no",
    "--repl-diskless-sync-delay",
    "0",
];
