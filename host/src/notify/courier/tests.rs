use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;

use rcgen::CertifiedKey;
use rcgen::generate_simple_self_signed;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::ServerConnection;
use rustls::StreamOwned;
use rustls::pki_types::PrivateKeyDer;

use super::*;
use crate::time::SystemClock;

/// A receiver at `localhost` that answers one call so, and whom to trust for it.
fn receiver(answer: &'static str) -> (u16, RootCertStore) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream);
        let mut head = [0; 64];
        // Who does not trust it goes here.
        if std::io::Read::read(&mut stream, &mut head).is_ok_and(|bytes| bytes > 0) {
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (port, roots)
}

async fn call(courier: &Courier, url: &str) -> Attempt {
    let secret: Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
    let message = Message { id: "m".to_owned(), body: Bytes::from_static(b"{}") };
    courier.call(url, Some((&secret, &message)), &SystemClock).await.attempt
}

fn loopback() -> Reach {
    Reach::with(vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()])
}

#[tokio::test]
async fn a_receiver_is_called_over_tls_if_it_is_the_one_that_is_trusted() {
    let (port, roots) = receiver("HTTP/1.1 204 No Content\r\n\r\n");
    let attempt = call(&Courier::trusting(loopback(), roots), &format!("https://localhost:{port}/hook?a=b")).await;
    assert_eq!((attempt.status, attempt.error), (Some(204), None));
    let (port, _) = receiver("HTTP/1.1 204 No Content\r\n\r\n");
    let (_, others) = receiver("");
    let attempt = call(&Courier::trusting(loopback(), others), &format!("https://localhost:{port}/")).await;
    assert!(attempt.status.is_none() && attempt.error.unwrap().contains("no secure connection"));
    // Trusted, but as somebody else.
    let (port, roots) = receiver("HTTP/1.1 204 No Content\r\n\r\n");
    let attempt = call(&Courier::trusting(loopback(), roots), &format!("https://127.0.0.1:{port}/")).await;
    assert!(attempt.status.is_none() && attempt.error.unwrap().contains("no secure connection"));
}

#[test]
fn a_delay_is_in_seconds_or_a_date() {
    let now = Timestamp::from_unix_ms(784_111_770_000);
    for (text, wanted) in [
        ("7", Some(7)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7)),
        ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
        ("-1", None),
        ("soon", None),
    ] {
        assert_eq!(delay(text, now), wanted.map(Duration::from_secs), "{text}");
    }
}

#[tokio::test]
async fn what_a_receiver_is_behind_is_told_to_nobody() {
    let (port, roots) = receiver("HTTP/1.1 204 No Content\r\n\r\n");
    let attempt = call(&Courier::trusting(loopback(), roots), &format!("https://127.0.0.1:{port}/")).await;
    let error = attempt.error.unwrap();
    assert!(!error.contains("localhost"), "the name in its certificate: {error}");
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_not_followed() {
    let (port, roots) = receiver("HTTP/1.1 204 No Content\r\n\r\n");
    let attempt = call(&Courier::trusting(Reach::default(), roots), &format!("https://localhost:{port}/")).await;
    assert_eq!((attempt.status, attempt.error.unwrap()), (None, Unanswered::OutOfReach.to_string()));
}
