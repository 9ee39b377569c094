//! A real TLS client against `handshake` over loopback.

use crate::pki::{Authority, Pair, client_params, file, params};
use bess_core::role::Role;
use bess_protocol::tls::{
    HandshakeError, PeerIdentity, TlsAcceptor, TlsSpec, TlsStream, handshake, role_extension,
};
use rcgen::{IsCa, date_time_ymd};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, Error, ProtocolVersion, SupportedProtocolVersion,
};
use tokio_rustls::{TlsConnector, client};

const BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
/// Far longer than a handshake takes.
const LIMIT: Duration = Duration::from_secs(30);
/// More than a server reads at once: what it leaves unread when it refuses a client must not cost the
/// client the alert.
static REQUEST: [u8; 32_768] = [7; 32_768];

type Outcome = Result<(TlsStream<TcpStream>, PeerIdentity), HandshakeError>;

struct Server {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    limit: Duration,
}

impl Server {
    async fn new(spec: &TlsSpec) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = spec.server_config().unwrap_or_else(|problems| panic!("{problems}"));
        Self { listener, acceptor: TlsAcceptor::from(config), limit: LIMIT }
    }

    fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    async fn accept(&self) -> Outcome {
        let (stream, _) = self.listener.accept().await.unwrap();
        handshake(&self.acceptor, stream, self.limit).await
    }

    /// What both sides say of one connection. In TLS 1.3 a client is done before the server has seen
    /// its certificate: it sends its request, and learns of a refusal where it reads the answer.
    async fn meet(
        &self,
        connector: &TlsConnector,
    ) -> (Outcome, io::Result<client::TlsStream<TcpStream>>) {
        let client = async {
            let stream = TcpStream::connect(self.address()).await?;
            let mut stream = connector.connect("localhost".try_into().unwrap(), stream).await?;
            stream.write_all(&REQUEST).await?;
            stream.flush().await?;
            stream.read_exact(&mut [0; 1]).await?;
            Ok(stream)
        };
        let server = async {
            let mut outcome = self.accept().await;
            if let Ok((stream, _)) = &mut outcome {
                stream.write_all(b"!").await.unwrap();
                stream.flush().await.unwrap();
            }
            outcome
        };
        tokio::join!(server, client)
    }

    async fn identity(&self, connector: &TlsConnector) -> PeerIdentity {
        let (server, client) = self.meet(connector).await;
        client.unwrap();
        server.unwrap().1
    }

    /// Why the server refused a client, and the alert that the client got.
    async fn refusal(&self, connector: &TlsConnector) -> (HandshakeError, AlertDescription) {
        let (server, client) = self.meet(connector).await;
        let told = client.unwrap_err();
        let Some(Error::AlertReceived(alert)) =
            told.get_ref().and_then(|e| e.downcast_ref::<Error>())
        else {
            panic!("the client was told {told:?}");
        };
        (server.unwrap_err(), *alert)
    }
}

/// Each version alone.
const VERSIONS: [(&[&SupportedProtocolVersion], ProtocolVersion); 2] =
    [(&[&TLS12], ProtocolVersion::TLSv1_2), (&[&TLS13], ProtocolVersion::TLSv1_3)];

#[tokio::test]
async fn a_client_with_a_certificate_is_known_by_its_subject_and_role_in_both_versions() {
    let authority = Authority::new("authority");
    let server = Server::new(&authority.spec()).await;
    for (versions, version) in VERSIONS {
        for (name, role) in Role::ALL {
            let pair = authority.client(name, Some(role));
            let (outcome, client) = server.meet(&authority.connector(Some(&pair), versions)).await;
            let (_, identity) = outcome.unwrap();
            assert_eq!(identity, PeerIdentity { subject: format!("CN={name}"), role: Some(role) });
            assert_eq!(client.unwrap().get_ref().1.protocol_version(), Some(version));
        }
    }
}

