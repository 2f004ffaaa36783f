//! The metadata at the end of a file: its columns, and where the values of each are.

use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;

use belljar_sdk::Failure;
use belljar_sdk::Sample;

use crate::parquet::schema;
use crate::parquet::schema::Element;
use crate::parquet::schema::Leaf;
use crate::parquet::thrift::Field;
use crate::parquet::thrift::Thrift;

/// Longer metadata are not read: what is made of them is several times larger.
const FOOTER_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Chunks of all groups, and groups; in metadata they may take a byte each.
const CHUNKS_MAX: usize = 1_000_000;
/// Length and mark, after the metadata.
const TAIL_BYTES: u64 = 8;

#[derive(Debug, Default)]
pub struct Footer {
    pub version: i64,
    pub created_by: Option<String>,
    pub rows: u64,
    /// Columns, but no more than are profiled.
    pub leaves: Vec<Leaf>,
    /// All of them.
    pub column_count: usize,
    /// Of each group of rows, a chunk of each leaf.
    pub groups: Vec<Vec<Chunk>>,
}

/// Where the values of a column are, of one group of rows.
#[derive(Debug, Clone, Default)]
pub struct Chunk {
    pub codec: i64,
    pub values: u64,
    pub start: u64,
    pub length: u64,
    pub place: Place,
}

/// Whether a chunk can be read.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Place {
    #[default]
    Here,
    AnotherFile,
    Encrypted,
}

/// Reads it.
///
/// # Errors
/// When there is none, it is damaged, or too long.
pub fn read(sample: &mut Sample) -> Result<Footer, Failure> {
    let size_bytes = sample.size_bytes();
    let tail_at = size_bytes.checked_sub(TAIL_BYTES).ok_or_else(cut_off)?;
    sample.seek(SeekFrom::Start(tail_at))?;
    let mut tail = [0; 8];
    sample.read_exact(&mut tail)?;
    let [a, b, c, d, mark @ ..] = tail;
    match &mark {
        b"PAR1" => {}
        b"PARE" => return Err(Failure::new("this Parquet file is encrypted")),
        _ => return Err(cut_off()),
    }
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    let start = tail_at.checked_sub(length).ok_or_else(|| wrong("its metadata are longer than the file"))?;
    if length > FOOTER_BYTES_MAX {
        return Err(wrong(&format!("its metadata have {length} bytes; {FOOTER_BYTES_MAX} are the most this reads")));
    }
    let mut bytes = vec![0; usize::try_from(length)?];
    sample.seek(SeekFrom::Start(start))?;
    sample.read_exact(&mut bytes)?;
    let footer = parse(&bytes)?;
    let claimed = footer.groups.iter().flatten().fold(0_u64, |sum, chunk| sum.saturating_add(chunk.length));
    if claimed > size_bytes {
        return Err(wrong("its columns are longer than the file"));
    }
    Ok(footer)
}

fn parse(bytes: &[u8]) -> Result<Footer, Failure> {
    let (mut footer, mut elements, mut left) = (Footer::default(), Vec::new(), CHUNKS_MAX);
    Thrift::new(bytes).structure(|thrift, field| {
        match field.id {
            1 => footer.version = thrift.integer(field)?,
            2 => thrift.structures(field, |thrift| {
                elements.push(Element::parse(thrift)?);
                (elements.len() <= schema::ELEMENTS_MAX).then_some(()).ok_or_else(|| wrong("its schema is too large"))
            })?,
            3 => footer.rows = thrift.integer(field)?.try_into().map_err(|_| wrong("it has less than no rows"))?,
            4 => thrift.structures(field, |thrift| {
                footer.groups.push(group(thrift, &mut left)?);
                Ok(())
            })?,
            6 => footer.created_by = Some(thrift.text(field)?.chars().take(200).collect()),
            8 => return Err(Failure::new("this Parquet file is encrypted")),
            _ => thrift.skip(field)?,
        }
        Ok(())
    })?;
    (footer.leaves, footer.column_count) = schema::leaves(&elements)?;
    if footer.groups.iter().any(|chunks| chunks.len() != footer.column_count) {
        return Err(wrong("a group of rows has other columns than the schema"));
    }
    Ok(footer)
}

/// A group of rows, of the chunks that are left.
fn group(thrift: &mut Thrift<'_>, left: &mut usize) -> Result<Vec<Chunk>, Failure> {
    let mut chunks = Vec::new();
    let mut take = || -> Result<(), Failure> {
        *left = left.checked_sub(1).ok_or_else(|| wrong("it has too many groups of rows"))?;
        Ok(())
    };
    take()?;
    thrift.structure(|thrift, field| match field.id {
        1 => thrift.structures(field, |thrift| {
            chunks.push(chunk(thrift)?);
            take()
        }),
        _ => thrift.skip(field),
    })?;
    Ok(chunks)
}

fn chunk(thrift: &mut Thrift<'_>) -> Result<Chunk, Failure> {
    let (mut chunk, mut pages, mut dictionary) = (Chunk::default(), 0, None);
    let place = |chunk: &mut Chunk, place| chunk.place = place;
    thrift.structure(|thrift, field| {
        match field.id {
            1 => place(&mut chunk, if thrift.text(field)?.is_empty() { Place::Here } else { Place::AnotherFile }),
            3 => thrift.structure_of(field, |thrift, field| {
                match field.id {
                    4 => chunk.codec = thrift.integer(field)?,
                    5 => chunk.values = natural(thrift, field)?,
                    7 => chunk.length = natural(thrift, field)?,
                    9 => pages = natural(thrift, field)?,
                    11 => dictionary = Some(natural(thrift, field)?),
                    _ => thrift.skip(field)?,
                }
                Ok(())
            })?,
            8 => {
                place(&mut chunk, Place::Encrypted);
                thrift.skip(field)?;
            }
            _ => thrift.skip(field)?,
        }
        Ok(())
    })?;
    // Some writers say 0 where there is no dictionary.
    chunk.start = dictionary.filter(|start| *start > 0).map_or(pages, |start| start.min(pages));
    Ok(chunk)
}

fn natural(thrift: &mut Thrift<'_>, field: Field) -> Result<u64, Failure> {
    thrift.integer(field)?.try_into().map_err(|_| wrong("its metadata have a length below zero"))
}

fn cut_off() -> Failure {
    wrong("its end is not there, which has the metadata")
}

fn wrong(why: &str) -> Failure {
    Failure::new(format!("this Parquet file cannot be read: {why}"))
}
