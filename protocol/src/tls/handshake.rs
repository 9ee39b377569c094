//! One TLS handshake: an accepted connection becomes a stream and a proven identity, or is let go.
//!
//! To be run in a task of its own, never in an accept loop. Nothing is kept of a client that goes away
//! or stays silent: the future owns the connection and ends with its time-out at the latest.

use super::certificate::{Certificate, Malformed};
use bess_core::role::Role;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{CertificateError, Error, InvalidMessage};
use tokio_rustls::server::TlsStream;
use tracing::warn;

/// How long a refused client may take to read why.
const PARTING: Duration = Duration::from_millis(500);
/// Bytes of a refused client that are read and dropped.
const PARTING_BYTES: usize = 65_536;
/// Characters of a subject that are kept.
const SUBJECT_CHARS: usize = 256;

/// Who is at the other end, by the certificate that it proved to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerIdentity {
    /// The subject of its certificate, such as `CN=ems-1`, cut off after 256 characters.
    pub subject: String,
    /// The role that the certificate gives; with `None` it may read and not write.
    pub role: Option<Role>,
}

/// Why a handshake came to nothing. The connection is closed then.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The client took longer than it may.
    #[error("no TLS handshake within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The client went away in the middle.
    #[error("the client went away during the TLS handshake: {0}")]
    Gone(#[source] io::Error),
    /// What came is no TLS: plain Modbus, HTTP, anything.
    #[error("the client does not speak TLS")]
    NotTls,
    /// The client has no certificate.
    #[error("the client shows no certificate")]
    NoCertificate,
    /// The client's certificate is foreign, expired, for another purpose or broken.
    #[error("the client's certificate is refused: {0}")]
    Certificate(CertificateError),
    /// The certificate is good, and its subject or role cannot be read.
    #[error("the client's certificate is refused: {0}")]
    Identity(#[from] Malformed),
    /// Anything else, such as versions that do not meet, or what the client has against the server's
    /// certificate.
    #[error("TLS handshake failed: {0}")]
    Tls(Error),
}

impl From<io::Error> for HandshakeError {
    fn from(error: io::Error) -> Self {
        match error.downcast::<Error>() {
            Ok(Error::NoCertificatesPresented) => Self::NoCertificate,
            Ok(Error::InvalidCertificate(error)) => Self::Certificate(error),
            Ok(Error::InvalidMessage(
                InvalidMessage::InvalidContentType
                | InvalidMessage::UnknownProtocolVersion
                | InvalidMessage::InvalidEmptyPayload
                | InvalidMessage::MessageTooLarge,
            )) => Self::NotTls,
            Ok(error) => Self::Tls(error),
            Err(error) => Self::Gone(error),
        }
    }
}

/// Lets a client in by TLS within `limit`, and says who it is. A client that is refused is told why,
/// for half a second at most beyond that.
///
/// The caller sets `TCP_NODELAY` before: with Nagle's algorithm a handshake waits for delayed
/// acknowledgements. The end of a session is the caller's too: `shutdown` on the stream sends
/// `close_notify`; a client that ends without it gives an error of the kind `UnexpectedEof`.
///
/// # Errors
/// Why the client was not let in; the connection is closed.
pub async fn handshake<S>(
    acceptor: &TlsAcceptor,
    stream: S,
    limit: Duration,
) -> Result<(TlsStream<S>, PeerIdentity), HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // Boxed: else the task would carry some kilobytes for the handshake as long as the session lasts.
    Box::pin(let_in(acceptor, stream, limit)).await
}

async fn let_in<S>(
    acceptor: &TlsAcceptor,
    stream: S,
    limit: Duration,
) -> Result<(TlsStream<S>, PeerIdentity), HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let accepted = timeout(limit, acceptor.accept(stream).into_fallible())
        .await
        .map_err(|_| HandshakeError::TimedOut(limit))?;
    match accepted {
        Ok(stream) => match identity(&stream) {
            Ok(peer) => Ok((stream, peer)),
            Err(error) => {
                part(stream).await;
                Err(error)
            }
        },
        Err((error, stream)) => {
            let error = HandshakeError::from(error);
            if !matches!(error, HandshakeError::Gone(_)) {
                part(stream).await;
            }
            Err(error)
        }
    }
}

fn identity<S>(stream: &TlsStream<S>) -> Result<PeerIdentity, HandshakeError> {
    let (_, session) = stream.get_ref();
    let chain = session.peer_certificates().unwrap_or_default();
    let certificate = Certificate::parse(chain.first().ok_or(HandshakeError::NoCertificate)?)?;
    let role = certificate.known_role();
    let subject: String = certificate.subject.chars().take(SUBJECT_CHARS).collect();
    if role.is_none()
        && let Some(text) = &certificate.role
    {
        let text: String = text.chars().take(SUBJECT_CHARS).collect();
        warn!(subject, role = text, "unknown role in a client's certificate: it may not write");
    }
    Ok(PeerIdentity { subject, role })
}

/// Ends a connection so that the alert which was sent arrives: closed with bytes unread, it would be
/// reset, and the alert lost.
async fn part<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    let parting = async {
        stream.shutdown().await?;
        let mut left = PARTING_BYTES;
        let mut buffer = [0; 512];
        loop {
            let n_read = stream.read(&mut buffer).await?;
            if n_read == 0 || n_read >= left {
                return io::Result::Ok(());
            }
            left -= n_read;
        }
    };
    let _ = timeout(PARTING, parting).await;
}
