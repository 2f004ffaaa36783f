//! Files that are worked on, looked at until they change. By looking, not by being told: that works on every file system,
//! and a module is worth a look only some times a second.

use std::path::Path;
use std::time::Duration;

use crate::registry::package;
use crate::registry::package::Stamp;

const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A module with what belongs into it, and a file.
pub(super) type Seen = ([Stamp; 4], Stamp);

/// How they stand now.
pub(super) fn look(module: &Path, file: &Path) -> Seen {
    (package::stamps(module), package::stamp(file))
}

/// Waits until they stand differently, and stand still.
pub(super) async fn changed(before: &Seen, module: &Path, file: &Path) {
    let mut last = look(module, file);
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = look(module, file);
        if now != *before && now == last && now.0[0].is_some() {
            return;
        }
        last = now;
    }
}
