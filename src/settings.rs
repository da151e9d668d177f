//! `Settings`: every option that Rust needs, parsed once. The only file that knows their names.
//! Reads no environment variable and decides nothing.

use std::time::Duration;

use http::{HeaderName, HeaderValue};

/// The options of one server.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Whether responses carry `date`.
    pub(crate) date_header: bool,
    /// What `--header` and `--server-header` add to every response, in order.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// How long an idle connection is kept after an answer; zero closes it at once.
    pub(crate) keep_alive: Duration,
    /// From the connection's opening, or the first byte of a later request, to the end of the head.
    pub(crate) request_header: Option<Duration>,
    /// Without a byte while the application waits for one.
    pub(crate) request_body: Option<Duration>,
    /// Bytes a second; a body slower than this over ten seconds has timed out.
    pub(crate) min_request_body_rate: Option<u64>,
    /// Without progress in writing.
    pub(crate) write: Option<Duration>,
    /// Bytes of a request line and its fields.
    pub(crate) request_head: usize,
    /// Fields of one head.
    pub(crate) request_fields: usize,
    /// Bytes of one request body; `u64::MAX` for no limit.
    pub(crate) request_body_size: u64,
    /// Open connections beyond which accepting pauses; `usize::MAX` for no limit.
    pub(crate) connections: usize,
    /// Connections, or running calls of the application, from which on requests are refused; `usize::MAX` for no limit.
    pub(crate) concurrency: usize,
    /// `None` where no proxy is believed.
    pub(crate) forwarding: Option<Forwarding>,
    /// `None` where an upgrade to WebSocket is a request like any other.
    pub(crate) websockets: Option<WebSockets>,
}

/// The options of a WebSocket.
#[derive(Clone, Debug)]
pub(crate) struct WebSockets {
    /// Bytes of one message; `usize::MAX` for no limit.
    pub(crate) max_size: usize,
    /// Messages that wait for the application before reading stops.
    pub(crate) max_queue: usize,
    /// Between two pings.
    pub(crate) ping_interval: Option<Duration>,
    /// Within which a ping must be answered.
    pub(crate) ping_timeout: Option<Duration>,
    /// Whether messages may be compressed.
    pub(crate) deflate: bool,
    /// Within which the application must answer a handshake.
    pub(crate) accept: Option<Duration>,
}

impl Default for WebSockets {
    fn default() -> Self {
        Self {
            max_size: 16 * 1024 * 1024,
            max_queue: 32,
            ping_interval: Some(Duration::from_secs(20)),
            ping_timeout: Some(Duration::from_secs(20)),
            deflate: true,
            accept: Some(Duration::from_secs(60)),
        }
    }
}

/// Which proxies are believed about the client, and in what beyond X-Forwarded-For and X-Forwarded-Proto.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forwarding {
    /// Addresses, networks, other words; `*` alone for everybody.
    pub(crate) trusted_hosts: Vec<String>,
    /// `Forwarded`.
    pub(crate) rfc7239: bool,
    /// X-Forwarded-Host.
    pub(crate) host: bool,
    /// X-Forwarded-Prefix.
    pub(crate) prefix: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            date_header: true,
            headers: Vec::new(),
            keep_alive: Duration::from_secs(5),
            request_header: Some(Duration::from_secs(30)),
            request_body: Some(Duration::from_secs(60)),
            min_request_body_rate: None,
            write: Some(Duration::from_secs(60)),
            request_head: 65_536,
            request_fields: 100,
            request_body_size: u64::MAX,
            connections: usize::MAX,
            concurrency: usize::MAX,
            forwarding: None,
            websockets: Some(WebSockets::default()),
        }
    }
}

#[cfg(feature = "python")]
mod parse {
    use std::time::Duration;

    use http::{HeaderName, HeaderValue};
    use pyo3::{exceptions::PyValueError, prelude::*};

    use super::{Forwarding, Settings, WebSockets};

