//! Ways of keeping a sample in bytes.

/// One of them; whole numbers are little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Unsigned8,
    Signed16,
    Signed24,
    Signed32,
    Float32,
    Float64,
    ALaw,
    MuLaw,
}

impl Encoding {
    /// Of one sample.
    pub fn bytes(self) -> usize {
        match self {
            Self::Unsigned8 | Self::ALaw | Self::MuLaw => 1,
            Self::Signed16 => 2,
            Self::Signed24 => 3,
            Self::Signed32 | Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }

    /// Adds what those bytes are, full scale being 1.
    pub fn decode(self, bytes: &[u8], samples: &mut Vec<f32>) {
        match self {
            Self::Unsigned8 => samples.extend(bytes.iter().map(|it| (f32::from(*it) - 128.0) / 128.0)),
            Self::ALaw => samples.extend(bytes.iter().map(|it| a_law(*it))),
            Self::MuLaw => samples.extend(bytes.iter().map(|it| mu_law(*it))),
            Self::Signed16 => {
                samples.extend(each(bytes).map(|it: [u8; 2]| f32::from(i16::from_le_bytes(it)) / 32_768.0));
            }
            Self::Signed24 => {
                samples.extend(each(bytes).map(|[a, b, c]: [u8; 3]| whole(i32::from_le_bytes([0, a, b, c]))))
            }
            Self::Signed32 => samples.extend(each(bytes).map(|it: [u8; 4]| whole(i32::from_le_bytes(it)))),
            Self::Float32 => samples.extend(each(bytes).map(f32::from_le_bytes)),
            Self::Float64 => samples.extend(each(bytes).map(|it: [u8; 8]| f64::from_le_bytes(it) as f32)),
        }
    }
}

fn each<const BYTES: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; BYTES]> {
    bytes.as_chunks().0.iter().copied()
}

fn whole(value: i32) -> f32 {
    value as f32 / 2_147_483_648.0
}

/// ITU-T G.711, A-law: 13 bits by sign, three bits of exponent and four of mantissa.
fn a_law(byte: u8) -> f32 {
    let byte = byte ^ 0x55;
    let (exponent, mantissa) = (byte >> 4 & 7, f32::from(byte & 15));
    let steps =
        if exponent == 0 { 2.0 * mantissa + 1.0 } else { (2.0 * mantissa + 33.0) * f32::from(1_u8 << (exponent - 1)) };
    let value = steps / 4096.0;
    if byte & 0x80 == 0 { -value } else { value }
}

/// ITU-T G.711, µ-law: 14 bits, of the same make.
fn mu_law(byte: u8) -> f32 {
    let byte = !byte;
    let (exponent, mantissa) = (byte >> 4 & 7, f32::from(byte & 15));
    let value = ((2.0 * mantissa + 33.0) * f32::from(1_u8 << exponent) - 33.0) / 8192.0;
    if byte & 0x80 == 0 { value } else { -value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(encoding: Encoding, bytes: &[u8]) -> Vec<f32> {
        let mut samples = Vec::new();
        encoding.decode(bytes, &mut samples);
        samples
    }

    #[test]
    fn full_scale_is_one_in_every_encoding() {
        assert_eq!(decoded(Encoding::Unsigned8, &[0, 128, 255]), [-1.0, 0.0, 127.0 / 128.0]);
        assert_eq!(decoded(Encoding::Signed16, &[0, 0x80, 0, 0x40]), [-1.0, 0.5]);
        assert_eq!(decoded(Encoding::Signed24, &[0, 0, 0x80, 0, 0, 0x40]), [-1.0, 0.5]);
        assert_eq!(decoded(Encoding::Signed32, &[0, 0, 0, 0x80, 0, 0, 0, 0x40]), [-1.0, 0.5]);
        assert_eq!(decoded(Encoding::Float32, &0.25_f32.to_le_bytes()), [0.25]);
        assert_eq!(decoded(Encoding::Float64, &(-0.25_f64).to_le_bytes()), [-0.25]);
    }

    #[test]
    fn the_laws_are_those_of_g711() {
        // Largest and smallest values of tables 1a to 2b.
        let steps = |law, full: f32| {
            decoded(law, &[0x00, 0x80, 0x7f, 0xff, 0x2a, 0xaa, 0x55, 0xd5]).into_iter().map(move |it| it * full)
        };
        assert_eq!(steps(Encoding::MuLaw, 8192.0).take(4).collect::<Vec<_>>(), [-8031.0, 8031.0, 0.0, 0.0]);
        assert_eq!(steps(Encoding::ALaw, 4096.0).skip(4).collect::<Vec<_>>(), [-4032.0, 4032.0, -1.0, 1.0]);
    }
}
