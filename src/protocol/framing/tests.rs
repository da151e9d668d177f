//! Each case is fed whole, byte by byte and at every split, and must end the same way (FLT-A5).
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

use super::{Fault, Framing, Limits, Place, escape};

/// What the peer and hyper see of a verdict.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) fault: Option<(Fault, Place)>,
    /// Bytes that hyper may be given, over all reads.
    pub(super) good: usize,
    heads: u64,
    at_rest: bool,
}

pub(super) fn outcome<'a>(limits: Limits, reads: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut framing = Framing::new(limits);
    let (mut fault, mut good) = (None, 0);
    for read in reads {
        match framing.feed(read) {
            Ok(()) => good += read.len(),
            Err(refusal) => {
                fault = Some((refusal.fault, refusal.place));
                good += refusal.good;
                break;
            }
        }
    }
    let (heads, at_rest) = (framing.heads(), framing.at_rest());
    Outcome {
        fault,
        good,
        heads,
        at_rest,
    }
}

pub(super) fn outcome_at_any_split(limits: Limits, bytes: &[u8]) -> Outcome {
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

pub(super) fn accepts(rule: &str, request: &str) {
    let outcome = outcome_at_any_split(Limits::default(), request.as_bytes());
    assert_eq!(outcome.fault, None, "{rule}: {request:?}");
    assert!(outcome.at_rest, "{rule}: {request:?}");
}

/// `|` stands before the byte at which the verdict must fall. One Latin-1 character is one byte.
pub(super) fn refuses(rule: &str, fault: Fault, place: Place, marked: &str) {
    let good = marked
        .chars()
        .position(|character| character == '|')
        .unwrap();
    let mut bytes: Vec<u8> = marked
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    bytes.remove(good);
    let outcome = outcome_at_any_split(Limits::default(), &bytes);
    assert_eq!(outcome.fault, Some((fault, place)), "{rule}: {marked:?}");
    assert_eq!(outcome.good, good, "{rule}: {marked:?}");
}

#[test]
fn faults_have_the_status_of_their_rule() {
    let status = |fault: Fault| fault.status().as_u16();
    assert_eq!(status(Fault::BareLf), 400, "FLT-A1");
    assert_eq!(status(Fault::BodyTooLarge), 413, "FLT-A27");
    assert_eq!(status(Fault::FieldsTooMany), 431, "FLT-A23");
    assert_eq!(status(Fault::HeadTooLarge), 431, "FLT-A23");
    assert_eq!(status(Fault::RequestLineTooLong), 414, "FLT-A16");
    assert_eq!(status(Fault::TrailersTooLarge), 431, "FLT-A45");
    assert_eq!(status(Fault::VersionUnsupported), 505, "FLT-A10");
}

#[test]
fn requests_in_a_row_are_accepted() {
    for (rule, requests) in [
        ("FLT-A4", "GET / HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"),
        (
            "FLT-A9",
            "\r\nGET / HTTP/1.1\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n",
        ),
        (
            "FLT-A30",
            "GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n",
        ),
        (
            "FLT-A30",
            "GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        ),
        (
            "FLT-A54",
            "GET / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 1\r\n\r\na",
        ),
    ] {
        accepts(rule, requests);
    }
}

#[test]
fn what_stands_between_requests_is_refused() {
    for (rule, fault, requests) in [
        (
            "FLT-A7",
            Fault::RequestLineMalformed,
            "| GET / HTTP/1.1\r\n\r\n",
        ),
        ("FLT-A8", Fault::BareLf, "|\nGET / HTTP/1.1\r\n\r\n"),
        (
            "FLT-A9",
            Fault::EmptyLines,
            "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n|\r\n",
        ),
        ("FLT-A22", Fault::StrayCr, "\r|\r\nGET / HTTP/1.1\r\n\r\n"),
        ("FLT-A24", Fault::StrayCr, "\r|GET / HTTP/1.1\r\n\r\n"),
        (
            "FLT-A56",
            Fault::RequestLineMalformed,
            "GET / HTTP/1.1\r\n\r\njunk|\r\n\r\n",
        ),
        (
            "FLT-A56",
            Fault::RequestLineMalformed,
            "GET / HTTP/1.1\r\nContent-Length: 1\r\n\r\na|\0",
        ),
    ] {
        refuses(rule, fault, Place::Head, requests);
    }
}

#[test]
fn pipelined_request_before_a_fault_is_left_to_hyper() {
    let first = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let second = "GET / HTTP/1.1\r\nHost: x|\n\r\n";
    refuses(
        "FLT-A2",
        Fault::BareLf,
        Place::Head,
        &format!("{first}{second}"),
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
        ..Limits::default()
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

/// As uvicorn: raw `"`, `<`, `>` and backtick are served; however they arrive, hyper reads them escaped.
#[test]
fn raw_target_bytes_are_escaped_at_any_split() {
    let raw =
        b"GET /a<b>`?q={\"a\":1} HTTP/1.1\r\nHost: a\r\n\r\nGET /\" HTTP/1.1\r\nHost: a\r\n\r\n";
    let wanted: &[u8] =
        b"GET /a%3Cb%3E%60?q={%22a%22:1} HTTP/1.1\r\nHost: a\r\n\r\nGET /%22 HTTP/1.1\r\nHost: a\r\n\r\n";
    let read = |framing: &mut Framing, bytes: &[u8], seen: &mut Vec<u8>| {
        let Err(refusal) = framing.feed(bytes) else {
            seen.extend_from_slice(bytes);
            return;
        };
        assert_eq!(refusal.fault, Fault::TargetRaw);
        seen.extend_from_slice(&bytes[..refusal.good]);
        let escaped = escape(framing, &bytes[refusal.good..]);
        assert!(escaped.refusal.is_none());
        seen.extend_from_slice(&escaped.bytes);
    };
    for cut in 0..raw.len() {
        let mut framing = Framing::new(Limits::default());
        let mut seen = Vec::new();
        read(&mut framing, &raw[..cut], &mut seen);
        read(&mut framing, &raw[cut..], &mut seen);
        assert_eq!(seen, wanted, "cut at {cut}");
        assert!(framing.at_rest());
        assert_eq!(framing.heads(), 2);
    }
}

/// An escape does not let a target past its limit, and what is wrong after it is refused.
#[test]
fn escaped_target_is_still_limited_and_checked() {
    let limits = Limits {
        head: 10,
        ..Limits::default()
    };
    let mut framing = Framing::new(limits);
    let bytes = b"GET /\"\"\" HTTP/1.1\r\n";
    let refusal = framing.feed(bytes).unwrap_err();
    let refusal = escape(&mut framing, &bytes[refusal.good..])
        .refusal
        .unwrap();
    assert_eq!(refusal.fault, Fault::RequestLineTooLong);

    let mut framing = Framing::new(Limits::default());
    let bytes = b"GET /\" HTTP/1.1\nHost: a\r\n\r\n";
    let refusal = framing.feed(bytes).unwrap_err();
    let escaped = escape(&mut framing, &bytes[refusal.good..]);
    assert_eq!(escaped.refusal.unwrap().fault, Fault::BareLf);
    assert_eq!(&escaped.bytes[..], b"%22 HTTP/1.1");
}
