//! Who is trusted: addresses, networks and words, as Python's `ipaddress` reads them.

use std::net::{IpAddr, SocketAddr};

use super::{super::trust::Trust, proxies};
use crate::transport::{Peer, ServerAddress};

fn trust(hosts: &str) -> Trust {
    let hosts: Vec<String> = hosts
        .split(',')
        .map(|host| host.trim().to_owned())
        .collect();
    Trust::new(&hosts)
}

/// (trusted, a host, whether it is one of them)
const HOSTS: &[(&str, &str, bool)] = &[
    ("*", "10.0.0.1", true),
    ("*", "", true),
    ("*", "unknown", true),
    ("127.0.0.1, ::1", "127.0.0.1", true),
    ("127.0.0.1, ::1", "127.0.0.2", false),
    ("127.0.0.1, ::1", "::1", true),
    ("127.0.0.1, ::1", "0:0:0:0:0:0:0:1", true),
    ("127.0.0.1, ::1", "", false),
    ("127.0.0.1, *", "10.0.0.1", false),
    ("127.0.0.1, *", "*", true),
    ("", "", false),
    ("127.0.0.1", "127.1", false),
    ("127.0.0.1", "127.0.0.01", false),
    ("127.0.0.01", "127.0.0.01", true),
    ("127.0.0.01", "127.0.0.1", false),
    ("127.0.0.1", " 127.0.0.1", false),
    ("10.0.0.0/8", "10.255.255.255", true),
    ("10.0.0.0/8", "11.0.0.0", false),
    ("10.0.0.0/8", "::ffff:a00:1", true),
    ("10.0.0.0/08", "10.0.0.1", true),
    ("10.0.0.0/255.0.0.0", "10.1.2.3", true),
    ("10.0.0.0/0.255.255.255", "10.1.2.3", true),
    ("10.0.0.0/255.0.255.0", "10.0.0.0", false),
    ("10.0.0.1/8", "10.0.0.1", false),
    ("10.0.0.1/8", "10.0.0.1/8", true),
    ("10.0.0.0/33", "10.0.0.0", false),
    ("10.0.0.0/", "10.0.0.0", false),
    ("10.0.0.0/-1", "10.0.0.0", false),
    ("10.0.0.0/+8", "10.0.0.0", false),
    ("10.0.0.0/8/8", "10.0.0.0", false),
    ("10.0.0.1/32", "10.0.0.1", true),
    ("10.0.0.1/32", "10.0.0.2", false),
    ("0.0.0.0/0", "203.0.113.9", true),
    ("0.0.0.0/0", "2001:db8::1", false),
    ("0.0.0.0/0.0.0.0", "203.0.113.9", true),
    ("::/0", "2001:db8::1", true),
    ("::/0", "203.0.113.9", false),
    ("2001:db8::/32", "2001:DB8:ffff::", true),
    ("2001:db8::/32", "2001:db9::", false),
    ("2001:db8::1/32", "2001:db8::1", false),
    ("2001:db8::1/128", "2001:db8::1", true),
    ("2001:db8::/ffff:ffff::", "2001:db8::", false),
    ("2001:db8::/129", "2001:db8::", false),
    ("127.0.0.1", "::ffff:127.0.0.1", true),
    ("::ffff:127.0.0.1", "::ffff:7f00:1", true),
    ("::ffff:127.0.0.1", "127.0.0.1", false),
    ("::ffff:0:0/96", "::ffff:10.0.0.1", true),
    ("127.0.0.1", "::127.0.0.1", false),
    ("fe80::1", "fe80::1%eth0", false),
    ("fe80::1%eth0", "fe80::1%eth0", true),
    ("fe80::1%eth0", "fe80::1%eth1", false),
    ("fe80::1%eth0", "fe80::1", false),
    ("fe80::/10", "fe80::1%eth0", true),
    ("fe80::/10", "fe80::1%", false),
    ("fe80::/10", "fe80::1%a%b", false),
    ("fe80::%eth0/64", "fe80::7%eth1", true),
    ("10.0.0.1%a", "10.0.0.1%a", true),
    ("proxy.internal", "proxy.internal", true),
    ("proxy.internal", "Proxy.Internal", false),
    ("unknown", "unknown", true),
    ("_edge", "_edge", true),
    ("[::1]", "::1", false),
    ("::1", "[::1]", false),
];

#[test]
fn trusted_hosts() {
    for (trusted, host, expected) in HOSTS {
        assert_eq!(
            trust(trusted).trusts(host),
            *expected,
            "{host:?} of {trusted:?}"
        );
    }
}

#[test]
fn peer_over_a_unix_socket_is_trusted_with_an_asterisk_alone() {
    let peer = Peer {
        client: None,
        server: ServerAddress::Unix("/run/a.sock".into()),
    };
    assert!(proxies("*").trust(&peer));
    assert!(!proxies("127.0.0.1, ::1, 0.0.0.0/0, *").trust(&peer));
}

#[test]
fn peer_on_a_socket_for_both_families_is_trusted_as_the_ipv4_address_it_has() {
    let peer = |ip: &str| Peer {
        client: Some(SocketAddr::new(ip.parse::<IpAddr>().unwrap(), 1)),
        server: ServerAddress::Unknown,
    };
    let proxies = proxies("127.0.0.1, 10.0.0.0/8");
    assert!(proxies.trust(&peer("127.0.0.1")));
    assert!(proxies.trust(&peer("::ffff:127.0.0.1")));
    assert!(proxies.trust(&peer("::ffff:10.9.9.9")));
    assert!(!proxies.trust(&peer("::ffff:11.0.0.1")));
    assert!(!proxies.trust(&peer("::127.0.0.1")));
}
