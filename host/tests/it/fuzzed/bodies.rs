//! What is fuzzed: one function a target, each over any bytes. `host/fuzz` calls them with what it thinks of, the test
//! beside this file with what it has thought of before.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use host::analysis::descriptor::Descriptor;
use host::analysis::module::Span;
use host::analysis::module::Wasi03;
use host::analysis::schema::Schema;
use host::http::fuzzing;
use host::id::SafeName;
use host::limits::ARGS_BYTES_MAX;
use host::limits::ARGV_BYTES_MAX;
use host::limits::CompileLimits;
use host::limits::ENV_BYTES_MAX;
use host::limits::Limits;
use host::run::SoFar;
use host::sandbox::admission;
use host::sandbox::errno::CallError;
use host::sandbox::port::Host;
use host::sandbox::resources::ENTRIES_MAX;
use host::sandbox::resources::Resources;
use host::sandbox::vfs::Access;
use host::sandbox::vfs::FileType;
use host::sandbox::vfs::Mounts;
use host::sandbox::vfs::OpenHow;
use host::sandbox::vfs::Stdin;
use host::sandbox::vfs::Vfs;
use host::sandbox::vfs::Whence;
use host::sandbox::vfs::WritesTo;
use host::store;
use host::store::Store;
use host::store::disk::Durability;
use host::wire;
use serde_json::Value;

/// A descriptor, a 0 byte, args: whatever it says, its command line has a size, and it survives being written.
pub(crate) fn descriptor(data: &[u8]) {
    let (descriptor, args) = halves(data);
    let Ok(descriptor) = serde_json::from_slice::<Descriptor>(descriptor) else { return };
    let written = serde_json::to_string(&descriptor).unwrap();
    let read: Descriptor = serde_json::from_str(&written).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), written);
    _ = descriptor.accepts("text/plain");
    if descriptor.check().is_ok() {
        let environment = descriptor.environment();
        assert!(environment.iter().all(|it| it.contains('=') && !it.contains('\0')));
        assert!(environment.iter().map(String::len).sum::<usize>() <= ENV_BYTES_MAX + "TZ=UTC".len());
    }
    let args = serde_json::from_slice(args).unwrap_or(Value::Null);
    drop(Schema::new(descriptor.args.clone()));
    let name = SafeName::from_untrusted(&descriptor.title);
    assert!(!name.as_str().contains('/') && !name.as_str().is_empty());
    if let Ok(words) = descriptor.command_line(&descriptor.name, name.as_str(), &args) {
        assert!(words.iter().map(String::len).sum::<usize>() <= ARGV_BYTES_MAX);
    }
}

/// A schema, a 0 byte, args: what is canonical is short, valid, and stays as it is.
pub(crate) fn args(data: &[u8]) {
    let (schema, args) = halves(data);
    let (Ok(schema), Ok(args)) = (serde_json::from_slice(schema), serde_json::from_slice::<Value>(args)) else {
        return;
    };
    let Ok(schema) = Schema::new(schema) else { return };
    let Ok(args) = schema.canonical(args) else { return };
    assert!(args.as_str().len() <= ARGS_BYTES_MAX);
    assert_eq!(schema.check(&args.document()), []);
    assert_eq!(schema.canonical(args.document()).unwrap(), args);
}

/// Any bytes as a module: facts or reasons, both short enough for one message.
pub(crate) fn admission(data: &[u8]) {
    match admission::admit(data, &CompileLimits::DEFAULT, Wasi03::Taken) {
        Ok(facts) => {
            assert!(facts.descriptor.map_or(0, |it| it.len()) <= admission::DESCRIPTOR_BYTES_MAX);
            assert!(facts.imports.is_sorted());
        }
        Err(reasons) => {
            let event = wire::Event::Refused(reasons.clone());
            assert!(!reasons.is_empty());
            assert!(postcard::to_stdvec(&event).unwrap().len() <= wire::MESSAGE_BYTES_MAX);
        }
    }
}

