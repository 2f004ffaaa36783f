use belljar_sdk::hostile;

use super::*;
use crate::metadata::Place;

/// FFmpeg's test picture, 96 by 64.
const PNG: &[u8] = include_bytes!("../samples/test.png");
/// The same as JPEG, with EXIF that exiftool wrote.
const JPEG: &[u8] = include_bytes!("../samples/photo.jpg");
const GIF: &[u8] = include_bytes!("../samples/anim.gif");
const WEBP: &[u8] = include_bytes!("../samples/test.webp");
const TIFF: &[u8] = include_bytes!("../samples/test.tiff");
const BMP: &[u8] = include_bytes!("../samples/test.bmp");

fn of(bytes: &[u8]) -> Report {
    look(Sample::of_bytes(bytes), Args { thumbnail_px: 32 }).unwrap()
}

#[test]
fn every_format_has_its_dimensions_and_pixels() {
    for (bytes, format, size, color) in [
        (PNG, "png", (96, 64), "Rgb8"),
        (JPEG, "jpeg", (96, 64), "Rgb8"),
        (GIF, "gif", (48, 32), "Rgba8"),
        (WEBP, "webp", (96, 64), "Rgb8"),
        (TIFF, "tiff", (96, 64), "Rgb8"),
        (BMP, "bmp", (24, 16), "Rgb8"),
    ] {
        let report = of(bytes);
        assert_eq!(
            (report.format.as_str(), (report.width, report.height), report.color.as_str()),
            (format, size, color)
        );
        let pixels = report.pixels.unwrap_or_else(|| panic!("{format}: {:?}", report.pixels_missing));
        assert_eq!(pixels.histogram.green.iter().sum::<u64>(), u64::from(size.0) * u64::from(size.1), "{format}");
        assert!(!pixels.is_gray);
        assert_eq!(report.thumbnail.as_deref(), Some("/out/thumbnail.png"));
    }
}

#[test]
fn the_same_picture_has_nearly_the_same_hash_in_every_format() {
    let hash = |bytes| u64::from_str_radix(&of(bytes).pixels.unwrap().dhash, 16).unwrap();
    let png = hash(PNG);
    assert_eq!((hash(TIFF) ^ png).count_ones(), 0);
    assert!((hash(WEBP) ^ png).count_ones() <= 10);
    assert!((hash(GIF) ^ png).count_ones() <= 10, "half the size");
    let turned = hash(JPEG);
    assert!((turned ^ png).count_ones() > 10, "EXIF turns it");
}

#[test]
fn what_the_camera_wrote_is_told_and_what_of_it_is_private() {
    let report = of(JPEG);
    assert_eq!(report.orientation, 6);
    let metadata = report.metadata;
    assert_eq!(metadata.camera.as_deref(), Some("Belljar Glass 1"));
    assert_eq!(metadata.software.as_deref(), Some("samples"));
    assert_eq!(metadata.taken_at.as_deref(), Some("2020-01-02 03:04:05"));
    assert_eq!(metadata.place, Some(Place { latitude: 52.5, longitude: -13.25, altitude_m: Some(34.0) }));
    assert_eq!(metadata.private, ["place", "owner"]);
    assert!(metadata.fields.iter().any(|it| (it.tag.as_str(), it.value.as_str()) == ("CameraOwnerName", "\"Nobody\"")));
    assert_eq!(of(PNG).metadata.fields, []);
}

#[test]
fn frames_are_counted() {
    assert_eq!(of(GIF).animation, Some(Animation { frames: Some(5), duration_ms: Some(1000) }));
    assert_eq!(of(PNG).animation, None);
}

#[test]
fn a_picture_that_claims_to_be_huge_is_measured_but_not_decoded() {
    let mut bytes = PNG.to_vec();
    bytes[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let sum = crc32(&bytes[12..29]).to_be_bytes();
    bytes[29..33].copy_from_slice(&sum);
    let report = of(&bytes);
    assert_eq!((report.width, report.height), (65536, 65536));
    assert!(report.pixels.is_none() && report.pixels_missing.unwrap().contains("pixels are more"));
}

#[test]
fn a_picture_without_a_pixel_is_told() {
    let mut bytes = GIF.to_vec();
    bytes[6..8].fill(0);
    assert_eq!(of(&bytes).pixels_missing.as_deref(), Some("it has no pixels"));
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[test]
fn other_files_and_nothing_at_all_have_a_reason() {
    for bytes in [&b""[..], b"hello", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff\xe0"] {
        assert!(look(Sample::of_bytes(bytes), Args { thumbnail_px: 0 }).unwrap_err().message().len() > 15);
    }
}

#[test]
fn damaged_pictures_have_a_result_or_a_reason() {
    for bytes in [PNG, JPEG, GIF, WEBP, TIFF, BMP] {
        hostile::survives(bytes, |sample| look(sample, Args { thumbnail_px: 16 }));
    }
}
