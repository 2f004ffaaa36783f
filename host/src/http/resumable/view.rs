//! What is said of uploads that come in pieces, and of the requests for them.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use super::super::keys::Need;
use super::super::openapi::about::About;
use super::super::openapi::about::Body;
use super::super::openapi::about::Field;
use super::super::openapi::about::Form;
use super::super::openapi::about::Refusal;
use super::super::openapi::answer::Answer;
use super::super::openapi::answer::Answers;
use super::super::openapi::fields;
use super::super::openapi::schemas::Schemas;
use super::super::upload;
use crate::access::Scope;
use crate::id::FileId;
use crate::time::Timestamp;

/// An upload that comes in pieces.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PartialUpload {
    /// As its client named it.
    pub(super) filename: String,
    /// What there will be in all, bytes.
    pub(super) size_bytes: u64,
    /// What has come, bytes.
    pub(super) offset_bytes: u64,
    pub(super) created: Timestamp,
    /// When it is given up unless somebody goes on with it, or forgotten.
    pub(super) expires: Timestamp,
    /// The file, once it is stored.
    pub(super) file_id: Option<FileId>,
}

const TUS: Field = Field::new("Tus-Resumable", Form::Pattern("^1\\.0\\.0$"), "The version of the protocol.");
const OFFSET: Field = Field::new("Upload-Offset", Form::Number(0), "How many bytes have come.");
const LENGTH: Field = Field::new("Upload-Length", Form::Number(0), "How many bytes there will be in all.");
const METADATA: Field =
    Field::new("Upload-Metadata", Form::Text, "Keys, each with its value in Base64; `filename` is understood.")
        .sometimes();
const CHECKSUM: Field = Field::new(
    "Upload-Checksum",
    Form::Text,
    "An algorithm, `sha1` or `sha256`, and the digest in Base64; the piece counts whole or not at all.",
)
.sometimes();
/// Told of each: `Upload-Expires`, or what it has become.
const COME: [Field; 5] = [
    TUS,
    OFFSET,
    Field::new("Upload-Expires", Form::Text, "When it is given up; not once it is stored.").sometimes(),
    Field::new("Belljar-File-Id", Form::Pattern("^[0-9a-f]{40}$"), "The file, once it is stored.").sometimes(),
    Field::new("Content-Location", Form::Text, "The path of the file, once it is stored.").sometimes(),
];

const UNKNOWN: Refusal = (404, "No upload with this id is on its way.");
const GONE: Refusal = (410, "The upload was given up, or its time was over.");
const OTHER: Refusal =
    (409, "Another offset is right, another request goes on with it, or other bytes with this SHA-1 are stored.");
const VERSION: Refusal = (412, "Another version of the protocol is meant.");
const NO_PIECE: Refusal = (415, "The body is no piece of a file.");
const BROKEN: Refusal = (460, "What came is not what `Upload-Checksum` says; nothing of it was kept.");

fn piece(_: &mut Schemas) -> Value {
    json!({ "type": "string", "format": "binary", "description": "The next bytes of the file." })
}

/// `OPTIONS /resumable`.
pub const TELL: About =
    About::new("showResumable", "Which version of tus is spoken, with which extensions.").needing(Need::Nothing);
/// `OPTIONS /resumable/<id>`.
pub const TELL_OF_ONE: About =
    About::new("showResumableOfOne", "Which version of tus is spoken, with which extensions.")
        .needing(Need::Scope(Scope::Upload))
        .refusing(&[UNKNOWN, GONE]);

/// `POST /resumable`.
pub const CREATE: About = About::new(
    "beginUpload",
    "Begins an upload that goes on where it stopped, with its first bytes if they are sent along.",
)
.needing(Need::Scope(Scope::Upload))
.reading(&[TUS, LENGTH, METADATA, CHECKSUM])
.taking(Body::possible(&[("application/offset+octet-stream", piece)]))
.refusing(&[
    upload::TOO_SLOW,
    OTHER,
    (410, "The upload was given up while it came."),
    VERSION,
    upload::TOO_LARGE,
    NO_PIECE,
    (429, "This client has too many on their way."),
    BROKEN,
    (503, "Too many are on their way."),
    upload::NO_ROOM,
]);

/// `HEAD /resumable/<id>`.
pub const ASK: About = About::new("askUpload", "How many bytes have come.")
    .needing(Need::Scope(Scope::Upload))
    .reading(&[TUS])
    .refusing(&[UNKNOWN, OTHER, GONE, VERSION, upload::NO_ROOM]);

