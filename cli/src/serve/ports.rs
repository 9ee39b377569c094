//! The ports that a process binds.

use super::ServeArgs;
use crate::BadInput;
use bess_core::point::PointBook;
use bess_protocol::plan::Plan;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;

/// The bound ports.
pub(super) struct Ports {
    pub(super) modbus: Vec<bess_protocol::Socket>,
    pub(super) api: TcpListener,
    pub(super) metrics: TcpListener,
    pub(super) book: bess_api::AddressBook,
    pub(super) points: Arc<dyn PointBook>,
}

/// Binds every port or says which are taken.
pub(super) async fn bind(args: &ServeArgs, plan: Plan) -> anyhow::Result<Ports> {
    let mut refused = Vec::new();
    let points = Arc::new(plan.points());
    let (modbus, devices) = plan.bind().await.unwrap_or_else(|unbound| {
        refused.extend(unbound.into_iter().map(|unbound| {
            let what = format!("Modbus, listener \"{}\"", unbound.listener);
            cannot_listen(unbound.address, &what, &unbound.error, "--modbus-port")
        }));
        (Vec::new(), Vec::new())
    });
    let bound = bind_http(args.bind, args.api_port, args.metrics_port).await;
    let bound = bound.map_err(|taken| refused.extend(taken));
    let (Ok([api, metrics]), Some(first), true) = (bound, modbus.first(), refused.is_empty())
    else {
        return Err(BadInput(refused.join("\nerror: ")).into());
    };
    let book = bess_api::AddressBook {
        modbus: first.listener.local_addr()?,
        devices,
        api: api.local_addr()?,
        metrics: metrics.local_addr()?,
    };
    Ok(Ports { modbus, api, metrics, book, points })
}

/// Binds the ports of REST and of metrics, or says which are taken.
pub(crate) async fn bind_http(
    bind: IpAddr,
    api_port: u16,
    metrics_port: u16,
) -> Result<[TcpListener; 2], Vec<String>> {
    let mut bound = Vec::new();
    let mut refused = Vec::new();
    for (what, flag, port) in
        [("REST", "--api-port", api_port), ("metrics", "--metrics-port", metrics_port)]
    {
        let address = SocketAddr::new(bind, port);
        match TcpListener::bind(address).await {
            Ok(listener) => bound.push(listener),
            Err(error) => refused.push(cannot_listen(address, what, &error, flag)),
        }
    }
    <[TcpListener; 2]>::try_from(bound).map_err(|_| refused)
}

fn cannot_listen(address: SocketAddr, what: &str, error: &std::io::Error, flag: &str) -> String {
    let also = if address.port() == 9090 && error.kind() == std::io::ErrorKind::AddrInUse {
        " (a local Prometheus listens on 9090 too)"
    } else {
        ""
    };
    let hint = if error.kind() == std::io::ErrorKind::AddrNotAvailable {
        "--bind names an address that this machine does not have".to_owned()
    } else {
        format!("choose another port with {flag}, or {flag} 0 for any free one")
    };
    format!("cannot listen on {address} for {what}: {error}{also}\nhint: {hint}")
}
