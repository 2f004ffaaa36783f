//! Pixels: histograms, hashes, a thumbnail.

use std::io::Cursor;

use belljar_sdk::Failure;
use belljar_sdk::write_artifact;
use pixels::DynamicImage;
use pixels::GenericImageView;
use pixels::ImageFormat;
use pixels::imageops;
use pixels::imageops::FilterType;
use schemars::JsonSchema;
use serde::Serialize;

/// What the pixels say.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Measured {
    pub mean: Channels<f64>,
    /// How many pixels have each value, 0 to 255.
    pub histogram: Channels<Vec<u64>>,
    /// Whether every pixel is gray.
    pub is_gray: bool,
    /// Pixels that are not fully opaque.
    pub transparent_pixels: u64,
    /// Difference hash, 64 bits: pictures that differ in ten bits or less are most likely the same.
    pub dhash: String,
    /// Average hash, 64 bits, of which the same holds; it minds contrast less and detail more.
    pub ahash: String,
}

/// One of each colour.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Channels<T> {
    pub red: T,
    pub green: T,
    pub blue: T,
}

impl<T> Channels<T> {
    fn of(each: impl Fn(usize) -> T) -> Self {
        Self { red: each(0), green: each(1), blue: each(2) }
    }
}

pub fn measure(picture: &DynamicImage) -> Measured {
    let mut counts = [[0_u64; 256]; 3];
    let (mut is_gray, mut transparent_pixels) = (true, 0);
    for (_, _, pixel) in picture.pixels() {
        let [red, green, blue, alpha] = pixel.0;
        for (channel, value) in [red, green, blue].into_iter().enumerate() {
            counts[channel][usize::from(value)] += 1;
        }
        is_gray &= red == green && green == blue;
        transparent_pixels += u64::from(alpha < 255);
    }
    let mean = |channel: usize| {
        let total: u64 = counts[channel].iter().sum();
        let sum: u64 = counts[channel].iter().zip(0..).map(|(count, value)| count * value).sum();
        (sum as f64 / total.max(1) as f64 * 1000.0).round() / 1000.0
    };
    Measured {
        mean: Channels::of(mean),
        histogram: Channels::of(|channel| counts[channel].to_vec()),
        is_gray,
        transparent_pixels,
        dhash: dhash(picture),
        ahash: ahash(picture),
    }
}

/// Whether each of 8 by 8 pixels is darker than the one to its right.
fn dhash(picture: &DynamicImage) -> String {
    let small = gray(picture, 9, 8);
    let darker = small.chunks_exact(9).flat_map(|row| row.windows(2).map(|it| it[0] < it[1]).collect::<Vec<_>>());
    hex(darker)
}

/// Whether each of 8 by 8 pixels is brighter than they are on average.
fn ahash(picture: &DynamicImage) -> String {
    let small = gray(picture, 8, 8);
    let sum: u32 = small.iter().map(|it| u32::from(*it)).sum();
    hex(small.into_iter().map(|it| u32::from(it) * 64 > sum))
}

fn gray(picture: &DynamicImage, width: u32, height: u32) -> Vec<u8> {
    imageops::resize(&picture.to_luma8(), width, height, FilterType::Triangle).into_raw()
}

fn hex(bits: impl Iterator<Item = bool>) -> String {
    format!("{:016x}", bits.fold(0_u64, |all, bit| all << 1 | u64::from(bit)))
}

/// As a PNG; none if its side is to be 0.
pub fn thumbnail(picture: &DynamicImage, side: u32) -> Result<Option<String>, Failure> {
    if side == 0 {
        return Ok(None);
    }
    let (width, height) = picture.dimensions();
    let small = if width.max(height) > side { &picture.thumbnail(side, side) } else { picture };
    let small = if small.color().has_alpha() { DynamicImage::from(small.to_rgba8()) } else { small.to_rgb8().into() };
    let mut png = Vec::new();
    small.write_to(&mut Cursor::new(&mut png), ImageFormat::Png)?;
    Ok(Some(write_artifact("thumbnail.png", &png)?))
}