/// Any bytes as a message, in either direction: read or refused, and read back as the same.
pub(crate) fn wire(data: &[u8]) {
    thread_local! { static CHANNEL: (OwnedFd, OwnedFd) = wire::pair().unwrap(); }
    // An empty message is the end of the channel, which this one outlives.
    if data.is_empty() || data.len() > wire::MESSAGE_BYTES_MAX {
        return;
    }
    CHANNEL.with(|(ours, theirs)| {
        let send = || rustix::net::send(ours, data, rustix::net::SendFlags::NOSIGNAL).unwrap();
        send();
        if let Ok(Some((event, _))) = wire::Inbox::default().receive::<wire::Event>(theirs.as_fd()) {
            let bytes = postcard::to_stdvec(&event).unwrap();
            let again: wire::Event = postcard::from_bytes(&bytes).unwrap();
            assert_eq!(format!("{again:?}"), format!("{event:?}"));
        }
        send();
        if let Ok(Some((command, _))) = wire::Inbox::default().receive::<wire::Command>(theirs.as_fd()) {
            let bytes = postcard::to_stdvec(&command).unwrap();
            let again: wire::Command = postcard::from_bytes(&bytes).unwrap();
            assert_eq!(format!("{again:?}"), format!("{command:?}"));
        }
    });
}

/// A size and a `Range` header: what is served lies in the file and is not empty.
pub(crate) fn range(data: &[u8]) {
    let Some((size, header)) = data.split_first_chunk::<8>() else { return };
    let bytes = u64::from_le_bytes(*size);
    if let Some((first, end)) = fuzzing::range(header, bytes) {
        assert!((first < end && end <= bytes) || bytes == 0, "{first}..{end} of {bytes}");
    }
}

/// How long frames are, the head of a form, a 0 byte, a body: its file is no longer than the body, however it comes.
pub(crate) fn multipart(data: &[u8]) {
    let Some((frame, rest)) = data.split_first() else { return };
    let (content_type, body) = halves(rest);
    let frames = |bytes: usize| body.chunks(bytes.max(1)).map(Bytes::copy_from_slice).collect::<Vec<_>>();
    let (store, runtime) = receiving();
    let parsed = runtime.block_on(fuzzing::form(store, content_type, frames(usize::from(*frame))));
    let whole = runtime.block_on(fuzzing::form(store, content_type, frames(body.len())));
    assert_eq!(parsed, whole, "what is found depends on how it comes");
    if let Some((name, bytes)) = parsed {
        assert!(usize::try_from(bytes).unwrap() <= body.len());
        assert!(!name.is_empty());
    }
}

fn receiving() -> (&'static Arc<Store>, tokio::runtime::Runtime) {
    static STORE: OnceLock<(tempfile::TempDir, Arc<Store>)> = OnceLock::new();
    let (_, store) = STORE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let options = store::Options { durability: Durability::Process, reserve_bytes: 0, probe: None };
        let store = Store::open(dir.path(), options).unwrap();
        (dir, Arc::new(store))
    });
    (store, tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap())
}

