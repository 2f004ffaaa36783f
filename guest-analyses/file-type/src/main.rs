//! What a file is, by its bytes, how sure that is, and what else it could pass as.

mod marks;
mod text;

use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;

use belljar_sdk::Failure;
use belljar_sdk::Sample;
use belljar_sdk::analysis;
use file_format::FileFormat;
use file_format::Kind;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::marks::Also;

/// As much of a file's beginning, and of its end, is looked at.
const LOOK_BYTES: u64 = 66 * 1024;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {}

#[derive(Debug, Serialize, JsonSchema)]
struct Report {
    size_bytes: u64,
    /// The format's name, for people.
    name: String,
    media_type: String,
    /// The usual extension, without a dot; empty if there is none.
    extension: String,
    /// The family: image, document, executable, …
    kind: String,
    confidence: Confidence,
    /// What speaks for it.
    because: Vec<String>,
    /// What else the bytes could pass as: a sign of a polyglot, or of something appended.
    also: Vec<Also>,
}

/// `high`: the mark of the format is there, and two independent detectors or the inner structure agree. `medium`: one
/// detector alone, or plain text. `low`: a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Confidence {
    High,
    Medium,
    Low,
}

/// A format, before it is known how sure that is.
struct Found {
    name: String,
    media_type: String,
    extension: String,
    kind: String,
}

/// What a file is, found by its bytes and not by its name: format, media type and family, how sure that is and why, and
/// what else the file could pass as (a ZIP archive appended to a picture, a PDF within something else, a script).
#[analysis(
    title = "File type",
    accepts = ["*/*"],
    limits = { "memory_bytes": 33554432 },
    examples = [
        { "input_base64": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==", "args": {},
          "result": { "media_type": "image/png", "extension": "png", "kind": "image", "confidence": "high", "also": [] } },
        { "input_text": "{\"a\": [1, 2]}\n", "args": {}, "result": { "media_type": "application/json", "confidence": "high" } },
        { "input_text": "#!/usr/bin/env python3\nprint(1)\n", "args": {}, "result": { "media_type": "text/x-python", "confidence": "high" } },
        { "input_text": "To be, or not to be.\n", "args": {}, "result": { "media_type": "text/plain", "confidence": "medium" } },
        { "input_text": "", "args": {}, "result": { "media_type": "application/x-empty", "size_bytes": 0, "confidence": "high" } }
    ]
)]
fn detect(mut sample: Sample, _: Args) -> Result<Report, Failure> {
    let size_bytes = sample.size_bytes();
    let head = piece(&mut sample, 0)?;
    let tail_at = size_bytes.saturating_sub(LOOK_BYTES);
    let tail = piece(&mut sample, tail_at)?;
    sample.rewind()?;
    let format = FileFormat::from_reader(&mut sample)?;
    let (found, confidence, because) = decide(format, &head, size_bytes);
    let also = marks::also(&found.media_type, &head, (tail_at, &tail));
    Ok(Report {
        size_bytes,
        name: found.name,
        media_type: found.media_type,
        extension: found.extension,
        kind: found.kind,
        confidence,
        because,
        also,
    })
}

fn piece(sample: &mut Sample, at: u64) -> Result<Vec<u8>, Failure> {
    sample.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    sample.take(LOOK_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn decide(format: FileFormat, head: &[u8], size_bytes: u64) -> (Found, Confidence, Vec<String>) {
    // The first line of a script says more than the marks that the detectors know.
    if head.starts_with(b"#!")
        && let Some(script) = unmarked(head, size_bytes)
    {
        return script;
    }
    match format {
        FileFormat::Empty => (of(format), Confidence::High, vec!["there is not a byte in it".to_owned()]),
        FileFormat::PlainText | FileFormat::ArbitraryBinaryData => {
            unmarked(head, size_bytes).unwrap_or_else(|| match infer::get(head) {
                Some(second) => {
                    (by_infer(&second), Confidence::Medium, vec![format!("it begins as {} does", second.mime_type())])
                }
                None => (of(format), Confidence::Low, vec!["no known mark is in it, and it is no text".to_owned()]),
            })
        }
        _ => {
            let found = of(format);
            let mut because = vec![format!("it has the mark of {}", found.name)];
            let second = infer::get(head);
            let agrees =
                second.is_some_and(|it| it.mime_type() == found.media_type || it.extension() == found.extension);
            let confidence = match second {
                Some(_) if agrees => {
                    because.push("a second detector says the same".to_owned());
                    Confidence::High
                }
                Some(it) => {
                    because.push(format!("a second detector, which looks less deep, says {}", it.mime_type()));
                    Confidence::Medium
                }
                None => {
                    because.push("a second detector does not know it".to_owned());
                    Confidence::Medium
                }
            };
            (found, confidence, because)
        }
    }
}

/// Formats that have no mark: text of some kind.
fn unmarked(head: &[u8], size_bytes: u64) -> Option<(Found, Confidence, Vec<String>)> {
    let text = text::of(head, size_bytes)?;
    let found = Found {
        name: text.name.to_owned(),
        media_type: text.media_type.to_owned(),
        extension: text.extension.to_owned(),
        kind: "text".to_owned(),
    };
    Some((found, text.confidence, vec![text.because]))
}

fn of(format: FileFormat) -> Found {
    let kind = if format == FileFormat::Empty { "empty".to_owned() } else { kind(format.kind()) };
    let extension = if format == FileFormat::ArbitraryBinaryData { "" } else { format.extension() };
    Found {
        name: format.name().to_owned(),
        media_type: format.media_type().to_owned(),
        extension: extension.to_owned(),
        kind,
    }
}

fn by_infer(it: &infer::Type) -> Found {
    let kind = format!("{:?}", it.matcher_type()).to_lowercase();
    Found {
        name: it.mime_type().to_owned(),
        media_type: it.mime_type().to_owned(),
        extension: it.extension().to_owned(),
        kind,
    }
}

fn kind(kind: Kind) -> String {
    format!("{kind:?}").to_lowercase()
}

#[cfg(test)]
mod tests;
