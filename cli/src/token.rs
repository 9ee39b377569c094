//! `bess token`: makes tokens of the REST API, and looks at files of them.
//!
//! A token is printed once and kept nowhere; the file has its hash alone.

use crate::BadInput;
use crate::access::read_tokens;
use anyhow::Context as _;
use bess_api::access::{TOKEN_PREFIX, Token, TokenBook, hex, instant, is_name};
use bess_core::command::Bearer;
use bess_core::net::PeerNet;
use bess_core::role::Role;
use jiff::Timestamp;
use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Make a token of the REST API, or check a file of them
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bess token new --name ems-1 --role operator --append tokens.toml
  bess token new --name board --role viewer --network 10.0.0.0/8 --expires 2027-06-30
  bess token check tokens.toml
  bess serve --tokens tokens.toml")]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, clap::Subcommand)]
enum TokenCommand {
    /// Print a new token, once, and the entry of the token file that makes it known
    New(NewArgs),
    /// Check a token file and list what is in it
    Check {
        /// The token file
        file: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
struct NewArgs {
    /// Who it is for: stands in the audit and in logs
    #[arg(long)]
    name: String,
    /// What its holder may do: viewer, operator, engineer or tester
    #[arg(long)]
    role: String,
    /// Day (its begin, UTC) or instant from which on it is refused
    #[arg(long, value_name = "DAY")]
    expires: Option<String>,
    /// Network that it may be used from, such as 10.0.0.0/8; may be repeated
    #[arg(long = "network", value_name = "NETWORK")]
    networks: Vec<PeerNet>,
    /// Add the entry to this file; it is made if absent
    #[arg(long, value_name = "FILE")]
    append: Option<PathBuf>,
}

pub(crate) fn run(
    args: &TokenArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<()> {
    match &args.command {
        TokenCommand::New(new) => make(new, out, err),
        TokenCommand::Check { file } => check(file, out),
    }
}

fn make(args: &NewArgs, out: &mut dyn Write, err: &mut dyn Write) -> anyhow::Result<()> {
    if !is_name(&args.name) {
        let name = &args.name;
        let message = format!("--name must have 1 to 64 letters, digits, -, _ and ., got {name:?}");
        return Err(BadInput(message).into());
    }
    let Some(role) = Role::by_name(&args.role) else {
        let (names, role) = (Role::ALL.map(|(name, _)| name).join(", "), &args.role);
        return Err(BadInput(format!("--role must be one of {names}, got {role:?}")).into());
    };
    if let Some(text) = &args.expires {
        let message = match instant(text) {
            None => Some("must be a day such as 2027-01-31 or an instant in RFC 3339"),
            Some(at) if at <= Timestamp::now() => Some("is over already"),
            Some(_) => None,
        };
        if let Some(message) = message {
            return Err(BadInput(format!("--expires {message}, got {text:?}")).into());
        }
    }
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).context("the system gives no random numbers")?;
    let token = format!("{TOKEN_PREFIX}{}", hex(&secret));
    let bearer = Bearer { name: args.name.clone(), role };
    let entry = Token::entry(&bearer, &token, args.expires.as_deref(), &args.networks);
    match &args.append {
        Some(path) => {
            append(path, &entry)?;
            writeln!(err, "{} has its hash; the token itself is shown only now:", path.display())?;
        }
        None => writeln!(
            err,
            "For the file that `bess serve --tokens FILE` reads:\n\n{entry}\nThe token itself is shown \
             only now:"
        )?,
    }
    err.flush()?;
    Ok(writeln!(out, "{token}")?)
}

/// Adds an entry, if the file is good with it; written aside, so that a server that reads it again sees all
/// of it or nothing.
fn append(path: &Path, entry: &str) -> anyhow::Result<()> {
    let refuse =
        |error: &std::io::Error| BadInput(format!("cannot write {}: {error}", path.display()));
    let old = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(refuse(&error).into()),
    };
    let gap = if old.is_empty() {
        ""
    } else if old.ends_with('\n') {
        "\n"
    } else {
        "\n\n"
    };
    let text = format!("{old}{gap}{entry}");
    TokenBook::parse(&path.display().to_string(), &text)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut aside = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
        .map_err(|error| refuse(&error))?;
    // Who may read the file stays as it is; a new one is its owner's.
    let mode = std::fs::metadata(path).map_or(0o600, |known| known.permissions().mode());
    aside
        .as_file()
        .set_permissions(std::fs::Permissions::from_mode(mode & 0o777))
        .and_then(|()| aside.write_all(text.as_bytes()))
        .map_err(|error| refuse(&error))?;
    aside.persist(path).map_err(|error| refuse(&error.error))?;
    Ok(())
}

fn check(path: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
    let book = read_tokens(path)?;
    let now = Timestamp::now();
    let width = book.tokens().iter().map(|token| token.bearer.name.len()).max().unwrap_or(0);
    for token in book.tokens() {
        let Bearer { name, role } = &token.bearer;
        let expires = match token.expires {
            None => "for ever".to_owned(),
            Some(at) if token.is_expired(now) => format!("EXPIRED at {at}"),
            Some(at) => format!("until {at}"),
        };
        let networks: Vec<String> = token.networks.iter().map(PeerNet::to_string).collect();
        let networks =
            if networks.is_empty() { "anywhere".to_owned() } else { networks.join(", ") };
        writeln!(out, "{name:width$}  {:<8}  {expires}, from {networks}", role.name())?;
    }
    Ok(())
}
