//! Header fields that more than one operation reads or answers.

use super::about::Field;
use super::about::Form;

/// What a digest field holds (RFC 9530).
const DIGESTS: &str = "Digests by algorithm (RFC 9530).";

/// `Prefer` of a request.
pub const PREFER: Field = Field::new(
    "Prefer",
    Form::Text,
    "`wait=N` holds the answer for up to N seconds, 60 at most, until the run is done (RFC 7240).",
)
.sometimes();
/// `Preference-Applied` of an answer.
pub const APPLIED: Field =
    Field::new("Preference-Applied", Form::Pattern("^wait=[0-9]+$"), "The wish to wait that was heeded.").sometimes();
/// `Content-Digest` of a request.
pub const CONTENT_DIGEST: Field =
    Field::new("Content-Digest", Form::Text, "The body is refused unless it has these digests (RFC 9530).").sometimes();
/// `Repr-Digest`, which a request has as well.
pub const REPR_DIGEST: Field = Field::new("Repr-Digest", Form::Text, DIGESTS).sometimes();
/// `Location`.
pub const LOCATION: Field = Field::new("Location", Form::Text, "The path of what was made.");
/// `Retry-After`.
pub const RETRY_AFTER: Field = Field::new("Retry-After", Form::Number(1), "Ask again after so many seconds.");
/// `ETag`.
pub const ETAG: Field = Field::new("ETag", Form::Text, "Names these bytes, strongly.");
/// `Cache-Control`.
pub const CACHE_CONTROL: Field = Field::new("Cache-Control", Form::Text, "How long it may be kept.");
/// `X-Content-Type-Options`.
pub const NO_SNIFF: Field =
    Field::new("X-Content-Type-Options", Form::Pattern("^nosniff$"), "Strangers wrote it: it is what it says it is.");
/// `If-None-Match` of a request.
pub const IF_NONE_MATCH: Field =
    Field::new("If-None-Match", Form::Text, "`304` instead, if it is one of these entity tags.").sometimes();
/// `If-Match` of a request.
pub const IF_MATCH: Field =
    Field::new("If-Match", Form::Text, "`412` instead, unless it is one of these entity tags.").sometimes();