/// Any bytes as the tar that ships with a module: what a guest can read of it are bytes of the tar, and nothing of what
/// lies around it in the module's file.
pub(crate) fn resources(data: &[u8]) {
    const AROUND: [u8; 4096] = [0xa5; 4096];
    let tar = with_checksums(data);
    let file = tempfile::tempfile().unwrap();
    let begin = AROUND.len();
    for (bytes, offset) in [(&AROUND[..], 0), (&tar, begin), (&AROUND, begin + tar.len())] {
        file.write_all_at(bytes, u64::try_from(offset).unwrap()).unwrap();
    }
    let span = Span { offset: u64::try_from(begin).unwrap(), bytes: u64::try_from(tar.len()).unwrap() };
    let Ok(resources) = Resources::open(file.into(), span, "/lib") else { return };
    let mut vfs = Vfs::new(mounts(Limits::CAP).1, Some(Arc::new(resources)), Files::default());
    let (lib, _) = *vfs.preopens().last().unwrap();
    let mut seen = 0;
    let mut directories = vec![String::new()];
    while let Some(directory) = directories.pop() {
        // The first two entries are `.` and `..`.
        let at = vfs.open_at(lib, format!("{directory}.").as_bytes(), READING).unwrap();
        let listed: Vec<_> = vfs.list(at).unwrap().skip(2).map(|(name, stat)| (name.to_owned(), stat)).collect();
        for (name, stat) in listed {
            seen += 1;
            assert!(!["", ".", ".."].contains(&name.as_str()) && !name.contains(['/', '\0']), "{name:?}");
            if stat.directory {
                directories.push(format!("{directory}{name}/"));
                continue;
            }
            let fd = vfs.open_at(at, name.as_bytes(), READING).unwrap();
            let mut bytes = vec![0; usize::try_from(stat.size).unwrap()];
            assert_eq!(vfs.read_at(fd, &mut bytes, 0).unwrap(), bytes.len(), "{name:?} is cut short");
            assert!(bytes.is_empty() || tar.windows(bytes.len()).any(|it| it == bytes), "{name:?} is not of the tar");
            vfs.close(fd).unwrap();
        }
        vfs.close(at).unwrap();
    }
    assert!(seen < ENTRIES_MAX);
}

const READING: OpenHow = OpenHow {
    access: Access { read: true, write: false, append: false },
    create: false,
    exclusive: false,
    truncate: false,
    directory: false,
};

/// The same with every header's checksum as it should be: no mutation finds that by chance.
fn with_checksums(data: &[u8]) -> Vec<u8> {
    let mut tar = data.to_vec();
    for header in tar.as_chunks_mut::<512>().0.iter_mut().filter(|it| it[257..].starts_with(b"ustar")) {
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    }
    tar
}

/// A sample of six bytes, and a file system around it.
fn mounts(limits: Limits) -> (File, Mounts) {
    let sample = tempfile::tempfile().unwrap();
    sample.write_all_at(b"sample", 0).unwrap();
    let mounts = Mounts {
        sample: sample.try_clone().unwrap().into(),
        sample_name: "a.txt".to_owned(),
        sample_bytes: 6,
        stdin: Stdin::Sample,
        limits,
    };
    (sample, mounts)
}

/// Calls of a guest, one after the other: none panics, escapes, passes a quota or fails the host.
pub(crate) fn path(data: &[u8]) {
    const LIMITS: Limits = Limits {
        artifact_bytes: 4096,
        artifacts_bytes: 8192,
        artifacts_count: 12,
        stdout_bytes: 256,
        stderr_bytes: 256,
        descriptors: 10,
        ..Limits::DEFAULT
    };
    let (sample, mounts) = mounts(LIMITS);
    let mut vfs = Vfs::new(mounts, None, Files::default());
    let mut input = Input(data);
    // A guest may go on after an error, but not after what ends its run.
    while let Some(call) = input.byte() {
        match step(&mut vfs, call, &mut input) {
            Ok(()) | Err(CallError::Errno(_)) => (),
            Err(CallError::Host(error)) => panic!("the host failed: {error}"),
            Err(CallError::Limit(..) | CallError::OutOfFuel | CallError::Exit(_)) => break,
        }
    }
    let mut head = [0; 7];
    assert_eq!((sample.read_at(&mut head, 0).unwrap(), &head[..6]), (6, &b"sample"[..]));
    let sizes: Vec<u64> = vfs.host.made.iter().map(|it| it.metadata().unwrap().len()).collect();
    assert!(sizes.iter().all(|bytes| *bytes <= LIMITS.artifact_bytes), "{sizes:?}");
    assert!(u64::try_from(sizes.len()).unwrap() <= LIMITS.files_made_max());
    let artifacts = vfs.artifacts();
    assert!(artifacts.iter().map(|it| it.size).sum::<u64>() <= LIMITS.artifacts_bytes);
    assert!(u64::try_from(artifacts.len()).unwrap() <= LIMITS.artifacts_count);
    for artifact in artifacts {
        assert!(artifact.path.split('/').all(|it| !["", ".", ".."].contains(&it)), "{}", artifact.path);
        assert_eq!(sizes[usize::try_from(artifact.file_number).unwrap()], artifact.size);
    }
    assert!(u64::try_from(vfs.take_stdout().len()).unwrap() <= LIMITS.stdout_bytes);
}

