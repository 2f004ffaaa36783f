//! EXIF: what camera and programs wrote beside the picture.

use std::io::Cursor;

use exif::Exif;
use exif::In;
use exif::Rational;
use exif::Reader;
use exif::Tag;
use exif::Value;
use schemars::JsonSchema;
use serde::Serialize;

/// So many fields are listed, and so many characters of each.
const FIELDS_MAX: usize = 300;
const VALUE_CHARS_MAX: usize = 200;

/// What is written there.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
    /// When it was taken, in the camera's time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// What of it tells about a person: place, owner, serial numbers, …
    pub private: Vec<&'static str>,
    pub fields: Vec<Field>,
    pub field_count: usize,
}

/// Where it was taken.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Place {
    pub latitude: f64,
    pub longitude: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub altitude_m: Option<f64>,
}

/// One field, as text.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Field {
    pub tag: String,
    pub value: String,
    /// Whether it is about the small picture within, not the picture itself.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub of_thumbnail: bool,
}

/// Empty if there is none.
pub fn of(bytes: &[u8]) -> Metadata {
    let read = Reader::new().continue_on_error(true).read_from_container(&mut Cursor::new(bytes));
    let Ok(exif) = read.or_else(|error| error.distill_partial_result(|_| {})) else {
        return Metadata::default();
    };
    let text = |tag| exif.get_field(tag, In::PRIMARY).map(|it| plain(&it.value, tag)).filter(|it| !it.is_empty());
    let camera: Vec<_> = [Tag::Make, Tag::Model].into_iter().filter_map(text).collect();
    let field = |it: &exif::Field| Field {
        tag: it.tag.to_string(),
        value: cut(&it.display_value().with_unit(&exif).to_string()),
        of_thumbnail: it.ifd_num == In::THUMBNAIL,
    };
    Metadata {
        camera: Some(camera.join(" ")).filter(|it| !it.is_empty()),
        software: text(Tag::Software),
        taken_at: text(Tag::DateTimeOriginal).or_else(|| text(Tag::DateTime)),
        place: place(&exif),
        private: private(&exif),
        fields: exif.fields().take(FIELDS_MAX).map(field).collect(),
        field_count: exif.fields().len(),
    }
}

/// Text without the quotes that the crate puts around it.
fn plain(value: &Value, tag: Tag) -> String {
    match value {
        Value::Ascii(lines) if tag != Tag::DateTime && tag != Tag::DateTimeOriginal => {
            let lines: Vec<_> = lines.iter().map(|it| String::from_utf8_lossy(it).trim().to_owned()).collect();
            cut(lines.join(" ").trim())
        }
        _ => cut(&value.display_as(tag).to_string()),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(VALUE_CHARS_MAX).collect()
}

fn place(exif: &Exif) -> Option<Place> {
    let angle = |tag, of, negative: &[u8]| {
        let Value::Rational(parts) = &exif.get_field(tag, In::PRIMARY)?.value else { return None };
        let sum: f64 = parts.iter().take(3).zip([1.0, 60.0, 3600.0]).map(|(it, per)| it.to_f64() / per).sum();
        let sign = match &exif.get_field(of, In::PRIMARY)?.value {
            Value::Ascii(it) if it.first().is_some_and(|it| it.starts_with(negative)) => -1.0,
            _ => 1.0,
        };
        sum.is_finite().then(|| (sign * sum * 1e7).round() / 1e7)
    };
    let latitude = angle(Tag::GPSLatitude, Tag::GPSLatitudeRef, b"S")?;
    let longitude = angle(Tag::GPSLongitude, Tag::GPSLongitudeRef, b"W")?;
    let below = exif.get_field(Tag::GPSAltitudeRef, In::PRIMARY).and_then(|it| it.value.get_uint(0)) == Some(1);
    let altitude = match exif.get_field(Tag::GPSAltitude, In::PRIMARY).map(|it| &it.value) {
        Some(Value::Rational(it)) => it.first().map(Rational::to_f64).filter(|it| it.is_finite()),
        _ => None,
    };
    Some(Place { latitude, longitude, altitude_m: altitude.map(|it| if below { -it } else { it }) })
}

fn private(exif: &Exif) -> Vec<&'static str> {
    const TAGS: [(Tag, &str); 8] = [
        (Tag::GPSLatitude, "place"),
        (Tag::CameraOwnerName, "owner"),
        (Tag::Artist, "author"),
        (Tag::Copyright, "copyright"),
        (Tag::BodySerialNumber, "camera serial number"),
        (Tag::LensSerialNumber, "lens serial number"),
        (Tag::UserComment, "comment"),
        (Tag::MakerNote, "maker's note"),
    ];
    let has = |tag: Tag| exif.fields().any(|it| it.tag == tag);
    let mut private: Vec<_> = TAGS.into_iter().filter(|it| has(it.0)).map(|it| it.1).collect();
    if exif.fields().any(|it| it.ifd_num == In::THUMBNAIL) {
        // It may show what was cut away or painted over.
        private.push("thumbnail from before editing");
    }
    private
}
