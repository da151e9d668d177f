//! Tables of what proxies write, and noise. What uvicorn's middleware answers to the same is in the first two of them.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may fail by panicking"
)]

mod fields;
mod noise;
mod rfc7239;
mod trust;

use std::rc::Rc;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Forwarded, Proxies};
use crate::settings::Forwarding;

/// Proxies that are believed in everything.
fn proxies(trusted: &str) -> Rc<Proxies> {
    with(trusted, |forwarding| {
        forwarding.rfc7239 = true;
        forwarding.host = true;
        forwarding.prefix = true;
    })
}

fn with(trusted: &str, choose: impl FnOnce(&mut Forwarding)) -> Rc<Proxies> {
    let hosts = trusted.split(',').map(|host| host.trim().to_owned());
    let mut forwarding = Forwarding {
        trusted_hosts: hosts.collect(),
        ..Forwarding::default()
    };
    choose(&mut forwarding);
    Proxies::new(Some(&forwarding)).unwrap()
}

fn headers(fields: &[(&str, &[u8])]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value).unwrap(),
        );
    }
    headers
}

fn read(proxies: &Proxies, fields: &[(&str, &[u8])]) -> Forwarded {
    proxies.read(&headers(fields)).unwrap_or_default()
}

fn client(forwarded: &Forwarded) -> Option<(&str, i64)> {
    let node = forwarded.client.as_ref();
    node.map(|node| (node.host.as_str(), node.port))
}

#[test]
fn no_field_of_a_proxys_says_nothing() {
    let proxies = proxies("*");
    let fields: &[(&str, &[u8])] = &[("host", b"a"), ("x-forwarde", b"b"), ("via", b"1.1 c")];
    assert_eq!(proxies.read(&headers(fields)), None);
}

#[test]
fn nobody_is_believed_where_it_is_turned_off() {
    assert!(Proxies::new(None).is_none());
}
