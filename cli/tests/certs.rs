//! `bess certs`: what it writes, whom it lets overwrite, and what it shows.
//!
//! That others understand the certificates is tested by `clients/test_certs.py`.

// The lint spares unwraps in test functions, not in their helpers.
#![allow(clippy::unwrap_used)]

mod common;

use bess_core::role::Role;
use bess_protocol::tls::{PemFile, TlsSpec, certificates_in};
use common::{Ran, file, folder, run, text};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Runs `bess certs`, which must go well.
fn certs(args: &[&str]) -> Ran {
    let ran = run([&["certs"], args].concat());
    assert_eq!(ran.code, Some(0), "bess certs {args:?} said:\n{}", ran.stderr);
    ran
}

/// Runs `bess certs`, which must refuse with all of `parts`.
fn refused(args: &[&str], parts: &[&str]) {
    let ran = run([&["certs"], args].concat());
    assert_eq!(ran.code, Some(2), "bess certs {args:?} said:\n{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    for part in parts {
        assert!(ran.stderr.contains(part), "{part:?} is not in:\n{}", ran.stderr);
    }
}

/// The files of a folder with their bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|e| (e.file_name().into_string().unwrap(), std::fs::read(e.path()).unwrap()))
        .collect()
}

fn pem(folder: &Path, name: &str) -> PemFile {
    PemFile { name: name.to_owned(), bytes: std::fs::read(folder.join(name)).unwrap() }
}

fn role(folder: &Path, client: &str) -> Option<Role> {
    let file = pem(folder, &format!("client-{client}.pem"));
    certificates_in(&file).unwrap()[0].known_role()
}

#[test]
fn without_more_than_a_folder_there_is_a_client_of_every_role_and_one_of_none() {
    let folder = folder();
    let out = folder.path().join("new/certs");
    let ran = certs(&["--out", &text(&out)]);
    let names: Vec<String> = files(&out).into_keys().collect();
    let clients = ["engineer", "no-role", "operator", "tester", "viewer"];
    let mut expected = vec!["ca.pem".to_owned()];
    for name in clients {
        expected.extend([format!("client-{name}.key"), format!("client-{name}.pem")]);
    }
    expected.extend(["server.key".to_owned(), "server.pem".to_owned()]);
    assert_eq!(names, expected);
    for name in clients {
        assert_eq!(role(&out, name), Role::by_name(name), "{name}");
    }
    for name in &names {
        assert!(ran.stdout.contains(name.as_str()), "{name} is not in:\n{}", ran.stdout);
    }
    assert!(ran.stderr.contains("TEST CA"), "{}", ran.stderr);
    assert!(ran.stderr.contains("never for a real plant"), "{}", ran.stderr);
}

