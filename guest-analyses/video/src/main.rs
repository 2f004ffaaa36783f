//! An MP4 or MOV file: tracks, bits second by second, keyframes, and a preview of nothing but keyframes.
//!
//! The parser is our own. Of the crates there are, `mp4parse` tells neither samples nor fragments and does not write,
//! `mp4-atom` has decoders that panic on malformed input (its issue 179), `mp4` (and `re_mp4`, made from it) allocates
//! what a file claims, which is why Signal's mp4san left it, and `mp4-track`, which has limits, is a first release that
//! lays every sample out in memory. What is needed here is small: a dozen boxes, read as runs of samples.

use belljar_sdk::Artifact;
use belljar_sdk::Failure;
use belljar_sdk::Sample;
use serde::Deserialize;
use video::movie::Movie;
use video::preview::Plan;
use video::report::Report;

belljar_sdk::descriptor!("../descriptor.json");

const PREVIEW: &str = "preview.mp4";

#[derive(Deserialize)]
struct Args {
    preview: bool,
    preview_keyframes_max: usize,
}

fn main() {
    belljar_sdk::run(analyse);
}

fn analyse(mut sample: Sample, args: Args) -> Result<Report, Failure> {
    let file_bytes = sample.size_bytes();
    let movie = Movie::read(&mut sample, file_bytes)?;
    let report = Report::of(&movie);
    let keyframes_max = if args.preview { args.preview_keyframes_max } else { 0 };
    let Some(plan) = Plan::of(&movie, &mut sample, keyframes_max)? else { return Ok(report) };
    let mut preview = Artifact::create(PREVIEW)?;
    plan.write(&mut sample, &mut preview)?;
    Ok(report.with_preview(&preview.finish()?, &plan))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_descriptor_hold() {
        belljar_sdk::golden::check(DESCRIPTOR, analyse);
    }
}
