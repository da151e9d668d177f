//! Random bytes, and random pieces of what is meant: whatever a field holds, reading it returns.

use http::{HeaderMap, HeaderValue};

use super::proxies;

/// Marsaglia's xorshift64: the same noise in every run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = self.below(40);
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    fn pieces(&mut self) -> Vec<u8> {
        let count = self.below(12);
        (0..count)
            .flat_map(|_| PIECES[self.below(PIECES.len())].as_bytes())
            .copied()
            .collect()
    }
}

const PIECES: &[&str] = &[
    "for=",
    "proto=",
    "host=",
    "by=",
    "FOR",
    "=",
    ";",
    ",",
    ", ",
    " ",
    "\t",
    "\"",
    "\\",
    "\\\"",
    "[",
    "]",
    "[::1]",
    "::1",
    ":",
    "::",
    ":80",
    ":-1",
    ":99999999999999999999",
    "_",
    "_x",
    ":_x",
    "%",
    "%2e",
    "/",
    "//",
    "/a",
    "..",
    ".",
    "1.2.3.4",
    "10.0.0.1",
    "10.0.0.1:443",
    "::ffff:10.0.0.1",
    "fe80::1%eth0",
    "unknown",
    "http",
    "https",
    "example.com",
    "\u{e9}",
    "\u{7f}",
];
const NAMES: &[&str] = &[
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-prefix",
];

#[test]
fn noise_is_read() {
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let everybody = ["*", "10.0.0.0/8, ::1, unknown, _x, fe80::1%eth0"].map(proxies);
    let mut found = 0;
    for _ in 0..40_000 {
        let mut headers = HeaderMap::new();
        for _ in 0..=noise.below(4) {
            let value = if noise.below(4) == 0 {
                noise.bytes()
            } else {
                noise.pieces()
            };
            // What no field can hold never gets here.
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(NAMES[noise.below(NAMES.len())], value);
            }
        }
        for proxies in &everybody {
            let Some(forwarded) = proxies.read(&headers) else {
                continue;
            };
            found += usize::from(forwarded.client.is_some());
            if let Some(node) = &forwarded.client {
                assert!(!node.host.is_empty());
            }
            if let Some(prefix) = &forwarded.prefix {
                assert!(prefix.starts_with('/') && !prefix.contains("//") && prefix.is_ascii());
            }
        }
    }
    assert!(found > 10_000);
}

/// A head is no longer than 64 KiB by default, and nothing takes more than one look at each byte of it.
#[test]
fn long_fields_are_read() {
    let proxies = proxies("10.0.0.0/8");
    for (name, piece, count) in [
        ("x-forwarded-for", "10.0.0.1,", 7_000),
        ("forwarded", "for=10.0.0.1,", 5_000),
        ("forwarded", "a=b;", 16_000),
        ("forwarded", ";", 65_000),
        ("x-forwarded-prefix", "/a", 32_000),
        ("x-forwarded-for", ",", 65_000),
    ] {
        let mut headers = HeaderMap::new();
        let value = piece.repeat(count);
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        assert!(proxies.read(&headers).is_some());
    }
}
