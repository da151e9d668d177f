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

/// The access logger of one connection.
pub(super) struct AccessLog {
    logger: Py<PyAny>,
}

impl AccessLog {
    /// `None` if nobody listens: decided once per connection, as uvicorn does.
    pub(super) fn open(py: Python<'_>, logger: &Py<PyAny>) -> Option<Self> {
        let listened = logger
            .bind(py)
            .call_method0(intern!(py, "hasHandlers"))
            .and_then(|answer| answer.is_truthy());
        listened.unwrap_or(true).then(|| Self {
            logger: logger.clone_ref(py),
        })
    }

    pub(super) fn clone_ref(&self, py: Python<'_>) -> Self {
        Self {
            logger: self.logger.clone_ref(py),
        }
    }

    /// Logs the exchange whose head is being committed. Reads the scope as it is now: what middleware changed in place
    /// shows.
    pub(super) fn record(&self, scope: &Bound<'_, PyDict>, status: u16) -> PyResult<()> {
        let py = scope.py();
        let arguments = (
            intern!(py, FORMAT),
            client_address(scope)?,
            item(scope, intern!(py, "method"))?,
            path_with_query(scope)?,
            item(scope, intern!(py, "http_version"))?,
            status,
        );
        self.logger
            .bind(py)
            .call_method1(intern!(py, "info"), arguments)
            .map(drop)
    }
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
