//! Access to the REST API of `bess serve`: tokens, TLS, rates, pages; and files that change while it serves.
//!
//! Without tokens the API is open, and then listens for this machine alone unless it is told otherwise.

use crate::BadInput;
use bess_api::Api;
use bess_api::access::{AccessConfig, TokenBook, WebOrigin};
use bess_core::config::{Problem, Problems};
use bess_protocol::tls::{PemFile, ServerConfig, https_config};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Who may use the REST API.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct AccessArgs {
    /// Ask for tokens: a file with the hashes of those that are known, see `bess token`. It is read again
    /// when it changes, and on SIGHUP
    #[arg(long, value_name = "FILE", env = "BESS_TOKENS")]
    tokens: Option<PathBuf>,
    /// Ask for tokens: NAME:ROLE:SHA256, separated by commas; beside those of --tokens
    #[arg(long, value_name = "LIST", env = "BESS_TOKEN_HASHES")]
    token_hashes: Option<String>,
    /// Let everybody do everything also where other machines reach the API
    #[arg(long, env = "BESS_ALLOW_OPEN_API")]
    allow_open_api: bool,
    /// Requests a second of one client address, and of one token; twice as many at once after a pause.
    /// 0 for no limit [default: 200, none where this machine alone reaches the API]
    #[arg(long, value_name = "N", env = "BESS_RATE_LIMIT")]
    rate_limit: Option<u32>,
    /// Let pages of this origin use the API, such as `https://board.example`; may be repeated
    #[arg(
        long = "cors-origin",
        value_name = "ORIGIN",
        env = "BESS_CORS_ORIGIN",
        value_delimiter = ','
    )]
    cors_origins: Vec<WebOrigin>,
    /// Serve REST over HTTPS: the server's certificate and those between it and its CA, in PEM form. It is
    /// read again when it changes, and on SIGHUP
    #[arg(long, value_name = "FILE", env = "BESS_TLS_CERT", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The key of the certificate, in PEM form and not encrypted
    #[arg(long, value_name = "FILE", env = "BESS_TLS_KEY", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

/// The limit where other machines reach the API and nobody says another one.
const REQUESTS_PER_S: NonZeroU32 = NonZeroU32::new(200).expect("it is not zero");

/// Pause between two looks at the files.
const LOOK: Duration = Duration::from_secs(2);

impl AccessArgs {
    /// Reads every file; `bind` is the address that the API is to listen on.
    ///
    /// # Errors
    /// All problems of the files, and an API that would be open to other machines.
    pub(crate) fn load(&self, bind: IpAddr) -> anyhow::Result<AccessConfig> {
        let mut problems = Problems::default();
        let mut keep = |mut found: Problems| problems.0.append(&mut found.0);
        let tokens = self.book().map_err(&mut keep).ok().flatten();
        let tls = self.https().map_err(&mut keep).ok().flatten();
        if !problems.0.is_empty() {
            return Err(problems.into());
        }
        let is_alone = is_this_machine(bind);
        if tokens.is_none() && !is_alone && !self.allow_open_api {
            return Err(BadInput(format!(
                "--bind {bind} would let everybody who reaches this machine operate the farm over REST\n\
                 hint: give --tokens FILE (`bess token new` makes a token), or --allow-open-api if that \
                 is meant"
            ))
            .into());
        }
        let requests_per_s = match self.rate_limit {
            Some(given) => NonZeroU32::new(given),
            None => (!is_alone).then_some(REQUESTS_PER_S),
        };
        Ok(AccessConfig { tokens, requests_per_s, origins: self.cors_origins.clone(), tls })
    }

    /// The tokens of file and list; `None` without either.
    fn book(&self) -> Result<Option<TokenBook>, Problems> {
        const LIST: &str = "BESS_TOKEN_HASHES";
        let file = self.tokens.as_deref().map(read_tokens).transpose();
        let list = self.token_hashes.as_deref().map(|list| TokenBook::parse_list(LIST, list));
        match (file, list.transpose()) {
            (Ok(Some(file)), Ok(Some(list))) => file.joined(LIST, list).map(Some),
            (Ok(file), Ok(list)) => Ok(file.or(list)),
            (Err(mut file), Err(mut list)) => {
                file.0.append(&mut list.0);
                Err(file)
            }
            (Err(problems), Ok(_)) | (Ok(_), Err(problems)) => Err(problems),
        }
    }

