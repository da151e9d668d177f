//! Verdicts on bodies, by the same rules of feeding as in `framing/tests.rs`.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use super::super::{
    Fault, Limits, Place,
    tests::{accepts, outcome, outcome_at_any_split, refuses},
};

const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

fn refuses_all(cases: &[(&str, Fault, &str)]) {
    for (rule, fault, body) in cases {
        refuses(rule, *fault, Place::Body, &format!("{CHUNKED}{body}"));
    }
}

#[test]
fn lawful_chunks_are_accepted() {
    for (rule, body) in [
        (
            "FLT-A37",
            "3\r\nabc\r\n0a\r\n0123456789\r\n000A\r\n0123456789\r\n000\r\n\r\n",
        ),
        (
            "FLT-A40",
            "3;a\r\nabc\r\n1;a=b;c=\"d;\\\"\t\\\\\"\r\nx\r\n0;e; f = g ;h =\"\" ;i\r\n\r\n",
        ),
        (
            "FLT-A46",
            "0\r\nX-Sum: a b\t\r\nAuthorization:\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        ),
    ] {
        accepts(rule, &format!("{CHUNKED}{body}"));
    }
}

#[test]
fn malformed_chunk_size_is_refused() {
    refuses_all(&[
        ("FLT-A38", Fault::ChunkSize, "|\r\nabc\r\n"),
        ("FLT-A38", Fault::ChunkSize, "|;a\r\n"),
        ("FLT-A38", Fault::ChunkSize, "|g\r\n"),
        ("FLT-A38", Fault::ChunkSize, "3|g\r\nabc\r\n"),
        ("FLT-A38", Fault::ChunkSize, "|+3\r\nabc\r\n"),
        ("FLT-A38", Fault::ChunkSize, "|-3\r\nabc\r\n"),
        ("FLT-A38", Fault::ChunkSize, "0|x3\r\nabc\r\n"),
        ("FLT-A38", Fault::ChunkSize, "1|_0\r\n"),
        ("FLT-A38", Fault::ChunkSize, "| 3\r\nabc\r\n"),
        ("FLT-A38", Fault::ChunkSize, "3| \r\nabc\r\n"),
        ("FLT-A38", Fault::ChunkSize, "3|\t;a=b\r\nabc\r\n"),
        ("FLT-A38", Fault::ChunkSize, "3\r\nabc\r\n|\r\n"),
        ("FLT-A39", Fault::ChunkSize, "1000000000000000|0"),
        ("FLT-A39", Fault::ChunkSize, "ffffffffffffffff|f"),
        (
            "FLT-A39",
            Fault::ChunkSize,
            "00000000000000000000000000000000|0",
        ),
    ]);
}

#[test]
fn malformed_chunk_extension_is_refused() {
    refuses_all(&[
        ("FLT-A40", Fault::ChunkExtension, "3;|\r\nabc\r\n"),
        ("FLT-A40", Fault::ChunkExtension, "3;a|\0\r\nabc\r\n"),
        ("FLT-A40", Fault::ChunkExtension, "3;a=|\r\nabc\r\n"),
        ("FLT-A40", Fault::ChunkExtension, "3;a;|;b\r\nabc\r\n"),
        ("FLT-A40", Fault::ChunkExtension, "3;a=\"b|\0\"\r\nabc\r\n"),
        (
            "FLT-A40",
            Fault::ChunkExtension,
            "3;a=\"b|\r\n\"\r\nabc\r\n",
        ),
        (
            "FLT-A40",
            Fault::ChunkExtension,
            "3;a=\"\\|\r\n\"\r\nabc\r\n",
        ),
        ("FLT-A40", Fault::ChunkExtension, "3;a=\"b\"|c\r\nabc\r\n"),
        ("FLT-A40", Fault::ChunkExtension, "3;a |b\r\nabc\r\n"),
        ("FLT-A40", Fault::ChunkExtension, "3;a=b |\r\nabc\r\n"),
        ("FLT-A40", Fault::StrayCr, "3;a\r|b\r\nabc\r\n"),
        ("FLT-A40", Fault::BareLf, "3;a|\nabc\r\n"),
    ]);
}

#[test]
fn chunk_that_does_not_end_with_its_data_is_refused() {
    refuses_all(&[
        ("FLT-A42", Fault::BareLf, "3|\nabc\r\n"),
        ("FLT-A42", Fault::StrayCr, "3\r|abc\r\n"),
        ("FLT-A42", Fault::ChunkEnd, "3\r\nabc|\n0\r\n\r\n"),
        ("FLT-A42", Fault::ChunkEnd, "3\r\nabc\r|0\r\n\r\n"),
        ("FLT-A43", Fault::ChunkEnd, "3\r\nabc|d\r\n0\r\n\r\n"),
        ("FLT-A43", Fault::ChunkEnd, "4\r\nab\r\n|0\r\n\r\n"),
        ("FLT-A43", Fault::ChunkEnd, "3\r\nabc|XX0\r\n\r\n"),
    ]);
}

#[test]
fn malformed_trailer_section_is_refused() {
    refuses_all(&[
        ("FLT-A44", Fault::BareLf, "0|\n\r\n"),
        ("FLT-A44", Fault::BareLf, "0\r\n|\n"),
        ("FLT-A44", Fault::StrayCr, "0\r\n\r|X"),
        ("FLT-A44", Fault::StrayCr, "0\r\n\r|\r\n"),
        ("FLT-A44", Fault::BareLf, "0\r\nX: y|\n\r\n"),
        ("FLT-A44", Fault::StrayCr, "0\r\nX: y\r|\r\n"),
        ("FLT-A45", Fault::TrailerMalformed, "0\r\nX|\r\n\r\n"),
        ("FLT-A45", Fault::TrailerMalformed, "0\r\nX| : y\r\n\r\n"),
        ("FLT-A45", Fault::TrailerMalformed, "0\r\n|: y\r\n\r\n"),
        (
            "FLT-A45",
            Fault::TrailerMalformed,
            "0\r\nX: y\r\n| z\r\n\r\n",
        ),
        ("FLT-A45", Fault::TrailerMalformed, "0\r\nX: |\0\r\n\r\n"),
        (
            "FLT-A45",
            Fault::TrailerMalformed,
            "0\r\nGET| / HTTP/1.1\r\n\r\n",
        ),
    ]);
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