#[tokio::test]
async fn without_the_extension_or_with_a_role_that_nobody_knows_a_client_has_no_role() {
    let authority = Authority::new("authority");
    let server = Server::new(&authority.spec()).await;
    let plain = authority.client("plain", None);
    let odd = authority.sign(&client_params("odd", Some(b"\x0C\x05owner".to_vec())));
    for pair in [plain, odd] {
        let identity = server.identity(&authority.connector(Some(&pair), BOTH)).await;
        assert_eq!(identity.role, None, "{}", identity.subject);
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused_and_told_so() {
    let authority = Authority::new("authority");
    let server = Server::new(&authority.spec()).await;
    for (versions, _) in VERSIONS {
        let (error, alert) = server.refusal(&authority.connector(None, versions)).await;
        assert!(matches!(error, HandshakeError::NoCertificate), "{error}");
        assert_eq!(alert, AlertDescription::CertificateRequired);
    }
}

async fn refused_certificate(
    authority: &Authority,
    pair: &Pair,
) -> (CertificateError, AlertDescription) {
    let server = Server::new(&authority.spec()).await;
    let mut found = None;
    for (versions, _) in VERSIONS {
        let (error, alert) = server.refusal(&authority.connector(Some(pair), versions)).await;
        let HandshakeError::Certificate(error) = error else { panic!("{error}") };
        found = Some((error, alert));
    }
    found.unwrap()
}

#[tokio::test]
async fn a_certificate_of_a_foreign_authority_is_refused() {
    let authority = Authority::new("authority");
    // The same name does not make it the same authority.
    for foreign in [Authority::new("foreign"), Authority::new("authority")] {
        let pair = foreign.client("spy", Some(Role::Tester));
        let (error, alert) = refused_certificate(&authority, &pair).await;
        let is_foreign =
            matches!(error, CertificateError::UnknownIssuer | CertificateError::BadSignature);
        assert!(is_foreign, "{error}");
        assert!(matches!(alert, AlertDescription::UnknownCA | AlertDescription::DecryptError));
    }
}

#[tokio::test]
async fn an_expired_and_a_future_certificate_are_refused() {
    let authority = Authority::new("authority");
    let mut expired = client_params("late", Some(role_extension(Role::Operator)));
    expired.not_after = date_time_ymd(2021, 1, 1);
    let (error, alert) = refused_certificate(&authority, &authority.sign(&expired)).await;
    assert!(matches!(error, CertificateError::ExpiredContext { .. }), "{error}");
    assert_eq!(alert, AlertDescription::CertificateExpired);

    let mut early = client_params("early", Some(role_extension(Role::Operator)));
    early.not_before = date_time_ymd(2110, 1, 1);
    let (error, _) = refused_certificate(&authority, &authority.sign(&early)).await;
    assert!(matches!(error, CertificateError::NotValidYetContext { .. }), "{error}");
}

#[tokio::test]
async fn the_certificate_of_a_server_does_not_make_a_client() {
    let authority = Authority::new("authority");
    let (error, _) = refused_certificate(&authority, &authority.server()).await;
    assert!(matches!(error, CertificateError::InvalidPurposeContext { .. }), "{error}");
}

#[tokio::test]
async fn a_client_with_a_chain_is_let_in_when_its_root_is_known() {
    let root = Authority::new("root");
    let mut between = params("between");
    between.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let between_key = rcgen::KeyPair::generate().unwrap();
    let between_pem = root.sign_key(&between, &between_key);
    let issuer = rcgen::Issuer::new(between, between_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = client_params("leaf", Some(role_extension(Role::Engineer)))
        .signed_by(&key, &issuer)
        .unwrap();
    let pair =
        Pair { certificate: format!("{}{between_pem}", leaf.pem()), key: key.serialize_pem() };
    let server = Server::new(&root.spec()).await;
    let identity = server.identity(&root.connector(Some(&pair), BOTH)).await;
    assert_eq!(identity.role, Some(Role::Engineer), "that of the leaf");
    assert_eq!(identity.subject, "CN=leaf");
}

#[tokio::test]
async fn a_role_extension_that_cannot_be_read_is_refused() {
    let authority = Authority::new("authority");
    let server = Server::new(&authority.spec()).await;
    let pair = authority.sign(&client_params("bent", Some(b"operator".to_vec())));
    let (outcome, client) = server.meet(&authority.connector(Some(&pair), BOTH)).await;
    let error = outcome.unwrap_err();
    assert!(matches!(error, HandshakeError::Identity(_)), "{error}");
    // An end in order: the client sees that it was meant.
    assert_eq!(client.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_server_of_tls_1_3_alone_refuses_older_clients() {
    let authority = Authority::new("authority");
    let spec = TlsSpec { allow_tls_1_2: false, ..authority.spec() };
    let server = Server::new(&spec).await;
    let pair = authority.client("old", Some(Role::Operator));
    let (error, alert) = server.refusal(&authority.connector(Some(&pair), &[&TLS12])).await;
    assert!(matches!(error, HandshakeError::Tls(_)), "{error}");
    assert_eq!(alert, AlertDescription::ProtocolVersion);
    let identity = server.identity(&authority.connector(Some(&pair), BOTH)).await;
    assert_eq!(identity.role, Some(Role::Operator));
}

#[tokio::test]
async fn every_connection_proves_anew_who_it_is() {
    let authority = Authority::new("authority");
    let server = Server::new(&authority.spec()).await;
    for (versions, _) in VERSIONS {
        // One connector keeps the sessions that it may resume.
        let pair = authority.client("again", Some(Role::Operator));
        let connector = authority.connector(Some(&pair), versions);
        for _ in 0..3 {
            let (outcome, client) = server.meet(&connector).await;
            outcome.unwrap();
            let kind = client.unwrap().get_ref().1.handshake_kind();
            assert_eq!(kind, Some(tokio_rustls::rustls::HandshakeKind::Full));
        }
    }
}

#[tokio::test]
async fn a_shutdown_tells_the_client_that_it_was_meant() {
    let authority = Authority::new("authority");
    let server = Server::new(&authority.spec()).await;
    for (versions, _) in VERSIONS {
        let pair = authority.client("client", Some(Role::Viewer));
        let (outcome, client) = server.meet(&authority.connector(Some(&pair), versions)).await;
        let (mut stream, _) = outcome.unwrap();
        let mut client = client.unwrap();
        stream.shutdown().await.unwrap();
        // Without close_notify the end of the connection is an error to the client.
        assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);

        let (outcome, client) = server.meet(&authority.connector(Some(&pair), versions)).await;
        drop(outcome.unwrap());
        assert!(client.unwrap().read(&mut [0; 1]).await.is_err(), "cut off");
    }
}

#[tokio::test]
async fn plain_bytes_on_the_tls_port_do_no_harm() {
    let authority = Authority::new("authority");
    let server = Server::new(&authority.spec()).await;
    for bytes in [
        &[0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1][..],
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        &[0x16, 3, 1, 0xFF, 0xFF],
        &[0xFF; 70_000],
        &[0; 5],
    ] {
        let client = async {
            let mut stream = TcpStream::connect(server.address()).await.unwrap();
            // The server may be gone before it has all.
            let _ = stream.write_all(bytes).await;
            let _ = stream.shutdown().await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            answer
        };
        let (outcome, answer) = tokio::join!(server.accept(), client);
        let error = outcome.unwrap_err();
        assert!(matches!(error, HandshakeError::NotTls), "{bytes:?}: {error}");
        assert!(answer.len() <= 7, "an alert and nothing else: {answer:?}");
    }
    let pair = authority.client("next", Some(Role::Viewer));
    server.identity(&authority.connector(Some(&pair), BOTH)).await;
}

#[tokio::test]
async fn a_client_that_goes_away_at_any_byte_of_the_handshake_leaves_nothing_behind() {
    let authority = Authority::new("authority");
    let server = Server::new(&authority.spec()).await;
    // A hello as a client sends it.
    let pair = authority.client("client", Some(Role::Viewer));
    let connector = authority.connector(Some(&pair), BOTH);
    let (ours, mut theirs) = tokio::io::duplex(65_536);
    let hello = tokio::spawn(async move {
        let _ = connector.connect("localhost".try_into().unwrap(), ours).await;
    });
    let mut bytes = vec![0; 4096];
    let n_bytes = theirs.read(&mut bytes).await.unwrap();
    bytes.truncate(n_bytes);
    hello.abort();
    for length in (0..=n_bytes).step_by(16) {
        let client = async {
            let mut stream = TcpStream::connect(server.address()).await.unwrap();
            stream.write_all(&bytes[..length]).await.unwrap();
        };
        let (outcome, ()) = tokio::join!(server.accept(), client);
        let error = outcome.unwrap_err();
        assert!(matches!(error, HandshakeError::Gone(_)), "{length} bytes: {error}");
    }
    server.identity(&authority.connector(Some(&pair), BOTH)).await;
}

#[tokio::test]
async fn a_silent_client_is_let_go_after_the_time_out_and_nobody_waits_for_it() {
    let authority = Authority::new("authority");
    let mut server = Server::new(&authority.spec()).await;
    server.limit = Duration::from_millis(200);
    let mut silent = TcpStream::connect(server.address()).await.unwrap();
    let (stream, _) = server.listener.accept().await.unwrap();
    let acceptor = server.acceptor.clone();
    let limit = server.limit;
    let waiting = tokio::spawn(async move { handshake(&acceptor, stream, limit).await });
    // Another comes in meanwhile.
    server.limit = LIMIT;
    let pair = authority.client("quick", Some(Role::Viewer));
    server.identity(&authority.connector(Some(&pair), BOTH)).await;
    let error = waiting.await.unwrap().unwrap_err();
    assert!(matches!(error, HandshakeError::TimedOut(_)), "{error}");
    assert_eq!(error.to_string(), "no TLS handshake within 0.2 s");
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap(), 0, "closed");
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_server_says_so() {
    let authority = Authority::new("authority");
    let server = Server::new(&authority.spec()).await;
    let pair = authority.client("careful", Some(Role::Viewer));
    let stranger = Authority::new("stranger").connector(Some(&pair), BOTH);
    let (outcome, client) = server.meet(&stranger).await;
    assert!(client.is_err());
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("UnknownCA"), "{error}");
}

#[tokio::test]
async fn several_authorities_may_sign_clients() {
    let [one, other] = ["one", "other"].map(Authority::new);
    let both = file("ca.pem", one.pem() + &other.pem());
    let server = Server::new(&TlsSpec { client_ca: both, ..one.spec() }).await;
    for (authority, role) in [(&one, Role::Viewer), (&other, Role::Tester)] {
        let pair = authority.client("client", Some(role));
        let identity = server.identity(&one.connector(Some(&pair), BOTH)).await;
        assert_eq!(identity.role, Some(role));
    }
}
