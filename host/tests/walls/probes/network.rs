//! Sockets: none can be made, and behind Landlock alone none reaches anything.

use libc::AF_INET;
use libc::AF_INET6;
use libc::AF_NETLINK;
use libc::AF_UNIX;
use libc::EACCES;
use libc::EPERM;
use libc::SOCK_DGRAM;
use libc::SOCK_RAW;
use libc::SOCK_STREAM;

use crate::probe::Probe;
use crate::script::Arg;
use crate::script::Script;

pub(super) fn probes() -> Vec<Probe> {
    let socket = |family: i32, kind: i32| {
        // A raw socket takes a protocol: ICMP.
        let protocol = if (family, kind) == (AF_INET, SOCK_RAW) { 1 } else { 0 };
        Script::once(libc::SYS_socket, [family.into(), kind.into(), protocol.into()])
    };
    let tcp = || socket(AF_INET, SOCK_STREAM);
    // Port 1 of this machine: whoever gets through is refused with another error.
    let here = || Arg::Bytes(vec![2, 0, 0, 1, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    let abstracted = || Arg::Bytes(b"\x01\0\0belljar-walls".to_vec());
    let listener = abstract_listener();
    let connect = |to: Arg, bytes: i64| Script::once(libc::SYS_connect, [3.into(), to, bytes.into()]);
    let probes = vec![
        Probe::killed("socket INET, connect", tcp())
            .or_by(tcp().call(libc::SYS_connect, [Arg::Answer(0), here(), 16.into()]), &[EACCES]),
        Probe::killed("bind", Script::once(libc::SYS_bind, [3.into(), here(), 16.into()]))
            .or_by(tcp().call(libc::SYS_bind, [Arg::Answer(0), here(), 16.into()]), &[EACCES]),
        Probe::killed("socket INET datagram", socket(AF_INET, SOCK_DGRAM)),
        Probe::killed("socket INET raw", socket(AF_INET, SOCK_RAW)).or(&[EPERM]),
        Probe::killed("socket INET6", socket(AF_INET6, SOCK_STREAM)),
        Probe::killed("socket NETLINK", socket(AF_NETLINK, SOCK_RAW)),
        Probe::killed("socket PACKET", socket(libc::AF_PACKET, SOCK_RAW)).or(&[EPERM]),
        Probe::killed("socket VSOCK", socket(libc::AF_VSOCK, SOCK_STREAM)),
        Probe::killed("socket UNIX, connect to an abstract name", socket(AF_UNIX, SOCK_STREAM)).or_by(
            socket(AF_UNIX, SOCK_STREAM).call(libc::SYS_connect, [Arg::Answer(0), abstracted(), 16.into()]),
            &[EPERM],
        ),
        Probe::killed("socketpair", Script::once(libc::SYS_socketpair, [1.into(), 1.into(), 0.into(), vec_of(8)])),
        Probe::killed("connect on the channel", connect(here(), 16)),
        Probe::killed("listen on the channel", Script::once(libc::SYS_listen, [3.into(), 1.into()])),
        Probe::killed("accept4 on the channel", Script::once(libc::SYS_accept4, [3.into(), 0.into(), 0.into()])),
        Probe::killed("sendto on the channel", Script::once(libc::SYS_sendto, [3.into(), "x".into(), 1.into()])),
        Probe::killed("setsockopt on the channel", Script::once(libc::SYS_setsockopt, [3.into(), 1.into(), 7.into()])),
        Probe::killed("shutdown of the channel", Script::once(libc::SYS_shutdown, [3.into(), 2.into()])),
    ];
    // Whoever connects must have somebody to connect to while probes run.
    std::mem::forget(listener);
    probes
}

fn vec_of(bytes: usize) -> Arg {
    Arg::Bytes(vec![0; bytes])
}

fn abstract_listener() -> std::os::unix::net::UnixListener {
    use std::os::linux::net::SocketAddrExt;
    let address = std::os::unix::net::SocketAddr::from_abstract_name("belljar-walls").unwrap();
    std::os::unix::net::UnixListener::bind_addr(&address).unwrap()
}
