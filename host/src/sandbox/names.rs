//! What a module may import and must export, by name; apart from what stands behind the names, since admission looks at
//! no more.

/// The module that the functions of WASI 0.1 are imported from.
pub(super) const WASI_0_1: &str = "wasi_snapshot_preview1";

/// Every function of it that a module may import.
pub(super) const WASI_0_1_FUNCTIONS: [&str; 46] = [
    "args_get",
    "args_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_advise",
    "fd_allocate",
    "fd_close",
    "fd_datasync",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_filestat_get",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_pread",
    "fd_prestat_dir_name",
    "fd_prestat_get",
    "fd_pwrite",
    "fd_read",
    "fd_readdir",
    "fd_renumber",
    "fd_seek",
    "fd_sync",
    "fd_tell",
    "fd_write",
    "path_create_directory",
    "path_filestat_get",
    "path_filestat_set_times",
    "path_link",
    "path_open",
    "path_readlink",
    "path_remove_directory",
    "path_rename",
    "path_symlink",
    "path_unlink_file",
    "poll_oneoff",
    "proc_exit",
    "proc_raise",
    "random_get",
    "sched_yield",
    "sock_accept",
    "sock_recv",
    "sock_send",
    "sock_shutdown",
];

/// Every interface that a component may import, up to its minor version: a guest of any 0.2 is served.
const INTERFACES: [&str; 22] = [
    "belljar:analysis/report@1.0",
    "belljar:analysis/sample@1.0",
    "wasi:cli/environment@0.2",
    "wasi:cli/exit@0.2",
    "wasi:cli/stderr@0.2",
    "wasi:cli/stdin@0.2",
    "wasi:cli/stdout@0.2",
    "wasi:cli/terminal-input@0.2",
    "wasi:cli/terminal-output@0.2",
    "wasi:cli/terminal-stderr@0.2",
    "wasi:cli/terminal-stdin@0.2",
    "wasi:cli/terminal-stdout@0.2",
    "wasi:clocks/monotonic-clock@0.2",
    "wasi:clocks/wall-clock@0.2",
    "wasi:filesystem/preopens@0.2",
    "wasi:filesystem/types@0.2",
    "wasi:io/error@0.2",
    "wasi:io/poll@0.2",
    "wasi:io/streams@0.2",
    "wasi:random/insecure-seed@0.2",
    "wasi:random/insecure@0.2",
    "wasi:random/random@0.2",
];

/// Every interface of WASI 0.3 that a component may import; one that exports `run` of it, for it alone can wait.
const INTERFACES_03: [&str; 19] = [
    "wasi:cli/environment@0.3",
    "wasi:cli/exit@0.3",
    "wasi:cli/stderr@0.3",
    "wasi:cli/stdin@0.3",
    "wasi:cli/stdout@0.3",
    "wasi:cli/terminal-input@0.3",
    "wasi:cli/terminal-output@0.3",
    "wasi:cli/terminal-stderr@0.3",
    "wasi:cli/terminal-stdin@0.3",
    "wasi:cli/terminal-stdout@0.3",
    "wasi:cli/types@0.3",
    "wasi:clocks/monotonic-clock@0.3",
    "wasi:clocks/system-clock@0.3",
    "wasi:clocks/types@0.3",
    "wasi:filesystem/preopens@0.3",
    "wasi:filesystem/types@0.3",
    "wasi:random/insecure-seed@0.3",
    "wasi:random/insecure@0.3",
    "wasi:random/random@0.3",
];

/// Whether an import is one of [`INTERFACES`].
pub(super) fn offers(import: &str) -> bool {
    INTERFACES.iter().any(|offered| import.strip_prefix(offered).is_some_and(|patch| patch.starts_with('.')))
}

/// Whether an import is one of [`INTERFACES_03`].
pub(super) fn offers_03(import: &str) -> bool {
    INTERFACES_03.iter().any(|offered| import.strip_prefix(offered).is_some_and(is_patch))
}

/// The export of the typed world.
pub(super) const TYPED_ENTRY: &str = "analyse";

/// Whether an export is `wasi:cli/run` of any 0.2.
pub(super) fn is_run(export: &str) -> bool {
    export.strip_prefix("wasi:cli/run@0.2").is_some_and(is_patch)
}

/// Whether an export is `wasi:cli/run` of any 0.3; drafts of it are none.
pub(super) fn is_run_03(export: &str) -> bool {
    export.strip_prefix("wasi:cli/run@0.3").is_some_and(is_patch)
}

fn is_patch(rest: &str) -> bool {
    rest.strip_prefix('.').is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|it| it.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_offered_by_name_and_minor_version() {
        for offered in ["wasi:io/streams@0.2.0", "wasi:random/insecure-seed@0.2.12", "belljar:analysis/sample@1.0.0"] {
            assert!(offers(offered), "{offered}");
        }
        for other in [
            "wasi:io/streams@0.3.0",
            "wasi:io/streams@0.20.0",
            "wasi:io/streams",
            "wasi:random/extra@0.2.0",
            "wasi:sockets/tcp@0.2.0",
            "wasi:http/types@0.2.0",
            "wasi:io/streams2@0.2.0",
        ] {
            assert!(!offers(other), "{other}");
        }
        for offered in ["wasi:cli/stdin@0.3.0", "wasi:clocks/system-clock@0.3.12"] {
            assert!(offers_03(offered), "{offered}");
        }
        for other in [
            "wasi:cli/stdin@0.3.0-rc-2025-09-16",
            "wasi:cli/stdin@0.3",
            "wasi:sockets/types@0.3.0",
            "wasi:cli/stdin@0.2.0",
        ] {
            assert!(!offers_03(other), "{other}");
        }
        assert!(is_run_03("wasi:cli/run@0.3.1") && !is_run_03("wasi:cli/run@0.3.") && !is_run_03("wasi:cli/run@0.2.0"));
    }
}
