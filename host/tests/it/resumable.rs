//! Uploads that go on where they stopped: the tus protocol, and what stands after a crash.

mod deaths;

use std::collections::BTreeSet;
use std::io::Read;
use std::io::Write;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::Digest;

use crate::server::Answer;
use crate::server::Server;
use crate::server::wait_for;

const TUS: (&str, &str) = ("tus-resumable", "1.0.0");
const PIECE: (&str, &str) = ("content-type", "application/offset+octet-stream");

fn begin(server: &Server, length: usize, headers: &[(&str, &str)]) -> Answer {
    let length = length.to_string();
    let name = format!("filename {}", STANDARD.encode("a.bin"));
    let mut all = vec![TUS, ("upload-length", &length), ("upload-metadata", &name)];
    all.extend(headers);
    server.post("/resumable", &all, b"")
}

/// The path of one that has begun.
fn begun(server: &Server, length: usize) -> String {
    begin(server, length, &[]).expect(201).header("location").to_owned()
}

fn patch(server: &Server, path: &str, (offset, bytes): (usize, &[u8]), headers: &[(&str, &str)]) -> Answer {
    let offset = offset.to_string();
    let mut all = vec![TUS, PIECE, ("upload-offset", &offset)];
    all.extend(headers);
    server.send(("PATCH", path), &all, bytes)
}

fn offset(server: &Server, path: &str) -> usize {
    let head = server.send(("HEAD", path), &[TUS], b"").expect(200);
    assert_eq!((head.header("cache-control"), head.header("tus-resumable")), ("no-store", "1.0.0"));
    head.header("upload-offset").parse().unwrap()
}

/// Bytes of which no part is like another.
fn bytes(count: usize) -> Vec<u8> {
    let words = (0..).map(|it: u32| it.wrapping_mul(2_654_435_761));
    words.flat_map(u32::to_le_bytes).take(count).collect()
}

