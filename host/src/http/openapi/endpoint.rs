//! What the arguments and the answer of a handler say of its operation.

use axum::Extension;
use axum::body::Body;
use axum::extract::RawQuery;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::Method;
use schemars::JsonSchema;
use serde_json::Value;

use super::super::Api;
use super::super::page::Asked;
use super::super::path::Path;
use super::answer::Answer;
use super::answer::Answers;
use super::schemas::Schemas;

/// What a handler takes, as far as its types tell.
#[derive(Debug, Default)]
pub struct Taken {
    /// Of a list: what its cursors are.
    pub(super) cursor: Option<Value>,
    /// Whether it takes the body, and the query as it comes.
    pub(super) body: Raw,
    pub(super) query: Raw,
    pub(super) path: Raw,
}

/// Whether something is looked at.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Raw {
    #[default]
    Passed,
    Taken,
}

/// What an argument of a handler says.
pub trait Takes {
    /// Notes it.
    fn takes(taken: &mut Taken, schemas: &mut Schemas);
}

macro_rules! takes {
    ($($argument:ty $(: $member:ident)?;)+) => {
        $(impl Takes for $argument {
            fn takes(_taken: &mut Taken, _: &mut Schemas) {
                $(_taken.$member = Raw::Taken;)?
            }
        })+
    };
}

takes! {
    Api;
    HeaderMap;
    Method;
    Body: body;
    Request: body;
    RawQuery: query;
}

/// What was found out of the request before.
impl<T> Takes for Extension<T> {
    fn takes(_: &mut Taken, _: &mut Schemas) {}
}

impl<T> Takes for Path<T> {
    fn takes(taken: &mut Taken, _: &mut Schemas) {
        taken.path = Raw::Taken;
    }
}

impl<K: JsonSchema> Takes for Asked<K> {
    fn takes(taken: &mut Taken, schemas: &mut Schemas) {
        taken.cursor = Some(schemas.taken::<K>());
    }
}

/// A handler all of whose arguments and answers say what they are.
pub trait Endpoint<T> {
    /// Notes what it takes; what it answers.
    fn describe(taken: &mut Taken, schemas: &mut Schemas) -> Vec<Answer>;
}

macro_rules! endpoint {
    ($($argument:ident)*) => {
        impl<F, R, $($argument,)*> Endpoint<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> R,
            R: Future<Output: Answers>,
            $($argument: Takes,)*
        {
            fn describe(_taken: &mut Taken, schemas: &mut Schemas) -> Vec<Answer> {
                $($argument::takes(_taken, schemas);)*
                R::Output::answers(schemas)
            }
        }
    };
}

endpoint!();
endpoint!(A);
endpoint!(A B);
endpoint!(A B C);
endpoint!(A B C D);
endpoint!(A B C D E);
