//! Many kept connections at once from one thread, a bounded number of requests, the same client for all servers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::ensure;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::blocking;
use crate::rounds::real;

/// What is sent, to whom.
pub(crate) struct Load<R> {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) requests: usize,
    /// The status that every answer must have.
    pub(crate) status: u16,
    /// The bytes of the request with that number.
    pub(crate) request: R,
}

impl<R: Fn(usize) -> Vec<u8> + Send + Sync + 'static> Load<R> {
    /// Answers per second.
    pub(crate) fn run(self) -> anyhow::Result<f64> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (requests, connections) = (self.requests, self.connections);
        let next = Arc::new(AtomicUsize::new(0));
        let load = Arc::new(self);
        let began = Instant::now();
        runtime.block_on(async {
            let all: Vec<_> =
                (0..connections).map(|_| tokio::spawn(connection(Arc::clone(&load), Arc::clone(&next)))).collect();
            for one in all {
                one.await??;
            }
            anyhow::Ok(())
        })?;
        Ok(real(requests) / began.elapsed().as_secs_f64())
    }
}

async fn connection<R: Fn(usize) -> Vec<u8>>(load: Arc<Load<R>>, next: Arc<AtomicUsize>) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(load.address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= load.requests {
            return Ok(());
        }
        stream.write_all(&(load.request)(number)).await?;
        let mut filled = 0;
        loop {
            let count = stream.read(&mut buffer[filled..]).await?;
            ensure!(count > 0, "the server closed the connection, or its answer is too long");
            filled += count;
            let Some(head) = blocking::head(&buffer[..filled])? else { continue };
            let whole = head.head_bytes + usize::try_from(head.body_bytes)?;
            if filled >= whole {
                let text = || String::from_utf8_lossy(&buffer[..filled]);
                ensure!(head.status == load.status && filled == whole, "answered: {}", text());
                break;
            }
        }
    }
}
