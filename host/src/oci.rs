//! Modules out of an OCI registry: the pull of the OCI distribution specification 1.1, for artifacts laid out as the CNCF's
//! wasm working group has it: a config of its own media type, and the module as the only layer.
//!
//! All that comes is held against its digest; what is pulled by tag is what the registry says the tag is.

mod reference;

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sha2::Digest;
use ureq::http::Response;
use ureq::http::StatusCode;
use ureq::http::header;
use ureq::tls::Certificate;
use ureq::tls::RootCerts;
use ureq::tls::TlsConfig;

pub use self::reference::InvalidReference;
pub use self::reference::Reference;
use crate::id::Sha256;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
const MODULE: &str = "application/wasm";
/// The specification asks registries for 4 MiB at least.
const MANIFEST_BYTES_MAX: u64 = 4 << 20;
const TOKEN_BYTES_MAX: u64 = 1 << 20;
const WITHIN: Duration = Duration::from_secs(300);

/// Who pulls, where the registry wants to know.
#[derive(Debug, Clone)]
pub struct Login {
    pub username: String,
    pub password: String,
}

/// Why nothing was pulled.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    #[error("{0}")]
    Unreachable(#[from] ureq::Error),
    #[error("the registry answers {status} to {what}")]
    Status { status: StatusCode, what: String },
    #[error("the registry wants to know who asks; say --username and --password-file")]
    Unauthorized,
    #[error("this is no module: {0}")]
    Layout(String),
    #[error("{what} has the digest {found}, and should have {wanted}")]
    Digest { what: &'static str, wanted: String, found: String },
    #[error("the module has {bytes} bytes; at most {bytes_max}")]
    TooLong { bytes: u64, bytes_max: u64 },
    #[error("it breaks off: {0}")]
    Io(#[from] std::io::Error),
}

/// An image manifest, as far as it is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    config: Blob,
    layers: Vec<Blob>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Blob {
    media_type: String,
    digest: String,
    size: u64,
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

/// Pulls a module of at most so many bytes.
///
/// # Errors
/// [`PullError`].
pub fn pull(reference: &Reference, login: Option<&Login>, bytes_max: u64) -> Result<Vec<u8>, PullError> {
    let mut puller = Puller { agent: agent(WITHIN), reference, authorization: login.map(basic) };
    let response = puller.get(&reference.path("manifests", &reference.version()), MANIFEST)?;
    let bytes = whole(response, MANIFEST_BYTES_MAX)?;
    if let Some(wanted) = reference.digest() {
        hold("the manifest", wanted, &bytes)?;
    }
    let manifest: Manifest = serde_json::from_slice(&bytes)
        .map_err(|error| PullError::Layout(format!("its manifest is none of one image: {error}")))?;
    let layer = module_of(&manifest)?;
    if layer.size > bytes_max {
        return Err(PullError::TooLong { bytes: layer.size, bytes_max });
    }
    let module = whole(puller.get(&reference.path("blobs", &layer.digest), MODULE)?, layer.size)?;
    hold("the module", &layer.digest, &module)?;
    Ok(module)
}

fn module_of(manifest: &Manifest) -> Result<&Blob, PullError> {
    let found = &manifest.config.media_type;
    if found != CONFIG {
        return Err(PullError::Layout(format!("its config is `{found}`, and should be `{CONFIG}`")));
    }
    match manifest.layers.as_slice() {
        [layer] if layer.media_type == MODULE => Ok(layer),
        [layer] => Err(PullError::Layout(format!("its layer is `{}`, and should be `{MODULE}`", layer.media_type))),
        layers => Err(PullError::Layout(format!("it has {} layers, and should have one", layers.len()))),
    }
}

fn hold(what: &'static str, wanted: &str, bytes: &[u8]) -> Result<(), PullError> {
    let found = format!("sha256:{}", Sha256::new(sha2::Sha256::digest(bytes).into()));
    if found == wanted { Ok(()) } else { Err(PullError::Digest { what, wanted: wanted.to_owned(), found }) }
}

struct Puller<'a> {
    agent: ureq::Agent,
    reference: &'a Reference,
    authorization: Option<String>,
}

impl Puller<'_> {
    /// Asks again with a token, where one can be had.
    fn get(&mut self, path: &str, accept: &str) -> Result<Response<ureq::Body>, PullError> {
        let url = self.reference.url(path);
        let mut response = self.ask(&url, accept)?;
        if response.status() == StatusCode::UNAUTHORIZED {
            self.authorization = Some(self.token(&response)?);
            response = self.ask(&url, accept)?;
        }
        match response.status() {
            StatusCode::OK => Ok(response),
            StatusCode::UNAUTHORIZED => Err(PullError::Unauthorized),
            status => Err(PullError::Status { status, what: url }),
        }
    }

    fn ask(&self, url: &str, accept: &str) -> Result<Response<ureq::Body>, ureq::Error> {
        let request = self.agent.get(url).header(header::ACCEPT, accept);
        match &self.authorization {
            Some(authorization) => request.header(header::AUTHORIZATION, authorization).call(),
            None => request.call(),
        }
    }

    /// By the challenge of a registry: RFC 6750, and the distribution project's token authentication.
    fn token(&self, refused: &Response<ureq::Body>) -> Result<String, PullError> {
        let challenge = refused.headers().get(header::WWW_AUTHENTICATE).and_then(|it| it.to_str().ok());
        let challenge = challenge.and_then(|it| it.strip_prefix("Bearer ")).ok_or(PullError::Unauthorized)?;
        let parameter = |name: &str| {
            let of_it =
                |it: &str| Some(it.trim().strip_prefix(name)?.strip_prefix("=\"")?.strip_suffix('"')?.to_owned());
            challenge.split(',').find_map(of_it)
        };
        let realm = parameter("realm").ok_or(PullError::Unauthorized)?;
        // Who it is goes to nobody but whoever is asked by TLS, or is this machine.
        if !realm.starts_with("https://") && !self.reference.is_plain() {
            return Err(PullError::Unauthorized);
        }
        let mut request =
            self.agent.get(&realm).query("scope", format!("repository:{}:pull", self.reference.repository()));
        if let Some(service) = parameter("service") {
            request = request.query("service", service);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let response = request.call()?;
        if !response.status().is_success() {
            return Err(PullError::Unauthorized);
        }
        let token: Token = serde_json::from_slice(&whole(response, TOKEN_BYTES_MAX)?)
            .map_err(|error| PullError::Layout(format!("its token cannot be read: {error}")))?;
        token.token.or(token.access_token).map(|it| format!("Bearer {it}")).ok_or(PullError::Unauthorized)
    }
}

fn basic(login: &Login) -> String {
    format!("Basic {}", STANDARD.encode(format!("{}:{}", login.username, login.password)))
}

/// No more than so many bytes of it; what is cut off has another digest.
fn whole(response: Response<ureq::Body>, bytes_max: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    response.into_body().into_reader().take(bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A client of HTTP that trusts whom this machine trusts, and takes no longer than that for one call.
#[must_use]
pub fn agent(within: Duration) -> ureq::Agent {
    let certificates = rustls_native_certs::load_native_certs().certs;
    let certificates: Vec<_> = certificates.iter().map(|it| Certificate::from_der(it).to_owned()).collect();
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&certificates))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(within)).tls_config(tls);
    config.build().into()
}
