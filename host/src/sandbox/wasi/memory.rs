//! The guest's linear memory, with every pointer checked.

use crate::sandbox::errno::Errno;

/// Most buffers in one scattered read or write.
const VECTORS_MAX: u32 = 1024;

/// All of it, as it is for the time of one call.
pub(super) struct GuestMemory<'a>(pub(super) &'a mut [u8]);

impl GuestMemory<'_> {
    pub(super) fn bytes(&self, at: u32, len: u32) -> Result<&[u8], Errno> {
        self.0.get(range(at, len)?).ok_or(Errno::Fault)
    }

    pub(super) fn bytes_mut(&mut self, at: u32, len: u32) -> Result<&mut [u8], Errno> {
        self.0.get_mut(range(at, len)?).ok_or(Errno::Fault)
    }

    pub(super) fn put(&mut self, at: u32, bytes: &[u8]) -> Result<(), Errno> {
        self.bytes_mut(at, u32::try_from(bytes.len()).map_err(|_| Errno::Fault)?)?.copy_from_slice(bytes);
        Ok(())
    }

    pub(super) fn put_u32(&mut self, at: u32, value: u32) -> Result<(), Errno> {
        self.put(at, &value.to_le_bytes())
    }

    pub(super) fn put_u64(&mut self, at: u32, value: u64) -> Result<(), Errno> {
        self.put(at, &value.to_le_bytes())
    }

    pub(super) fn put_len(&mut self, at: u32, value: usize) -> Result<(), Errno> {
        self.put_u32(at, u32::try_from(value).map_err(|_| Errno::Fault)?)
    }

    pub(super) fn u32(&self, at: u32) -> Result<u32, Errno> {
        self.array(at).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&self, at: u32) -> Result<u64, Errno> {
        self.array(at).map(u64::from_le_bytes)
    }

    pub(super) fn array<const N: usize>(&self, at: u32) -> Result<[u8; N], Errno> {
        let bytes = self.bytes(at, u32::try_from(N).map_err(|_| Errno::Fault)?)?;
        bytes.try_into().map_err(|_| Errno::Fault)
    }

    /// Where the buffers of a scattered call lie: pairs of address and length.
    pub(super) fn vectors(&self, at: u32, count: u32) -> Result<Vec<(u32, u32)>, Errno> {
        if count > VECTORS_MAX {
            return Err(Errno::Inval);
        }
        let pairs = self.bytes(at, count * 8)?.chunks_exact(8);
        let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
        Ok(pairs.map(|pair| (word(&pair[..4]), word(&pair[4..]))).collect())
    }
}

fn range(at: u32, len: u32) -> Result<std::ops::Range<usize>, Errno> {
    let at = usize::try_from(at).map_err(|_| Errno::Fault)?;
    let end = usize::try_from(len).ok().and_then(|len| at.checked_add(len)).ok_or(Errno::Fault)?;
    Ok(at..end)
}
