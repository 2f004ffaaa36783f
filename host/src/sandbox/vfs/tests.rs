//! The virtual file system against a host that hands out temporary files.

use std::os::fd::OwnedFd;
use std::time::Duration;

use super::*;
use crate::run::Reason;
use crate::run::SoFar;
use crate::sandbox::errno::CallError;

const INPUT: Fd = 3;
const OUT: Fd = 4;
const TMP: Fd = 5;

/// Keeps a handle on every file that it gave away.
struct Files {
    made: Vec<std::fs::File>,
    kind: HostKind,
}

enum HostKind {
    Roomy,
    /// Every write fails with ENOSPC.
    Full,
}

impl Host for Files {
    fn create_file(&mut self) -> std::io::Result<OwnedFd> {
        let file = match self.kind {
            HostKind::Roomy => tempfile::tempfile()?,
            HostKind::Full => std::fs::File::options().read(true).write(true).open("/dev/full")?,
        };
        self.made.push(file.try_clone()?);
        Ok(file.into())
    }

    fn log(&mut self, _: &[u8]) -> std::io::Result<()> {
        Ok(())
    }

    fn progress(&mut self, _: SoFar) {}

    fn sleep(&mut self, _: Duration) {}
}

fn vfs(limits: Limits) -> Vfs<Files> {
    vfs_on(HostKind::Roomy, limits)
}

fn vfs_on(kind: HostKind, limits: Limits) -> Vfs<Files> {
    let mut sample = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut sample, b"0123456789").unwrap();
    let mounts = Mounts {
        sample: sample.into(),
        sample_name: "a.txt".to_owned(),
        sample_bytes: 10,
        stdin: Stdin::Bytes(b"{}".to_vec()),
        limits,
    };
    Vfs::new(mounts, None, Files { made: Vec::new(), kind })
}

fn reading() -> OpenHow {
    let access = Access { read: true, write: false, append: false };
    OpenHow { access, create: false, exclusive: false, truncate: false, directory: false }
}

fn making() -> OpenHow {
    let access = Access { read: true, write: true, append: false };
    OpenHow { access, create: true, ..reading() }
}

fn create(vfs: &mut Vfs<Files>, path: &str) -> Result<Fd, CallError> {
    vfs.open_at(OUT, path.as_bytes(), making())
}

fn errno<T: std::fmt::Debug>(done: Result<T, CallError>) -> Errno {
    match done {
        Err(CallError::Errno(errno)) => errno,
        other => panic!("{other:?}"),
    }
}

