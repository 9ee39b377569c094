//! The crate `sunspec` as a client: it finds the models by itself and decodes them.

use crate::farm::{Client, Farm};
use std::sync::Arc;
use sunspec::client::{AsyncClient, AsyncDevice, AsyncModbusClient, Config, ModbusError};
use sunspec::models::*;
use sunspec::{Model, ModelAddr, Point};
use tokio::sync::Mutex;

/// Our client of bytes below theirs of models.
#[derive(Clone)]
struct Wire(Arc<Mutex<Client>>);

fn told(code: u8) -> ModbusError {
    match code {
        2 => ModbusError::IllegalDataAddress,
        3 => ModbusError::IllegalDataValue,
        other => ModbusError::Custom(other),
    }
}

impl AsyncModbusClient for Wire {
    async fn read_registers(
        &self,
        unit: u8,
        address: u16,
        count: u16,
    ) -> Result<Vec<u16>, ModbusError> {
        self.0.lock().await.read(unit, address, count).await.map_err(told)
    }
    async fn write_registers(
        &self,
        unit: u8,
        address: u16,
        words: &[u16],
    ) -> Result<(), ModbusError> {
        self.0.lock().await.write(unit, address, words).await.map_err(told)
    }
}

async fn device(farm: &Farm, unit: u8) -> AsyncDevice<Wire> {
    let wire = Wire(Arc::new(Mutex::new(farm.client().await)));
    // It looks for the chain where it is, then at 0, where the compact map is.
    AsyncClient::new(wire, Config::default()).device(unit).await.unwrap()
}

fn is_there<M: Model>(models: &Models) -> bool {
    let found: ModelAddr<M> = M::addr(models);
    found.len > 0
}

#[tokio::test]
async fn it_finds_every_model_of_a_unit_and_of_the_plant() {
    let farm = Farm::start().await;
    let unit = device(&farm, 1).await;
    assert!(unit.unknown_models.is_empty(), "{:?}", unit.unknown_models);
    macro_rules! found {
        ($models:expr, $($model:ty),*) => { [$(is_there::<$model>($models)),*] };
    }
    let of_unit = found!(
        &unit.models,
        model1::Model1,
        model701::Model701,
        model702::Model702,
        model703::Model703,
        model704::Model704,
        model705::Model705,
        model706::Model706,
        model707::Model707,
        model708::Model708,
        model709::Model709,
        model710::Model710,
        model711::Model711,
        model712::Model712,
        model713::Model713,
        model714::Model714,
        model715::Model715,
        model802::Model802,
        model803::Model803
    );
    assert_eq!(of_unit, [true; 18]);
    let plant = device(&farm, 255).await;
    let of_plant = found!(
        &plant.models,
        model1::Model1,
        model701::Model701,
        model702::Model702,
        model704::Model704,
        model713::Model713,
        model203::Model203
    );
    assert_eq!(of_plant, [true; 6]);
    assert!(plant.unknown_models.is_empty());
}

#[tokio::test]
async fn it_reads_the_values_of_a_unit() {
    let farm = Farm::start().await;
    let unit = device(&farm, 3).await;
    let common: model1::Model1 = unit.read_model().await.unwrap();
    assert_eq!((&*common.mn, &*common.sn), ("bess", "unit-003"));
    let ac: model701::Model701 = unit.read_model().await.unwrap();
    assert_eq!((ac.w, ac.w_sf, ac.hz, ac.llv), (Some(10_000), Some(2), Some(50_012), Some(6_900)));
    let capacity: model702::Model702 = unit.read_model().await.unwrap();
    assert_eq!((capacity.w_max_rtg, capacity.v_max_rtg), (Some(25_000), Some(7_590)));
    let dc: model714::Model714 = unit.read_model().await.unwrap();
    assert_eq!((dc.n_prt, dc.prt.len(), dc.prt[0].dcv), (Some(1), 1, Some(13_753)));
    assert_eq!((dc.dcw, dc.prt[0].id_str.as_deref()), (Some(10_200), Some("battery")));
    let trips: model707::Model707 = unit.read_model().await.unwrap();
    let must = &trips.crv[0].must_trip;
    let points: Vec<_> = must.pt.iter().take(2).map(|pt| (pt.v, pt.tms)).collect();
    assert_eq!(must.act_pt, Some(2));
    assert_eq!(points, [(Some(5_000), Some(200)), (Some(8_800), Some(2_100))]);
    let battery: model802::Model802 = unit.read_model().await.unwrap();
    assert_eq!((battery.soc, battery.v, battery.a), (6_350, 13_753, 7_420));
    let bank: model803::Model803 = unit.read_model().await.unwrap();
    assert_eq!((bank.n_str, bank.string.len(), bank.string[11].str_a), (12, 12, 618));
    let plant = device(&farm, 0).await;
    let meter: model203::Model203 = plant.read_model().await.unwrap();
    assert_eq!((meter.w, meter.w_sf, meter.hz, meter.hz_sf), (9_990, 3, 5_001, Some(-2)));
}

#[tokio::test]
async fn it_writes_a_curve_adopts_it_and_reads_it_back() {
    let farm = Farm::start().await;
    let unit = device(&farm, 1).await;
    let before: model705::Model705 = unit.read_model().await.unwrap();
    assert_eq!((before.n_crv, before.n_pt, before.crv.len()), (3, 20, 3));
    assert_eq!(before.crv[0].read_only, model705::CrvReadOnly::R);
    assert_eq!(before.crv[0].act_pt, 4);
    // The crate writes single points of a model's body: a curve within it by its registers.
    let address = model705::Model705::addr(&unit.models).addr;
    let second = address + 13 + 10 + 2 * before.n_pt;
    let wire = &unit.client;
    wire.write_registers(1, second, &[2, 1]).await.unwrap();
    wire.write_registers(1, second + 10, &[9_500, 3_000, 10_500, (-3_000i16) as u16])
        .await
        .unwrap();
    unit.write_point(model705::Model705::ADPT_CRV_REQ, 2).await.unwrap();
    let after: model705::Model705 = unit.read_model().await.unwrap();
    assert_eq!(after.adpt_crv_rslt, model705::AdptCrvRslt::Completed);
    let points: Vec<_> = after.crv[0].pt.iter().map(|pt| (pt.v, pt.var)).take(3).collect();
    assert_eq!(points, [(Some(9_500), Some(3_000)), (Some(10_500), Some(-3_000)), (None, None)]);
    assert_eq!(after.crv[0].act_pt, 2);
    let functions = farm.fake.snapshots.borrow().functions[0].clone();
    assert_eq!(functions.volt_var.points, [(0.95, 0.3), (1.05, -0.3)]);
    // One that cannot be adopted, of another function.
    let droop = model711::Model711::addr(&unit.models).addr;
    wire.write_registers(1, droop + 12 + 10 + 4, &[0]).await.unwrap();
    unit.write_point(model711::Model711::ADPT_CTL_REQ, 2).await.unwrap();
    let after: model711::Model711 = unit.read_model().await.unwrap();
    assert_eq!(after.adpt_ctl_rslt, model711::AdptCtlRslt::Failed);
    assert_eq!(after.ctl[0].k_of, 500);
    let beyond: Result<(), _> = unit.write_point(model711::Model711::ADPT_CTL_REQ, 9).await;
    assert!(beyond.is_err(), "there is no ninth");
    let switch: Point<model705::Model705, model705::Ena> = model705::Model705::ENA;
    unit.write_point(switch, model705::Ena::Enabled).await.unwrap();
    let after: model705::Model705 = unit.read_model().await.unwrap();
    assert_eq!(after.ena, model705::Ena::Enabled);
}
