//! The Python module `_core`: its list of exports and nothing else.
#![cfg_attr(
    not(feature = "python"),
    allow(
        dead_code,
        unused_imports,
        reason = "what calls the layers from the top is Python's"
    )
)]

#[cfg(feature = "python")]
mod asgi;
#[cfg(feature = "python")]
mod bridge;
mod error;
#[cfg(feature = "python")]
mod interpreter;
mod protocol;
mod runtime;
mod settings;
mod transport;

/// What the targets in `fuzz/` call: each panics where its property does not hold.
#[cfg(feature = "fuzzing")]
pub mod fuzzing {
    use crate::protocol::fuzzing;

    pub fn websocket_decoder(input: &[u8]) {
        fuzzing::websocket_decoder(input);
    }

    pub fn websocket_deflate(input: &[u8]) {
        fuzzing::websocket_deflate(input);
    }
}

#[cfg(feature = "python")]
#[pyo3::pymodule]
mod _core {
    #[pymodule_export]
    use super::bridge::Bridge;

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "Python's name for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
