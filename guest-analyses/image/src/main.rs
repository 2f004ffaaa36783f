//! What is in a picture: its measures, what its camera wrote into it, its colours, a hash that survives resizing.
//!
//! `metadata` reads EXIF, `animation` counts frames, `picture` decodes and measures pixels.

mod animation;
mod metadata;
mod picture;

use std::io::Cursor;

use belljar_sdk::Failure;
use belljar_sdk::Sample;
use belljar_sdk::analysis;
use pixels::DynamicImage;
use pixels::ImageDecoder;
use pixels::ImageReader;
use pixels::Limits;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;

use crate::animation::Animation;
use crate::metadata::Metadata;
use crate::picture::Measured;

const BYTES_MAX: u64 = 100 << 20;
/// More are not decoded: as RGBA they would take 200 MB.
const PIXELS_MAX: u64 = 50_000_000;
/// What a decoder may take, pixels and all.
const DECODER_BYTES_MAX: u64 = 300 << 20;

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// The longer side of the thumbnail in pixels; 0 makes none.
    #[serde(default = "thumbnail_px")]
    #[schemars(range(max = 1024))]
    thumbnail_px: u32,
}

fn thumbnail_px() -> u32 {
    256
}

#[derive(Debug, Serialize, JsonSchema)]
struct Report {
    /// png, jpeg, gif, webp, bmp, tiff, ico or pnm.
    format: String,
    width: u32,
    height: u32,
    megapixels: f64,
    /// How a pixel is stored: `Rgb8`, `La16`, …
    color: String,
    has_alpha: bool,
    has_color_profile: bool,
    /// How a viewer turns it, as EXIF numbers it; 1 is not at all.
    orientation: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    animation: Option<Animation>,
    metadata: Metadata,
    /// What the pixels say; not there when they could not be decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pixels: Option<Measured>,
    /// Why they could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pixels_missing: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail: Option<String>,
}

/// What is in a picture: dimensions, colour type, orientation, frames; EXIF with camera, time and place, and what of it is
/// private; histograms, and perceptual hashes that find the same picture in another size or quality; a thumbnail.
#[analysis(
    title = "Image",
    accepts = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/tiff", "image/x-icon", "image/vnd.microsoft.icon",
        "image/x-portable-pixmap", "image/x-portable-anymap", "image/x-portable-graymap"],
    limits = { "memory_bytes": 536870912, "fuel_base": 60000000000u64 },
    examples = [
        { "input_base64": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==", "args": {},
          "result": { "format": "png", "width": 1, "height": 1, "color": "L8", "has_alpha": false, "orientation": 1, "thumbnail": "/out/thumbnail.png" } },
        { "input_text": "P3\n2 1\n255\n255 0 0  0 0 255\n", "args": { "thumbnail_px": 0 },
          "result": { "format": "pnm", "width": 2, "height": 1, "color": "Rgb8", "pixels": { "mean": { "red": 127.5, "green": 0.0, "blue": 127.5 }, "is_gray": false } } }
    ]
)]
fn look(mut sample: Sample, args: Args) -> Result<Report, Failure> {
    let bytes = sample.whole(BYTES_MAX)?;
    let mut reader = ImageReader::new(Cursor::new(bytes.as_slice())).with_guessed_format()?;
    let format = reader.format().ok_or_else(|| Failure::new("this is no picture of a kind that is known here"))?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(DECODER_BYTES_MAX);
    reader.limits(limits);
    let cannot = |error| Failure::new(format!("this picture cannot be read: {error}"));
    let mut decoder = reader.into_decoder().map_err(cannot)?;
    let (width, height) = decoder.dimensions();
    let color = decoder.color_type();
    let orientation = decoder.orientation().map_err(cannot)?;
    let pixels = u64::from(width) * u64::from(height);
    let mut report = Report {
        format: format!("{format:?}").to_lowercase(),
        width,
        height,
        megapixels: (pixels as f64 / 1e4).round() / 100.0,
        color: format!("{color:?}"),
        has_alpha: color.has_alpha(),
        has_color_profile: decoder.icc_profile().is_ok_and(|it| it.is_some()),
        orientation: orientation.to_exif(),
        animation: animation::of(format, &bytes),
        metadata: metadata::of(&bytes),
        pixels: None,
        pixels_missing: None,
        thumbnail: None,
    };
    if pixels == 0 {
        report.pixels_missing = Some("it has no pixels".to_owned());
        return Ok(report);
    }
    if pixels > PIXELS_MAX || decoder.total_bytes() > DECODER_BYTES_MAX {
        report.pixels_missing = Some(format!("{pixels} pixels are more than the {PIXELS_MAX} that are decoded here"));
        return Ok(report);
    }
    match DynamicImage::from_decoder(decoder) {
        Ok(mut picture) => {
            picture.apply_orientation(orientation);
            report.pixels = Some(picture::measure(&picture));
            report.thumbnail = picture::thumbnail(&picture, args.thumbnail_px)?;
        }
        Err(error) => report.pixels_missing = Some(error.to_string()),
    }
    Ok(report)
}

#[cfg(test)]
mod tests;
