//! Every attempt.

mod descriptors;
mod memory;
mod network;
mod paths;
mod processes;
mod system;

use crate::probe::Score;
use crate::scene::Scene;

pub(crate) fn run(score: &mut Score) {
    let scene = Scene::new();
    let parts: [(&str, Vec<crate::probe::Probe>); 6] = [
        ("paths", paths::probes(&scene)),
        ("network", network::probes()),
        ("processes", processes::probes()),
        ("system", system::probes(&scene)),
        ("memory", memory::probes()),
        ("descriptors", descriptors::probes()),
    ];
    for (part, probes) in parts {
        println!("{part}: {} probes", probes.len());
        for probe in probes {
            score.attempt(&scene, &probe);
        }
    }
    descriptors::inherited(score, &scene);
}
