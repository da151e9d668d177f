//! Each case is fed whole, byte by byte and at every split, and must end the same way each time (FLT-A5).
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use super::{Fault, Framing, Limits, Place};

/// What the peer and hyper see of a verdict.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    fault: Option<(Fault, Place)>,
    /// Bytes that hyper may be given, over all reads.
    good: usize,
    heads: u64,
    at_rest: bool,
}

fn outcome<'a>(limits: Limits, reads: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut framing = Framing::new(limits);
    let mut good = 0;
    for read in reads {
        match framing.feed(read) {
            Ok(()) => good += read.len(),
            Err(refusal) => {
                let fault = Some((refusal.fault, refusal.place));
                good += refusal.good;
                return Outcome {
                    fault,
                    good,
                    heads: framing.heads(),
                    at_rest: framing.at_rest(),
                };
            }
        }
    }
    Outcome {
        fault: None,
        good,
        heads: framing.heads(),
        at_rest: framing.at_rest(),
    }
}

fn outcome_at_any_split(limits: Limits, bytes: &[u8]) -> Outcome {
    let whole = outcome(limits, [bytes]);
    let text = bytes.escape_ascii();
    assert_eq!(
        outcome(limits, bytes.chunks(1)),
        whole,
        "byte by byte: {text}"
    );
    for middle in 0..bytes.len() {
        let (first, second) = bytes.split_at(middle);
        assert_eq!(
            outcome(limits, [first, second]),
            whole,
            "split at {middle}: {text}"
        );
    }
    whole
}

fn accepts(cases: &[(&str, &str)]) {
    for (rule, bytes) in cases {
        let outcome = outcome_at_any_split(Limits::default(), bytes.as_bytes());
        assert_eq!(outcome.fault, None, "{rule}: {bytes:?}");
        assert!(outcome.at_rest, "{rule}: {bytes:?}");
    }
}

/// `|` stands before the byte at which the verdict must fall.
fn refuses(place: Place, status: u16, cases: &[(&str, Fault, &str)]) {
    for (rule, fault, marked) in cases {
        let (good, rest) = marked.split_once('|').unwrap();
        // One Latin-1 character is one byte, so that cases can hold any.
        let bytes: Vec<u8> = good
            .chars()
            .chain(rest.chars())
            .map(|c| u8::try_from(u32::from(c)).unwrap())
            .collect();
        let outcome = outcome_at_any_split(Limits::default(), &bytes);
        assert_eq!(outcome.fault, Some((*fault, place)), "{rule}: {marked:?}");
        assert_eq!(outcome.good, good.chars().count(), "{rule}: {marked:?}");
        assert_eq!(fault.status().as_u16(), status, "{rule}");
        assert!(!fault.reason().is_empty());
    }
}

const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

