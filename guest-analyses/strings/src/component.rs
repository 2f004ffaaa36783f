//! The typed world, `wit/analysis.wit`, as a [`World`].

use crate::World;
use crate::report::Args;

mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "analysis" });
}

use self::bindings::belljar::analysis::report;
use self::bindings::belljar::analysis::report::Artifact;
use self::bindings::belljar::analysis::report::Level;
use self::bindings::belljar::analysis::sample;

struct Component;

bindings::export!(Component with_types_in bindings);

impl bindings::Guest for Component {
    fn analyse(args: String) -> Result<String, String> {
        let args: Args = serde_json::from_str(&args).map_err(|error| format!("args: {error}"))?;
        let artifact = Artifact::create("strings.txt")?;
        let mut world = Typed { size_bytes: sample::describe().size, artifact };
        let report = crate::analyse(&mut world, &args)?;
        serde_json::to_string(&report).map_err(|error| error.to_string())
    }
}

struct Typed {
    size_bytes: u64,
    artifact: Artifact,
}

impl World for Typed {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read(&mut self, offset: u64, length: u32) -> Vec<u8> {
        sample::read(offset, length)
    }

    fn progress(&mut self, fraction: f64) {
        report::progress(fraction, "looking for strings");
    }

    fn info(&mut self, message: &str) {
        report::log(Level::Info, message);
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.artifact.write(bytes)
    }

    fn path(&self) -> String {
        self.artifact.path()
    }
}