fn limit<T: std::fmt::Debug>(done: Result<T, CallError>) -> &'static str {
    match done {
        Err(CallError::Limit(Reason::OutputLimit, name)) => name,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_sample_is_read_under_both_names_and_never_changed() {
    let mut vfs = vfs(Limits::DEFAULT);
    for name in ["a.txt", "the_file", "./the_file", ".//a.txt"] {
        let fd = vfs.open_at(INPUT, name.as_bytes(), reading()).unwrap();
        let mut buffer = [0; 16];
        assert_eq!(vfs.read(fd, &mut buffer).unwrap(), 10);
        assert_eq!(&buffer[..10], b"0123456789");
        assert_eq!(vfs.read(fd, &mut buffer).unwrap(), 0, "the end");
        assert_eq!(errno(vfs.write(fd, b"x")), Errno::Badf);
        assert!(vfs.set_size(fd, 0).is_err());
    }
    assert_eq!(errno(vfs.open_at(INPUT, b"a.txt", making())), Errno::Rofs);
    assert_eq!(errno(vfs.open_at(INPUT, b"new", making())), Errno::Rofs);
    assert_eq!(errno(vfs.make_directory(INPUT, b"d")), Errno::Rofs);
    assert_eq!(errno(vfs.remove(INPUT, b"a.txt", FileType::Regular)), Errno::Rofs);
    create(&mut vfs, "x").unwrap();
    assert_eq!(errno(vfs.rename((OUT, b"x"), (INPUT, b"a.txt"))), Errno::Rofs);
    assert_eq!(errno(vfs.rename((INPUT, b"a.txt"), (OUT, b"y"))), Errno::Rofs);
    assert!(vfs.denied().unwrap().contains("read-only"));
}

#[test]
fn no_path_leaves_its_root() {
    for path in ["/etc/passwd", "../out", "..", "a/../../x", "d/../..", "../../../../etc/passwd"] {
        let mut vfs = vfs(Limits::DEFAULT);
        vfs.make_directory(OUT, b"a").unwrap();
        vfs.make_directory(OUT, b"d").unwrap();
        assert_eq!(errno(vfs.open_at(OUT, path.as_bytes(), reading())), Errno::Notcapable, "{path}");
        assert!(vfs.denied().is_some(), "{path}");
    }
}

#[test]
fn quotas_hold_to_the_byte_and_to_the_name() {
    let limits = Limits { artifact_bytes: 100, artifacts_bytes: 150, artifacts_count: 3, ..Limits::DEFAULT };
    let mut vfs = vfs(limits);
    let first = create(&mut vfs, "first").unwrap();
    assert_eq!(vfs.write(first, &[1; 100]).unwrap(), 100);
    assert_eq!(limit(vfs.write(first, &[1])), "artifact_bytes");
    let second = create(&mut vfs, "second").unwrap();
    assert_eq!(vfs.write_at(second, &[1], 49).unwrap(), 1, "a hole counts");
    assert_eq!(limit(vfs.write_at(second, &[1], 50)), "artifacts_bytes");
    assert_eq!(limit(vfs.set_size(second, u64::MAX)), "artifact_bytes");
    vfs.make_directory(TMP, b"third").unwrap();
    assert_eq!(limit(create(&mut vfs, "fourth")), "artifacts_count");
    let left: Vec<_> = vfs.artifacts().into_iter().map(|it| (it.path, it.size)).collect();
    assert_eq!(left, [("first".to_owned(), 100), ("second".to_owned(), 50)]);
}

#[test]
fn what_is_removed_is_given_back_to_the_host_before_the_quota() {
    let limits = Limits { artifact_bytes: 100, artifacts_bytes: 100, ..Limits::DEFAULT };
    let mut vfs = vfs(limits);
    for round in 0..10 {
        let fd = create(&mut vfs, "x").unwrap();
        vfs.write(fd, &[7; 100]).unwrap();
        vfs.remove(OUT, b"x", FileType::Regular).unwrap();
        assert_eq!(vfs.host.made[round].metadata().unwrap().len(), 100, "still open");
        vfs.close(fd).unwrap();
        assert_eq!(vfs.host.made[round].metadata().unwrap().len(), 0);
    }
    create(&mut vfs, "old").unwrap();
    let new = create(&mut vfs, "new").unwrap();
    vfs.write(new, &[7; 100]).unwrap();
    vfs.close(new).unwrap();
    create(&mut vfs, "target").unwrap();
    vfs.rename((OUT, b"new"), (OUT, b"target")).unwrap();
    assert_eq!(limit(vfs.write(6, &[1])), "artifacts_bytes");
}

#[test]
fn files_made_and_removed_are_counted_too() {
    let mut vfs = vfs(Limits { artifacts_count: 1, ..Limits::DEFAULT });
    let most = Limits { artifacts_count: 1, ..Limits::DEFAULT }.files_made_max();
    for _ in 0..most {
        let fd = create(&mut vfs, "x").unwrap();
        vfs.close(fd).unwrap();
        vfs.remove(OUT, b"x", FileType::Regular).unwrap();
    }
    assert_eq!(limit(create(&mut vfs, "x")), "artifacts_count");
    assert_eq!(u64::try_from(vfs.host.made.len()).unwrap(), most);
}

#[test]
fn descriptors_have_a_number() {
    let mut vfs = vfs(Limits { descriptors: 8, ..Limits::DEFAULT });
    let open = |vfs: &mut Vfs<Files>| vfs.open_at(INPUT, b"the_file", reading());
    assert_eq!((open(&mut vfs).unwrap(), open(&mut vfs).unwrap()), (6, 7));
    assert_eq!(errno(open(&mut vfs)), Errno::Mfile);
    vfs.close(6).unwrap();
    assert_eq!(open(&mut vfs).unwrap(), 6);
    vfs.renumber(7, 6).unwrap();
    assert_eq!(vfs.close(7), Err(Errno::Badf));
    assert_eq!(vfs.close(Fd::MAX), Err(Errno::Badf));
    assert_eq!(vfs.renumber(0, 7), Err(Errno::Badf));
}

#[test]
fn depth_has_an_end() {
    let mut vfs = vfs(Limits::DEFAULT);
    let mut path = String::from("d");
    let mut depth = 0;
    while vfs.make_directory(OUT, path.as_bytes()).is_ok() {
        path.push_str("/d");
        depth += 1;
    }
    assert_eq!(errno(vfs.make_directory(OUT, path.as_bytes())), Errno::Nametoolong);
    assert!((10..=Limits::DEFAULT.path_depth).contains(&depth), "{depth}");
}

#[test]
fn names_mean_what_posix_says() {
    let mut vfs = vfs(Limits::DEFAULT);
    let fd = create(&mut vfs, "f").unwrap();
    vfs.make_directory(OUT, b"d").unwrap();
    assert_eq!(errno(vfs.remove(OUT, b"f/", FileType::Regular)), Errno::Notdir);
    assert_eq!(errno(vfs.remove(OUT, b"d", FileType::Regular)), Errno::Isdir);
    assert_eq!(errno(vfs.remove(OUT, b"f", FileType::Directory)), Errno::Notdir);
    assert_eq!(errno(vfs.open_at(OUT, b"f/", reading())), Errno::Notdir);
    assert_eq!(errno(vfs.open_at(OUT, b"d", OpenHow { create: false, ..making() })), Errno::Isdir);
    assert_eq!(errno(vfs.open_at(OUT, b"f", OpenHow { exclusive: true, ..making() })), Errno::Exist);
    assert_eq!(errno(vfs.rename((OUT, b"d"), (OUT, b"d/e"))), Errno::Inval);
    let inside = vfs.open_at(OUT, b"d", OpenHow { directory: true, ..reading() }).unwrap();
    vfs.remove(OUT, b"d", FileType::Directory).unwrap();
    assert_eq!(errno(vfs.rename((OUT, b"f"), (inside, b"f"))), Errno::Noent, "into what is no more");
    assert_eq!(vfs.write_at(fd, b"", 1000).unwrap(), 0);
    assert_eq!(vfs.stat(fd).unwrap().unwrap().size, 0, "nothing written, nothing grown");
}

#[test]
fn appending_goes_to_the_end_and_can_be_switched_on() {
    let mut vfs = vfs(Limits::DEFAULT);
    let fd = create(&mut vfs, "f").unwrap();
    vfs.write(fd, b"one").unwrap();
    vfs.seek(fd, 0, Whence::Start).unwrap();
    vfs.set_writes_to(fd, WritesTo::End).unwrap();
    vfs.write(fd, b"two").unwrap();
    let mut buffer = [0; 8];
    assert_eq!(vfs.read_at(fd, &mut buffer, 0).unwrap(), 6);
    assert_eq!(&buffer[..6], b"onetwo");
}

#[test]
fn stdout_is_cut_to_the_byte_and_stderr_says_where() {
    let mut vfs = vfs(Limits { stdout_bytes: 10, stderr_bytes: 10, ..Limits::DEFAULT });
    vfs.write(1, b"0123456789").unwrap();
    assert_eq!(limit(vfs.write(1, b"x")), "stdout_bytes");
    assert_eq!(vfs.write(2, b"0123456789x").unwrap(), 11, "a full log is no reason to end");
}

#[test]
fn a_full_disk_is_the_hosts_affair_by_name() {
    let mut vfs = vfs_on(HostKind::Full, Limits::DEFAULT);
    let fd = create(&mut vfs, "f").unwrap();
    let Err(CallError::Host(error)) = vfs.write(fd, b"x") else { panic!("written to a full disk") };
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
}

#[test]
fn directories_list_in_the_order_of_their_names() {
    let mut vfs = vfs(Limits::DEFAULT);
    for name in ["b", "a", "c", "B"] {
        create(&mut vfs, name).unwrap();
    }
    let names: Vec<_> = vfs.list(OUT).unwrap().map(|(name, _)| name).collect();
    assert_eq!(names, [".", "..", "B", "a", "b", "c"]);
}

#[test]
fn a_path_made_directory_by_directory_is_no_longer_than_one_that_is_named() {
    let mut vfs = vfs(Limits { path_bytes: 20, ..Limits::DEFAULT });
    // Twelve bytes, the slash behind it among them.
    vfs.make_directory(OUT, b"directory_a").unwrap();
    let inside = vfs.open_at(OUT, b"directory_a", OpenHow { directory: true, ..reading() }).unwrap();
    assert_eq!(errno(vfs.open_at(inside, b"123456789", making())), Errno::Nametoolong);
    vfs.open_at(inside, b"12345678", making()).unwrap();
    assert_eq!(errno(vfs.make_directory(inside, b"123456789")), Errno::Nametoolong);
    // Nor is one that is moved there, with all that is in it.
    vfs.make_directory(OUT, b"d").unwrap();
    vfs.make_directory(OUT, b"d/1234").unwrap();
    create(&mut vfs, "d/1234/5").unwrap();
    assert_eq!(errno(vfs.rename((OUT, b"d"), (OUT, b"directory_a/de"))), Errno::Nametoolong);
    assert_eq!(errno(vfs.rename((OUT, b"d/1234/5"), (inside, b"123456789"))), Errno::Nametoolong);
    vfs.rename((OUT, b"d"), (OUT, b"directory_a/e")).unwrap();
    assert_eq!(errno(vfs.open_at(inside, b"e/1234/56", making())), Errno::Nametoolong);
    let mut left: Vec<_> = vfs.artifacts().into_iter().map(|it| it.path).collect();
    left.sort();
    assert_eq!(left, ["directory_a/12345678", "directory_a/e/1234/5"]);
    assert!(left.iter().all(|it| it.len() <= 20));
}
