//! `bess healthcheck`: for images without a shell, and for whoever starts processes by hand.

use anyhow::{Context, bail};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::rustls::crypto::ring;
use ureq::tls::TlsConfig;

/// Ask a `bess serve` or `bess gateway` on this machine whether it is well
///
/// Exit code 0 when it is, else 1 with the reason. The variables of the process that is asked say where it
/// listens: BESS_BIND, BESS_API_PORT, and BESS_TLS_CERT for HTTPS.
#[derive(Debug, clap::Args)]
pub(crate) struct HealthcheckArgs {
    /// Ask whether the tick loop beats, which it does while paused as well; this is the default
    #[arg(long, conflicts_with = "ready")]
    live: bool,
    /// Ask whether clients may come
    #[arg(long)]
    ready: bool,
    /// Base URL to ask; beats the variables
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Address on which it listens
    #[arg(long, value_name = "ADDRESS", env = "BESS_BIND", default_value = "127.0.0.1")]
    bind: IpAddr,
    /// Port of its REST API
    #[arg(long, value_name = "PORT", env = "BESS_API_PORT", default_value_t = 8000)]
    api_port: u16,
    /// Its certificate: where there is one it is asked by HTTPS
    #[arg(long, value_name = "FILE", env = "BESS_TLS_CERT")]
    tls_cert: Option<PathBuf>,
}

/// How long it may take in all.
const TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) fn run(args: &HealthcheckArgs) -> anyhow::Result<()> {
    let path = if args.ready && !args.live { "readyz" } else { "healthz" };
    let url = format!("{}/{path}", base(args));
    let mut config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(TIMEOUT))
        .proxy(None);
    if url.starts_with("https:") {
        // It asks a process beside it whether it lives, shows it nothing and believes it nothing else; the
        // certificate is for the names by which others call it.
        let provider = Arc::new(ring::default_provider());
        let tls = TlsConfig::builder()
            .disable_verification(true)
            .unversioned_rustls_crypto_provider(provider);
        config = config.tls_config(tls.build());
    }
    let agent: ureq::Agent = config.build().into();
    let mut response = agent.get(&url).call().with_context(|| format!("{url} does not answer"))?;
    let status = response.status().as_u16();
    if (200..300).contains(&status) {
        return Ok(());
    }
    let text = response.body_mut().read_to_string().unwrap_or_default();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let detail = document.get("detail").and_then(serde_json::Value::as_str).unwrap_or_default();
    bail!("{url} answers {status}: {detail}")
}

/// Where it is, without a slash at the end.
fn base(args: &HealthcheckArgs) -> String {
    if let Some(url) = &args.url {
        let base = url.trim_end_matches('/');
        return base.strip_suffix("/api/v1").unwrap_or(base).to_owned();
    }
    let scheme = if args.tls_cert.is_some() { "https" } else { "http" };
    // Whoever listens on all addresses listens on this one.
    let host: IpAddr = match args.bind {
        IpAddr::V4(bind) if bind.is_unspecified() => std::net::Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(bind) if bind.is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
        bind => bind,
    };
    format!("{scheme}://{}", std::net::SocketAddr::new(host, args.api_port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Args {
        #[command(flatten)]
        args: HealthcheckArgs,
    }

    #[test]
    fn it_asks_where_the_process_listens() {
        let base =
            |flags: &[&str]| super::base(&Args::parse_from([&["bess"], flags].concat()).args);
        assert_eq!(base(&["--api-port", "81"]), "http://127.0.0.1:81");
        assert_eq!(base(&["--bind", "0.0.0.0", "--api-port", "81"]), "http://127.0.0.1:81");
        assert_eq!(base(&["--bind", "::", "--api-port", "81"]), "http://[::1]:81");
        assert_eq!(base(&["--bind", "10.1.2.3", "--api-port", "81"]), "http://10.1.2.3:81");
        assert_eq!(base(&["--tls-cert", "a.pem", "--api-port", "81"]), "https://127.0.0.1:81");
        assert_eq!(base(&["--url", "http://a:1/api/v1/"]), "http://a:1");
    }
}
