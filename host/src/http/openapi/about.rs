//! What is said of an operation besides what the types of its handler say: its name, what it is for, the header fields that
//! it looks at, its body, and what it refuses.

use serde_json::Value;
use serde_json::json;

use super::super::keys::Need;
use super::schemas::Schemas;
use crate::access::Scope;

/// Beside each handler, and given to the route table with it.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// What generated clients call it.
    pub(super) id: &'static str,
    /// What its client must be allowed.
    pub(super) need: Need,
    pub(super) summary: &'static str,
    pub(super) fields: &'static [Field],
    pub(super) query: &'static [Field],
    pub(super) body: Option<Body>,
    pub(super) refusals: &'static [Refusal],
}

/// A status that is not 2xx, and when it is answered.
pub type Refusal = (u16, &'static str);

/// Media types, and what makes the schema of each.
pub type Content = &'static [(&'static str, fn(&mut Schemas) -> Value)];

/// A body that is taken, by its media types.
#[derive(Debug, Clone, Copy)]
pub struct Body {
    pub(super) presence: Presence,
    pub(super) content: Content,
}

/// Whether something is always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    Always,
    Sometimes,
}

/// A header field of a request or an answer, or a query parameter.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub(super) name: &'static str,
    pub(super) says: &'static str,
    pub(super) form: Form,
    pub(super) presence: Presence,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    Text,
    /// A whole number, not below that.
    Number(u64),
    Pattern(&'static str),
}

impl About {
    /// Of a name and a sentence; for who may read.
    #[must_use]
    pub const fn new(id: &'static str, summary: &'static str) -> Self {
        Self { id, need: Need::Scope(Scope::Read), summary, fields: &[], query: &[], body: None, refusals: &[] }
    }

    /// For who may do that.
    #[must_use]
    pub const fn needing(self, need: Need) -> Self {
        Self { need, ..self }
    }

    /// With header fields that it looks at.
    #[must_use]
    pub const fn reading(self, fields: &'static [Field]) -> Self {
        Self { fields, ..self }
    }

    /// With query parameters.
    #[must_use]
    pub const fn asked_by(self, query: &'static [Field]) -> Self {
        Self { query, ..self }
    }

    /// With a body.
    #[must_use]
    pub const fn taking(self, body: Body) -> Self {
        Self { body: Some(body), ..self }
    }

    /// With what it refuses, besides what every route refuses.
    #[must_use]
    pub const fn refusing(self, refusals: &'static [Refusal]) -> Self {
        Self { refusals, ..self }
    }
}

impl Body {
    /// One that must be there.
    #[must_use]
    pub const fn needed(content: Content) -> Self {
        Self { presence: Presence::Always, content }
    }

    /// One that may be left out.
    #[must_use]
    pub const fn possible(content: Content) -> Self {
        Self { presence: Presence::Sometimes, content }
    }
}

impl Field {
    /// One that is always there.
    #[must_use]
    pub const fn new(name: &'static str, form: Form, says: &'static str) -> Self {
        Self { name, says, form, presence: Presence::Always }
    }

    /// The same, where it may be lacking.
    #[must_use]
    pub const fn sometimes(self) -> Self {
        Self { presence: Presence::Sometimes, ..self }
    }

    pub(super) fn schema(&self) -> Value {
        match self.form {
            Form::Text => json!({ "type": "string" }),
            Form::Number(least) => json!({ "type": "integer", "minimum": least }),
            Form::Pattern(pattern) => json!({ "type": "string", "pattern": pattern }),
        }
    }
}

/// Bytes of any kind.
#[must_use]
pub fn bytes(_: &mut Schemas) -> Value {
    json!({ "type": "string", "format": "binary" })
}
