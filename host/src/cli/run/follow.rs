//! A run followed at a terminal: a bar for how far it is, and its log as it is written.

use std::io::Write;
use std::time::Duration;

use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;

use crate::assembly::Assembly;
use crate::dispatch::board::Phase;
use crate::id::RunKey;
use crate::store::uploads::UploadFacts;

const PIECE_BYTES: usize = 64 << 10;

/// Shows a run until it has ended, with all of its log. The bar is drawn at terminals alone.
pub(super) async fn follow(assembly: &Assembly, key: RunKey, upload: &UploadFacts) -> std::io::Result<()> {
    let bar = bar();
    let fuel_max = assembly.store.config(key)?.map_or(0, |it| it.limits.fuel(upload.size_bytes));
    let mut told = Told::default();
    if let (Some(mut phase), Some(log)) = (assembly.dispatch.watch(key), assembly.dispatch.log(key)) {
        loop {
            let now = *phase.borrow_and_update();
            match now {
                Phase::Accepting | Phase::Accepted => (),
                Phase::Running(progress) => {
                    bar.set_position(progress.share(upload.size_bytes, fuel_max).into());
                    told.begin(progress.attempt);
                    while let Some(piece) =
                        log.piece(progress.attempt, told.bytes, PIECE_BYTES).filter(|it| !it.is_empty())
                    {
                        bar.suspend(|| told.tell(&piece));
                    }
                }
                Phase::Ended | Phase::Answered | Phase::Withdrawn => break,
            }
            if phase.changed().await.is_err() {
                break;
            }
        }
    }
    assembly.dispatch.ended(key).await;
    bar.finish_and_clear();
    if let Some(record) = assembly.store.record(key)? {
        told.begin(record.attempts);
    }
    if let Some(rest) = assembly.store.log(key)?.as_deref().and_then(|log| log.get(told.bytes..)) {
        told.tell(rest);
    }
    Ok(())
}

/// How much of which attempt's log was told.
#[derive(Default)]
struct Told {
    attempt: u32,
    bytes: usize,
}

impl Told {
    fn begin(&mut self, attempt: u32) {
        if attempt != self.attempt {
            *self = Self { attempt, bytes: 0 };
        }
    }

    fn tell(&mut self, piece: &[u8]) {
        // Whoever reads it may have gone.
        drop(std::io::stderr().write_all(piece));
        self.bytes += piece.len();
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3} %  {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
