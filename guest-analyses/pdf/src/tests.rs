use belljar_sdk::hostile;

use super::*;

/// Two pages that pypdf made.
const PAGES: &[u8] = include_bytes!("../samples/pages.pdf");
/// The same, encrypted for whoever has the password `secret`.
const LOCKED: &[u8] = include_bytes!("../samples/locked.pdf");

fn of(bytes: &[u8]) -> Report {
    look(Sample::of_bytes(bytes), Args { text_pages_max: 10 }).unwrap()
}

/// One whose objects, from the third on, are these.
fn with(objects: &[&str]) -> Vec<u8> {
    let mut pdf = "%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R/Names 3 0 R>>endobj\n2 0 obj<</Type/Pages/Count 0/Kids[]>>endobj\n".to_owned();
    let mut offsets = vec![9, pdf.find("2 0 obj").unwrap()];
    for (number, object) in (3..).zip(objects) {
        offsets.push(pdf.len());
        pdf.push_str(&format!("{number} 0 obj{object}endobj\n"));
    }
    let start = pdf.len();
    pdf.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", offsets.len() + 1));
    offsets.iter().for_each(|it| pdf.push_str(&format!("{it:010} 00000 n \n")));
    pdf.push_str(&format!("trailer<</Root 1 0 R/Size {}>>\nstartxref\n{start}\n%%EOF\n", offsets.len() + 1));
    pdf.into_bytes()
}

#[test]
fn pages_text_and_metadata_are_read() {
    let report = of(PAGES);
    assert_eq!((report.version.as_str(), report.page_count, report.revisions), ("1.7", 2, 1));
    assert_eq!(
        report.page_sizes,
        [
            PageSize { width_pt: 300.0, height_pt: 200.0, pages: 1 },
            PageSize { width_pt: 200.0, height_pt: 300.0, pages: 1 }
        ]
    );
    assert_eq!(report.information.title.as_deref(), Some("Glass and bells"));
    assert_eq!(report.information.author.as_deref(), Some("Nobody"));
    assert_eq!(report.information.created.as_deref(), Some("2020-01-02T03:04:05Z"));
    assert_eq!((report.font_count > 0, report.is_encrypted, report.risks.len()), (true, false, 0));
    assert_eq!(report.text.as_deref(), Some("/out/text.txt"));
    assert!(report.text_chars > 10);
}

#[test]
fn an_encrypted_one_says_so() {
    let report = of(LOCKED);
    assert!(report.is_encrypted && report.needs_password && report.text.is_none());
}

#[test]
fn what_it_would_do_is_told() {
    let bytes = with(&[
        "<</OpenAction 4 0 R/AA<</O 4 0 R>>>>",
        "<</S/JavaScript/JS(app.alert\\(1\\))>>",
        "<</S/Launch/F(cmd.exe)>>",
        "<</Type/EmbeddedFile/Length 0>>",
        "<</S/URI/URI(http://a.example/)>>",
        "<</S/SubmitForm/F(http://a.example/)>>",
        "[[<</S/GoToR/F(b.pdf)>>]]",
        "<</XFA 1 0 R>>",
        "<</Subtype/RichMedia>>",
    ]);
    let report = of(&bytes);
    let kinds: Vec<_> = report.risks.iter().map(|it| (it.kind, it.count)).collect();
    let expected = [
        "automatic-action",
        "embedded-file",
        "javascript",
        "launch",
        "open-action",
        "remote-document",
        "rich-media",
        "submits-form",
        "xfa-form",
    ];
    assert_eq!(kinds, expected.map(|it| (it, 1)));
    assert_eq!((report.links, report.link_count), (vec!["http://a.example/".to_owned()], 1));
}

#[test]
fn a_tree_of_pages_that_contains_itself_ends() {
    let bytes = "%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Parent 2 0 R/Count 2147483647/Kids[2 0 R 2 0 R]>>endobj\n\
        trailer<</Root 1 0 R>>\n%%EOF\n";
    assert!(of(bytes.as_bytes()).page_count <= 2);
}

#[test]
fn objects_within_each_other_end() {
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let nested = "<</A".repeat(50_000);
    for bytes in [with(&[&deep]), with(&[&nested])] {
        drop(look(Sample::of_bytes(bytes), Args { text_pages_max: 1 }));
    }
}

#[test]
fn other_files_and_nothing_at_all_have_a_reason() {
    for bytes in
        [&b""[..], b"hello", b"%PDF-1.7", b"%PDF-1.7\n%%EOF\n", b"%PDF-1.4\ntrailer<<>>\nstartxref\n999999\n%%EOF"]
    {
        assert!(look(Sample::of_bytes(bytes), Args { text_pages_max: 1 }).unwrap_err().message().len() > 20);
    }
}

#[test]
fn damaged_files_have_a_result_or_a_reason() {
    for bytes in [PAGES, LOCKED, &with(&["<</S/JavaScript/JS(1)>>"])] {
        hostile::survives(bytes, |sample| look(sample, Args { text_pages_max: 2 }));
    }
}
