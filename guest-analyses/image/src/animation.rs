//! Frames, without decoding them.

use std::io::Cursor;

use pixels::ImageFormat;
use pixels::codecs::png::PngDecoder;
use pixels::codecs::webp::WebPDecoder;
use schemars::JsonSchema;
use serde::Serialize;

/// How a picture moves.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Animation {
    /// Not there where only decoding would tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

/// None if it stands still.
pub fn of(format: ImageFormat, bytes: &[u8]) -> Option<Animation> {
    let unknown = Animation { frames: None, duration_ms: None };
    match format {
        ImageFormat::Gif => gif(bytes),
        ImageFormat::Png => PngDecoder::new(Cursor::new(bytes)).ok()?.is_apng().ok()?.then_some(unknown),
        ImageFormat::WebP => WebPDecoder::new(Cursor::new(bytes)).ok()?.has_animation().then_some(unknown),
        _ => None,
    }
}

fn gif(bytes: &[u8]) -> Option<Animation> {
    let mut options = gif::DecodeOptions::new();
    options.skip_frame_decoding(true);
    let mut decoder = options.read_info(Cursor::new(bytes)).ok()?;
    let (mut frames, mut hundredths) = (0, 0_u64);
    while let Ok(Some(frame)) = decoder.next_frame_info() {
        frames += 1;
        hundredths += u64::from(frame.delay);
    }
    (frames > 1).then_some(Animation { frames: Some(frames), duration_ms: Some(10 * hundredths) })
}