    fn https(&self) -> Result<Option<Arc<ServerConfig>>, Problems> {
        let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) else {
            return Ok(None);
        };
        match (pem(certificate), pem(key)) {
            (Ok(certificate), Ok(key)) => https_config(&certificate, &key).map(Some),
            (certificate, key) => {
                let problems = [certificate.err(), key.err()].into_iter().flatten();
                Err(Problems(problems.flat_map(|problems| problems.0).collect()))
            }
        }
    }

    /// Scheme of the API's URL.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.tls_cert.is_some() { "https" } else { "http" }
    }

    /// What `curl` needs beside the URL.
    pub(crate) fn curl(&self) -> &'static str {
        let asks = self.tokens.is_some() || self.token_hashes.is_some();
        match (asks, self.tls_cert.is_some()) {
            (false, false) => "curl -s",
            (false, true) => "curl -s --cacert CA.pem",
            (true, false) => "curl -s -H \"authorization: Bearer $BESS_TOKEN\"",
            (true, true) => "curl -s --cacert CA.pem -H \"authorization: Bearer $BESS_TOKEN\"",
        }
    }

    /// Says once, in the log, who may use the API.
    pub(crate) fn tell(&self, access: &AccessConfig, bind: IpAddr) {
        match &access.tokens {
            Some(book) => {
                tracing::info!(tokens = book.tokens().len(), "the REST API asks for tokens");
                if access.tls.is_none() && !is_this_machine(bind) {
                    tracing::warn!(
                        "tokens and answers of the REST API can be read on the way: give --tls-cert, or put \
                         a proxy with TLS before it"
                    );
                }
            }
            None if is_this_machine(bind) => tracing::info!(
                "the REST API is open: whoever is on this machine may do everything; --tokens closes it"
            ),
            None => tracing::warn!(
                "the REST API is open to everybody who reaches this machine (--allow-open-api)"
            ),
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        [&self.tokens, &self.tls_cert, &self.tls_key].into_iter().flatten().cloned().collect()
    }

    /// Looks after the files from now on; `None` where there are none.
    ///
    /// # Errors
    /// When SIGHUP cannot be listened to.
    pub(crate) fn watch(&self) -> std::io::Result<Option<Watch>> {
        let files = self.files();
        // Where there is nothing to read again, SIGHUP keeps its meaning: the terminal is gone.
        if files.is_empty() {
            return Ok(None);
        }
        let hangup = signal(SignalKind::hangup())?;
        Ok(Some(Watch { args: self.clone(), seen: marks(&files), files, hangup }))
    }
}

/// Files that are read again while the farm serves.
#[derive(Debug)]
pub(crate) struct Watch {
    args: AccessArgs,
    files: Vec<PathBuf>,
    seen: Vec<Mark>,
    hangup: Signal,
}

/// What changes when a file does; `None` where it cannot be seen.
type Mark = Option<(u64, u64, i64, i64)>;

fn marks(files: &[PathBuf]) -> Vec<Mark> {
    let mark = |path: &PathBuf| {
        let seen = std::fs::metadata(path).ok()?;
        Some((seen.ino(), seen.size(), seen.mtime(), seen.mtime_nsec()))
    };
    files.iter().map(mark).collect()
}

impl Watch {
    /// Reads the files again at each SIGHUP, and when one of them has changed, until `closing` fires. What is
    /// not good leaves everything as it is.
    pub(crate) async fn follow(mut self, api: Arc<Api>, closing: CancellationToken) {
        let mut look = tokio::time::interval(LOOK);
        loop {
            let asked = tokio::select! {
                () = closing.cancelled() => return,
                _ = self.hangup.recv() => true,
                _ = look.tick() => false,
            };
            let api = Arc::clone(&api);
            // A disk may take its time.
            let looked = tokio::task::spawn_blocking(move || {
                let now = marks(&self.files);
                if asked || now != self.seen {
                    self.seen = now;
                    self.read(&api);
                }
                self
            });
            match looked.await {
                Ok(watch) => self = watch,
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            }
        }
    }

    fn read(&self, api: &Api) {
        match (self.args.book(), self.args.https()) {
            (Ok(tokens), Ok(tls)) => {
                let n_tokens = tokens.as_ref().map(|book| book.tokens().len());
                if let Some(tokens) = tokens {
                    api.set_tokens(tokens);
                }
                if let Some(tls) = tls {
                    api.set_tls(tls);
                }
                tracing::info!(
                    tokens = n_tokens,
                    "the files of tokens and certificates were read again"
                );
            }
            (tokens, tls) => {
                for problem in [tokens.err(), tls.err()].into_iter().flatten().flat_map(|all| all.0)
                {
                    let (file, line) = (&problem.file, problem.line);
                    let what = &problem.message;
                    tracing::error!(
                        file,
                        line,
                        "tokens and certificates stay as they were: {what}"
                    );
                }
            }
        }
    }
}

/// Whether no other machine reaches the address.
fn is_this_machine(bind: IpAddr) -> bool {
    bind.to_canonical().is_loopback()
}

/// Reads a token file.
///
/// # Errors
/// All its problems.
pub(crate) fn read_tokens(path: &Path) -> Result<TokenBook, Problems> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        let hint = (error.kind() == std::io::ErrorKind::NotFound)
            .then(|| "`bess token new --append FILE` makes one".to_owned());
        Problems(vec![Problem::without_place(
            &name,
            format!("cannot read the file: {error}"),
            hint,
        )])
    })?;
    TokenBook::parse(&name, &text)
}

fn pem(path: &Path) -> Result<PemFile, Problems> {
    let name = path.display().to_string();
    match std::fs::read(path) {
        Ok(bytes) => Ok(PemFile { name, bytes }),
        Err(error) => {
            let message = format!("cannot read the file: {error}");
            let hint = Some("`bess certs --out DIR` makes files for a test".to_owned());
            Err(Problems(vec![Problem::without_place(&name, message, hint)]))
        }
    }
}