/// `GET /resumable/<id>`.
pub const SHOW: About = About::new("showPartialUpload", "The same in words, for whoever does not speak the protocol.")
    .needing(Need::Scope(Scope::Upload))
    .refusing(&[UNKNOWN, GONE]);

/// `PATCH /resumable/<id>`.
pub const APPEND: About = About::new("continueUpload", "Adds bytes; with the last the file is stored.")
    .needing(Need::Scope(Scope::Upload))
    .reading(&[TUS, OFFSET, CHECKSUM])
    .taking(Body::needed(&[("application/offset+octet-stream", piece)]))
    .refusing(&[UNKNOWN, upload::TOO_SLOW, OTHER, GONE, VERSION, upload::TOO_LARGE, NO_PIECE, BROKEN, upload::NO_ROOM]);

/// `DELETE /resumable/<id>`.
pub const END: About = About::new("giveUpUpload", "Gives an upload up; a file that was stored stays.")
    .needing(Need::Scope(Scope::Upload))
    .reading(&[TUS])
    .refusing(&[UNKNOWN, OTHER, GONE, VERSION, upload::NO_ROOM]);

/// `POST /resumable/<id>`.
pub const IN_PLACE_OF: About =
    About::new("overrideUpload", "In place of another method, for clients that cannot send it.")
        .needing(Need::Scope(Scope::Upload))
        .reading(&[
            TUS,
            Field::new("X-HTTP-Method-Override", Form::Pattern("^(PATCH|DELETE|HEAD)$"), "The method that is meant."),
            Field::new("Upload-Offset", Form::Number(0), "As with the method that is meant.").sometimes(),
            CHECKSUM,
        ])
        .taking(Body::possible(&[("application/offset+octet-stream", piece)]))
        .refusing(&[
            UNKNOWN,
            (405, "No method is named that could be meant."),
            upload::TOO_SLOW,
            OTHER,
            GONE,
            VERSION,
            upload::TOO_LARGE,
            NO_PIECE,
            BROKEN,
            upload::NO_ROOM,
        ]);

/// What is spoken.
#[derive(Debug)]
pub enum Spoken {}

impl Answers for Spoken {
    fn answers(_: &mut Schemas) -> Vec<Answer> {
        vec![Answer::new(204, "What is spoken.").with(&[
            TUS,
            Field::new("Tus-Version", Form::Text, "The versions that are spoken."),
            Field::new("Tus-Extension", Form::Text, "The extensions that are spoken."),
            Field::new("Tus-Max-Size", Form::Number(0), "The longest upload, bytes."),
            Field::new("Tus-Checksum-Algorithm", Form::Text, "Digests that a piece can be held to."),
        ])]
    }
}

/// One that has begun.
#[derive(Debug)]
pub enum Begun {}

impl Answers for Begun {
    fn answers(_: &mut Schemas) -> Vec<Answer> {
        vec![Answer::new(201, "It has begun.").with(&COME).with(&[fields::LOCATION])]
    }
}

/// One that goes on, or is whole.
#[derive(Debug)]
pub enum Continued {}

impl Answers for Continued {
    fn answers(_: &mut Schemas) -> Vec<Answer> {
        vec![Answer::new(204, "They have come.").with(&COME)]
    }
}

/// How far one is.
#[derive(Debug)]
pub enum Come {}

impl Answers for Come {
    fn answers(_: &mut Schemas) -> Vec<Answer> {
        vec![Answer::new(200, "So many have come.").with(&COME).with(&[LENGTH, METADATA, fields::CACHE_CONTROL])]
    }
}

/// One in words.
#[derive(Debug)]
pub enum Shown {}

impl Answers for Shown {
    fn answers(schemas: &mut Schemas) -> Vec<Answer> {
        let shown = Answer::new(200, "What is known of it.").with(&[TUS, fields::CACHE_CONTROL]);
        vec![shown.holding("application/json", schemas.answered::<PartialUpload>())]
    }
}

/// One that was given up.
#[derive(Debug)]
pub enum Ended {}

impl Answers for Ended {
    fn answers(_: &mut Schemas) -> Vec<Answer> {
        vec![Answer::new(204, "It is given up.").with(&[TUS])]
    }
}

/// Any of those that another method answers.
#[derive(Debug)]
pub enum Any {}

impl Answers for Any {
    fn answers(_: &mut Schemas) -> Vec<Answer> {
        let come = COME.map(Field::sometimes);
        let told = [LENGTH.sometimes(), METADATA, fields::CACHE_CONTROL];
        vec![
            Answer::new(200, "As `HEAD`, but without a body.").with(&COME).with(&told),
            Answer::new(204, "As `PATCH` or `DELETE`.").with(&come),
        ]
    }
}
