//! The code books of a Vorbis file (Vorbis I, 3.2.1), walked through before they are decoded: the decoder takes memory for
//! whatever they claim to hold.

/// All books together; real files have some thousands and some ten thousands.
const ENTRIES_MAX: u64 = 1 << 18;
const VALUES_MAX: u64 = 1 << 22;
/// Type and name of the packet.
const HEAD_BITS: u64 = 7 * 8;
const SYNC: u64 = 0x56_4342;

/// Whether the setup header has books that are whole, and no larger than books are.
pub fn fit(setup: &[u8]) -> bool {
    walk(&mut Bits { bytes: setup, at: HEAD_BITS }).is_some()
}

/// Nothing if they end early, or are too large.
fn walk(bits: &mut Bits<'_>) -> Option<()> {
    let (mut entries_left, mut values_left) = (ENTRIES_MAX, VALUES_MAX);
    for _ in 0..=bits.read(8)? {
        if bits.read(24)? != SYNC {
            return None;
        }
        let (dimensions, entries) = (bits.read(16)?, bits.read(24)?);
        entries_left = entries_left.checked_sub(entries)?;
        values_left = values_left.checked_sub(dimensions.max(1) * entries)?;
        lengths(bits, entries)?;
        let values = match bits.read(4)? {
            0 => continue,
            1 => values_per_dimension(entries, dimensions)?,
            2 => entries * dimensions,
            _ => return None,
        };
        bits.skip(64)?;
        let value_bits = bits.read(4)? + 1;
        bits.skip(1 + values * value_bits)?;
    }
    Some(())
}

/// Of the code word of every entry.
fn lengths(bits: &mut Bits<'_>, entries: u64) -> Option<()> {
    if bits.read(1)? == 1 {
        bits.skip(5)?;
        let mut entry = 0;
        while entry < entries {
            entry += bits.read(u64::from(u64::BITS - (entries - entry).leading_zeros()))?;
        }
        return (entry == entries).then_some(());
    }
    if bits.read(1)? == 0 {
        return bits.skip(5 * entries);
    }
    (0..entries).try_for_each(|_| if bits.read(1)? == 1 { bits.skip(5) } else { Some(()) })
}

/// The largest number that, to the power of the dimensions, is no more than the entries.
fn values_per_dimension(entries: u64, dimensions: u64) -> Option<u64> {
    let power = u32::try_from(dimensions).ok().filter(|it| *it > 0)?;
    (0..=entries).take_while(|it| it.checked_pow(power).is_some_and(|it| it <= entries)).last()
}

/// From the lowest bit of each byte on.
struct Bits<'a> {
    bytes: &'a [u8],
    at: u64,
}

impl Bits<'_> {
    /// Up to 32 of them.
    fn read(&mut self, count: u64) -> Option<u64> {
        let from = self.at;
        self.skip(count)?;
        let bit = |at: u64| u64::from(self.bytes[(at / 8) as usize] >> (at % 8) & 1);
        Some((from..self.at).rev().fold(0, |sum, at| sum << 1 | bit(at)))
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        self.at += count;
        (self.at <= 8 * self.bytes.len() as u64).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Number and bits of each field, packed.
    fn packed(fields: &[(u64, u64)]) -> Vec<u8> {
        let bits: Vec<_> =
            fields.iter().flat_map(|(value, count)| (0..*count).map(move |it| (value >> it & 1) as u8)).collect();
        let bytes = bits.chunks(8).map(|it| it.iter().rev().fold(0, |sum, bit| sum << 1 | bit));
        [0; 7].into_iter().chain(bytes).collect()
    }

    #[test]
    fn a_book_that_is_whole_fits_and_one_that_is_cut_off_does_not() {
        // One book, three dimensions, eight entries, lengths of five bits, two values of four bits.
        let book =
            [(0, 8), (SYNC, 24), (3, 16), (8, 24), (0, 1), (0, 1), (0, 40), (1, 4), (0, 64), (3, 4), (0, 1), (0, 8)];
        let setup = packed(&book);
        assert!(fit(&setup));
        assert!((0..setup.len()).all(|it| !fit(&setup[..it])));
    }

    #[test]
    fn a_book_that_claims_too_much_does_not_fit() {
        let book = |dimensions, entries| {
            let book = [(0, 8), (SYNC, 24), (dimensions, 16), (entries, 24), (1, 1), (0, 5), (entries, 24), (0, 24)];
            fit(&[packed(&book), vec![0; 4096]].concat())
        };
        assert!(!book(1, 0xff_ffff) && !book(0xffff, 0x8000) && !book(0, 0xff_ffff));
    }

    #[test]
    fn values_are_the_root_of_the_entries() {
        assert_eq!(
            [(3125, 5), (3124, 5), (1, 1), (8, 3), (0, 2)].map(|it| values_per_dimension(it.0, it.1)),
            [Some(5), Some(4), Some(1), Some(2), Some(0)]
        );
        assert_eq!(values_per_dimension(5, 0), None);
    }
}
