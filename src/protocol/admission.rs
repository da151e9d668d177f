//! Whether a request that hyper has parsed may reach the application, and by which authority.
//!
//! Owns the meaning of Host, of the target's form and of the method; `framing` has already judged the
//! bytes. An unknown expectation is let through, as RFC 9110 10.1.1 allows and uvicorn does (FLT-A48),
//! so Expect is not looked at here.
#[cfg(test)]
mod tests;

use std::{net::Ipv6Addr, str};

use http::{Method, Request, StatusCode, Version, header::HOST, uri::Scheme};

/// What the caller needs to know of a request that may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Admitted<'a> {
    /// The authority of an absolute-form target. It replaces Host, or a Host that is missing
    /// (FLT-A14).
    pub(crate) authority: Option<&'a str>,
}

/// Why a request is refused. The connection closes after the answer, whatever it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    AuthorityMalformed,
    Connect,
    HostMalformed,
    HostMissing,
    HostRepeated,
    MethodLowerCase,
    MethodTooLong,
    SchemeUnknown,
    TargetForm,
}

impl Denied {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Denied::Connect => StatusCode::METHOD_NOT_ALLOWED,
            Denied::MethodTooLong => StatusCode::NOT_IMPLEMENTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// For a debug log; the peer is told no more than the status.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Denied::AuthorityMalformed => {
                "the target's authority is not a host with an optional port"
            }
            Denied::Connect => "CONNECT",
            Denied::HostMalformed => "Host is not a host with an optional port",
            Denied::HostMissing => "no Host field",
            Denied::HostRepeated => "more than one Host field",
            Denied::MethodLowerCase => "a method with lower-case letters",
            Denied::MethodTooLong => "a method longer than any that is registered",
            Denied::SchemeUnknown => "the target's scheme is not of HTTP",
            Denied::TargetForm => "the target's form does not go with the method",
        }
    }
}

/// Checks what hyper leaves to the server above it (RFC 9112 3.2).
pub(crate) fn admit<B>(request: &Request<B>) -> Result<Admitted<'_>, Denied> {
    check_method(request.method())?;
    check_host(request)?;
    let target = request.uri();
    match (target.scheme(), target.authority()) {
        (None, None) if target.path().starts_with('/') => Ok(Admitted { authority: None }),
        (None, None) if *request.method() == Method::OPTIONS && target.path() == "*" => {
            Ok(Admitted { authority: None })
        }
        (Some(scheme), _) if *scheme != Scheme::HTTP && *scheme != Scheme::HTTPS => {
            Err(Denied::SchemeUnknown)
        }
        (Some(_), Some(authority)) if !is_authority(authority.as_str().as_bytes()) => {
            Err(Denied::AuthorityMalformed)
        }
        (Some(_), Some(authority)) => Ok(Admitted {
            authority: Some(authority.as_str()),
        }),
        // `example.com:80`, or a relative target, which hyper reads as a host.
        _ => Err(Denied::TargetForm),
    }
}

/// The longest registered method has 17 letters; applications may have made up longer ones.
const MAX_METHOD: usize = 64;

fn check_method(method: &Method) -> Result<(), Denied> {
    match *method {
        Method::GET
        | Method::POST
        | Method::PUT
        | Method::HEAD
        | Method::DELETE
        | Method::PATCH => Ok(()),
        Method::CONNECT => Err(Denied::Connect),
        _ if method.as_str().len() > MAX_METHOD => Err(Denied::MethodTooLong),
        _ if method
            .as_str()
            .bytes()
            .any(|byte| byte.is_ascii_lowercase()) =>
        {
            Err(Denied::MethodLowerCase)
        }
        _ => Ok(()),
    }
}

fn check_host<B>(request: &Request<B>) -> Result<(), Denied> {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() == Version::HTTP_10 => Ok(()),
        (None, _) => Err(Denied::HostMissing),
        (Some(_), Some(_)) => Err(Denied::HostRepeated),
        // A client without an authority to name sends an empty value (RFC 9112 3.2).
        (Some(host), None) if host.is_empty() || is_authority(host.as_bytes()) => Ok(()),
        (Some(_), None) => Err(Denied::HostMalformed),
    }
}

/// `uri-host [ ":" port ]` of RFC 9110 7.2, with a host, without userinfo, and without anything at
/// which Python's URL parser raises in an application.
pub(super) fn is_authority(value: &[u8]) -> bool {
    // Nearly all are plain names or IPv4 addresses, and told so in one pass.
    let plain = value.iter().take_while(|byte| is_plain(**byte)).count();
    match value.split_at(plain) {
        ([_, ..], []) => return true,
        ([_, ..], [b':', port @ ..]) => return is_port(port),
        _ => {}
    }
    let (is_host, tail) = if let Some(bracketed) = value.strip_prefix(b"[") {
        let length = bracketed.iter().take_while(|byte| **byte != b']').count();
        let (address, tail) = bracketed.split_at(length);
        (is_ipv6(address), tail.get(1..))
    } else {
        let length = value.iter().take_while(|byte| **byte != b':').count();
        let (name, tail) = value.split_at(length);
        (is_unusual_name(name), Some(tail))
    };
    is_host
        && match tail {
            Some([]) => true,
            Some([b':', port @ ..]) => is_port(port),
            None | Some(_) => false,
        }
}

fn is_ipv6(address: &[u8]) -> bool {
    str::from_utf8(address).is_ok_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

/// `unreserved` (RFC 3986 2.3): what a name or an IPv4 address is made of, as good as always.
const fn is_plain(byte: u8) -> bool {
    byte < 128 && PLAIN >> byte & 1 == 1
}

const PLAIN: u128 = {
    let mut mask = 0;
    let mut byte = b'-';
    while byte < 0x7f {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            mask |= 1 << byte;
        }
        byte += 1;
    }
    mask
};

/// A registered name (RFC 3986 3.2.2) with sub-delims or percent-encoded bytes.
#[cold]
fn is_unusual_name(mut name: &[u8]) -> bool {
    if name.is_empty() {
        return false;
    }
    while let [byte, after @ ..] = name {
        name = match (byte, after) {
            (b'%', [high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                after
            }
            (byte, after) if byte.is_ascii_alphanumeric() => after,
            (byte, after) if b"-._~!$&'()*+,;=".contains(byte) => after,
            _ => return false,
        };
    }
    true
}

/// `*DIGIT`; a number that is no port may be refused (FLT-A19).
fn is_port(port: &[u8]) -> bool {
    port.iter().all(u8::is_ascii_digit)
        && (port.len() < 5 || str::from_utf8(port).is_ok_and(|port| port.parse::<u16>().is_ok()))
}
