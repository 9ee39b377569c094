//! Modbus/TCP Security: TLS with certificates on both sides, and the role in the client's.
//!
//! A listener makes its configuration from a [`TlsSpec`] before any port is bound, and gives each
//! accepted connection to [`handshake()`] in a task of its own: a client that is slow or silent then
//! costs that task and its time-out, and the accept loop nothing. What the role may do is decided by
//! whoever serves the connection.
//!
//! Source: MODBUS/TCP Security, MB-TCP-Security-v36. TLS 1.2 and 1.3; certificates on both sides.
//! Sessions are not resumed: each connection proves anew who it is.
//!
//! Files of certificates and keys are checked alike for an HTTPS server, [`https_config`].

pub mod certificate;
mod config;
mod der;
mod handshake;

pub use certificate::{Certificate, Malformed, ROLE_OID, role_extension, role_of};
pub use config::{PemFile, TlsSpec, certificates_in, https_config};
pub use handshake::{HandshakeError, PeerIdentity, handshake};
pub use tokio_rustls::TlsAcceptor;
pub use tokio_rustls::rustls::ServerConfig;
pub use tokio_rustls::server::TlsStream;
