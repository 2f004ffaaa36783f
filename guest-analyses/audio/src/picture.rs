//! Pictures of a few colours, as PNG.

use belljar_sdk::Failure;
use belljar_sdk::write_artifact;
use png::BitDepth;
use png::ColorType;
use png::Encoder;

/// A pixel is the number of its colour.
pub struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Picture {
    /// All of colour 0.
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![0; width * height] }
    }

    /// The origin is the upper left corner; what is outside is not drawn.
    pub fn set(&mut self, x: usize, y: usize, color: u8) {
        if x < self.width && y < self.height {
            self.pixels[y * self.width + x] = color;
        }
    }

    /// Writes it as an artifact, whose path this is.
    pub fn write(&self, name: &str, palette: &[[u8; 3]]) -> Result<String, Failure> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, u32::try_from(self.width)?, u32::try_from(self.height)?);
        encoder.set_color(ColorType::Indexed);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_palette(palette.concat());
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()?;
        Ok(write_artifact(name, &bytes)?)
    }
}
