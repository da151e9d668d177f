//! Which offers are agreed to, and what is answered (RFC 6455, section 9.1; RFC 7692, section 7.1; U4.6; FLT-F17).
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use super::negotiate;

/// What is answered to a request with these fields.
fn answer(fields: &[&str]) -> Option<String> {
    let agreed = negotiate(fields.iter().map(|field| field.as_bytes()))?;
    let answer = agreed.field();
    let parameters = answer.strip_prefix("permessage-deflate; ").unwrap();
    Some(parameters.to_owned())
}

#[track_caller]
fn agreed(field: &str, expected: &str) {
    assert_eq!(answer(&[field]).as_deref(), Some(expected), "{field}");
}

#[track_caller]
fn passed_over(field: &str) {
    assert_eq!(answer(&[field]), None, "{field}");
}

const PLAIN: &str = "server_max_window_bits=12";

#[test]
fn what_browsers_and_libraries_offer() {
    agreed("permessage-deflate", PLAIN);
    agreed(
        "permessage-deflate; client_max_window_bits",
        "server_max_window_bits=12; client_max_window_bits=12",
    );
    agreed(
        "permessage-deflate;client_no_context_takeover;server_no_context_takeover",
        &format!("server_no_context_takeover; client_no_context_takeover; {PLAIN}"),
    );
    agreed(
        "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
        "server_max_window_bits=12; client_max_window_bits=12",
    );
}

/// Section 7.1.1: what the client asks of the server is promised; what it says of itself is taken at its word.
#[test]
fn no_context_takeover() {
    agreed(
        "permessage-deflate; server_no_context_takeover",
        &format!("server_no_context_takeover; {PLAIN}"),
    );
    agreed(
        "permessage-deflate; client_no_context_takeover",
        &format!("client_no_context_takeover; {PLAIN}"),
    );
}

/// Section 7.1.2: no more than the client asks for, nor than the server wants itself.
#[test]
fn windows() {
    for (offered, answered) in [
        (8, 8),
        (9, 9),
        (10, 10),
        (11, 11),
        (12, 12),
        (13, 12),
        (15, 12),
    ] {
        agreed(
            &format!("permessage-deflate; server_max_window_bits={offered}"),
            &format!("server_max_window_bits={answered}"),
        );
        agreed(
            &format!("permessage-deflate; client_max_window_bits={offered}"),
            &format!("{PLAIN}; client_max_window_bits={answered}"),
        );
    }
}

/// Section 7.1: any of these declines the offer, whatever else is in it.
#[test]
fn parameters_that_decline_the_offer() {
    for parameter in [
        "server_max_window_bits",
        "server_max_window_bits=7",
        "server_max_window_bits=16",
        "server_max_window_bits=08",
        "server_max_window_bits=010",
        "server_max_window_bits=+9",
        "server_max_window_bits=1",
        "server_max_window_bits=1a",
        "server_max_window_bits=123",
        "server_max_window_bits=99999999999999999999",
        "client_max_window_bits=7",
        "client_max_window_bits=16",
        "client_max_window_bits=x",
        "server_no_context_takeover=1",
        "server_no_context_takeover=true",
        "client_no_context_takeover=12",
        "server_no_context_takeover; server_no_context_takeover",
        "client_no_context_takeover; client_no_context_takeover",
        "server_max_window_bits=10; server_max_window_bits=10",
        "client_max_window_bits; client_max_window_bits=10",
        "SERVER_NO_CONTEXT_TAKEOVER",
        "mystery",
        "mystery=10",
    ] {
        passed_over(&format!("permessage-deflate; {parameter}"));
        passed_over(&format!(
            "permessage-deflate; client_max_window_bits=9; {parameter}"
        ));
        // Section 5.2: the next of several offers counts then.
        agreed(
            &format!("permessage-deflate; {parameter}, permessage-deflate"),
            PLAIN,
        );
    }
}

