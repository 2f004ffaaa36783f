//! Files that are worked on, looked at until they change. By looking, not by being told: that works on every file system,
//! and a module is worth a look only some times a second.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use crate::registry::package::Beside;

const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Of each file its size and when it changed last.
pub(super) type Seen = Vec<Option<(u64, i64, i64)>>;

/// How a module, what belongs to it, and a file stand now.
pub(super) fn look(module: &Path, file: &Path) -> Seen {
    let beside = Beside::of(module);
    let look = |path: &Path| {
        let found = std::fs::metadata(path).ok()?;
        Some((found.size(), found.mtime(), found.mtime_nsec()))
    };
    [module, file, &beside.descriptor, &beside.files].map(look).to_vec()
}

/// Waits until they stand differently, and stand still.
pub(super) async fn changed(before: &Seen, module: &Path, file: &Path) {
    let mut last = look(module, file);
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = look(module, file);
        if now != *before && now == last && now[0].is_some() {
            return;
        }
        last = now;
    }
}
