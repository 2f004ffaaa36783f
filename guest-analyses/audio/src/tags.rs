//! What is written beside the sound: title, artist, programs, pictures.

use schemars::JsonSchema;
use serde::Serialize;

/// So many are listed, and so many characters of each.
const TAGS_MAX: usize = 200;
const VALUE_CHARS_MAX: usize = 300;

/// One field, as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tag {
    /// `title`, `artist`, `album`, …; as the format has it where it has no such name.
    pub name: String,
    pub value: String,
}

/// A picture inside the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Picture {
    pub media_type: String,
    pub size_bytes: u64,
}

/// What formats call what is usual.
const NAMES: [(&str, &str); 29] = [
    ("INAM", "title"),
    ("IART", "artist"),
    ("IPRD", "album"),
    ("ICRD", "date"),
    ("IGNR", "genre"),
    ("ICMT", "comment"),
    ("ITRK", "track"),
    ("IPRT", "track"),
    ("ISFT", "encoder"),
    ("ICOP", "copyright"),
    ("TIT2", "title"),
    ("TT2", "title"),
    ("TPE1", "artist"),
    ("TP1", "artist"),
    ("TALB", "album"),
    ("TAL", "album"),
    ("TYER", "date"),
    ("TYE", "date"),
    ("TDRC", "date"),
    ("TCON", "genre"),
    ("TCO", "genre"),
    ("TRCK", "track"),
    ("TRK", "track"),
    ("TSSE", "encoder"),
    ("TSS", "encoder"),
    ("TCOP", "copyright"),
    ("COMM", "comment"),
    ("COM", "comment"),
    ("tracknumber", "track"),
];

/// Lists one, unless it is empty, known already, or one too many.
pub fn add(tags: &mut Vec<Tag>, name: &str, value: &str) {
    let value: String = value.trim_matches(['\0', ' ', '\n', '\r']).chars().take(VALUE_CHARS_MAX).collect();
    let name = NAMES.iter().find(|it| it.0 == name).map_or(name, |it| it.1);
    let tag = Tag { name: name.chars().take(VALUE_CHARS_MAX).collect(), value };
    if !tag.value.is_empty() && tags.len() < TAGS_MAX && !tags.contains(&tag) {
        tags.push(tag);
    }
}

/// Comments of Vorbis, which FLAC has too: `name=value`, and the library that wrote them.
pub fn of_comments<'a>(vendor: &str, comments: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Tag> {
    let mut tags = Vec::new();
    for (name, value) in comments {
        add(&mut tags, &name.to_lowercase(), value);
    }
    add(&mut tags, "vendor", vendor);
    tags
}

/// The same from bytes: texts behind their lengths, the vendor before the number of the others. What is cut off ends them.
pub fn of_comment_bytes(bytes: &[u8]) -> Vec<Tag> {
    let Some((vendor, rest)) = counted(bytes) else { return Vec::new() };
    let mut rest = rest.get(4..).unwrap_or(&[]);
    let comments = std::iter::from_fn(|| {
        let (comment, after) = counted(rest)?;
        rest = after;
        Some(text_of(comment))
    });
    let comments: Vec<_> = comments.take(TAGS_MAX).collect();
    of_comments(&text_of(vendor), comments.iter().filter_map(|it| it.split_once('=')))
}

/// What follows its length, and the rest.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, bytes) = bytes.split_first_chunk()?;
    bytes.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

/// UTF-8 where it is, otherwise ISO 8859-1: formats of that age say nothing.
pub fn text_of(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| latin1(bytes), str::to_owned)
}

/// ISO 8859-1, whose bytes are the first characters of Unicode.
pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|it| char::from(*it)).collect()
}
