//! Middleware that lets a request through or answers in its place, and waits for nothing: whoever waits behind it pays
//! nothing for it, where `axum::middleware::from_fn` holds two futures and the room of a request for each layer.

use std::convert::Infallible;
use std::future::Ready;
use std::future::ready;
use std::task::Context;
use std::task::Poll;

use axum::extract::Request;
use axum::response::IntoResponse;
use axum::response::Response;
use futures_util::future::Either;
use tower::Layer;
use tower::Service;

use super::error::Problem;

/// Judges each request by a function.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gate<J>(pub(super) J);

/// What stands behind a gate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gated<J, S> {
    judge: J,
    inner: S,
}

impl<J: Clone, S> Layer<S> for Gate<J> {
    type Service = Gated<J, S>;

    fn layer(&self, inner: S) -> Gated<J, S> {
        Gated { judge: self.0.clone(), inner }
    }
}

impl<J, S> Service<Request> for Gated<J, S>
where
    J: Fn(&mut Request) -> Result<(), Problem>,
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response, Infallible>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        match (self.judge)(&mut request) {
            Ok(()) => Either::Left(self.inner.call(request)),
            Err(problem) => Either::Right(ready(Ok(problem.into_response()))),
        }
    }
}
