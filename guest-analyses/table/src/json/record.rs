//! A row, taken apart while it is parsed: no value of it is kept but for the column that it goes to.

use std::fmt;
use std::fmt::Write;

use serde::de::DeserializeSeed;
use serde::de::Deserializer;
use serde::de::Error;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;

use crate::json::columns::Columns;
use crate::json::columns::Way;
use crate::json::reader::Room;

/// Objects and arrays within each other that are looked into.
const DEPTH_MAX: usize = 32;

/// The elements of an array, a row each.
pub struct Elements<'a> {
    pub columns: &'a mut Columns,
    pub room: &'a Room,
}

/// A row.
pub struct Record<'a> {
    columns: &'a mut Columns,
    way: Way,
}

/// A value within a row.
struct Member<'a> {
    columns: &'a mut Columns,
    way: &'a mut Way,
}

/// The name of a member, that becomes part of the way.
struct Name<'a>(&'a mut Way);

impl<'a> Record<'a> {
    pub fn new(columns: &'a mut Columns) -> Self {
        Self { columns, way: Way::default() }
    }
}

impl<'de> DeserializeSeed<'de> for Record<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(Member { columns: self.columns, way: &mut self.way })
    }
}

impl<'de> DeserializeSeed<'de> for Elements<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element_seed(Element(&mut *self.columns))?.is_some() {
            self.room.renew();
        }
        Ok(())
    }
}

/// A row that counts when it is there.
struct Element<'a>(&'a mut Columns);

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.begin_row();
        Record::new(self.0).deserialize(deserializer)
    }
}

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Member<'_> {
    fn scalar<E: Error>(self, value: impl fmt::Debug) -> Result<(), E> {
        let mut text = self.columns.scratch();
        // Of floats `Debug` is short where `Display` writes out three hundred zeros.
        write!(text, "{value:?}").map_err(|_| E::custom("a number cannot be written"))?;
        self.columns.add_scalar(self.way, text);
        Ok(())
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.scalar(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.scalar(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.scalar(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.scalar(value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.columns.add_text(self.way, value);
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.columns.add_null(self.way);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        if self.way.depth() >= DEPTH_MAX {
            self.columns.dropped += 1;
            while elements.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        let mark = self.way.enter_array();
        while elements.next_element_seed(Member { columns: &mut *self.columns, way: &mut *self.way })?.is_some() {}
        self.way.leave_array(mark);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        if self.way.depth() >= DEPTH_MAX {
            self.columns.dropped += 1;
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        let mark = self.way.mark();
        while members.next_key_seed(Name(&mut *self.way))?.is_some() {
            members.next_value_seed(Member { columns: &mut *self.columns, way: &mut *self.way })?;
            self.way.leave(mark);
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<(), E> {
        self.0.enter(name);
        Ok(())
    }
}
