//! What fuzzing starts from holds, and so does what it found once: both are in `fuzz/seeds/`.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{fs, path::Path};

fn each_seed(target: &str, holds: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(target);
    let mut count = 0;
    for seed in fs::read_dir(folder).unwrap() {
        holds(&fs::read(seed.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn websocket_decoder() {
    each_seed("websocket_decoder", super::websocket_decoder);
}

#[test]
fn websocket_deflate() {
    each_seed("websocket_deflate", super::websocket_deflate);
}