#[test]
fn the_first_of_several_offers() {
    agreed(
        "permessage-deflate; server_max_window_bits=9, permessage-deflate; server_max_window_bits=10",
        "server_max_window_bits=9",
    );
    agreed(
        "x-webkit-deflate-frame, permessage-bzip2; level=9, permessage-deflate; server_max_window_bits=10",
        "server_max_window_bits=10",
    );
    let fields = [
        "permessage-deflate; server_max_window_bits=7",
        "x; y=\"z\"",
        "permessage-deflate; server_max_window_bits=11",
        "permessage-deflate",
    ];
    assert_eq!(
        answer(&fields).as_deref(),
        Some("server_max_window_bits=11")
    );
}

/// RFC 6455, section 9.1: a value may stand in quotes and means the same.
#[test]
fn quoted_values() {
    for value in ["\"10\"", "\"\\10\"", "\"\\1\\0\""] {
        agreed(
            &format!("permessage-deflate; server_max_window_bits={value}"),
            "server_max_window_bits=10",
        );
    }
    agreed("a; b=\"c\\d\", permessage-deflate", PLAIN);
    passed_over("a; b=\"c, d\", permessage-deflate");
    for value in [
        "\"\"", "\"10", "10\"", "\"1,0\"", "\"1 0\"", "\"10\\", "\"10\\\"", "\"10\"\"",
    ] {
        passed_over(&format!(
            "permessage-deflate; server_max_window_bits={value}"
        ));
    }
}

#[test]
fn blanks_and_empty_elements() {
    for field in [
        " permessage-deflate ",
        "\tpermessage-deflate ;\tserver_max_window_bits = 12 ",
        ",permessage-deflate,",
        ", ,\t,permessage-deflate , ,",
        "other,,permessage-deflate",
    ] {
        agreed(field, PLAIN);
    }
}

/// A field that is not of the grammar counts for nothing, not even what is good in it. Another one does.
#[test]
fn garbled_fields() {
    for field in [
        "",
        " ",
        ",",
        ";",
        "=",
        "permessage-deflate;",
        "permessage-deflate; ",
        "permessage-deflate;;",
        "permessage-deflate; =",
        "permessage-deflate; =12",
        "permessage-deflate; server_max_window_bits=",
        "permessage-deflate; server_max_window_bits=12=12",
        "permessage-deflate server_no_context_takeover",
        "permessage-deflate, other;",
        "permessage-deflate, \"",
        "permessage-deflate/1",
        "permessage-deflate=1",
        "permessage-deflate\u{e9}",
        "permessage-deflate\u{0}",
        "permessage-deflatex",
        "Permessage-Deflate",
    ] {
        passed_over(field);
        assert_eq!(
            answer(&[field, "permessage-deflate"]).as_deref(),
            Some(PLAIN),
            "{field:?}"
        );
    }
    assert_eq!(answer(&[]), None);
}

/// Any bytes, and random pieces of what is meant, are read, and no answer is anything but what can be promised.
#[test]
fn noise_is_read() {
    const PIECES: [&str; 15] = [
        "permessage-deflate",
        "; ",
        ";",
        ", ",
        "=",
        "\"",
        "\\",
        " ",
        "8",
        "12",
        "15",
        "server_max_window_bits=",
        "client_max_window_bits",
        "server_no_context_takeover",
        "\u{ff}",
    ];
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut below = |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(end).unwrap()).unwrap()
    };
    let mut count = 0;
    for _ in 0..40_000 {
        let field: String = (0..below(10))
            .filter_map(|_| PIECES.get(below(15)).copied())
            .collect();
        let Some(answer) = answer(&[&field, &field]) else {
            continue;
        };
        count += 1;
        let known = answer
            .split("; ")
            .all(|parameter| match parameter.split_once('=') {
                Some((name, bits)) => {
                    (8..=12).contains(&bits.parse().unwrap())
                        && ["server_max_window_bits", "client_max_window_bits"].contains(&name)
                }
                None => parameter.ends_with("_no_context_takeover"),
            });
        assert!(known, "{answer}");
    }
    assert!(count > 100);
    let long = "permessage-deflate; client_max_window_bits=9; ".repeat(1_400) + "x";
    passed_over(&long);
}