fn step(vfs: &mut Vfs<Files>, call: u8, input: &mut Input<'_>) -> Result<(), CallError> {
    let fd = u32::from(input.byte().unwrap_or(4) % 12);
    match call % 14 {
        0..=2 => {
            let flags = input.byte().unwrap_or(0);
            let flag = |bit: u8| flags & (1 << bit) != 0;
            let access = Access { read: flag(0), write: flag(1), append: flag(2) };
            let how = OpenHow { access, create: flag(3), exclusive: flag(4), truncate: flag(5), directory: flag(6) };
            vfs.open_at(fd, input.text(), how)?;
        }
        3 => vfs.make_directory(fd, input.text())?,
        4 => {
            let expected = if input.byte() == Some(0) { FileType::Directory } else { FileType::Regular };
            vfs.remove(fd, input.text(), expected)?;
        }
        5 => {
            let to = u32::from(input.byte().unwrap_or(4) % 12);
            let old = input.text();
            vfs.rename((fd, old), (to, input.text()))?;
        }
        6 => _ = vfs.stat_at(fd, input.text())?,
        7 => _ = vfs.write(fd, input.text())?,
        8 => _ = vfs.write_at(fd, input.text(), input.number())?,
        9 => _ = vfs.read_at(fd, &mut [0; 64], input.number())?,
        10 => vfs.set_size(fd, input.number())?,
        11 => {
            let whence = [Whence::Start, Whence::Current, Whence::End][usize::from(input.byte().unwrap_or(0) % 3)];
            vfs.seek(fd, i64::from_ne_bytes(input.number().to_ne_bytes()), whence)?;
            _ = vfs.read(fd, &mut [0; 16])?;
        }
        12 => {
            vfs.renumber(fd, u32::from(input.byte().unwrap_or(4) % 12))?;
            vfs.set_writes_to(fd, WritesTo::End)?;
        }
        _ => {
            drop(vfs.list(fd));
            vfs.close(fd)?;
        }
    }
    Ok(())
}

/// Bytes, taken piece by piece.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// Up to a 0 byte.
    fn text(&mut self) -> &'a [u8] {
        let (text, rest) = halves(self.0);
        self.0 = rest;
        text
    }

    /// Small ones mostly, and some at the edge.
    fn number(&mut self) -> u64 {
        let (small, edge) = (self.byte().unwrap_or(0), self.byte().unwrap_or(0));
        match edge % 4 {
            0 | 1 => u64::from(small) * u64::from(edge),
            2 => u64::MAX - u64::from(small),
            _ => 4096 + u64::from(small) - 128,
        }
    }
}

/// Hands out temporary files, and keeps a hold of each.
#[derive(Debug, Default)]
struct Files {
    made: Vec<File>,
}

impl Host for Files {
    fn create_file(&mut self) -> io::Result<OwnedFd> {
        let file = tempfile::tempfile()?;
        self.made.push(file.try_clone()?);
        Ok(file.into())
    }

    fn log(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn progress(&mut self, _: SoFar) {}

    fn sleep(&mut self, _: Duration) {}
}

/// What lies before and after the first 0 byte.
fn halves(data: &[u8]) -> (&[u8], &[u8]) {
    let at = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    (&data[..at], data.get(at + 1..).unwrap_or_default())
}
