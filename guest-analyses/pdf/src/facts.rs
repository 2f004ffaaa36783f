//! Pages and metadata.

use lopdf::Dictionary;
use lopdf::Document;
use lopdf::Object;
use lopdf::ObjectId;
use lopdf::decode_text_string;
use schemars::JsonSchema;
use serde::Serialize;

/// So many pages are counted; the tree may well contain itself.
const PAGES_MAX: usize = 100_000;
const SIZES_MAX: usize = 50;
const TEXT_CHARS_MAX: usize = 500;
/// A page takes its size from the nodes above it, at most so many.
const PARENTS_MAX: usize = 50;

/// What its author's programs wrote into it.
#[derive(Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Information {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keywords: Option<String>,
    /// The program it was written with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creator: Option<String>,
    /// The program that made a PDF of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub producer: Option<String>,
    /// ISO 8601.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
}

/// A size of pages.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct PageSize {
    pub width_pt: f32,
    pub height_pt: f32,
    pub pages: usize,
}

pub fn pages(document: &Document) -> Vec<ObjectId> {
    document.page_iter().take(PAGES_MAX).collect()
}

pub fn information(document: &Document) -> Information {
    let Some(found) = dictionary(document, document.trailer.get(b"Info").ok()) else {
        return Information::default();
    };
    let text = |key: &[u8]| {
        let text = decode_text_string(resolved(document, found.get(key).ok()?)?).ok()?;
        let text: String = text.trim().chars().take(TEXT_CHARS_MAX).collect();
        Some(text).filter(|it| !it.is_empty())
    };
    Information {
        title: text(b"Title"),
        author: text(b"Author"),
        subject: text(b"Subject"),
        keywords: text(b"Keywords"),
        creator: text(b"Creator"),
        producer: text(b"Producer"),
        created: text(b"CreationDate").map(|it| date(&it)),
        modified: text(b"ModDate").map(|it| date(&it)),
    }
}

/// `D:20200102030405+01'00'` as `2020-01-02T03:04:05+01:00`; what is no date stays as it is.
fn date(text: &str) -> String {
    let digits = text.strip_prefix("D:").unwrap_or(text);
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, zone) = digits.split_at(length);
    if !(8..=14).contains(&length) || length % 2 == 1 {
        return text.to_owned();
    }
    let part = |at: usize| digits.get(at..at + 2).unwrap_or("00");
    let zone = zone.trim_end_matches('\'').replace('\'', ":");
    let zone = if zone.starts_with('Z') { "Z" } else { &zone };
    format!("{}-{}-{}T{}:{}:{}{zone}", &digits[..4], part(4), part(6), part(8), part(10), part(12))
}

pub fn page_sizes(document: &Document, pages: &[ObjectId]) -> Vec<PageSize> {
    let mut sizes: Vec<PageSize> = Vec::new();
    for (width_pt, height_pt) in pages.iter().filter_map(|it| size(document, *it)) {
        if let Some(size) = sizes.iter_mut().find(|it| (it.width_pt, it.height_pt) == (width_pt, height_pt)) {
            size.pages += 1;
        } else if sizes.len() < SIZES_MAX {
            sizes.push(PageSize { width_pt, height_pt, pages: 1 });
        }
    }
    sizes
}

fn size(document: &Document, page: ObjectId) -> Option<(f32, f32)> {
    let mut node = document.get_dictionary(page).ok()?;
    for _ in 0..PARENTS_MAX {
        if let Some(Object::Array(corners)) = node.get(b"MediaBox").ok().and_then(|it| resolved(document, it)) {
            let corners: Vec<f32> = corners.iter().filter_map(|it| resolved(document, it)?.as_float().ok()).collect();
            let [left, bottom, right, top] = corners.try_into().ok()?;
            let side =
                |from: f32, to: f32| Some(((to - from).abs() * 100.0).round() / 100.0).filter(|it| it.is_finite());
            return Some((side(left, right)?, side(bottom, top)?));
        }
        node = dictionary(document, node.get(b"Parent").ok())?;
    }
    None
}

/// How often it ends: each change that is appended ends it anew.
pub fn revisions(bytes: &[u8]) -> usize {
    bytes.windows(5).filter(|it| it == b"%%EOF").count()
}

fn dictionary<'a>(document: &'a Document, object: Option<&'a Object>) -> Option<&'a Dictionary> {
    resolved(document, object?)?.as_dict().ok()
}

fn resolved<'a>(document: &'a Document, object: &'a Object) -> Option<&'a Object> {
    document.dereference(object).ok().map(|it| it.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_made_readable_or_left_alone() {
        for (text, expected) in [
            ("D:20200102030405+01'00'", "2020-01-02T03:04:05+01:00"),
            ("D:20200102030405Z00'00'", "2020-01-02T03:04:05Z"),
            ("D:20200102", "2020-01-02T00:00:00"),
            ("yesterday", "yesterday"),
            ("D:2020010", "D:2020010"),
        ] {
            assert_eq!(date(text), expected);
        }
    }
}
