//! The one thread that starts and buries processes.
//!
//! A confined process dies with the *thread* that started it (`PR_SET_PDEATHSIG`), so that thread must live as long as
//! the server: none of the runtime's own can promise that. It also waits for the dead, so that none stays a zombie.

use std::io;
use std::process::Child;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::oneshot;

/// How often it looks after killed processes that are not dead yet.
const LOOK_EVERY: Duration = Duration::from_millis(20);

enum Request {
    Start(Box<Command>, (oneshot::Sender<io::Result<Newborn>>, Nursery)),
    Bury(Child),
}

/// A child on its way to who asked for it; if nobody is there any more, it is buried.
struct Newborn {
    child: Option<Child>,
    nursery: Nursery,
}

impl Drop for Newborn {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            self.nursery.bury(child);
        }
    }
}

/// Starts and buries processes. Ends, with all it started, when it is dropped.
#[derive(Debug, Clone)]
pub struct Nursery(mpsc::Sender<Request>);

impl Nursery {
    /// Starts the thread.
    ///
    /// # Errors
    /// When there is none to be had.
    pub fn open() -> io::Result<Self> {
        let (requests, received) = mpsc::channel();
        std::thread::Builder::new().name("belljar-nursery".to_owned()).spawn(move || serve(&received))?;
        Ok(Self(requests))
    }

    /// Starts a process.
    ///
    /// # Errors
    /// Of the system.
    pub async fn start(&self, command: Command) -> io::Result<Child> {
        let (reply, started) = oneshot::channel();
        let closed = || io::Error::other("the nursery is closed");
        self.0.send(Request::Start(Box::new(command), (reply, self.clone()))).map_err(|_| closed())?;
        let mut newborn = started.await.map_err(|_| closed())??;
        newborn.child.take().ok_or_else(closed)
    }

    /// Kills a process and sees to its end.
    pub fn bury(&self, child: Child) {
        // A closed nursery has killed all that it started.
        drop(self.0.send(Request::Bury(child)));
    }
}

fn serve(requests: &mpsc::Receiver<Request>) {
    let mut dying = Vec::new();
    loop {
        let request = if dying.is_empty() {
            requests.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected)
        } else {
            requests.recv_timeout(LOOK_EVERY)
        };
        match request {
            Ok(Request::Start(mut command, (reply, nursery))) => {
                let born = command.spawn().map(|child| Newborn { child: Some(child), nursery });
                // What nobody waits for comes back to be buried.
                drop(reply.send(born));
            }
            Ok(Request::Bury(child)) => dying.push(killed(child)),
            Err(mpsc::RecvTimeoutError::Timeout) => (),
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
        dying.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    }
}

fn killed(mut child: Child) -> Child {
    // One that is dead already needs no killing.
    drop(child.kill());
    child
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_buried_is_dead_and_no_zombie() {
        let nursery = Nursery::open().unwrap();
        let mut command = Command::new("sleep");
        command.arg("60").stdout(std::process::Stdio::piped());
        let mut child = nursery.start(command).await.unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let pid = child.id();
        nursery.bury(child);
        // Its pipe closes when it dies; then it is waited for.
        let rest = tokio::task::spawn_blocking(move || io::copy(&mut stdout, &mut io::sink())).await.unwrap();
        assert_eq!(rest.unwrap(), 0);
        let gone = || !std::path::Path::new(&format!("/proc/{pid}")).exists();
        let until = std::time::Instant::now() + Duration::from_secs(10);
        while !gone() && std::time::Instant::now() < until {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        assert!(gone());
    }
}
