//! Spans on their way to a collector by OTLP over HTTP: only in a binary built with the feature `otlp`.

use std::sync::Arc;

use super::spans::Spans;

#[cfg(feature = "otlp")]
mod export;

/// Why nothing can be sent.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError {
    #[error("this binary was built without OTLP; build it with `--features otlp`")]
    NotBuilt,
    #[error("nothing can be sent to such a collector: {0}")]
    Endpoint(String),
}

/// Sends them to the collector at that address, such as `http://127.0.0.1:4318`, in batches from a thread of its own. What it
/// cannot take is dropped, and said in the log. Its headers, say a key, are those of `OTEL_EXPORTER_OTLP_HEADERS`.
///
/// # Errors
/// [`OtlpError`].
pub fn open(collector: &str) -> Result<Arc<dyn Spans>, OtlpError> {
    #[cfg(feature = "otlp")]
    return Ok(Arc::new(export::Exporter::open(collector)?));
    #[cfg(not(feature = "otlp"))]
    {
        let _ = collector;
        Err(OtlpError::NotBuilt)
    }
}
