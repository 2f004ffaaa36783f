//! `GET /metrics`: what is counted, for Prometheus.

use std::fmt;
use std::sync::Arc;

use axum::http::header;
use serde_json::json;

use super::Api;
use super::error::Problem;
use super::keys::Need;
use super::openapi::about::About;
use super::openapi::answer::Answer;
use super::openapi::answer::Answers;
use super::openapi::answer::Told;
use super::openapi::schemas::Schemas;
use crate::access::Scope;
use crate::store::Store;
use crate::store::lists::Inventory;
use crate::telemetry::MEDIA_TYPE;
use crate::telemetry::Present;

/// Of `show`.
pub const SHOW: About =
    About::new("showMetrics", "What is counted, for Prometheus.").needing(Need::Scope(Scope::Admin));

/// The text that Prometheus reads.
#[derive(Debug)]
pub enum Text {}

impl Answers for Text {
    fn answers(_: &mut Schemas) -> Vec<Answer> {
        let says = "What is counted, in the text format of OpenMetrics.";
        vec![Answer::new(200, says).holding(MEDIA_TYPE, json!({ "type": "string" }))]
    }
}

/// What all tenants have stored, once it is known of each.
fn inventory(stores: &[Arc<Store>]) -> Option<Inventory> {
    let mut sum = Some(Inventory::default());
    for store in stores {
        let of_one = store.inventory();
        if of_one.is_none() {
            store.begin_index();
        }
        sum = sum
            .zip(of_one)
            .map(|(sum, it)| Inventory { uploads: sum.uploads + it.uploads, bytes: sum.bytes + it.bytes });
    }
    sum
}

/// All of it. What is stored in all is told once it is known, for which the first to ask has it counted.
pub async fn show(api: Api) -> Result<Told<Text>, Problem> {
    let (store, dispatch) = (&api.parts.store, &api.parts.dispatch);
    let load = dispatch.load();
    let (workers_idle, workers_max) = dispatch.workers();
    let inventory = inventory(&api.parts.stores.all());
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let present = Present {
        runs_in_flight: number(load.in_flight),
        runs_running: number(load.running),
        queue_max: number(load.queue_max),
        workers_warm: number(workers_idle),
        workers_max: number(workers_max),
        disk_free_bytes: store.free()?.bytes,
        disk_reserve_bytes: store.reserve_bytes(),
        notifications_pending: number(api.parts.notifier.count()),
        stored: inventory.map(|it| (it.uploads, it.bytes)),
    };
    let text = api.parts.metrics.text(&present).map_err(|error: fmt::Error| std::io::Error::other(error))?;
    Ok(Told::new(([(header::CONTENT_TYPE, MEDIA_TYPE)], text)))
}
