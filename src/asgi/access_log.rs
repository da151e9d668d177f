//! One record per finished exchange, as uvicorn makes it: a real `LogRecord` whose `args` are uvicorn's five.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use pyo3::{
    intern,
    prelude::*,
    types::{PyBytes, PyDict, PyString, PyTuple},
};

/// What `urllib.parse.quote` leaves alone. Nothing that could forge a line or steer a terminal is in it.
const QUOTED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~')
    .remove(b'/');
const FORMAT: &str = "%s - \"%s %s HTTP/%s\" %d";

/// `logging.INFO`.
const INFO: u8 = 20;

/// The access logger. Who listens to it is asked for each record: what is changed while the server runs takes effect at
/// once.
pub(super) struct AccessLog {
    logger: Py<PyAny>,
}

impl AccessLog {
    pub(super) fn new(logger: Bound<'_, PyAny>) -> Self {
        Self {
            logger: logger.unbind(),
        }
    }

    /// Logs the exchange whose head is being committed. Reads the scope as it is now: what middleware changed in place
    /// shows.
    pub(super) fn record(&self, scope: &Bound<'_, PyDict>, status: u16) -> PyResult<()> {
        let py = scope.py();
        let logger = self.logger.bind(py);
        if !has_handlers(logger)? || !is_enabled(logger)? {
            return Ok(());
        }
        let arguments = (
            intern!(py, FORMAT),
            client_address(scope)?,
            item(scope, intern!(py, "method"))?,
            path_with_query(scope)?,
            item(scope, intern!(py, "http_version"))?,
            status,
        );
        logger
            .call_method1(intern!(py, "info"), arguments)
            .map(drop)
    }
}

/// What a line about a request begins with and names: the client's address, the path with its query.
pub(super) fn subject(scope: &Bound<'_, PyDict>) -> PyResult<(String, String)> {
    Ok((client_address(scope)?, path_with_query(scope)?))
}

/// `Logger.hasHandlers`, without a call: nearly always the first look says it.
fn has_handlers(logger: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = logger.py();
    let mut logger = logger.clone();
    loop {
        if logger.getattr(intern!(py, "handlers"))?.is_truthy()? {
            return Ok(true);
        }
        if !logger.getattr(intern!(py, "propagate"))?.is_truthy()? {
            return Ok(false);
        }
        logger = logger.getattr(intern!(py, "parent"))?;
        if logger.is_none() {
            return Ok(false);
        }
    }
}

fn is_enabled(logger: &Bound<'_, PyAny>) -> PyResult<bool> {
    logger
        .call_method1(intern!(logger.py(), "isEnabledFor"), (INFO,))?
        .is_truthy()
}

fn item<'py>(
    scope: &Bound<'py, PyDict>,
    key: &Bound<'py, PyString>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    scope.get_item(key)
}

/// `host:port`, or nothing for a peer without an address.
fn client_address(scope: &Bound<'_, PyDict>) -> PyResult<String> {
    let py = scope.py();
    let Some(client) =
        item(scope, intern!(py, "client"))?.filter(|client| client.is_truthy().unwrap_or(true))
    else {
        return Ok(String::new());
    };
    if let Ok(pair) = client.cast::<PyTuple>()
        && pair.len() == 2
    {
        return Ok(format!("{}:{}", pair.get_item(0)?, pair.get_item(1)?));
    }
    Ok(format!("{}:{}", client.get_item(0)?, client.get_item(1)?))
}

fn path_with_query(scope: &Bound<'_, PyDict>) -> PyResult<String> {
    let py = scope.py();
    let path = item(scope, intern!(py, "path"))?;
    let path = path.as_ref().map(PyAnyMethods::str).transpose()?;
    let mut line = match &path {
        Some(path) => utf8_percent_encode(&path.to_string_lossy(), QUOTED).to_string(),
        None => String::new(),
    };
    if let Some(query) = item(scope, intern!(py, "query_string"))?
        && let Ok(query) = query.cast::<PyBytes>()
        && !query.as_bytes().is_empty()
    {
        line.push('?');
        line.push_str(
            &query
                .as_bytes()
                .escape_ascii()
                .to_string()
                .replace("\\'", "'")
                .replace("\\\"", "\""),
        );
    }
    Ok(line)
}
