//! `bess certs`: certificates to try Modbus/TCP Security with, and what a certificate says.
//!
//! Everything is made before anything is written, and each file appears whole or not at all. Keys are
//! readable by their owner alone.

mod issue;

use crate::BadInput;
use anyhow::Context as _;
use bess_core::config::{Problem, Problems};
use bess_core::role::Role;
use bess_protocol::tls::{Certificate, PemFile, certificates_in};
use issue::{Authority, Issued, Validity};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::NamedTempFile;

/// Make a test CA with certificates of a server and of clients with roles, or show a certificate
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:
  bess certs --out certs
  bess certs --out certs --host 10.0.0.5 --host farm.example --days 30
  bess certs --out certs --client ems-1:operator --client scada:viewer
  bess certs show certs/client-operator.pem"
)]
pub(crate) struct CertsArgs {
    #[command(subcommand)]
    command: Option<CertsCommand>,
    /// Folder to write into; it is made if absent
    #[arg(long, value_name = "DIR", required = true)]
    out: Option<PathBuf>,
    /// Address or DNS name that clients reach the server by; may be repeated
    #[arg(long = "host", value_name = "HOST", default_values = ["127.0.0.1", "localhost"], value_parser = parse_host)]
    hosts: Vec<String>,
    /// Client and its role: viewer, operator, engineer, tester or none; may be repeated. Beside these
    /// there is always one without a role, no-role
    #[arg(
        long = "client",
        value_name = "NAME:ROLE",
        default_values = ["viewer:viewer", "operator:operator", "engineer:engineer", "tester:tester"],
        value_parser = parse_client
    )]
    clients: Vec<Client>,
    /// Days that the certificates are valid, 1 to 3650
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// Overwrite files that are there
    #[arg(long)]
    force: bool,
}

#[derive(Debug, clap::Subcommand)]
enum CertsCommand {
    /// Print whose the certificates of a file are, until when, for which hosts and in which role
    Show {
        /// File in PEM form
        file: PathBuf,
    },
}

/// A client to make a certificate for.
#[derive(Clone, Debug)]
struct Client {
    name: String,
    role: Option<Role>,
}

