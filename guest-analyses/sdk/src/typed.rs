//! An analysis as a component of the typed world (`wit/analysis.wit`): it asks for the bytes it wants and returns its
//! result, without files and streams.

use std::io;
use std::io::Write;

use serde::Serialize;
use serde::de::DeserializeOwned;

use self::bindings::belljar::analysis::report;
use self::bindings::belljar::analysis::sample;
use crate::failure::Failure;
use crate::sample::Sample;

#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "analysis",
        pub_export_macro: true,
        default_bindings_module: "belljar_sdk::typed::bindings",
    });
}

/// Lets a function from sample and args to a result be what the component exports.
#[macro_export]
macro_rules! export_typed {
    ($analysis:expr) => {
        struct Component;

        impl $crate::typed::bindings::Guest for Component {
            fn analyse(args: String) -> Result<String, String> {
                $crate::typed::answer(&args, $analysis)
            }
        }

        $crate::typed::bindings::export!(Component with_types_in $crate::typed::bindings);
    };
}

#[doc(hidden)]
pub fn answer<A: DeserializeOwned, R: Serialize>(
    args: &str,
    analysis: impl FnOnce(Sample, A) -> Result<R, Failure>,
) -> Result<String, String> {
    let told = |error: serde_json::Error| format!("args: {error}");
    let args = serde_json::from_str(args).map_err(told)?;
    let result = analysis(Sample::open().map_err(|error| error.to_string())?, args);
    let result = result.map_err(|failure| failure.message().to_owned())?;
    serde_json::to_string(&result).map_err(|error| error.to_string())
}

/// The sample, as the host gives it: read wherever it is asked for.
#[derive(Debug)]
pub(crate) struct Given {
    offset: u64,
    size_bytes: u64,
}

impl Given {
    /// With its size in bytes.
    #[expect(clippy::unnecessary_wraps, reason = "a command may have no file")]
    pub(crate) fn open() -> io::Result<(Self, u64)> {
        let size_bytes = sample::describe().size;
        Ok((Self { offset: 0, size_bytes }, size_bytes))
    }
}

impl io::Read for Given {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let found = sample::read(self.offset, u32::try_from(buffer.len()).unwrap_or(u32::MAX));
        let count = found.len().min(buffer.len());
        buffer[..count].copy_from_slice(&found[..count]);
        self.offset += count as u64;
        Ok(count)
    }
}

impl io::Seek for Given {
    fn seek(&mut self, position: io::SeekFrom) -> io::Result<u64> {
        let to = match position {
            io::SeekFrom::Start(offset) => Some(offset),
            io::SeekFrom::End(back) => self.size_bytes.checked_add_signed(back),
            io::SeekFrom::Current(on) => self.offset.checked_add_signed(on),
        };
        self.offset = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.offset)
    }
}

/// An artifact, as the host takes it.
#[derive(Debug)]
pub(crate) struct Out(report::Artifact);

pub(crate) fn create(name: &str) -> io::Result<Out> {
    report::Artifact::create(name).map(Out).map_err(io::Error::other)
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Tells the host how far the work is.
pub(crate) fn tell(fraction: f64, message: &str) {
    report::progress(fraction, message);
}
