//! Verdicts on heads, by the same rules of feeding as in `framing/tests.rs`.

use super::super::{
    Fault, Place,
    tests::{accepts, refuses},
};

fn refuses_all(cases: &[(&str, Fault, &str)]) {
    for (rule, fault, head) in cases {
        refuses(rule, *fault, Place::Head, head);
    }
}

#[test]
fn lawful_heads_are_accepted() {
    for (rule, head) in [
        ("FLT-A10", "GET / HTTP/1.0\r\n\r\n"),
        ("FLT-A11", "BREW~!#$%&'*+-.^_`| / HTTP/1.1\r\n\r\n"),
        ("FLT-A12", "GET /a%20b?c=[d]&e#f HTTP/1.1\r\n\r\n"),
        ("FLT-A13", "OPTIONS * HTTP/1.1\r\n\r\n"),
        (
            "FLT-A21",
            "GET / HTTP/1.1\r\nC:\r\nT:  \t\r\nX: caf\u{e9}\r\n\r\n",
        ),
        (
            "FLT-A25",
            "PUT / HTTP/1.1\r\ncontent-LENGTH:\t 3 \t\r\n\r\nabc",
        ),
        (
            "FLT-A29",
            "PUT / HTTP/1.1\r\nContent-Length: 00000000000000000000003\r\n\r\nabc",
        ),
        (
            "FLT-A33",
            "PUT / HTTP/1.1\r\ntransfer-encoding:\t ChunKed \t\r\n\r\n0\r\n\r\n",
        ),
        (
            "FLT-A36",
            "PUT / HTTP/1.1\r\nTransfer_Encoding: chunked\r\n\r\n",
        ),
        (
            "FLT-A36",
            "PUT / HTTP/1.1\r\nTransfer-Encodings: a\r\nContent-Lengt: b\r\n\r\n",
        ),
    ] {
        accepts(rule, head);
    }
}

#[test]
fn malformed_request_line_is_refused() {
    for (rule, head) in [
        ("FLT-A7", "GET | / HTTP/1.1\r\n\r\n"),
        ("FLT-A7", "GET / | HTTP/1.1\r\n\r\n"),
        ("FLT-A7", "GET / HTTP/1.1| \r\n\r\n"),
        ("FLT-A7", "GET|\t/ HTTP/1.1\r\n\r\n"),
        ("FLT-A7", "GET /|\tHTTP/1.1\r\n\r\n"),
        ("FLT-A7", "GET /|\r\n\r\n"),
        ("FLT-A7", "GET|\r\n\r\n"),
        ("FLT-A10", "GET / |http/1.1\r\n\r\n"),
        ("FLT-A10", "GET / H|PTT/1.1\r\n\r\n"),
        ("FLT-A10", "GET / HTTP/1|\r\n\r\n"),
        ("FLT-A10", "GET / HTTP/1.|\r\n\r\n"),
        ("FLT-A10", "GET / HTTP/1.1|1\r\n\r\n"),
        ("FLT-A10", "GET / HTTP/1|1.1\r\n\r\n"),
        ("FLT-A10", "GET / HTTP/1.|x\r\n\r\n"),
        ("FLT-A10", "GET / HTTP/|x.1\r\n\r\n"),
        ("FLT-A10", "GET / HTTP/|-1.1\r\n\r\n"),
        ("FLT-A11", "G|\0T / HTTP/1.1\r\n\r\n"),
        ("FLT-A11", "G|(T / HTTP/1.1\r\n\r\n"),
        ("FLT-A11", "GE|\u{e9} / HTTP/1.1\r\n\r\n"),
        ("FLT-A12", "GET /a|\0b HTTP/1.1\r\n\r\n"),
        ("FLT-A12", "GET /a|\u{7f}b HTTP/1.1\r\n\r\n"),
        ("FLT-A12", "GET /a|\rb HTTP/1.1\r\n\r\n"),
        ("FLT-A12", "GET /a|\u{e9} HTTP/1.1\r\n\r\n"),
        ("FLT-A12", "GET |\u{e9} HTTP/1.1\r\n\r\n"),
        ("FLT-A12", "GET /a |b HTTP/1.1\r\n\r\n"),
    ] {
        refuses(rule, Fault::RequestLineMalformed, Place::Head, head);
    }
}

#[test]
fn other_version_is_refused() {
    refuses_all(&[
        (
            "FLT-A10",
            Fault::VersionUnsupported,
            "GET / HTTP/|2.0\r\n\r\n",
        ),
        (
            "FLT-A10",
            Fault::VersionUnsupported,
            "GET / HTTP/|0.9\r\n\r\n",
        ),
        (
            "FLT-A10",
            Fault::VersionUnsupported,
            "GET / HTTP/1.|2\r\n\r\n",
        ),
        (
            "FLT-A10",
            Fault::VersionUnsupported,
            "PRI * HTTP/|2.0\r\n\r\nSM\r\n\r\n",
        ),
    ]);
}