fn in_chunked(cases: &[(&'static str, Fault, &str)]) {
    let whole: Vec<_> = cases
        .iter()
        .map(|(rule, fault, body)| (rule, fault, format!("{CHUNKED}{body}")))
        .collect();
    let cases: Vec<_> = whole
        .iter()
        .map(|(rule, fault, all)| (**rule, **fault, &**all))
        .collect();
    let status = cases.first().unwrap().1.status().as_u16();
    refuses(Place::Body, status, &cases);
}

#[test]
fn lawful_requests_are_accepted() {
    accepts(&[
        (
            "A4",
            "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n",
        ),
        (
            "A9",
            "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        ),
        ("A10", "GET / HTTP/1.0\r\n\r\n"),
        ("A11", "BREW~!#$%&'*+-.^_`| / HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("A12", "GET /a%20b?c=[d]&e#f HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("A13", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"),
        (
            "A21",
            "GET / HTTP/1.1\r\nHost: x\r\nC:\r\nT:  \t\r\nX: caf\u{e9}\r\n\r\n",
        ),
        (
            "A25",
            "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n",
        ),
        (
            "A25",
            "POST / HTTP/1.1\r\ncontent-LENGTH:\t 3 \t\r\n\r\nabc",
        ),
        (
            "A29",
            "POST / HTTP/1.1\r\nContent-Length: 0000000000000000000000003\r\n\r\nabc",
        ),
        (
            "A30",
            "GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n",
        ),
        (
            "A30",
            "GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        ),
        (
            "A33",
            "POST / HTTP/1.1\r\ntransfer-encoding:\t ChunKed \t\r\n\r\n0\r\n\r\n",
        ),
        (
            "A36",
            "POST / HTTP/1.1\r\nTransfer_Encoding: chunked\r\n\r\n",
        ),
        (
            "A36",
            "POST / HTTP/1.1\r\nTransfer-Encodings: gzip\r\nContent-Lengt: z\r\n\r\n",
        ),
        (
            "A54",
            "GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 1\r\n\r\n3GET / HTTP/1.1\r\n\r\n",
        ),
    ]);
    let bodies = [
        (
            "A37",
            "3\r\nabc\r\n0a\r\n0123456789\r\n000A\r\n0123456789\r\n000\r\n\r\n",
        ),
        (
            "A40",
            "3;a\r\nabc\r\n1;a=b;c=\"d;\\\"\t\\\\\u{e9}\"\r\nx\r\n0;e; f = g ;h =\"\" ;i\r\n\r\n",
        ),
        (
            "A46",
            "0\r\nX-Sum: a b\t\r\nAuthorization:\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        ),
    ];
    for (rule, body) in bodies {
        accepts(&[(rule, &format!("{CHUNKED}{body}"))]);
    }
}

#[test]
fn malformed_request_lines_are_refused() {
    let malformed = Fault::RequestLineMalformed;
    refuses(
        Place::Head,
        400,
        &[
            ("A7", malformed, "GET | / HTTP/1.1\r\n\r\n"),
            ("A7", malformed, "GET / | HTTP/1.1\r\n\r\n"),
            ("A7", malformed, "| GET / HTTP/1.1\r\n\r\n"),
            ("A7", malformed, "GET / HTTP/1.1| \r\n\r\n"),
            ("A7", malformed, "GET|\t/ HTTP/1.1\r\n\r\n"),
            ("A7", malformed, "GET /|\r\n\r\n"),
            ("A7", malformed, "GET|\r\n\r\n"),
            ("A7", malformed, "GET /|\tHTTP/1.1\r\n\r\n"),
            ("A8", Fault::BareLf, "GET / HTTP/1.1|\nHost: x\r\n\r\n"),
            ("A9", Fault::BareLf, "|\nGET / HTTP/1.1\r\n\r\n"),
            ("A9", Fault::StrayCr, "\r|GET / HTTP/1.1\r\n\r\n"),
            ("A9", Fault::StrayCr, "\r|\r\nGET / HTTP/1.1\r\n\r\n"),
            ("A10", malformed, "GET / |http/1.1\r\n\r\n"),
            ("A10", malformed, "GET / HTTP|\r\n\r\n"),
            ("A10", malformed, "GET / HTTP/1|\r\n\r\n"),
            ("A10", malformed, "GET / HTTP/1.|\r\n\r\n"),
            ("A10", malformed, "GET / HTTP/1.1|1\r\n\r\n"),
            ("A10", malformed, "GET / HTTP/1|1.1\r\n\r\n"),
            ("A10", malformed, "GET / HTTP/1.|x\r\n\r\n"),
            ("A10", malformed, "GET / HTTP/|x.1\r\n\r\n"),
            ("A10", malformed, "GET / HTTP/|-1.1\r\n\r\n"),
            ("A11", malformed, "G|\0T / HTTP/1.1\r\n\r\n"),
            ("A11", malformed, "G|(T / HTTP/1.1\r\n\r\n"),
            ("A11", malformed, "GE|\u{e9} / HTTP/1.1\r\n\r\n"),
            ("A12", malformed, "GET /a|\0b HTTP/1.1\r\n\r\n"),
            ("A12", malformed, "GET /a|\u{7f}b HTTP/1.1\r\n\r\n"),
            ("A12", malformed, "GET /a|\rb HTTP/1.1\r\n\r\n"),
            ("A12", malformed, "GET /a|\u{e9} HTTP/1.1\r\n\r\n"),
            ("A12", malformed, "GET |\u{e9} HTTP/1.1\r\n\r\n"),
            ("A12", malformed, "GET /a |b HTTP/1.1\r\n\r\n"),
            ("A24", Fault::StrayCr, "GET / HTTP/1.1\r|Host: x\r\n\r\n"),
            (
                "A56",
                malformed,
                "POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nxjunk|\r\n\r\n",
            ),
        ],
    );
    refuses(
        Place::Head,
        505,
        &[
            ("A10", Fault::VersionUnsupported, "GET / HTTP/|2.0\r\n\r\n"),
            ("A10", Fault::VersionUnsupported, "GET / HTTP/|0.9\r\n\r\n"),
            ("A10", Fault::VersionUnsupported, "GET / HTTP/1.|2\r\n\r\n"),
            (
                "A10",
                Fault::VersionUnsupported,
                "PRI * HTTP/|2.0\r\n\r\nSM\r\n\r\n",
            ),
        ],
    );
}

#[test]
fn lines_that_do_not_end_in_crlf_are_refused() {
    refuses(
        Place::Head,
        400,
        &[
            ("A22", Fault::BareLf, "GET / HTTP/1.1\r\nHost: x|\n\r\n"),
            ("A22", Fault::BareLf, "GET / HTTP/1.1\r\nHost: x\r\n|\n"),
            ("A22", Fault::BareLf, "GET / HTTP/1.1\r\n|\nHost: x\r\n\r\n"),
            (
                "A22",
                Fault::StrayCr,
                "GET / HTTP/1.1\r\nHost: x\r\n\r|\r\n",
            ),
            (
                "A22",
                Fault::StrayCr,
                "GET / HTTP/1.1\r\nHost: x\r|\r\n\r\n",
            ),
            (
                "A22",
                Fault::StrayCr,
                "GET / HTTP/1.1\r|\r\nHost: x\r\n\r\n",
            ),
            (
                "A22",
                Fault::BareLf,
                "POST / HTTP/1.1\r\nContent-Length: 1|\n\r\nx",
            ),
            (
                "A22",
                Fault::BareLf,
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked|\n\r\n0\r\n\r\n",
            ),
            (
                "A24",
                Fault::StrayCr,
                "GET / HTTP/1.1\r\nHost: x\r|X: y\r\n\r\n",
            ),
            (
                "A24",
                Fault::StrayCr,
                "GET / HTTP/1.1\r\n\r|Host: x\r\n\r\n",
            ),
            (
                "A24",
                Fault::StrayCr,
                "POST / HTTP/1.1\r\nContent-Length: 1\r|1\r\n\r\n",
            ),
        ],
    );
}

#[test]
fn faulty_lengths_are_refused() {
    let cases = [
        ("A25", "|a"),
        ("A25", "1|a"),
        ("A25", "|\r\n"),
        ("A25", " \t|\r\n"),
        ("A25", "1 |1"),
        ("A25", "1|.0"),
        ("A25", "1|_0"),
        ("A25", "0|x10"),
        ("A25", "1|\u{b2}"),
        ("A26", "|+1"),
        ("A26", "|-1"),
        ("A27", "1844674407370955161|4"),
        ("A27", "1844674407370955161|6"),
        ("A27", "9999999999999999999|99999999999"),
        ("A28", "1|, 2"),
        ("A29", "1|,1"),
    ];
    for (rule, value) in cases {
        let head = format!("POST / HTTP/1.1\r\nContent-Length:{value}\r\n\r\n");
        refuses(Place::Head, 400, &[(rule, Fault::LengthMalformed, &head)]);
    }
    let repeated = Fault::LengthRepeated;
    refuses(
        Place::Head,
        400,
        &[
            (
                "A28",
                repeated,
                "POST / HTTP/1.1\r\nContent-Length: 1\r\nX: y\r\ncontent-length:| 2\r\n\r\n",
            ),
            (
                "A29",
                repeated,
                "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length:| 1\r\n\r\n",
            ),
            (
                "A29",
                repeated,
                "POST / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length:| 0\r\n\r\n",
            ),
        ],
    );
}

#[test]
fn faulty_transfer_codings_are_refused() {
    let cases = [
        ("A34", "|gzip"),
        ("A34", "|gzip, chunked"),
        ("A34", "chunked|, gzip"),
        ("A34", "chunked|, chunked"),
        ("A34", "|identity"),
        ("A34", "chunked|x"),
        ("A34", "chunke|"),
        ("A34", "|xchunked"),
        ("A35", "|\r\n"),
        ("A35", " |\r\n"),
        ("A35", "chunked|;a=b"),
        ("A35", "|\"chunked\""),
        ("A35", "|\u{b}chunked"),
        ("A35", "chunked|\0"),
        ("A36", "chunked|,"),
        ("A36", "|, chunked"),
    ];
    for (rule, value) in cases {
        let head = format!("POST / HTTP/1.1\r\nTransfer-Encoding:{value}\r\n\r\n");
        refuses(Place::Head, 400, &[(rule, Fault::CodingNotChunked, &head)]);
    }
    refuses(
        Place::Head,
        400,
        &[
            (
                "A31",
                Fault::CodingInHttp10,
                "POST / HTTP/1.0\r\nTransfer-Encoding:| chunked\r\n\r\n",
            ),
            (
                "A34",
                Fault::CodingRepeated,
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding:| chunked\r\n\r\n",
            ),
            (
                "A32",
                Fault::LengthAndCoding,
                "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding:| CHUNKED\r\n\r\n",
            ),
            (
                "A32",
                Fault::LengthAndCoding,
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nX: y\r\nContent-Length:| 5\r\n\r\n",
            ),
        ],
    );
}

#[test]
fn faulty_chunks_are_refused() {
    in_chunked(&[
        ("A38", Fault::ChunkSize, "|\r\nabc\r\n"),
        ("A38", Fault::ChunkSize, "|;a\r\n"),
        ("A38", Fault::ChunkSize, "|g\r\n"),
        ("A38", Fault::ChunkSize, "3|g\r\nabc\r\n"),
        ("A38", Fault::ChunkSize, "|+3\r\nabc\r\n"),
        ("A38", Fault::ChunkSize, "|-3\r\nabc\r\n"),
        ("A38", Fault::ChunkSize, "0|x3\r\nabc\r\n"),
        ("A38", Fault::ChunkSize, "1|_0\r\n"),
        ("A38", Fault::ChunkSize, "| 3\r\nabc\r\n"),
        ("A38", Fault::ChunkSize, "3| \r\nabc\r\n"),
        ("A38", Fault::ChunkSize, "3|\t;a=b\r\nabc\r\n"),
        ("A38", Fault::ChunkSize, "3\r\nabc\r\n|\r\n"),
        ("A39", Fault::ChunkSize, "1000000000000000|0"),
        ("A39", Fault::ChunkSize, "ffffffffffffffff|f"),
        (
            "A39",
            Fault::ChunkSize,
            "00000000000000000000000000000000|0",
        ),
        ("A40", Fault::ChunkExtension, "3;|\r\nabc\r\n"),
        ("A40", Fault::ChunkExtension, "3;a|\0\r\nabc\r\n"),
        ("A40", Fault::ChunkExtension, "3;a=|\r\nabc\r\n"),
        ("A40", Fault::ChunkExtension, "3;a;|;b\r\nabc\r\n"),
        ("A40", Fault::ChunkExtension, "3;a=\"b|\0\"\r\nabc\r\n"),
        ("A40", Fault::ChunkExtension, "3;a=\"b|\r\n\"\r\nabc\r\n"),
        ("A40", Fault::ChunkExtension, "3;a=\"\\|\r\n\"\r\nabc\r\n"),
        ("A40", Fault::ChunkExtension, "3;a=\"b\"|c\r\nabc\r\n"),
        ("A40", Fault::ChunkExtension, "3;a |b\r\nabc\r\n"),
        ("A40", Fault::ChunkExtension, "3;a=b |\r\nabc\r\n"),
        ("A40", Fault::StrayCr, "3;a\r|b\r\nabc\r\n"),
        ("A40", Fault::BareLf, "3;a|\nabc\r\n"),
        ("A42", Fault::BareLf, "3|\nabc\r\n"),
        ("A42", Fault::StrayCr, "3\r|abc\r\n"),
        ("A42", Fault::ChunkEnd, "3\r\nabc|\n0\r\n\r\n"),
        ("A42", Fault::ChunkEnd, "3\r\nabc\r|0\r\n\r\n"),
        ("A43", Fault::ChunkEnd, "3\r\nabc|d\r\n0\r\n\r\n"),
        ("A43", Fault::ChunkEnd, "4\r\nab\r\n|0\r\n\r\n"),
        ("A43", Fault::ChunkEnd, "3\r\nabc|XX0\r\n\r\n"),
    ]);
}

#[test]
fn faulty_trailers_are_refused() {
    in_chunked(&[
        ("A44", Fault::BareLf, "0|\n\r\n"),
        ("A44", Fault::BareLf, "0\r\n|\n"),
        ("A44", Fault::StrayCr, "0\r\n\r|X"),
        ("A44", Fault::StrayCr, "0\r\n\r|\r\n"),
        ("A44", Fault::BareLf, "0\r\nX: y|\n\r\n"),
        ("A44", Fault::StrayCr, "0\r\nX: y\r|\r\n"),
        ("A45", Fault::TrailerMalformed, "0\r\nX|\r\n\r\n"),
        ("A45", Fault::TrailerMalformed, "0\r\nX| : y\r\n\r\n"),
        ("A45", Fault::TrailerMalformed, "0\r\n|: y\r\n\r\n"),
        ("A45", Fault::TrailerMalformed, "0\r\nX: y\r\n| z\r\n\r\n"),
        ("A45", Fault::TrailerMalformed, "0\r\nX: |\0\r\n\r\n"),
        (
            "A45",
            Fault::TrailerMalformed,
            "0\r\nGET| / HTTP/1.1\r\n\r\n",
        ),
    ]);
}

#[test]
fn pipelined_request_before_a_fault_is_left_to_hyper() {
    let first = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    refuses(
        Place::Head,
        400,
        &[(
            "A2",
            Fault::BareLf,
            &format!("{first}GET / HTTP/1.1\r\nHost: x|\n\r\n"),
        )],
    );

    let mut framing = Framing::new(Limits::default());
    let refusal = framing.feed(format!("{first}\n").as_bytes()).unwrap_err();
    assert_eq!((refusal.good, framing.heads()), (first.len(), 1));
    let again = framing.feed(first.as_bytes()).unwrap_err();
    assert_eq!(
        (again.fault, again.place, again.good),
        (Fault::BareLf, Place::Head, 0)
    );
    assert_eq!(framing.feed(b"").unwrap_err(), again);
}

#[test]
fn head_one_byte_over_its_limit_is_refused() {
    let head = "GET /0123456789 HTTP/1.1\r\nHost: x\r\n\r\n";
    let fits = Limits {
        head: head.len(),
        ..Limits::default()
    };
    let twice = [head, head].concat();
    assert_eq!(outcome_at_any_split(fits, twice.as_bytes()).fault, None);

    let statuses = [
        (head.len() - 1, 431),
        (27, 431),
        (24, 414),
        (16, 414),
        (2, 414),
    ];
    for (limit, status) in statuses {
        let outcome = outcome_at_any_split(
            Limits {
                head: limit,
                ..fits
            },
            head.as_bytes(),
        );
        let (fault, place) = outcome.fault.unwrap();
        assert_eq!(
            (fault.status().as_u16(), place, outcome.good),
            (status, Place::Head, limit)
        );
    }
}

#[test]
fn head_that_never_ends_is_refused_at_the_limit() {
    let endless: [(&[u8], &[u8], Fault); 5] = [
        (b"", b"A", Fault::RequestLineTooLong),
        (b"GET /", b"a", Fault::RequestLineTooLong),
        (b"GET / HTTP/1.1\r\nX: ", b"a", Fault::HeadTooLarge),
        (
            b"GET / HTTP/1.1\r\nContent-Length:",
            b" ",
            Fault::HeadTooLarge,
        ),
        (
            b"GET / HTTP/1.1\r\nContent-Length:",
            b"0",
            Fault::HeadTooLarge,
        ),
    ];
    for (start, more, fault) in endless {
        let limits = Limits::default();
        let reads = std::iter::once(start).chain(std::iter::repeat_n(more, limits.head + 1));
        let outcome = outcome(limits, reads);
        assert_eq!(outcome.fault, Some((fault, Place::Head)));
        assert_eq!(outcome.good, limits.head, "FLT-A16, A23");
    }
}

#[test]
fn target_of_8000_octets_is_accepted() {
    let head = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(8_000));
    assert_eq!(
        outcome(Limits::default(), head.as_bytes().chunks(1_000)).fault,
        None,
        "FLT-A16"
    );
}

#[test]
fn fields_are_counted_per_head() {
    let head = |fields: usize| format!("GET / HTTP/1.1\r\n{}\r\n", "c: d\r\n".repeat(fields));
    let twice = [head(100), head(100)].concat();
    assert_eq!(
        outcome(Limits::default(), [twice.as_bytes()]).fault,
        None,
        "FLT-A23"
    );
    for reads in [1_000_000, 7] {
        let outcome = outcome(Limits::default(), head(101).as_bytes().chunks(reads));
        assert_eq!(
            outcome.fault,
            Some((Fault::FieldsTooMany, Place::Head)),
            "FLT-A23"
        );
    }
    let off = Limits {
        head: 0,
        fields: 0,
        body: 0,
    };
    assert_eq!(outcome(off, [head(20_000).as_bytes()]).fault, None);
    let fault = Some((Fault::FieldsTooMany, Place::Head));
    assert_eq!(
        outcome(off, [head(24_577).as_bytes()]).fault,
        fault,
        "hyper would panic"
    );
}

#[test]
fn run_of_empty_lines_is_refused() {
    let lines = "\r\n".repeat(9);
    let outcome = outcome_at_any_split(Limits::default(), lines.as_bytes());
    assert_eq!(
        outcome.fault,
        Some((Fault::EmptyLines, Place::Head)),
        "FLT-A9"
    );
}

#[test]
fn declared_bodies_are_capped() {
    let limits = Limits {
        body: 5,
        ..Limits::default()
    };
    let sized = |length: u64| format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\nabcde");
    assert_eq!(
        outcome_at_any_split(limits, sized(5).as_bytes()).fault,
        None
    );
    let fault = outcome_at_any_split(limits, sized(6).as_bytes())
        .fault
        .unwrap();
    assert_eq!(fault, (Fault::BodyTooLarge, Place::Head), "FLT-A27");
    assert_eq!(fault.0.status().as_u16(), 413);

    let chunked = |body: &str| format!("{CHUNKED}{body}");
    let fits = chunked("2\r\nab\r\n3\r\nabc\r\n0\r\n\r\n");
    assert_eq!(outcome_at_any_split(limits, fits.as_bytes()).fault, None);
    for body in [
        "6\r\n",
        "6;a\r\n",
        "2\r\nab\r\n4\r\n",
        "ffffffffffffffff\r\n",
    ] {
        let outcome = outcome_at_any_split(limits, chunked(body).as_bytes());
        assert_eq!(
            outcome.fault,
            Some((Fault::BodyTooLarge, Place::Body)),
            "FLT-A39: {body:?}"
        );
    }
}

#[test]
fn overhead_of_a_chunked_body_is_bounded() {
    let extension = format!("{CHUNKED}1;{}", "a".repeat(16_384));
    let chunks = format!("{CHUNKED}{}", "1;a\r\nx\r\n".repeat(8_192));
    for body in [extension, chunks] {
        let fault = outcome(Limits::default(), [body.as_bytes()]).fault;
        assert_eq!(
            fault,
            Some((Fault::ChunkExtensionsTooLarge, Place::Body)),
            "FLT-A41"
        );
    }
    let value = format!("{CHUNKED}0\r\nX: {}", "a".repeat(16_384));
    let fields = format!("{CHUNKED}0\r\n{}", "X: y\r\n".repeat(101));
    for body in [value, fields] {
        let (fault, _) = outcome(Limits::default(), [body.as_bytes()]).fault.unwrap();
        assert_eq!(
            (fault, fault.status().as_u16()),
            (Fault::TrailersTooLarge, 431),
            "FLT-A45"
        );
    }
}

#[test]
fn position_is_known_after_every_byte() {
    let request = b"\r\nPOST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab";
    let head_end = request.len() - 2;
    let mut framing = Framing::new(Limits::default());
    assert!(framing.at_rest());
    for (index, byte) in request.iter().enumerate() {
        framing.feed(&[*byte]).unwrap();
        let come = index + 1;
        assert_eq!(framing.at_rest(), come == request.len(), "after {come}");
        assert_eq!(
            framing.in_head(),
            (3..head_end).contains(&come),
            "after {come}"
        );
        assert_eq!(
            framing.in_body(),
            (head_end..request.len()).contains(&come),
            "after {come}"
        );
        assert_eq!(framing.heads(), u64::from(come >= head_end), "after {come}");
    }
}
