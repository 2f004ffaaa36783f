//! From what a guest printed to what a client gets: checked, wrapped, and with links in place of artifact paths.

use std::collections::BTreeMap;
use std::io;

use super::descriptor::Stdout;
use super::plain;
use super::plain::Depth;

/// What a result is held to.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// What is made of stdout.
    pub form: Stdout,
    /// How many arrays and objects may lie within each other.
    pub depth_max: usize,
    /// Longest result, bytes; escapes and links are part of it.
    pub bytes_max: usize,
}

/// Why there is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoResult {
    /// In words for its author.
    #[error("{0}")]
    Bad(String),
    #[error("the result is too long")]
    TooLong,
}

/// The JSON that becomes `results.json`. Numbers and spacing stay as the guest wrote them; `links` maps a path such as
/// `/out/a.mp4` to what stands in its place.
///
/// # Errors
/// [`NoResult`].
pub fn result_json(stdout: Vec<u8>, shape: Shape, links: &BTreeMap<String, String>) -> Result<Vec<u8>, NoResult> {
    let json = match shape.form {
        Stdout::Json => stdout.trim_ascii().to_vec(),
        Stdout::Text => written(&Text { text: &text(stdout)? }, shape.bytes_max)?,
        Stdout::Lines => written(&Lines { lines: &text(stdout)? }, shape.bytes_max)?,
        Stdout::None => b"{}".to_vec(),
    };
    if json.is_empty() {
        return Err(NoResult::Bad("stdout is empty; it should hold one JSON document".to_owned()));
    }
    std::str::from_utf8(&json).map_err(|error| NoResult::Bad(format!("stdout is not UTF-8: {error}")))?;
    let wrong = |error| NoResult::Bad(format!("stdout is not one JSON document: {error}"));
    plain::check(&json, Depth { max: shape.depth_max, by: "`result_depth`" }).map_err(wrong)?;
    if links.is_empty() { Ok(json) } else { rewrite(&json, links, shape.bytes_max).ok_or(NoResult::TooLong) }
}

/// A place that takes so many bytes and no more.
struct Bounded {
    bytes: Vec<u8>,
    bytes_max: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.bytes_max - self.bytes.len() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn written(value: &impl serde::Serialize, bytes_max: usize) -> Result<Vec<u8>, NoResult> {
    let mut bounded = Bounded { bytes: Vec::new(), bytes_max };
    let error = |error: serde_json::Error| match error.io_error_kind() {
        Some(io::ErrorKind::FileTooLarge) => NoResult::TooLong,
        Some(_) | None => NoResult::Bad(error.to_string()),
    };
    serde_json::to_writer(&mut bounded, value).map_err(error)?;
    Ok(bounded.bytes)
}

#[derive(serde::Serialize)]
struct Text<'a> {
    text: &'a str,
}

#[derive(serde::Serialize)]
struct Lines<'a> {
    #[serde(serialize_with = "one_by_one")]
    lines: &'a str,
}

/// Without a list of them in memory, which would be many times as large as the text.
fn one_by_one<S: serde::Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(text.lines())
}

fn text(stdout: Vec<u8>) -> Result<String, NoResult> {
    String::from_utf8(stdout).map_err(|error| NoResult::Bad(format!("stdout is not UTF-8: {error}")))
}

/// Replaces string values, not keys, that are exactly a path. `json` is valid. `None` when that makes it too long.
fn rewrite(json: &[u8], links: &BTreeMap<String, String>, bytes_max: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(json.len());
    let mut at = 0;
    while at < json.len() {
        if json[at] != b'"' {
            out.push(json[at]);
            at += 1;
            continue;
        }
        let end = string_end(json, at);
        let is_key = json[end..].trim_ascii_start().first() == Some(&b':');
        let link = serde_json::from_slice::<String>(&json[at..end]).ok().and_then(|value| links.get(&value));
        match link {
            Some(link) if !is_key => {
                out.extend_from_slice(serde_json::Value::from(link.as_str()).to_string().as_bytes())
            }
            Some(_) | None => out.extend_from_slice(&json[at..end]),
        }
        if out.len() > bytes_max {
            return None;
        }
        at = end;
    }
    Some(out).filter(|out| out.len() <= bytes_max)
}

fn string_end(json: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < json.len() && json[at] != b'"' {
        at += if json[at] == b'\\' { 2 } else { 1 };
    }
    json.len().min(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stdout: &[u8]) -> Result<String, NoResult> {
        shaped(stdout, (Stdout::Json, 1000))
    }

    fn shaped(stdout: &[u8], (form, bytes_max): (Stdout, usize)) -> Result<String, NoResult> {
        let links = BTreeMap::from([("/out/a.mp4".to_owned(), "/download/f/a/a.mp4".to_owned())]);
        let shape = Shape { form, depth_max: 100, bytes_max };
        result_json(stdout.to_vec(), shape, &links).map(|json| String::from_utf8(json).unwrap())
    }

    #[test]
    fn only_values_that_are_exactly_a_path_become_links() {
        let broken = br#" {"/out/a.mp4": "\/out/a.mp4", "b": ["/out/a.mp4 ", "/out/b", 1.0e400e]"#;
        assert!(check(broken).is_err());
        assert_eq!(
            check(br#"{"/out/a.mp4" : "/out\/a.mp4", "b": ["x\"/out/a.mp4", "/out/b", 1.50]}"#).unwrap(),
            r#"{"/out/a.mp4" : "/download/f/a/a.mp4", "b": ["x\"/out/a.mp4", "/out/b", 1.50]}"#
        );
    }

    #[test]
    fn what_is_not_one_document_is_refused() {
        for bad in [&b""[..], b"  ", b"{", b"{} {}", b"NaN", b"\xff", b"\xef\xbb\xbf{}", br#""\ud800""#, b"1e999"] {
            assert!(check(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
        assert!(check("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn text_is_wrapped() {
        let wrap = |form| shaped(b"a\nb\n", (form, 1000)).unwrap();
        assert_eq!(wrap(Stdout::Text), r#"{"text":"a\nb\n"}"#);
        assert_eq!(wrap(Stdout::Lines), r#"{"lines":["a","b"]}"#);
        assert_eq!(wrap(Stdout::None), "{}");
    }

    #[test]
    fn links_and_escapes_count() {
        for (stdout, form, bytes) in [
            (&br#"["/out/a.mp4", "/out/a.mp4"]"#[..], Stdout::Json, 46),
            (br#"{"a":"/out/a.mp4"} "#, Stdout::Json, 27),
            (b"\x01\x02", Stdout::Text, 23),
            (b"\n\n\n", Stdout::Lines, 20),
        ] {
            assert_eq!(shaped(stdout, (form, bytes)).unwrap().len(), bytes);
            assert_eq!(shaped(stdout, (form, bytes - 1)), Err(NoResult::TooLong));
        }
    }
}
