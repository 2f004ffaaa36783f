//! Descriptors that a process was started with and nobody knows of.

use std::io;

const FIRST: libc::c_uint = 3;

/// Closes every descriptor above the three streams. A kernel without the call (before 5.9) has no Landlock either, and
/// the walls tell.
///
/// JUSTIFICATION: whoever started the server may have left descriptors open in it, which every process that it starts
/// inherits. There is no safe way to close what no value stands for, and asking `/proc` for each would need as much.
#[expect(unsafe_code, reason = "see the docstring")]
pub(super) fn close() -> io::Result<()> {
    // SAFETY: the call takes numbers alone and touches no memory. The process has opened nothing yet that a value
    // stands for: this is its first act, as `worker::channel` sees to.
    let closed = unsafe { libc::close_range(FIRST, libc::c_uint::MAX, 0) };
    let error = io::Error::last_os_error();
    if closed == 0 || error.kind() == io::ErrorKind::Unsupported { Ok(()) } else { Err(error) }
}
