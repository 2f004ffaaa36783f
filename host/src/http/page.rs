//! Which page of a list is asked for, and how one is answered: `limit`, an opaque `cursor`, and `next`, which is the
//! whole path of the next page, in the body and in `Link` (RFC 8288).

use std::fmt;
use std::str::FromStr;

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::header;
use axum::http::request::Parts;
use axum::response::IntoResponse;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::error::Problem;
use super::openapi::about::Field;
use super::openapi::about::Form;
use super::openapi::answer::Answer;
use super::openapi::answer::Answers;
use super::openapi::schemas::Schemas;

/// Entries on a page when its client does not say.
pub(super) const LIMIT: usize = 50;
/// And at most.
pub(super) const LIMIT_MAX: usize = 500;

/// A page: so many entries after that key.
#[derive(Debug, PartialEq, Eq)]
pub struct Asked<K> {
    pub(super) limit: usize,
    pub(super) after: Option<K>,
}

impl<K: FromStr, S: Send + Sync> FromRequestParts<S> for Asked<K> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of_query(parts.uri.query().unwrap_or_default()).map_err(Problem::bad_request)
    }
}

impl<K: FromStr> Asked<K> {
    fn of_query(query: &str) -> Result<Self, String> {
        let (mut limit, mut after) = (None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let before = match &*name {
                "limit" => limit.replace(limit_of(&value)?).map(drop),
                "cursor" => {
                    let key = value.parse().map_err(|_| "`cursor` is not one that this list gave")?;
                    after.replace(key).map(drop)
                }
                _ => return Err("a list takes the query parameters `limit` and `cursor`".to_owned()),
            };
            if before.is_some() {
                return Err(format!("`{name}` is given twice"));
            }
        }
        Ok(Self { limit: limit.unwrap_or(LIMIT), after })
    }
}

impl<K: Ord> Asked<K> {
    /// The page out of a list that is ordered by that key, and its last entry when there is more after it.
    pub(super) fn cut<'a, T>(&self, all: &'a [T], key: impl Fn(&T) -> &K) -> (&'a [T], Option<&'a T>) {
        let start = self.after.as_ref().map_or(0, |after| all.partition_point(|it| key(it) <= after));
        let rest = &all[start..];
        let shown = &rest[..rest.len().min(self.limit)];
        (shown, shown.last().filter(|_| shown.len() < rest.len()))
    }
}

fn limit_of(text: &str) -> Result<usize, String> {
    let limit = text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
    limit.ok_or_else(|| format!("`limit` is a number from 1 to {LIMIT_MAX}"))
}

/// The path of the page after that key.
pub(super) fn link(path: &str, limit: usize, after: impl fmt::Display) -> String {
    format!("{path}?limit={limit}&cursor={after}")
}

/// A page: what is on it, and where the next one is.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub struct Page<T> {
    #[serde(flatten)]
    pub(super) members: T,
    /// The path of the next page; null on the last.
    pub(super) next: Option<String>,
}

impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        let next = self.next.as_ref().map(|it| format!("<{it}>; rel=\"next\""));
        let mut response = Json(self).into_response();
        response.headers_mut().extend(next.and_then(|it| Some((header::LINK, HeaderValue::try_from(it).ok()?))));
        response
    }
}

impl<T: JsonSchema> Answers for Page<T> {
    fn answers(schemas: &mut Schemas) -> Vec<Answer> {
        let link = Field::new("Link", Form::Text, "The next page, if there is one (RFC 8288).").sometimes();
        vec![Answer::new(200, "A page.").holding("application/json", schemas.answered::<Self>()).with(&[link])]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_asked_for_in_so_many_words() {
        let of = Asked::<u32>::of_query;
        assert_eq!(of("").unwrap(), Asked { limit: 50, after: None });
        assert_eq!(of("limit=1").unwrap(), Asked { limit: 1, after: None });
        assert_eq!(of("cursor=7&limit=500").unwrap(), Asked { limit: 500, after: Some(7) });
        for bad in
            ["limit=0", "limit=501", "limit=", "limit=x", "limit=1&limit=1", "cursor=", "cursor=x", "page=1", "Limit=1"]
        {
            assert!(of(bad).is_err(), "{bad}");
        }
    }
}