#[test]
fn line_that_does_not_end_in_crlf_is_refused() {
    refuses_all(&[
        ("FLT-A8", Fault::BareLf, "GET / HTTP/1.1|\nHost: x\r\n\r\n"),
        ("FLT-A22", Fault::BareLf, "GET / HTTP/1.1\r\nHost: x|\n\r\n"),
        ("FLT-A22", Fault::BareLf, "GET / HTTP/1.1\r\nHost: x\r\n|\n"),
        (
            "FLT-A22",
            Fault::BareLf,
            "GET / HTTP/1.1\r\n|\nHost: x\r\n\r\n",
        ),
        (
            "FLT-A22",
            Fault::BareLf,
            "PUT / HTTP/1.1\r\nContent-Length: 1|\n\r\nx",
        ),
        (
            "FLT-A22",
            Fault::BareLf,
            "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked|\n\r\n",
        ),
        (
            "FLT-A22",
            Fault::StrayCr,
            "GET / HTTP/1.1\r\nHost: x\r\n\r|\r\n",
        ),
        (
            "FLT-A22",
            Fault::StrayCr,
            "GET / HTTP/1.1\r\nHost: x\r|\r\n\r\n",
        ),
        (
            "FLT-A22",
            Fault::StrayCr,
            "GET / HTTP/1.1\r|\r\nHost: x\r\n\r\n",
        ),
        (
            "FLT-A24",
            Fault::StrayCr,
            "GET / HTTP/1.1\r|Host: x\r\n\r\n",
        ),
        (
            "FLT-A24",
            Fault::StrayCr,
            "GET / HTTP/1.1\r\nHost: x\r|X: y\r\n\r\n",
        ),
        (
            "FLT-A24",
            Fault::StrayCr,
            "GET / HTTP/1.1\r\n\r|Host: x\r\n\r\n",
        ),
        (
            "FLT-A24",
            Fault::StrayCr,
            "PUT / HTTP/1.1\r\nContent-Length: 1\r|1\r\n\r\n",
        ),
    ]);
}

#[test]
fn malformed_length_is_refused() {
    for (rule, value) in [
        ("FLT-A25", "|a"),
        ("FLT-A25", "1|a"),
        ("FLT-A25", "|\r"),
        ("FLT-A25", " \t|\r"),
        ("FLT-A25", "1 |1"),
        ("FLT-A25", "1|.0"),
        ("FLT-A25", "1|_0"),
        ("FLT-A25", "0|x10"),
        ("FLT-A25", "1|\u{b2}"),
        ("FLT-A26", "|+1"),
        ("FLT-A26", "|-1"),
        ("FLT-A27", "1844674407370955161|4"),
        ("FLT-A27", "1844674407370955161|6"),
        ("FLT-A27", "9999999999999999999|99999999999"),
        ("FLT-A28", "1|, 2"),
        ("FLT-A29", "1|,1"),
    ] {
        let head = format!("PUT / HTTP/1.1\r\nContent-Length:{value}\r\n\r\n");
        refuses(rule, Fault::LengthMalformed, Place::Head, &head);
    }
}

#[test]
fn transfer_coding_other_than_chunked_is_refused() {
    for (rule, value) in [
        ("FLT-A34", "|gzip"),
        ("FLT-A34", "|gzip, chunked"),
        ("FLT-A34", "chunked|, gzip"),
        ("FLT-A34", "chunked|, chunked"),
        ("FLT-A34", "|identity"),
        ("FLT-A34", "chunked|x"),
        ("FLT-A34", "chunke|"),
        ("FLT-A34", "|xchunked"),
        ("FLT-A35", "|"),
        ("FLT-A35", " |"),
        ("FLT-A35", "chunked|;a=b"),
        ("FLT-A35", "|\"chunked\""),
        ("FLT-A35", "|\u{b}chunked"),
        ("FLT-A35", "chunked|\0"),
        ("FLT-A36", "chunked|,"),
        ("FLT-A36", "|, chunked"),
    ] {
        let head = format!("PUT / HTTP/1.1\r\nTransfer-Encoding:{value}\r\n\r\n");
        refuses(rule, Fault::CodingNotChunked, Place::Head, &head);
    }
}

#[test]
fn contradictory_framing_is_refused() {
    for (rule, fault, fields) in [
        (
            "FLT-A28",
            Fault::LengthRepeated,
            "Content-Length: 1\r\nX: y\r\ncontent-length:| 2",
        ),
        (
            "FLT-A29",
            Fault::LengthRepeated,
            "Content-Length: 1\r\nContent-Length:| 1",
        ),
        (
            "FLT-A29",
            Fault::LengthRepeated,
            "Content-Length: 0\r\nContent-Length:| 0",
        ),
        (
            "FLT-A32",
            Fault::LengthAndCoding,
            "Content-Length: 5\r\nTransfer-Encoding:| CHUNKED",
        ),
        (
            "FLT-A32",
            Fault::LengthAndCoding,
            "Transfer-Encoding: chunked\r\nContent-Length:| 5",
        ),
        (
            "FLT-A34",
            Fault::CodingRepeated,
            "Transfer-Encoding: chunked\r\nTransfer-Encoding:| chunked",
        ),
    ] {
        refuses(
            rule,
            fault,
            Place::Head,
            &format!("PUT / HTTP/1.1\r\n{fields}\r\n\r\n"),
        );
    }
    let head = "PUT / HTTP/1.0\r\nTransfer-Encoding:| chunked\r\n\r\n";
    refuses("FLT-A31", Fault::CodingInHttp10, Place::Head, head);
}
