//! The parts of a path, with a problem where axum would answer in plain text.

use axum::extract::FromRequestParts;
use axum::extract::Request;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::error::Problem;

/// The parts of a path, decoded.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::from_request_parts(parts, state).await;
        path.map(|it| Self(it.0)).map_err(|error| Problem::bad_request(format!("the path: {}", error.body_text())))
    }
}

/// Refuses query parameters where there are none to be had; a misspelt one is better refused than ignored.
pub fn without_query(request: &mut Request) -> Result<(), Problem> {
    match request.uri().query() {
        None | Some("") => Ok(()),
        Some(_) => Err(Problem::bad_request(format!("`{}` takes no query parameters", request.uri().path()))),
    }
}