/// Begins a piece of so many bytes on a connection of its own, and sends these of it.
fn half_a_piece(server: &Server, path: &str, (offset, declared): (usize, usize), sent: &[u8]) -> std::net::TcpStream {
    let mut stream = server.connect();
    let head = format!(
        "PATCH {path} HTTP/1.1\r\nhost: localhost\r\ntus-resumable: 1.0.0\r\ncontent-type: {}\r\n\
         upload-offset: {offset}\r\ncontent-length: {declared}\r\n\r\n",
        PIECE.1
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(sent).unwrap();
    stream
}

/// How long the file is that the bytes of a partial upload lie in.
fn lying(server: &Server, path: &str) -> usize {
    let file = server.data().join("partial").join(path.rsplit('/').next().unwrap()).join("upload/a.bin");
    std::fs::metadata(file).map_or(0, |it| usize::try_from(it.len()).unwrap())
}

fn id_of(bytes: &[u8]) -> String {
    sha1::Sha1::digest(bytes).iter().map(|it| format!("{it:02x}")).collect()
}

#[test]
fn the_server_tells_what_it_speaks_and_speaks_nothing_else() {
    let server = Server::start_with(&[], &["--upload-bytes-max", "10"]);
    server.send(("OPTIONS", &format!("/resumable/{}", "0".repeat(32))), &[], b"").expect(404);
    let told = server.send(("OPTIONS", "/resumable"), &[], b"").expect(204);
    for (name, value) in [
        ("tus-resumable", "1.0.0"),
        ("tus-version", "1.0.0"),
        ("tus-max-size", "10"),
        ("tus-extension", "creation,creation-with-upload,expiration,checksum,termination"),
        ("tus-checksum-algorithm", "sha1,sha256"),
    ] {
        assert_eq!(told.header(name), value, "{name}");
    }
    let path = begun(&server, 5);
    for headers in [&[][..], &[("tus-resumable", "0.2.2")]] {
        let refused = server.send(("HEAD", &path), headers, b"").expect(412);
        assert_eq!((refused.header("tus-version"), refused.header("tus-resumable")), ("1.0.0", "1.0.0"));
        server.send(("DELETE", &path), headers, b"").expect(412);
        server.post("/resumable", &[headers, &[("upload-length", "5")]].concat(), b"").expect(412);
    }
    let refused = begin(&server, 11, &[]).expect(413);
    assert_eq!(refused.header("tus-resumable"), "1.0.0");
    server.post("/resumable", &[TUS], b"").expect(400);
    assert_eq!(server.lying_in("partial").len(), 1);
}

#[test]
fn a_file_in_pieces_becomes_the_same_upload_as_in_one() {
    let server = Server::start(&[]);
    let whole = bytes(3_000_001);
    let path = begun(&server, whole.len());
    let answer = patch(&server, &path, (0, &whole[..1_500_000]), &[]).expect(204);
    assert_eq!(answer.header("upload-offset"), "1500000");
    assert!(answer.header("upload-expires").ends_with(" GMT"), "{answer:?}");
    assert_eq!(answer.header("belljar-file-id"), "");
    assert_eq!(server.get(&path).expect(200).json()["offset_bytes"], 1_500_000);
    let head = server.send(("HEAD", &path), &[TUS], b"").expect(200);
    assert_eq!((head.header("upload-length"), head.header("upload-offset")), ("3000001", "1500000"));
    assert_eq!(head.header("upload-metadata"), "filename YS5iaW4=");
    let last = patch(&server, &path, (1_500_000, &whole[1_500_000..]), &[]).expect(204);
    let file = last.header("belljar-file-id").to_owned();
    assert_eq!(file, id_of(&whole));
    assert_eq!(last.header("content-location"), format!("/upload/{file}"));
    assert_eq!(last.header("upload-expires"), "", "what is stored does not expire as what is not");
    assert!(server.get(&format!("/download/{file}/a.bin")).expect(200).body == whole);
    assert_eq!(server.get(&path).expect(200).json()["file_id"], file);
    assert_eq!(offset(&server, &path), whole.len());
    assert_eq!(server.upload("a.bin", &whole), file);
    let facts = server.get(&format!("/upload/{file}")).expect(200).json();
    assert_eq!((&facts["filename"], &facts["size_bytes"]), (&"a.bin".into(), &whole.len().into()));
    // The same again, and the file is recognised.
    let again = begun(&server, whole.len());
    let last = patch(&server, &again, (0, &whole), &[]).expect(204);
    assert_eq!(last.header("belljar-file-id"), file);
    assert_eq!(lying(&server, &again), 0);
    assert!(server.lying_in("staging").is_empty());
    assert_eq!(server.get("/upload").expect(200).json()["uploads"].as_array().unwrap().len(), 1);
}

#[test]
fn the_first_piece_may_come_with_the_creation_and_a_file_may_be_empty() {
    let server = Server::start(&[]);
    let first = [TUS, PIECE, ("upload-length", "6")];
    let half = server.post("/resumable", &first, b"abc").expect(201);
    assert_eq!(half.header("upload-offset"), "3");
    let path = half.header("location");
    assert_eq!(patch(&server, path, (3, b"def"), &[]).expect(204).header("belljar-file-id"), id_of(b"abcdef"));
    let whole = server.post("/resumable", &first, b"uvwxyz").expect(201);
    assert_eq!(whole.header("belljar-file-id"), id_of(b"uvwxyz"));
    assert_eq!(begin(&server, 0, &[]).expect(201).header("belljar-file-id"), id_of(b""));
    let count = server.lying_in("partial").len();
    server.post("/resumable", &[TUS, ("upload-length", "6"), ("content-type", "text/plain")], b"abc").expect(415);
    let broken = ("upload-checksum", "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    server.post("/resumable", &[&first[..], &[broken]].concat(), b"abc").expect(460);
    server.post("/resumable", &first, b"abcdefg").expect(413);
    let open = server
        .lying_in("partial")
        .into_iter()
        .filter(|it| server.data().join("partial").join(it).join("upload").exists());
    assert_eq!((open.count(), count), (0, 3), "nobody was told where to go on");
}

#[test]
fn pieces_come_one_after_the_other_and_end_where_the_file_does() {
    let server = Server::start(&[]);
    let path = begun(&server, 6);
    patch(&server, &path, (0, b"abc"), &[]).expect(204);
    for wrong in [0, 2, 4, 6, 7] {
        patch(&server, &path, (wrong, b"def"), &[]).expect(409);
    }
    patch(&server, &path, (3, b"defg"), &[]).expect(413);
    let chunked = format!(
        "PATCH {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntus-resumable: 1.0.0\r\ncontent-type: {}\r\n\
         upload-offset: 3\r\ntransfer-encoding: chunked\r\n\r\n4\r\ndefg\r\n0\r\n\r\n",
        PIECE.1
    );
    assert!(server.raw(chunked.as_bytes()).starts_with("HTTP/1.1 413"));
    server.send(("PATCH", &path), &[TUS, ("upload-offset", "3")], b"def").expect(415);
    server.send(("PATCH", &path), &[TUS, PIECE], b"def").expect(400);
    assert_eq!(offset(&server, &path), 3);
    let instead = [TUS, PIECE, ("upload-offset", "3"), ("x-http-method-override", "PATCH")];
    assert_eq!(server.post(&path, &instead, b"def").expect(204).header("belljar-file-id"), id_of(b"abcdef"));
    patch(&server, &path, (6, b""), &[]).expect(204);
    patch(&server, &path, (6, b"g"), &[]).expect(413);
    patch(&server, "/resumable/00112233445566778899aabbccddeeff", (0, b""), &[]).expect(404);
    patch(&server, "/resumable/x", (0, b""), &[]).expect(404);
    server.post(&path, &[TUS], b"").expect(405);
}

#[test]
fn a_piece_that_is_not_what_its_checksum_says_is_not_kept() {
    let server = Server::start(&[]);
    let path = begun(&server, 6);
    let sha1 = |bytes: &[u8]| format!("sha1 {}", STANDARD.encode(sha1::Sha1::digest(bytes)));
    let sha256 = |bytes: &[u8]| format!("sha256 {}", STANDARD.encode(sha2::Sha256::digest(bytes)));
    patch(&server, &path, (0, b"abc"), &[("upload-checksum", &sha1(b"abc"))]).expect(204);
    patch(&server, &path, (3, b"deg"), &[("upload-checksum", &sha256(b"def"))]).expect(460);
    patch(&server, &path, (3, b"de"), &[("upload-checksum", &sha1(b"dx"))]).expect(460);
    patch(&server, &path, (3, b"def"), &[("upload-checksum", "md5 AAAA")]).expect(400);
    assert_eq!(offset(&server, &path), 3);
    let last = patch(&server, &path, (3, b"def"), &[("upload-checksum", &sha256(b"def"))]).expect(204);
    assert_eq!(last.header("belljar-file-id"), id_of(b"abcdef"));
}

#[test]
fn what_came_before_a_connection_was_lost_counts() {
    let server = Server::start(&[]);
    let whole = bytes(5_000_000);
    let path = begun(&server, whole.len());
    let stream = half_a_piece(&server, &path, (0, whole.len()), &whole[..2_345_678]);
    wait_for("most of it", || (lying(&server, &path) >= 2_000_000).then_some(()));
    drop(stream);
    // Whoever asked before would cut short what is still to be read.
    wait_for("the rest of it", || (lying(&server, &path) == 2_345_678).then_some(()));
    let came = offset(&server, &path);
    assert_eq!(came, 2_345_678);
    let last = patch(&server, &path, (came, &whole[came..]), &[]).expect(204);
    assert_eq!(last.header("belljar-file-id"), id_of(&whole));
}

#[test]
fn whoever_asks_again_does_not_wait_for_a_connection_that_is_lost_unseen() {
    let server = Server::start(&[]);
    let whole = bytes(3_000_000);
    let path = begun(&server, whole.len());
    // Stays open, and says nothing more.
    let mut silent = half_a_piece(&server, &path, (0, whole.len()), &whole[..1_200_000]);
    wait_for("a part of it", || (lying(&server, &path) >= 1_000_000).then_some(()));
    let began = std::time::Instant::now();
    let came = offset(&server, &path);
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    assert!((1_000_000..=1_200_000).contains(&came), "{came}");
    let mut said = [0; 12];
    silent.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"HTTP/1.1 409");
    let last = patch(&server, &path, (came, &whole[came..]), &[]).expect(204);
    assert_eq!(last.header("belljar-file-id"), id_of(&whole));
}

#[test]
fn what_was_answered_stands_after_a_crash_and_what_was_not_is_cut_off() {
    let mut server = Server::start(&[]);
    let whole = bytes(40_000_000);
    let path = begun(&server, whole.len());
    patch(&server, &path, (0, &whole[..1_000_000]), &[]).expect(204);
    let stream = half_a_piece(&server, &path, (1_000_000, 39_000_000), &whole[1_000_000..30_000_000]);
    wait_for("most of it", || (lying(&server, &path) >= 29_000_000).then_some(()));
    server.crash_and_restart();
    drop(stream);
    let came = offset(&server, &path);
    assert!((17_000_000..=30_000_000).contains(&came), "in a long piece it counts every 16 MiB: {came}");
    assert!(lying(&server, &path) > came, "more had come than counts");
    patch(&server, &path, (came, &whole[came..came + 5]), &[]).expect(204);
    assert_eq!(lying(&server, &path), came + 5);
    let last = patch(&server, &path, (came + 5, &whole[came + 5..]), &[]).expect(204);
    assert_eq!(last.header("belljar-file-id"), id_of(&whole));
    server.crash_and_restart();
    assert_eq!(server.get(&path).expect(200).json()["file_id"], id_of(&whole));
}

#[test]
fn an_upload_that_is_given_up_is_gone_with_its_bytes() {
    let mut server = Server::start(&[]);
    let path = begun(&server, 6);
    patch(&server, &path, (0, b"abc"), &[]).expect(204);
    let silent = half_a_piece(&server, &path, (3, 3), b"d");
    server.send(("DELETE", &path), &[TUS], b"").expect(204);
    drop(silent);
    let gone = |server: &Server| {
        server.send(("HEAD", &path), &[TUS], b"").expect(410);
        patch(server, &path, (3, b"def"), &[]).expect(410);
        server.send(("DELETE", &path), &[TUS], b"").expect(410);
        server.get(&path).expect(410);
        let id = path.rsplit('/').next().unwrap();
        assert_eq!(server.lying_in(&format!("partial/{id}")), ["info.json"]);
    };
    gone(&server);
    server.crash_and_restart();
    gone(&server);
    let whole = server.post("/resumable", &[TUS, PIECE, ("upload-length", "3")], b"abc").expect(201);
    server.send(("DELETE", whole.header("location")), &[TUS], b"").expect(204);
    server.get(&format!("/upload/{}", id_of(b"abc"))).expect(200);
}

#[test]
fn an_upload_that_nobody_goes_on_with_expires_and_is_forgotten() {
    let server = Server::start_with(&[], &["--partial-expire-s", "2", "--sweep-every-s", "1"]);
    let path = begun(&server, 6);
    patch(&server, &path, (0, b"abc"), &[]).expect(204);
    let folder = server.data().join("partial").join(path.rsplit('/').next().unwrap());
    wait_for("its end", || (!folder.join("upload").exists()).then_some(()));
    patch(&server, &path, (3, b"def"), &[]).expect(410);
    wait_for("oblivion", || (!folder.exists()).then_some(()));
    server.send(("HEAD", &path), &[TUS], b"").expect(404);
}

fn begin_as_another(server: &Server, status: &str) {
    let mut stream = server.connect_as_another();
    let head = "POST /resumable HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n";
    stream.write_all(format!("{head}tus-resumable: 1.0.0\r\nupload-length: 5\r\n\r\n").as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{said}");
}

#[test]
fn no_client_begins_without_end() {
    let mut server = Server::start_with(&[], &["--partial-max", "4"]);
    let mine: Vec<_> = (0..3).map(|_| begun(&server, 5)).collect();
    let refused = begin(&server, 5, &[]).expect(429);
    assert!(refused.header("retry-after").parse::<u64>().is_ok());
    begin_as_another(&server, "201");
    begin_as_another(&server, "503");
    server.send(("DELETE", &mine[0]), &[TUS], b"").expect(204);
    server.send(("DELETE", &mine[1]), &[TUS], b"").expect(204);
    begin(&server, 5, &[]).expect(201);
    server.crash_and_restart();
    begin(&server, 5, &[]).expect(429);
    begin_as_another(&server, "429");
    patch(&server, &mine[2], (0, b"abcde"), &[]).expect(204);
    begin(&server, 5, &[]).expect(201);
}

/// Uploads on their way whose bytes the server has open to read them.
fn open_to_be_read(server: &Server) -> BTreeSet<PathBuf> {
    let process = std::path::Path::new("/proc").join(server.pid());
    let open = |name: &std::ffi::OsStr| {
        let flags = std::fs::read_to_string(process.join("fdinfo").join(name)).ok()?;
        let flags = flags.lines().find_map(|it| it.strip_prefix("flags:"))?.trim().to_owned();
        let path = std::fs::read_link(process.join("fd").join(name)).ok()?;
        // The last digit says how: to be read alone.
        let counts = flags.ends_with('0') && path.to_str()?.contains("/partial/") && path.ends_with("a.bin");
        counts.then_some(path)
    };
    let names = std::fs::read_dir(process.join("fd")).unwrap().map_while(Result::ok);
    names.filter_map(|it| open(&it.file_name())).collect()
}

/// How many of them are read at one moment. A look takes time, in which one may end and the next begin; those that a
/// second look finds as well were all open when the first one ended.
fn being_read(server: &Server) -> usize {
    open_to_be_read(server).intersection(&open_to_be_read(server)).count()
}

#[test]
fn a_client_has_one_upload_at_a_time_read_again_to_be_stored() {
    const LENGTH: usize = 6 << 20;
    let server = Server::start(&[]);
    let begun: Vec<_> = (0..10u8)
        .map(|number| {
            let path = begun(&server, LENGTH);
            patch(&server, &path, (0, &vec![number; LENGTH - 1]), &[]).expect(204);
            path
        })
        .collect();
    let finished = std::sync::atomic::AtomicUsize::new(0);
    let most = std::thread::scope(|scope| {
        for path in &begun {
            let (server, finished) = (&server, &finished);
            scope.spawn(move || {
                patch(server, path, (LENGTH - 1, b"."), &[]).expect(204);
                finished.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            });
        }
        let mut most = 0;
        while finished.load(std::sync::atomic::Ordering::SeqCst) < begun.len() {
            most = most.max(being_read(&server));
        }
        most
    });
    assert!(most <= 1, "{most} at once");
}

#[test]
fn without_room_on_the_disk_nothing_is_begun_and_nothing_added() {
    let mut server = Server::start(&[]);
    let path = begun(&server, 6);
    patch(&server, &path, (0, b"abc"), &[]).expect(204);
    server.restart_with(&["--disk-reserve-bytes", "18446744073709551615"]);
    begin(&server, 6, &[]).expect(507);
    patch(&server, &path, (3, b"def"), &[]).expect(507);
    assert_eq!(offset(&server, &path), 3);
    server.send(("DELETE", &path), &[TUS], b"").expect(204);
}

#[test]
fn what_has_ended_is_told_of_as_long_as_it_is_not_too_much() {
    let mut server = Server::start_with(&[], &["--durability", "process"]);
    let ended: Vec<_> = (0..1001)
        .map(|_| {
            let path = begun(&server, 5);
            server.send(("DELETE", &path), &[TUS], b"").expect(204);
            path
        })
        .collect();
    assert_eq!(server.lying_in("partial").len(), 1000);
    server.crash_and_restart();
    for (path, status) in [(&ended[0], 404), (&ended[1], 410), (&ended[1000], 410)] {
        server.get(path).expect(status);
    }
    let last = begun(&server, 5);
    server.send(("DELETE", &last), &[TUS], b"").expect(204);
    assert_eq!(server.lying_in("partial").len(), 1000);
    // Of those that ended in the same millisecond, any.
    assert!(ended[1..20].iter().any(|path| server.get(path).status == 404));
    server.get(&last).expect(410);
}
