//! Pages of other sites, which may send a browser's requests here unasked.

use axum::extract::Request;
use axum::http::Method;
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::response::Response;

use super::error::Problem;

/// Refuses to change anything for a page of another site; every browser tells whose page it is (Fetch Metadata,
/// `Sec-Fetch-Site`). Other clients do not send the field.
pub async fn same_site(request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    match request.headers().get("sec-fetch-site").map(|it| it.as_bytes()) {
        Some(b"cross-site" | b"same-site") if !reads => {
            Problem::forbidden("pages of other sites may not change anything here").into_response()
        }
        Some(_) | None => next.run(request).await,
    }
}