    impl Settings {
        /// Reads a `Config`.
        ///
        /// Raises `AttributeError` for a missing option, `TypeError` and `ValueError` for a wrong one, naming it.
        pub(crate) fn parse(config: &Bound<'_, PyAny>) -> PyResult<Self> {
            let unlimited = |name, none: u64| -> PyResult<u64> {
                let value: u64 = option(config, name)?;
                Ok(if value == 0 { none } else { value })
            };
            let size = |value| usize::try_from(value).unwrap_or(usize::MAX);
            Ok(Self {
                date_header: option(config, "date_header")?,
                headers: headers(config)?,
                keep_alive: seconds(config, "timeout_keep_alive")?,
                request_header: timeout(config, "timeout_request_header")?,
                request_body: timeout(config, "timeout_request_body")?,
                min_request_body_rate: Some(unlimited("min_request_body_rate", 0)?)
                    .filter(|rate| *rate > 0),
                write: timeout(config, "timeout_write")?,
                request_head: size(unlimited("limit_request_head", u64::MAX)?),
                request_fields: size(unlimited("limit_request_fields", u64::MAX)?),
                request_body_size: unlimited("limit_request_body", u64::MAX)?,
                connections: size(unlimited("limit_connections", u64::MAX)?),
                // As uvicorn: no limit is None, and 0 refuses everything.
                concurrency: option::<Option<u64>>(config, "limit_concurrency")?
                    .map_or(usize::MAX, size),
                forwarding: forwarding(config)?,
                websockets: websockets(config)?,
            })
        }
    }

    fn option<'py, T>(config: &Bound<'py, PyAny>, name: &str) -> PyResult<T>
    where
        T: for<'a> FromPyObject<'a, 'py, Error: Into<PyErr>>,
    {
        let value = config.getattr(name)?;
        value.extract::<T>().map_err(|error| {
            let error: PyErr = error.into();
            let py = config.py();
            let wrapped = PyValueError::new_err(format!(
                "{name}={value} is not a valid value: {}",
                error.value(py)
            ));
            wrapped.set_cause(py, Some(error));
            wrapped
        })
    }

    /// A year in seconds. Longer is for ever, and deadlines must not leave the clock's range.
    const LONGEST: f64 = 31_536_000.0;

    fn seconds(config: &Bound<'_, PyAny>, name: &str) -> PyResult<Duration> {
        let value: f64 = option(config, name)?;
        Duration::try_from_secs_f64(value.min(LONGEST)).map_err(|_| {
            PyValueError::new_err(format!("{name}={value} is not a number of seconds"))
        })
    }

    fn timeout(config: &Bound<'_, PyAny>, name: &str) -> PyResult<Option<Duration>> {
        Ok(Some(seconds(config, name)?).filter(|value| !value.is_zero()))
    }

    /// A number of seconds that may be missing, or not above zero: both turn it off.
    fn optional(config: &Bound<'_, PyAny>, name: &str) -> PyResult<Option<Duration>> {
        match option::<Option<f64>>(config, name)? {
            Some(value) if value > 0.0 => timeout(config, name),
            _ => Ok(None),
        }
    }

    fn websockets(config: &Bound<'_, PyAny>) -> PyResult<Option<WebSockets>> {
        // WSGI has no WebSockets: a handshake is a request like any other, as under uvicorn.
        if config.getattr("ws")?.eq("none")? || config.getattr("interface")?.eq("wsgi")? {
            return Ok(None);
        }
        let size = |name, none: usize| -> PyResult<usize> {
            let value: Option<u64> = option(config, name)?;
            Ok(value
                .filter(|value| *value > 0)
                .map_or(none, |value| usize::try_from(value).unwrap_or(usize::MAX)))
        };
        Ok(Some(WebSockets {
            max_size: size("ws_max_size", usize::MAX)?,
            max_queue: size("ws_max_queue", usize::MAX)?,
            ping_interval: optional(config, "ws_ping_interval")?,
            ping_timeout: optional(config, "ws_ping_timeout")?,
            deflate: option(config, "ws_per_message_deflate")?,
            accept: timeout(config, "ws_accept_timeout")?,
        }))
    }

    fn forwarding(config: &Bound<'_, PyAny>) -> PyResult<Option<Forwarding>> {
        if !option::<bool>(config, "proxy_headers")? {
            return Ok(None);
        }
        Ok(Some(Forwarding {
            trusted_hosts: option(config, "trusted_hosts")?,
            rfc7239: option(config, "forwarded_rfc7239")?,
            host: option(config, "forwarded_host")?,
            prefix: option(config, "forwarded_prefix")?,
        }))
    }

    fn headers(config: &Bound<'_, PyAny>) -> PyResult<Vec<(HeaderName, HeaderValue)>> {
        let pairs: Vec<(Vec<u8>, Vec<u8>)> = option(config, "encoded_headers")?;
        pairs
            .into_iter()
            .map(|(name, value)| {
                let parsed = HeaderName::from_bytes(&name)
                    .ok()
                    .zip(HeaderValue::from_bytes(&value).ok());
                parsed.ok_or_else(|| {
                    PyValueError::new_err(format!(
                        "'{}: {}' is not a valid header field",
                        name.escape_ascii(),
                        value.escape_ascii()
                    ))
                })
            })
            .collect()
    }
}
