//! `Trust`: the hosts that are believed: addresses, networks, and words that are neither, read as Python's `ipaddress`
//! reads them. What is written wrongly is a word, which no peer bears (U2.5).

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

pub(super) enum Trust {
    /// `*`: whoever it is, a Unix socket's client too.
    Everybody,
    Listed {
        addresses: Vec<Address>,
        networks: Vec<Network>,
        words: Vec<String>,
    },
}

/// An address as it may be written: an IPv6 one may have a zone, and is another then.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    ip: IpAddr,
    zone: Option<String>,
}

/// All addresses that are `bits` where `mask` is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    V4 { bits: u32, mask: u32 },
    V6 { bits: u128, mask: u128 },
}

impl Trust {
    pub(super) fn new(hosts: &[String]) -> Self {
        if hosts == ["*"] {
            return Self::Everybody;
        }
        let (mut addresses, mut networks, mut words) = (Vec::new(), Vec::new(), Vec::new());
        for host in hosts {
            let is_understood = if host.contains('/') {
                Network::parse(host).map(|network| networks.push(network))
            } else {
                Address::parse(host).map(|address| addresses.push(address))
            };
            if is_understood.is_none() {
                words.push(host.clone());
            }
        }
        Self::Listed {
            addresses,
            networks,
            words,
        }
    }

    pub(super) fn is_boundless(&self) -> bool {
        matches!(self, Self::Everybody)
    }

    /// The client of a Unix socket has no address.
    pub(super) fn trusts_peer(&self, peer: Option<IpAddr>) -> bool {
        match (self, peer) {
            (Self::Everybody, _) => true,
            (Self::Listed { .. }, None) => false,
            (Self::Listed { .. }, Some(ip)) => self.trusts_address(&Address { ip, zone: None }),
        }
    }

    pub(super) fn trusts(&self, host: &str) -> bool {
        match self {
            Self::Everybody => true,
            Self::Listed { .. } if host.is_empty() => false,
            Self::Listed { words, .. } => match Address::parse(host) {
                Some(address) => self.trusts_address(&address),
                None => words.iter().any(|word| word == host),
            },
        }
    }

    /// An IPv4 address that came as an IPv6 one, as a socket for both shows it, is trusted as either.
    fn trusts_address(&self, address: &Address) -> bool {
        let Self::Listed {
            addresses,
            networks,
            ..
        } = self
        else {
            return true;
        };
        let is_listed = |address: &Address| {
            addresses.contains(address) || networks.iter().any(|net| net.contains(address.ip))
        };
        is_listed(address)
            || match address.ip.to_canonical() {
                ip @ IpAddr::V4(_) if ip != address.ip => is_listed(&Address { ip, zone: None }),
                _ => false,
            }
    }
}

impl Address {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(ip) = text.parse() {
            return Some(Self { ip, zone: None });
        }
        let (ip, zone) = text.split_once('%')?;
        let is_zone = !zone.is_empty() && !zone.contains(['%', '/']);
        let ip: Ipv6Addr = ip.parse().ok().filter(|_| is_zone)?;
        Some(Self {
            ip: ip.into(),
            zone: Some(zone.to_owned()),
        })
    }
}

impl Network {
    /// `None` too where an address has bits beyond the mask: it may have been meant for something else.
    fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let network = match Address::parse(address)?.ip {
            IpAddr::V4(ip) => Self::V4 {
                bits: ip.to_bits(),
                mask: mask_v4(length)?,
            },
            IpAddr::V6(ip) => Self::V6 {
                bits: ip.to_bits(),
                mask: prefix_length(length, 128)
                    .map(|length| u128::MAX.checked_shl(128 - length).unwrap_or(0))?,
            },
        };
        let is_strict = match network {
            Self::V4 { bits, mask } => bits & mask == bits,
            Self::V6 { bits, mask } => bits & mask == bits,
        };
        is_strict.then_some(network)
    }

    fn contains(self, ip: IpAddr) -> bool {
        match (self, ip) {
            (Self::V4 { bits, mask }, IpAddr::V4(ip)) => ip.to_bits() & mask == bits,
            (Self::V6 { bits, mask }, IpAddr::V6(ip)) => ip.to_bits() & mask == bits,
            _ => false,
        }
    }
}

/// A length, a mask, or a mask with its bits the other way round.
fn mask_v4(text: &str) -> Option<u32> {
    if let Some(length) = prefix_length(text, 32) {
        return Some(u32::MAX.checked_shl(32 - length).unwrap_or(0));
    }
    let mask = Ipv4Addr::from_str(text).ok()?.to_bits();
    let is_mask = |mask: u32| mask.leading_ones() + mask.trailing_zeros() == 32;
    [mask, !mask].into_iter().find(|mask| is_mask(*mask))
}

fn prefix_length(text: &str, most: u32) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let length: u32 = text.parse().ok().filter(|_| is_number)?;
    Some(length).filter(|length| *length <= most)
}
