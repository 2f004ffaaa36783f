use belljar_sdk::hostile;

use super::*;

const PNG: &[u8] = include_bytes!("../samples/dot.png");

fn of(bytes: &[u8]) -> Report {
    detect(Sample::of_bytes(bytes), Args {}).unwrap()
}

#[test]
fn formats_have_their_media_type_and_family() {
    for (bytes, media_type, kind) in [
        (PNG, "image/png", "image"),
        (include_bytes!("../samples/a.zip"), "application/zip", "archive"),
        (
            include_bytes!("../samples/a.docx"),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "document",
        ),
        (include_bytes!("../samples/a.gz"), "application/gzip", "compressed"),
        (include_bytes!("../samples/a.tar"), "application/x-tar", "archive"),
        (include_bytes!("../samples/a.xz"), "application/x-xz", "compressed"),
        (b"%PDF-1.7\n%%EOF\n", "application/pdf", "document"),
        (b"\x7fELF\x02\x01\x01", "application/x-executable", "executable"),
        (b"\0asm\x01\0\0\0", "application/wasm", "executable"),
        (b"<!DOCTYPE html><html></html>", "text/html", "other"),
        (b"OggS\0\x02", "application/ogg", "other"),
    ] {
        let found = of(bytes);
        assert_eq!((found.media_type.as_str(), found.kind.as_str()), (media_type, kind), "{found:?}");
    }
}

#[test]
fn two_detectors_that_agree_are_trusted_and_noise_is_not() {
    assert_eq!(of(PNG).confidence, Confidence::High);
    let noise: Vec<u8> = (0..1000_u32).map(|it| (it.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let found = of(&noise);
    assert_eq!(
        (found.media_type.as_str(), found.confidence),
        ("application/octet-stream", Confidence::Low),
        "{found:?}"
    );
}

#[test]
fn text_is_told_by_its_encoding_and_its_structure() {
    for (bytes, name, confidence) in [
        (&b"\xff\xfeh\0i\0\n\0"[..], "Plain Text (UTF-16LE)", Confidence::High),
        (b"\xfe\xff\0h\0i\0\n", "Plain Text (UTF-16BE)", Confidence::High),
        ("häuser\n".as_bytes(), "Plain Text", Confidence::Medium),
        (b"h\xe4user\n", "Plain Text (8-bit encoding)", Confidence::Low),
        (b"{\"a\":1}\n{\"a\":2}\n", "JSON Lines", Confidence::High),
        (b"{\"a\":1} and more\n", "Plain Text", Confidence::Medium),
        (b"#!/bin/bash -e\n", "Shell Script", Confidence::High),
        (b"#!/usr/bin/env -S node --harmony\n", "JavaScript", Confidence::High),
    ] {
        let found = of(bytes);
        assert_eq!((found.name.as_str(), found.confidence), (name, confidence), "{found:?}");
    }
}

#[test]
fn a_character_cut_off_by_where_we_stop_looking_is_no_error() {
    let text = format!("{}{}", "a".repeat(LOOK_BYTES as usize - 1), "ä".repeat(10));
    assert_eq!(of(text.as_bytes()).confidence, Confidence::Medium);
    let lines = "{\"a\":\"some words\"}\n".repeat(5000);
    assert_eq!(of(lines.as_bytes()).name, "JSON Lines");
}

#[test]
fn what_is_appended_or_hidden_is_told() {
    let media_types = |bytes: &[u8]| of(bytes).also.iter().map(|it| it.media_type).collect::<Vec<_>>();
    let zip = include_bytes!("../samples/a.zip");
    assert_eq!(media_types(&[PNG, zip].concat()), ["application/zip"]);
    assert_eq!(media_types(&[PNG, b"%PDF-1.4"].concat()), ["application/pdf"]);
    assert_eq!(media_types(&[PNG, b"<?php system($_GET[0]);"].concat()), ["application/x-httpd-php"]);
    assert_eq!(media_types(&[PNG, &vec![0; 200_000], b"<script>"].concat()), ["text/html"]);
    let mut disc = PNG.to_vec();
    disc.resize(ISO_END, 0);
    disc[0x8001..0x8006].copy_from_slice(b"CD001");
    disc[257..262].copy_from_slice(b"ustar");
    assert_eq!(media_types(&disc), ["application/x-tar", "application/x-iso9660-image"]);
    for clean in [zip, PNG] {
        assert_eq!(media_types(clean), [""; 0]);
    }
}

const ISO_END: usize = 0x8800;

#[test]
fn damaged_files_have_a_type_or_a_reason() {
    for bytes in [
        PNG,
        include_bytes!("../samples/a.zip"),
        include_bytes!("../samples/a.docx"),
        include_bytes!("../samples/a.tar"),
    ] {
        hostile::survives(bytes, |sample| detect(sample, Args {}));
    }
}