#[test]
fn keys_are_readable_by_their_owner_alone() {
    let folder = folder();
    let out = text(folder.path());
    let modes = || {
        for name in files(folder.path()).into_keys() {
            let mode = folder.path().join(&name).metadata().unwrap().permissions().mode() & 0o777;
            let expected = if name.ends_with(".key") { 0o600 } else { 0o644 };
            assert_eq!(mode, expected, "{name} has mode {mode:o}");
        }
    };
    certs(&["--out", &out]);
    modes();
    // Overwriting does not keep a mode that somebody widened.
    let key = folder.path().join("server.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o666)).unwrap();
    certs(&["--out", &out, "--force"]);
    modes();
}

#[test]
fn a_listener_takes_the_files_as_they_are() {
    let folder = folder();
    certs(&["--out", &text(folder.path())]);
    let spec = TlsSpec {
        certificate: pem(folder.path(), "server.pem"),
        key: pem(folder.path(), "server.key"),
        client_ca: pem(folder.path(), "ca.pem"),
        allow_tls_1_2: true,
    };
    spec.server_config().unwrap_or_else(|problems| panic!("{problems}"));
    let crossed = TlsSpec { key: pem(folder.path(), "client-viewer.key"), ..spec };
    assert!(crossed.server_config().is_err());
}

#[test]
fn hosts_clients_and_days_are_those_that_were_asked_for() {
    let folder = folder();
    let out = text(folder.path());
    let args =
        "--host ::1 --host farm.example --client ems-1:operator --client guest:none --days 3";
    certs(&[&["--out", out.as_str()], args.split(' ').collect::<Vec<_>>().as_slice()].concat());
    let server = &certificates_in(&pem(folder.path(), "server.pem")).unwrap()[0];
    assert_eq!(server.hosts, ["::1", "farm.example"]);
    let valid = server.not_after.duration_since(server.not_before);
    assert_eq!(valid.as_hours(), 73, "an hour back and three days on");
    assert_eq!(role(folder.path(), "ems-1"), Some(Role::Operator));
    assert_eq!(role(folder.path(), "guest"), None);
    assert_eq!(role(folder.path(), "no-role"), None, "it is always there");
    assert!(!folder.path().join("client-viewer.pem").exists());
}

#[test]
fn files_that_are_there_are_kept_unless_forced() {
    let folder = folder();
    let out = text(folder.path());
    certs(&["--out", &out, "--client", "old:viewer"]);
    let before = files(folder.path());
    let said = "has ca.pem and 4 more of these files already; nothing was written";
    refused(&["--out", &out], &[said, "hint: --force overwrites"]);
    assert_eq!(files(folder.path()), before);

    let ran = certs(&["--out", &out, "--force"]);
    let after = files(folder.path());
    assert_ne!(after["ca.pem"], before["ca.pem"]);
    assert_ne!(after["server.key"], before["server.key"]);
    assert_eq!(after["client-old.pem"], before["client-old.pem"], "nobody asked for it");
    assert!(ran.stderr.contains("warning: client-old.pem is of another CA"), "{}", ran.stderr);
}

#[test]
fn one_file_that_is_there_is_enough_to_refuse() {
    let folder = folder();
    let key = file(&folder, "client-tester.key", "mine");
    let out = text(folder.path());
    refused(&["--out", &out], &["has client-tester.key already; nothing was written"]);
    assert_eq!(std::fs::read_to_string(key).unwrap(), "mine");
    assert_eq!(files(folder.path()).len(), 1);
}

#[test]
fn bad_flags_are_refused_with_what_is_allowed_before_anything_is_written() {
    let folder = folder();
    let out = folder.path().join("certs");
    let out = text(&out);
    let bad = |args: &[&str], parts: &[&str]| {
        refused(&[&["--out", out.as_str()], args].concat(), parts);
    };
    let roles = "the role must be viewer, operator, engineer, tester or none";
    bad(&["--client", "ems"], &["'ems'", "expected NAME:ROLE, such as ems-1:operator"]);
    bad(&["--client", "ems:admin"], &[roles, "got \"admin\""]);
    bad(&["--client", "ems:Operator"], &[roles]);
    bad(&["--client", "ems:"], &[roles, "got \"\""]);
    for name in ["", "a/b", "../x", "a b", "a\nb", "ä", &"x".repeat(65)] {
        bad(&["--client", &format!("{name}:viewer")], &["1 to 64 of the letters a to z"]);
    }
    bad(&["--client", "a:viewer", "--client", "A:tester"], &["--client a and --client A"]);
    for host in ["", "localhost:802", "[::1]", "256.0.0.1", "a..b", "-a", "a b", "http://x"] {
        bad(
            &[&format!("--host={host}")],
            &["expected an address such as 127.0.0.1 or ::1, or a DNS"],
        );
    }
    for days in ["0", "3651", "-1", "a"] {
        bad(&[&format!("--days={days}")], &["--days"]);
    }
    bad(&["--days", "3651"], &["3651 is not in 1..=3650"]);
    bad(&["show", "x"], &["cannot be used with"]);
    refused(&[], &["--out <DIR>"]);
    assert!(!Path::new(&out).exists());

    let taken = file(&folder, "taken", "");
    refused(&["--out", &taken], &["cannot write to", "taken"]);
}

#[test]
fn a_certificate_is_shown_in_lines() {
    let folder = folder();
    certs(&["--out", &text(folder.path()), "--host", "farm.example", "--days", "30"]);
    let show = |name: &str| certs(&["show", &text(&folder.path().join(name))]).stdout;
    let organization = "O=bess TEST (not for production)";
    let client = show("client-operator.pem");
    assert!(client.contains(&format!("subject  CN=operator, {organization}\n")), "{client}");
    assert!(client.contains(&format!("issuer   CN=bess TEST CA, {organization}\n")), "{client}");
    assert!(client.contains("role     operator\n"), "{client}");
    assert!(client.contains("hosts    none\n"), "{client}");
    assert!(client.contains("valid    20") && !client.contains("expired"), "{client}");
    assert!(show("client-no-role.pem").contains("role     none: a client with it may not write\n"));
    assert!(show("server.pem").contains("hosts    farm.example\n"));
    assert!(show("ca.pem").contains("signs    yes, it is a CA\n"));

    let both = [files(folder.path())["server.pem"].clone(), files(folder.path())["ca.pem"].clone()];
    let chain = certs(&["show", &file(&folder, "chain.pem", both.concat())]).stdout;
    assert_eq!(chain.matches("subject ").count(), 2, "{chain}");
}

#[test]
fn an_old_certificate_and_one_with_a_foreign_role_are_shown_as_that() {
    let folder = folder();
    let mut params = rcgen::CertificateParams::default();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    params.custom_extensions = vec![rcgen::CustomExtension::from_oid_content(
        &bess_protocol::tls::ROLE_OID,
        b"\x0C\x05owner".to_vec(),
    )];
    let made = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem();
    let shown = certs(&["show", &file(&folder, "old.pem", made)]).stdout;
    let dates = "valid    2020-01-01T00:00:00 to 2021-01-01T00:00:00 UTC (expired)\n";
    assert!(shown.contains(dates), "{shown}");
    assert!(shown.contains("role     \"owner\", which bess does not know: may not write\n"));
}

#[test]
fn what_is_no_certificate_is_not_shown() {
    let folder = folder();
    certs(&["--out", &text(folder.path())]);
    let key = text(&folder.path().join("server.key"));
    refused(
        &["show", &key],
        &["there is no certificate in the file, but a private key", "server.key", "hint: "],
    );
    refused(&["show", &file(&folder, "empty.pem", "")], &["the file is empty", "empty.pem"]);
    let missing = text(&folder.path().join("missing.pem"));
    refused(&["show", &missing], &["cannot read the file: No such file", "missing.pem"]);
}
