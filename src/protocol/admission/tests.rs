//! Requests as hyper would have parsed them; what hyper refuses by itself cannot be built here.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use http::{Request, Version, header::HOST};

use super::{Denied, admit};

fn request(line: &str, hosts: &[&str]) -> Request<()> {
    let (method, rest) = line.split_once(' ').unwrap();
    let (target, version) = rest.split_once(' ').unwrap_or((rest, "1.1"));
    let version = if version == "1.0" {
        Version::HTTP_10
    } else {
        Version::HTTP_11
    };
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .version(version);
    for host in hosts {
        request = request.header(HOST, *host);
    }
    request.body(()).unwrap()
}

fn verdict(line: &str, hosts: &[&str]) -> Result<Option<String>, Denied> {
    admit(&request(line, hosts)).map(|admitted| admitted.authority.map(str::to_owned))
}

#[test]
fn well_formed_host_is_admitted() {
    for host in [
        "example.com",
        "EXAMPLE.com:80",
        "a_b~c.d-e.",
        "127.0.0.1:8000",
        "x:",
        "x:0",
        "x:65535",
        "[::1]",
        "[2001:db8::1]:8080",
        "[::ffff:1.2.3.4]",
        "%41%c3%a9.example",
        "a,b;c=d!$&'()*+",
        "",
    ] {
        assert_eq!(
            verdict("GET /", &[host]),
            Ok(None),
            "FLT-A17, A19: {host:?}"
        );
    }
}

#[test]
fn malformed_host_is_denied() {
    for host in [
        "user@x",
        "user:pass@x",
        "x/",
        "x/path",
        "x?q",
        "x#f",
        "x y",
        "x:y",
        "x:80:80",
        "x:-1",
        "x:+1",
        "x:65536",
        "x:99999999999999999999",
        ":80",
        "[::1",
        "::1",
        "[]",
        "[::1]x",
        "[::1]:x",
        "[x]",
        "[1.2.3.4]",
        "[::1%25eth0]",
        "x]",
        "x\\y",
        "x\"y",
        "<x>",
        "%4",
        "%zz",
        "%",
        "x\ty",
        "caf\u{e9}",
    ] {
        assert_eq!(
            verdict("GET /", &[host]),
            Err(Denied::HostMalformed),
            "FLT-A17: {host:?}"
        );
    }
}

#[test]
fn host_is_required_once() {
    assert_eq!(verdict("GET /", &[]), Err(Denied::HostMissing), "FLT-A18");
    assert_eq!(verdict("GET / 1.0", &[]), Ok(None), "FLT-A19");
    for hosts in [["x", "x"], ["x", "y"], ["", ""]] {
        assert_eq!(
            verdict("GET /", &hosts),
            Err(Denied::HostRepeated),
            "FLT-A18"
        );
        assert_eq!(
            verdict("GET / 1.0", &hosts),
            Err(Denied::HostRepeated),
            "FLT-A18"
        );
    }
    assert_eq!(
        verdict("GET / 1.0", &["x y"]),
        Err(Denied::HostMalformed),
        "FLT-A17"
    );
    assert_eq!(
        verdict("GET http://x/", &[]),
        Err(Denied::HostMissing),
        "FLT-A18"
    );
}

#[test]
fn target_form_must_suit_the_method() {
    assert_eq!(verdict("OPTIONS *", &["x"]), Ok(None), "FLT-A13");
    for line in ["GET *", "GET x", "GET x:80", "OPTIONS x:80"] {
        assert_eq!(
            verdict(line, &["x"]),
            Err(Denied::TargetForm),
            "FLT-A13: {line}"
        );
    }
}

#[test]
fn authority_of_absolute_target_replaces_host() {
    for (target, authority) in [
        ("http://a.example/p?q", "a.example"),
        ("HTTPS://a.example:8443", "a.example:8443"),
        ("http://[::1]:80/", "[::1]:80"),
    ] {
        let authority = Ok(Some(authority.to_owned()));
        assert_eq!(
            verdict(&format!("GET {target}"), &["x"]),
            authority,
            "FLT-A14"
        );
        assert_eq!(
            verdict(&format!("GET {target} 1.0"), &[]),
            authority,
            "FLT-A14"
        );
    }
}

#[test]
fn faulty_absolute_target_is_denied() {
    for target in [
        "http://u@x/",
        "http://u:p@x/",
        "http://:80/",
        "http://x:y/",
        "http://x:65536/",
    ] {
        let line = format!("GET {target}");
        assert_eq!(
            verdict(&line, &["x"]),
            Err(Denied::AuthorityMalformed),
            "FLT-A14: {target}"
        );
    }
    assert_eq!(verdict("GET ftp://x/", &["x"]), Err(Denied::SchemeUnknown));
}

#[test]
fn connect_is_no_tunnel() {
    for line in ["CONNECT x:443", "CONNECT /", "CONNECT http://x/"] {
        let denied = verdict(line, &["x"]).unwrap_err();
        assert_eq!(
            (denied, denied.status().as_u16()),
            (Denied::Connect, 405),
            "FLT-A15: {line}"
        );
    }
}

#[test]
fn method_is_any_short_token_without_lower_case() {
    for method in [
        "GET",
        "QUERY",
        "PURGE",
        "M-SEARCH",
        "UPDATEREDIRECTREF",
        "X_1",
    ] {
        assert_eq!(
            verdict(&format!("{method} /"), &["x"]),
            Ok(None),
            "FLT-A11: {method}"
        );
    }
    for method in ["get", "Get", "x"] {
        let denied = verdict(&format!("{method} /"), &["x"]).unwrap_err();
        assert_eq!(
            (denied, denied.status().as_u16()),
            (Denied::MethodLowerCase, 400),
            "O8"
        );
    }
    let denied = verdict(&format!("{} /", "A".repeat(65)), &["x"]).unwrap_err();
    assert_eq!(
        (denied, denied.status().as_u16()),
        (Denied::MethodTooLong, 501),
        "FLT-A11"
    );
}
