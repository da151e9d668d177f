//! Any compressed messages, and any messages to compress: the property is the crate's.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| _core::fuzzing::websocket_deflate(input));
