//! The columns of a file, from the list that its tree of groups is written down as.

use belljar_sdk::Failure;
use profile::layout::COLUMNS_MAX;

use crate::parquet::meaning::Logical;
use crate::parquet::meaning::Meaning;
use crate::parquet::meaning::Physical;
use crate::parquet::thrift::Thrift;

/// Groups and columns of a schema.
pub const ELEMENTS_MAX: usize = 100_000;
/// Longer names are cut, those of groups with what is in them.
const NAME_BYTES_MAX: usize = 1024;
/// Groups within each other.
const DEPTH_MAX: u32 = 64;

const OPTIONAL: i64 = 1;
const REPEATED: i64 = 2;

/// A group or a column, as it is written down.
#[derive(Debug, Default)]
pub struct Element {
    physical: Option<i64>,
    width: i64,
    repetition: i64,
    name: String,
    children: i64,
    logical: Logical,
}

/// A column.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// The way to it: `id`, `address/city`, `tags/*`.
    pub name: String,
    pub physical: Physical,
    pub meaning: Meaning,
    /// What the file says that its values are.
    pub stored: String,
    /// The level of definition that a value has.
    pub defined: u32,
    /// The level that a null has, where there may be any number in a row; those of other levels are no values at all.
    pub null: Option<u32>,
    /// Whether there are levels of repetition.
    pub is_repeated: bool,
}

/// Where in the tree one is.
#[derive(Debug, Clone, Default)]
struct Above {
    name: String,
    defined: u32,
    repeated: u32,
    depth: u32,
    /// Whether the group above is a list or a map, so that the names of what is below mean nothing.
    is_collection: bool,
}

impl Element {
    pub fn parse(thrift: &mut Thrift<'_>) -> Result<Self, Failure> {
        let mut element = Self::default();
        let (mut converted, mut scale) = (None, 0);
        thrift.structure(|thrift, field| {
            match field.id {
                1 => element.physical = Some(thrift.integer(field)?),
                2 => element.width = thrift.integer(field)?,
                3 => element.repetition = thrift.integer(field)?,
                4 => element.name = thrift.text(field)?,
                5 => element.children = thrift.integer(field)?,
                6 => converted = Some(thrift.integer(field)?),
                7 => scale = thrift.integer(field)?,
                10 => element.logical = Logical::parse(thrift, field)?,
                _ => thrift.skip(field)?,
            }
            Ok(())
        })?;
        if element.logical == Logical::None {
            element.logical = converted.map_or(Logical::None, |converted| Logical::of_converted(converted, scale));
        }
        Ok(element)
    }
}

/// The columns in the order of the chunks, as many as are profiled, and how many there are.
pub fn leaves(elements: &[Element]) -> Result<(Vec<Leaf>, usize), Failure> {
    let (root, mut rest) = elements.split_first().ok_or_else(damaged)?;
    let mut leaves = (Vec::new(), 0);
    for _ in 0..root.children {
        rest = walk(rest, &Above::default(), &mut leaves)?;
    }
    Ok(leaves)
}

/// Takes the first element and all below it; what comes after is the rest.
fn walk<'a>(elements: &'a [Element], above: &Above, leaves: &mut (Vec<Leaf>, usize)) -> Result<&'a [Element], Failure> {
    let (element, mut rest) = elements.split_first().ok_or_else(damaged)?;
    if above.depth >= DEPTH_MAX {
        return Err(damaged());
    }
    let here = Above {
        name: name(element, above),
        defined: above.defined + u32::from(element.repetition != 0),
        repeated: above.repeated + u32::from(element.repetition == REPEATED),
        depth: above.depth + 1,
        is_collection: matches!(element.logical, Logical::List | Logical::Map),
    };
    let Some(physical) = element.physical.filter(|_| element.children == 0) else {
        for _ in 0..element.children {
            rest = walk(rest, &here, leaves)?;
        }
        return Ok(rest);
    };
    let physical = Physical::new(physical, element.width).ok_or_else(damaged)?;
    let is_optional = element.repetition == OPTIONAL;
    leaves.1 += 1;
    if leaves.1 > COLUMNS_MAX {
        return Ok(rest);
    }
    leaves.0.push(Leaf {
        name: here.name,
        physical,
        meaning: Meaning::new(physical, element.logical),
        stored: format!("{physical}{}", element.logical),
        defined: here.defined,
        null: (here.repeated > 0).then(|| if is_optional { here.defined - 1 } else { u32::MAX }),
        is_repeated: here.repeated > 0,
    });
    Ok(rest)
}

/// `tags/*` for the list whose elements the format writes as `tags.list.element`.
fn name(element: &Element, above: &Above) -> String {
    let is_element = above.name.ends_with("/*") && matches!(&*element.name, "element" | "item" | "array_element");
    if is_element {
        return above.name.clone();
    }
    let own = element.name.replace('~', "~0").replace('/', "~1");
    let own = match (element.repetition == REPEATED, above.is_collection) {
        (true, true) => "*".to_owned(),
        (true, false) => format!("{own}/*"),
        (false, _) => own,
    };
    let mut name = if above.name.is_empty() { own } else { format!("{}/{own}", above.name) };
    name.truncate(name.floor_char_boundary(NAME_BYTES_MAX));
    name
}

fn damaged() -> Failure {
    Failure::new("this Parquet file cannot be read: its schema is damaged")
}
