//! Is it alive, can it work, what does it allow.

pub mod view;

use axum::Json;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::Response;

use self::view::Caps;
use self::view::Disk;
use self::view::NotifyBounds;
use self::view::Queue;
use self::view::Readiness;
use self::view::Walls;
use self::view::Workers;
use super::Api;
use super::error::Problem;
use super::keys::Need;
use super::openapi::about::About;
use super::openapi::answer::Answer;
use super::openapi::answer::Answers;
use super::openapi::schemas::Schemas;
use crate::limits::ARGS_BYTES_MAX;
use crate::limits::Limits;
use crate::notify;

/// Of `alive`.
pub const ALIVE: About = About::new("isAlive", "Answers while the process does.").needing(Need::Nothing);

/// `GET /healthz`: the process answers.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// Of `ready`.
pub const READY: About =
    About::new("isReady", "Whether work can be taken, which walls stand, and what the last self-test said.")
        .needing(Need::Nothing);

impl IntoResponse for Readiness {
    fn into_response(self) -> Response {
        let status = if self.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (status, Json(self)).into_response()
    }
}

impl Answers for Readiness {
    fn answers(schemas: &mut Schemas) -> Vec<Answer> {
        let statuses = [(200, "Work can be taken."), (503, "No work can be taken: the disk or the queue is full.")];
        statuses
            .map(|(status, says)| Answer::new(status, says).holding("application/json", schemas.answered::<Self>()))
            .into()
    }
}

/// `GET /readyz`: whether work can be taken, and which walls stand, what the last self-test
/// said; 503 when it cannot.
pub async fn ready(api: Api) -> Result<Readiness, Problem> {
    let walls = &api.parts.walls;
    let load = api.parts.dispatch.load();
    let (workers_idle, workers_max) = api.parts.dispatch.workers();
    let room = api.parts.store.check_room(0).is_ok();
    let writes = !api.parts.store.disk().has_failed();
    let ready = room && writes && load.in_flight < load.queue_max;
    Ok(Readiness {
        ready,
        disk: Disk {
            room,
            writes,
            free_bytes: api.parts.store.free()?.bytes,
            reserve_bytes: api.parts.store.reserve_bytes(),
        },
        queue: Queue { in_flight: load.in_flight, max: load.queue_max },
        workers: Workers { max: workers_max, idle: workers_idle },
        walls: Walls {
            wasm: true,
            process: walls.stand(),
            landlock: walls.landlock,
            seccomp: walls.seccomp,
            no_new_privs: walls.no_new_privs,
            proc: walls.proc,
            lacking: walls.lacking(),
        },
        engine: api.parts.registry.fingerprint().to_owned(),
        analyses: api.parts.registry.all().len(),
        selftest: api.parts.store.selftest()?,
    })
}

/// Of `limits`.
pub const LIMITS: About = About::new("listLimits", "Every default and every cap.");

/// `GET /limits`: every default and every cap.
pub async fn limits(api: Api) -> Json<Caps> {
    Json(Caps {
        default: Limits::DEFAULT.tightest(api.parts.caps),
        cap: api.parts.caps,
        compile: api.parts.compile_limits,
        upload_bytes: api.upload_bytes_max,
        args_bytes: ARGS_BYTES_MAX,
        queue: api.parts.dispatch.load().queue_max,
        analyses: api.parts.registry.rules().clients_max,
        versions: api.parts.registry.rules().versions_kept,
        disk_reserve_bytes: api.parts.store.reserve_bytes(),
        retention: api.retention,
        resumable: api.resumable.bounds(),
        notify: NotifyBounds {
            receivers: notify::HOOKS_MAX,
            receivers_of_run: notify::HOOKS_OF_RUN_MAX,
            pending: api.parts.notifier.pending_max(),
        },
    })
}
