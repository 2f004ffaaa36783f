//! From what a guest printed to what a client gets: checked, wrapped, and with links in place of artifact paths.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeSeed;
use serde::de::Deserializer;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;

use super::descriptor::Stdout;

/// The JSON that becomes `results.json`. Numbers and spacing stay as the guest wrote them; `links` maps a path such as
/// `/out/a.mp4` to what stands in its place; `depth_max` is how many arrays and
/// objects may lie within each other.
///
/// # Errors
/// Why it is no result, in words for its author.
pub fn result_json(
    stdout: Vec<u8>,
    (form, depth_max): (Stdout, usize),
    links: &BTreeMap<String, String>,
) -> Result<Vec<u8>, String> {
    let json = match form {
        Stdout::Json => stdout.trim_ascii().to_vec(),
        Stdout::Text => serde_json::json!({ "text": text(stdout)? }).to_string().into_bytes(),
        Stdout::Lines => {
            let text = text(stdout)?;
            serde_json::to_vec(&Lines { lines: &text }).map_err(|error| error.to_string())?
        }
        Stdout::None => b"{}".to_vec(),
    };
    if json.is_empty() {
        return Err("stdout is empty; it should hold one JSON document".to_owned());
    }
    std::str::from_utf8(&json).map_err(|error| format!("stdout is not UTF-8: {error}"))?;
    let mut deserializer = serde_json::Deserializer::from_slice(&json);
    Checked { depth_left: depth_max }
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|error| format!("stdout is not one JSON document: {error}"))?;
    Ok(if links.is_empty() { json } else { rewrite(&json, links) })
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

fn text(stdout: Vec<u8>) -> Result<String, String> {
    String::from_utf8(stdout).map_err(|error| format!("stdout is not UTF-8: {error}"))
}

/// Replaces string values, not keys, that are exactly a path. `json` is valid.
fn rewrite(json: &[u8], links: &BTreeMap<String, String>) -> Vec<u8> {
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
        at = end;
    }
    out
}

fn string_end(json: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < json.len() && json[at] != b'"' {
        at += if json[at] == b'\\' { 2 } else { 1 };
    }
    json.len().min(at + 1)
}

/// Visits a whole document and keeps nothing, so that a big one costs no memory.
#[derive(Clone, Copy)]
struct Checked {
    /// Arrays and objects that may still open.
    depth_left: usize,
}

impl Checked {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth_left = self.depth_left.checked_sub(1);
        let depth_left = depth_left.ok_or_else(|| E::custom("nested deeper than `result_depth` allows"))?;
        Ok(Self { depth_left })
    }
}

impl<'de> DeserializeSeed<'de> for Checked {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Checked {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let within = self.deeper()?;
        while items.next_element_seed(within)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let within = self.deeper()?;
        while members.next_key_seed(within)?.is_some() {
            members.next_value_seed(within)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stdout: &[u8]) -> Result<String, String> {
        let links = BTreeMap::from([("/out/a.mp4".to_owned(), "/download/f/a/a.mp4".to_owned())]);
        result_json(stdout.to_vec(), (Stdout::Json, 100), &links).map(|json| String::from_utf8(json).unwrap())
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
        let wrap =
            |form| String::from_utf8(result_json(b"a\nb\n".to_vec(), (form, 100), &BTreeMap::new()).unwrap()).unwrap();
        assert_eq!(wrap(Stdout::Text), r#"{"text":"a\nb\n"}"#);
        assert_eq!(wrap(Stdout::Lines), r#"{"lines":["a","b"]}"#);
        assert_eq!(wrap(Stdout::None), "{}");
    }
}
