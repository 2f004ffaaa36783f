//! What is in a PDF: pages, metadata, text; and what it would do when it is opened.
//!
//! `facts` reads catalog and pages, `text` what the pages show, `risks` walks all objects.

mod facts;
mod risks;
mod text;

use belljar_sdk::Failure;
use belljar_sdk::Sample;
use belljar_sdk::analysis;
use belljar_sdk::write_artifact;
use lopdf::Document;
use lopdf::LoadOptions;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::facts::Information;
use crate::facts::PageSize;
use crate::risks::Risk;
use crate::risks::Walked;

const BYTES_MAX: u64 = 64 << 20;
/// What one packed stream may become.
const STREAM_BYTES_MAX: usize = 32 << 20;

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// The text of so many pages is taken; 0 takes none.
    #[serde(default = "text_pages_max")]
    #[schemars(range(max = 2000))]
    text_pages_max: u32,
}

fn text_pages_max() -> u32 {
    50
}

#[derive(Debug, Serialize, JsonSchema)]
struct Report {
    version: String,
    size_bytes: u64,
    page_count: usize,
    /// Different sizes of pages, in points of 1/72 inch, with how many have them.
    page_sizes: Vec<PageSize>,
    information: Information,
    /// Whether it is encrypted; what is said below then holds only if it opens without a password.
    is_encrypted: bool,
    needs_password: bool,
    is_tagged: bool,
    has_form: bool,
    is_signed: bool,
    /// How often it was written: more than once when it was changed or signed after it was made.
    revisions: usize,
    object_count: usize,
    image_count: u64,
    font_count: u64,
    /// Programs of PostScript, JavaScript and the like that it has, and what starts by itself.
    risks: Vec<Risk>,
    /// Addresses it links to, each once.
    links: Vec<String>,
    link_count: u64,
    /// Why its table of objects had to be made anew, if it had.
    #[serde(skip_serializing_if = "Option::is_none")]
    repaired: Option<String>,
    text_chars: usize,
    /// The text of the first pages; not there if they have none, as scanned ones have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// What is in a PDF: pages and their sizes, title, author, dates and programs; text as a file; fonts, images, links; and
/// what to mind: JavaScript, actions that start by themselves, programs it launches, files embedded in it, encryption.
#[analysis(
    title = "PDF",
    accepts = ["application/pdf"],
    limits = { "memory_bytes": 536870912, "fuel_base": 40000000000u64, "fuel_per_byte": 5000 },
    examples = [
        { "input_text": "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction 4 0 R>>endobj\n2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>>endobj\n4 0 obj<</S/JavaScript/JS(app.alert\\(1\\))>>endobj\ntrailer<</Root 1 0 R/Size 5>>\n%%EOF\n",
          "args": {},
          "result": { "version": "1.4", "page_count": 1, "page_sizes": [{ "width_pt": 200.0, "height_pt": 100.0, "pages": 1 }], "is_encrypted": false } }
    ]
)]
fn look(mut sample: Sample, args: Args) -> Result<Report, Failure> {
    let bytes = sample.whole(BYTES_MAX)?;
    let options = LoadOptions { max_decompressed_size: Some(STREAM_BYTES_MAX), ..LoadOptions::default() };
    let document = Document::load_mem_with_options(&bytes, options)
        .map_err(|error| Failure::new(format!("this PDF cannot be read: {error}")))?;
    let needs_password = document.is_encrypted() && !document.was_encrypted();
    let pages = facts::pages(&document);
    let walked = Walked::of(&document);
    let shown = pages.len().min(usize::try_from(args.text_pages_max)?);
    let shown = if needs_password { &[] } else { &pages[..shown] };
    let text = text::of(&document, shown, STREAM_BYTES_MAX);
    let catalog = document.catalog().ok();
    let has = |key: &[u8]| catalog.is_some_and(|it| it.has(key));
    Ok(Report {
        version: document.version.chars().take(20).collect(),
        size_bytes: sample.size_bytes(),
        page_count: pages.len(),
        page_sizes: facts::page_sizes(&document, &pages),
        information: facts::information(&document),
        is_encrypted: document.is_encrypted() || document.was_encrypted(),
        needs_password,
        is_tagged: has(b"StructTreeRoot"),
        has_form: has(b"AcroForm"),
        is_signed: walked.signatures > 0,
        revisions: facts::revisions(&bytes),
        object_count: document.objects.len(),
        image_count: walked.images,
        font_count: walked.fonts,
        link_count: walked.link_count,
        repaired: document.xref_recovery.as_ref().map(|it| format!("{it:?}").chars().take(200).collect()),
        text_chars: text.chars().count(),
        text: if text.trim().is_empty() { None } else { Some(write_artifact("text.txt", text.as_bytes())?) },
        links: walked.links.into_iter().collect(),
        risks: walked.risks.into_values().collect(),
    })
}

#[cfg(test)]
mod tests;
