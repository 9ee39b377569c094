//! One connection without a socket, for the fuzz targets.

use crate::access::{FarmAccess, ListenerConfig};
use crate::config::ModbusConfig;
use crate::device::Gateway;
use crate::plan::{Place, Plan};
use crate::server::run_alone;
use crate::session::Wire;
use bess_core::spec::FarmSpec;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use tokio::io::DuplexStream;

impl Wire for DuplexStream {}

/// A server of one connection at a time, over memory.
#[derive(Debug)]
pub struct Lone {
    config: Arc<ListenerConfig>,
    gateway: Arc<Gateway>,
}

impl Lone {
    /// A server of the first listener of this configuration.
    ///
    /// # Panics
    /// When the configuration does not fit the farm, or has no gateway.
    pub fn new(spec: &FarmSpec, config: &ModbusConfig) -> Self {
        let place = Place { bind: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 0, reserved: vec![] };
        let plan = Plan::new(spec, config, &place).expect("it fits the farm");
        let gateway = plan.first_gateway().expect("it has a gateway");
        Self { config: Arc::new(ListenerConfig::default()), gateway }
    }

    /// Serves `stream` until its client has sent everything and was answered.
    pub async fn serve(&self, stream: DuplexStream, farm: FarmAccess) {
        run_alone(stream, &self.config, &self.gateway, farm).await;
    }
}
