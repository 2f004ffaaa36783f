//! TLS by rustls: certificate and key from files, read again when they change, so that renewing them takes no restart.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem;
use rustls::pki_types::pem::PemObject;
use tokio_rustls::TlsAcceptor;

/// What is spoken, the better first (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [HTTP_2, b"http/1.1"];
/// As ALPN calls it (RFC 9113, section 3.2).
pub(super) const HTTP_2: &[u8] = b"h2";

/// Where certificate and key lie, as PEM (RFC 7468).
#[derive(Debug, Clone)]
pub struct Files {
    /// The server's own first, then those that lead to a root.
    pub certificates: PathBuf,
    pub key: PathBuf,
}

/// Why a server cannot be known by those files.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    #[error("{} is no PEM of what is wanted: {}", .0.display(), .1)]
    Pem(PathBuf, pem::Error),
    #[error("{} has no certificate", .0.display())]
    Empty(PathBuf),
    #[error("certificate and key do not make a server: {0}")]
    Config(#[from] rustls::Error),
}

/// What connections are taken with.
#[derive(Debug)]
pub struct Tls {
    files: Files,
    current: RwLock<Current>,
}

#[derive(Debug)]
struct Current {
    /// The bytes that it was made of.
    read: (Vec<u8>, Vec<u8>),
    config: Arc<ServerConfig>,
}

/// What came of looking at the files again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewed {
    Yes,
    NoChange,
}

impl Tls {
    /// Reads them.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn open(files: Files) -> Result<Self, TlsError> {
        let read = read(&files)?;
        let current = RwLock::new(Current { config: config(&files, &read)?, read });
        Ok(Self { files, current })
    }

    /// Reads them again; new connections get what they say, if they have changed.
    ///
    /// # Errors
    /// [`TlsError`], and what was good before goes on.
    pub fn renew(&self) -> Result<Renewed, TlsError> {
        let read = read(&self.files)?;
        if self.current.read().unwrap_or_else(PoisonError::into_inner).read == read {
            return Ok(Renewed::NoChange);
        }
        let config = config(&self.files, &read)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Current { read, config };
        Ok(Renewed::Yes)
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current.config))
    }
}

fn read(files: &Files) -> Result<(Vec<u8>, Vec<u8>), TlsError> {
    let read = |path: &Path| fs::read(path).map_err(|error| TlsError::Read(path.to_owned(), error));
    Ok((read(&files.certificates)?, read(&files.key)?))
}

fn config(files: &Files, (certificates, key): &(Vec<u8>, Vec<u8>)) -> Result<Arc<ServerConfig>, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
    let chain = chain.map_err(|error| TlsError::Pem(files.certificates.clone(), error))?;
    if chain.is_empty() {
        return Err(TlsError::Empty(files.certificates.clone()));
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| TlsError::Pem(files.key.clone(), error))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(files: &Files, name: &str) {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        fs::write(&files.certificates, made.cert.pem()).unwrap();
        fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    }

    #[test]
    fn files_are_read_again_and_broken_ones_change_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files { certificates: dir.path().join("chain.pem"), key: dir.path().join("key.pem") };
        assert!(matches!(Tls::open(files.clone()), Err(TlsError::Read(..))));
        write(&files, "one.example");
        let tls = Tls::open(files.clone()).unwrap();
        assert_eq!(tls.renew().unwrap(), Renewed::NoChange);
        let first = Arc::clone(tls.acceptor().config());
        let whole = fs::read(&files.certificates).unwrap();
        fs::write(&files.certificates, "").unwrap();
        assert!(matches!(tls.renew(), Err(TlsError::Empty(_))));
        fs::write(&files.certificates, &whole).unwrap();
        // The key of another: written first, and the certificate not yet.
        let other = rcgen::generate_simple_self_signed(["two.example".to_owned()]).unwrap();
        fs::write(&files.key, other.signing_key.serialize_pem()).unwrap();
        assert!(matches!(tls.renew(), Err(TlsError::Config(_))));
        assert!(Arc::ptr_eq(tls.acceptor().config(), &first));
        fs::write(&files.certificates, other.cert.pem()).unwrap();
        assert_eq!(tls.renew().unwrap(), Renewed::Yes);
        assert!(!Arc::ptr_eq(tls.acceptor().config(), &first));
    }
}