pub(crate) fn run(
    args: &CertsArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<()> {
    match (&args.command, &args.out) {
        (Some(CertsCommand::Show { file }), _) => show(file, out),
        (None, Some(folder)) => make(args, folder, out, err),
        (None, None) => Err(BadInput("--out DIR says where to write".to_owned()).into()),
    }
}

// ---------------------------------------------------------------------------------------------
// Flags

fn parse_host(text: &str) -> Result<String, String> {
    if text.parse::<IpAddr>().is_ok() {
        return Ok(text.to_owned());
    }
    let is_label = |label: &str| {
        let is_good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (1..=63).contains(&label.len())
            && label.chars().all(is_good)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // A last label of digits is an address with a mistake.
    let is_numeric =
        text.rsplit('.').next().is_some_and(|last| last.chars().all(|c| c.is_ascii_digit()));
    if text.len() <= 253 && !is_numeric && text.split('.').all(is_label) {
        return Ok(text.to_owned());
    }
    Err("expected an address such as 127.0.0.1 or ::1, or a DNS name such as localhost, without a \
         port"
        .to_owned())
}

fn parse_client(text: &str) -> Result<Client, String> {
    let (name, role) =
        text.split_once(':').ok_or("expected NAME:ROLE, such as ems-1:operator or guest:none")?;
    // The name is part of a file's, and the common name, which ends at 64 letters (RFC 5280).
    let is_good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !(1..=64).contains(&name.len()) || !name.chars().all(is_good) {
        return Err(format!(
            "the name must have 1 to 64 of the letters a to z, A to Z, 0 to 9, -, _ and ., got \
             \"{name}\""
        ));
    }
    let role = match role {
        "none" => None,
        role => Some(Role::by_name(role).ok_or_else(|| {
            let known: Vec<_> = Role::ALL.iter().map(|(name, _)| *name).collect();
            format!("the role must be {} or none, got \"{role}\"", known.join(", "))
        })?),
    };
    Ok(Client { name: name.to_owned(), role })
}

/// The clients of the flags, and one without a role.
fn clients(args: &CertsArgs) -> Result<Vec<Client>, BadInput> {
    let mut clients = args.clients.clone();
    for (index, client) in clients.iter().enumerate() {
        // There are file systems that do not tell upper from lower case.
        let is_same = |other: &&Client| other.name.eq_ignore_ascii_case(&client.name);
        if let Some(other) = clients[..index].iter().find(is_same) {
            return Err(BadInput(format!(
                "--client {} and --client {} would be the same file; give each its own name",
                other.name, client.name
            )));
        }
    }
    if !clients.iter().any(|client| client.name.eq_ignore_ascii_case("no-role")) {
        clients.push(Client { name: "no-role".to_owned(), role: None });
    }
    Ok(clients)
}

// ---------------------------------------------------------------------------------------------
// Making

/// A file to be written.
struct Output {
    name: String,
    text: String,
    is_secret: bool,
}

impl Output {
    fn pair(stem: &str, issued: Issued) -> [Self; 2] {
        [
            Self { name: format!("{stem}.pem"), text: issued.certificate, is_secret: false },
            Self { name: format!("{stem}.key"), text: issued.key, is_secret: true },
        ]
    }
}

fn make(
    args: &CertsArgs,
    folder: &Path,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<()> {
    let clients = clients(args)?;
    let now = Timestamp::now();
    let now = Duration::from_secs(u64::try_from(now.as_second()).context("it is before 1970")?);
    let authority = Authority::new(Validity { now, days: args.days })?;
    let mut files =
        vec![Output { name: "ca.pem".to_owned(), text: authority.certificate(), is_secret: false }];
    let mut rows = vec![("ca.pem".to_owned(), "the test CA: what both sides trust".to_owned())];
    files.extend(Output::pair("server", authority.server(&args.hosts)?));
    rows.push(("server.pem, server.key".to_owned(), format!("server {}", args.hosts.join(", "))));
    for client in &clients {
        let stem = format!("client-{}", client.name);
        files.extend(Output::pair(&stem, authority.client(&client.name, client.role)?));
        let role = client.role.map_or("no role: may not write", Role::name);
        rows.push((format!("{stem}.pem, {stem}.key"), format!("client, {role}")));
    }
    write(folder, &files, args.force)?;

    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, what) in rows {
        writeln!(out, "{name:width$}  {what}")?;
    }
    writeln!(
        err,
        "This is a TEST CA, for trying things out and never for a real plant: whoever reads a key \
         in {} is that client.\nThe CA's own key was not kept: to add a client, make all anew.",
        folder.display()
    )?;
    for stale in strangers(folder, &files) {
        writeln!(err, "warning: {stale} is of another CA; delete it if it is of an earlier run")?;
    }
    Ok(())
}

fn write(folder: &Path, files: &[Output], is_forced: bool) -> anyhow::Result<()> {
    let is_there = |name: &&str| std::fs::symlink_metadata(folder.join(name)).is_ok();
    let mut there = files.iter().map(|file| file.name.as_str()).filter(is_there);
    if !is_forced && let Some(first) = there.next() {
        let others = match there.count() {
            0 => String::new(),
            n_others => format!(" and {n_others} more of these files"),
        };
        return Err(BadInput(format!(
            "{} has {first}{others} already; nothing was written\nhint: --force overwrites",
            folder.display()
        ))
        .into());
    }
    let refuse =
        |error: std::io::Error| BadInput(format!("cannot write to {}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(refuse)?;
    let mut aside = Vec::new();
    for file in files {
        aside.push((write_aside(folder, file).map_err(refuse)?, folder.join(&file.name)));
    }
    for (written, path) in aside {
        let renamed =
            if is_forced { written.persist(&path) } else { written.persist_noclobber(&path) };
        renamed.map_err(|error| refuse(error.error))?;
    }
    Ok(())
}

/// A temporary file is its owner's alone; a certificate may be read by everybody.
fn write_aside(folder: &Path, file: &Output) -> std::io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut aside = NamedTempFile::new_in(folder)?;
    let mode = if file.is_secret { 0o600 } else { 0o644 };
    aside.as_file().set_permissions(std::fs::Permissions::from_mode(mode))?;
    aside.write_all(file.text.as_bytes())?;
    Ok(aside)
}

/// Certificates of clients in the folder that were not written now.
fn strangers(folder: &Path, files: &[Output]) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with("client-") && name.ends_with(".pem"))
        .filter(|name| files.iter().all(|file| file.name != *name))
        .collect();
    names.sort();
    names
}

// ---------------------------------------------------------------------------------------------
// Showing

fn show(path: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| {
        let message = format!("cannot read the file: {error}");
        Problems(vec![Problem::without_place(&name, message, None)])
    })?;
    let now = TimeZone::UTC.to_datetime(Timestamp::now());
    for (index, read) in certificates_in(&PemFile { name, bytes })?.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        let dates = if read.not_after < now {
            " (expired)"
        } else if read.not_before > now {
            " (not yet valid)"
        } else {
            ""
        };
        writeln!(out, "subject  {}", read.subject)?;
        writeln!(out, "issuer   {}", read.issuer)?;
        writeln!(out, "valid    {} to {} UTC{dates}", read.not_before, read.not_after)?;
        let hosts = if read.hosts.is_empty() { "none".to_owned() } else { read.hosts.join(", ") };
        writeln!(out, "hosts    {hosts}")?;
        writeln!(out, "role     {}", role(read))?;
        writeln!(out, "signs    {}", if read.is_ca { "yes, it is a CA" } else { "no" })?;
    }
    Ok(())
}

fn role(read: &Certificate) -> String {
    match (&read.role, read.known_role()) {
        (_, Some(role)) => role.name().to_owned(),
        (Some(text), None) => format!("\"{text}\", which bess does not know: may not write"),
        (None, None) => "none: a client with it may not write".to_owned(),
    }
}
