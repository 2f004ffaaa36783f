//! What a PDF would do: found by walking all objects, whether anything refers to them or not.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use lopdf::Dictionary;
use lopdf::Document;
use lopdf::Object;
use schemars::JsonSchema;
use serde::Serialize;

/// So many links are listed, and so much of each.
const LINKS_MAX: usize = 100;
const LINK_CHARS_MAX: usize = 500;
const PLACES_MAX: usize = 10;
/// The parser does not go deeper either.
const DEPTH_MAX: usize = 110;

/// Something to mind.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Risk {
    /// javascript, launch, open-action, automatic-action, embedded-file, submits-form, rich-media, xfa-form,
    /// remote-document or import-data.
    pub kind: &'static str,
    meaning: &'static str,
    pub count: u64,
    /// The numbers of the first objects that it is in.
    objects: Vec<u32>,
}

const MEANINGS: [(&str, &str); 10] = [
    ("javascript", "a script runs in the viewer"),
    ("launch", "it starts a program or opens a file of the reader's"),
    ("open-action", "something happens as soon as it is opened"),
    ("automatic-action", "something happens when a page is shown, a field is left, and the like"),
    ("embedded-file", "other files are attached to it"),
    ("submits-form", "it sends what is filled in, or itself, to an address"),
    ("rich-media", "it plays media or Flash"),
    ("xfa-form", "its form is a program of its own (XFA)"),
    ("remote-document", "it opens another document"),
    ("import-data", "it reads data from a file of the reader's"),
];

/// What all objects together have.
#[derive(Default)]
pub struct Walked {
    pub risks: BTreeMap<&'static str, Risk>,
    pub links: BTreeSet<String>,
    pub link_count: u64,
    pub images: u64,
    pub fonts: u64,
    pub signatures: u64,
}

impl Walked {
    pub fn of(document: &Document) -> Self {
        let mut walked = Self::default();
        for ((number, _), object) in &document.objects {
            walked.object(*number, object, 0);
        }
        walked
    }

    fn object(&mut self, number: u32, object: &Object, depth: usize) {
        if depth > DEPTH_MAX {
            return;
        }
        match object {
            Object::Array(items) => items.iter().for_each(|it| self.object(number, it, depth + 1)),
            Object::Dictionary(dictionary) => self.dictionary(number, dictionary, depth),
            Object::Stream(stream) => self.dictionary(number, &stream.dict, depth),
            _ => {}
        }
    }

    fn dictionary(&mut self, number: u32, dictionary: &Dictionary, depth: usize) {
        let name = |key: &[u8]| dictionary.get(key).and_then(Object::as_name).unwrap_or_default();
        match name(b"S") {
            b"JavaScript" | b"JS" => self.note("javascript", number),
            b"Launch" => self.note("launch", number),
            b"SubmitForm" => self.note("submits-form", number),
            b"ImportData" => self.note("import-data", number),
            b"GoToR" | b"GoToE" => self.note("remote-document", number),
            b"Rendition" | b"Movie" | b"Sound" => self.note("rich-media", number),
            _ => {}
        }
        match (name(b"Type"), name(b"Subtype")) {
            (b"Font", _) => self.fonts += 1,
            (b"Sig", _) => self.signatures += 1,
            (b"EmbeddedFile", _) => self.note("embedded-file", number),
            (_, b"Image") => self.images += 1,
            (_, b"RichMedia" | b"Flash" | b"3D" | b"Screen") => self.note("rich-media", number),
            _ => {}
        }
        for (key, kind) in [(&b"OpenAction"[..], "open-action"), (b"AA", "automatic-action"), (b"XFA", "xfa-form")] {
            if dictionary.has(key) {
                self.note(kind, number);
            }
        }
        if let Ok(Object::String(link, _)) = dictionary.get(b"URI") {
            self.link_count += 1;
            if self.links.len() < LINKS_MAX {
                self.links.insert(String::from_utf8_lossy(link).chars().take(LINK_CHARS_MAX).collect());
            }
        }
        dictionary.iter().for_each(|(_, it)| self.object(number, it, depth + 1));
    }

    fn note(&mut self, kind: &'static str, number: u32) {
        let meaning = MEANINGS.iter().find(|it| it.0 == kind).map_or("", |it| it.1);
        let risk = self.risks.entry(kind).or_insert(Risk { kind, meaning, count: 0, objects: Vec::new() });
        risk.count += 1;
        if risk.objects.len() < PLACES_MAX && !risk.objects.contains(&number) {
            risk.objects.push(number);
        }
    }
}
