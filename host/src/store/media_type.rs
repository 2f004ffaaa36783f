//! What kind of file it is, found from the file and not believed from whoever sent it.

/// As many bytes of a file as are looked at.
pub const HEAD_BYTES: usize = 4096;

/// By the first bytes, [`HEAD_BYTES`] at most, else by the name's extension, else text if it is.
#[must_use]
pub fn of(head: &[u8], name: &str) -> String {
    let sniffed = infer::get(head).map(|it| it.mime_type().to_owned());
    let guessed = || mime_guess::from_path(name).first().map(|it| it.essence_str().to_owned());
    let text = || {
        let text =
            !head.is_empty() && !head.contains(&0) && String::from_utf8_lossy(head).matches('\u{fffd}').count() < 4;
        text.then(|| "text/plain".to_owned())
    };
    sniffed.or_else(guessed).or_else(text).unwrap_or_else(|| "application/octet-stream".to_owned())
}
