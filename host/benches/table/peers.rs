//! The peers: found where `scripts/bench` put them, started on a free port of loopback, stopped when dropped.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use anyhow::Context;
use anyhow::ensure;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;

/// Where the peers' programs are.
#[derive(Debug)]
pub(crate) struct Peers(PathBuf);

/// Whether nginx looks at a file's name and size again at every request, as Belljar does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caching {
    None,
    OpenFiles,
}

/// A server that runs beside Belljar.
#[derive(Debug)]
pub(crate) struct Peer {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Peers {
    pub(crate) fn at(directory: PathBuf) -> Self {
        Self(directory)
    }

    /// The path of a peer's program.
    pub(crate) fn program(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.0.join(name);
        ensure!(path.exists(), "{name} is not to be had here");
        Ok(path)
    }

    /// nginx over a directory; its own files go to `own`.
    pub(crate) fn nginx(&self, root: &Path, own: &Path, caching: Caching) -> anyhow::Result<Peer> {
        let address = free_address()?;
        let configuration = own.join("nginx.conf");
        std::fs::write(&configuration, nginx_configuration(address, (root, own), caching))?;
        let mut nginx = Command::new(self.program("nginx")?);
        nginx.arg("-p").arg(own).arg("-c").arg(&configuration).args(["-e", "stderr"]);
        let mut child = nginx.stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let said = child.stderr.take().context("no stderr")?;
        let peer = Peer { child, address };
        until_said(said, "start worker process ")?;
        Ok(peer)
    }

    /// dufs, with uploads allowed and no log, over a directory.
    pub(crate) fn dufs(&self, root: &Path) -> anyhow::Result<Peer> {
        let address = free_address()?;
        let mut dufs = Command::new(self.program("dufs")?);
        dufs.args(["--allow-all", "--log-format", "", "--bind", "127.0.0.1", "--port"]);
        dufs.arg(address.port().to_string()).arg(root);
        let mut child = dufs.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let said = child.stdout.take().context("no stdout")?;
        let peer = Peer { child, address };
        until_said(said, "http://")?;
        Ok(peer)
    }

    /// Requests a second that wrk gets out of a page, all of them answered with 2xx.
    pub(crate) fn wrk(&self, url: &str, seconds: u32) -> anyhow::Result<f64> {
        let mut wrk = Command::new(self.program("wrk")?);
        wrk.args(["--threads", "1", "--connections", "32", "--duration"]).arg(format!("{seconds}s")).arg(url);
        let output = wrk.output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "wrk failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        ensure!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "wrk met errors: {text}");
        let line = text.lines().find_map(|line| line.strip_prefix("Requests/sec:")).context("wrk says no figure")?;
        Ok(line.trim().parse()?)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // nginx' workers end only when their master ends in order.
        kill_process(Pid::from_child(&self.child), Signal::TERM).ok();
        drop(self.child.wait());
    }
}

fn nginx_configuration(address: SocketAddr, (root, own): (&Path, &Path), caching: Caching) -> String {
    let cache = match caching {
        Caching::None => "off",
        Caching::OpenFiles => "max=1000",
    };
    let own = own.display();
    // Root's nginx would otherwise serve as a user who may not read what root made.
    let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
    format!(
        "{user} daemon off; worker_processes auto; pid {own}/nginx.pid; error_log stderr notice;
         events {{ worker_connections 1024; }}
         http {{
             access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; open_file_cache {cache};
             keepalive_requests 1000000000; keepalive_timeout 300; default_type application/json;
             client_body_temp_path {own}/body; proxy_temp_path {own}/proxy; fastcgi_temp_path {own}/fastcgi;
             uwsgi_temp_path {own}/uwsgi; scgi_temp_path {own}/scgi;
             server {{ listen {address}; root {}; }}
         }}",
        root.display()
    )
}

/// A port that was free a moment ago.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Reads until a line holds that text; what follows is read on and dropped, so that nobody waits for a full pipe.
fn until_said(stream: impl Read + Send + 'static, text: &str) -> anyhow::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let mut before = Vec::new();
    for line in lines.by_ref() {
        let line = line?;
        if line.contains(text) {
            // The thread ends with the peer, whose end of the pipe closes then.
            std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
            return Ok(());
        }
        before.push(line);
    }
    anyhow::bail!("it did not come up: {}", before.join("; "))
}
