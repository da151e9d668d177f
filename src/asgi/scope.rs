//! The scope dict of a request; the only file that knows its keys.

use std::borrow::Cow;

use http::{
    Method, Version,
    header::{HOST, SEC_WEBSOCKET_PROTOCOL},
    request::Parts,
};
use percent_encoding::percent_decode_str;
use pyo3::{
    intern,
    prelude::*,
    types::{PyBytes, PyDict, PyList, PyString, PyTuple},
};

use crate::{
    protocol::Forwarded,
    transport::{Peer, ServerAddress},
};

/// What all requests of one connection have in common, ready to be copied.
pub(super) struct ClientScope {
    template: Py<PyDict>,
    asgi: Py<PyDict>,
}

impl ClientScope {
    pub(super) fn new(py: Python<'_>, peer: &Peer, root_path: &str, asgi_version: &str) -> Self {
        let template = PyDict::new(py);
        let asgi = PyDict::new(py);
        // Setting a string key of a fresh dict fails only without memory; the scope then lacks the key.
        let filled = fill(py, &template, &asgi, peer, root_path)
            .and_then(|()| asgi.set_item("version", asgi_version));
        if let Err(error) = filled {
            error.write_unraisable(py, None);
        }
        Self {
            template: template.unbind(),
            asgi: asgi.unbind(),
        }
    }

    /// The scope of one request: a plain dict, nothing of it shared with another but what the application put in
    /// `state`.
    pub(super) fn of_request<'py>(
        &self,
        py: Python<'py>,
        request: &Parts,
        root_path: &str,
        state: &Py<PyDict>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let scope = self.template.bind(py).copy()?;
        scope.set_item(intern!(py, "asgi"), self.asgi.bind(py).copy()?)?;
        // What the template says already is not said again: it is what nearly every request has.
        if request.version == Version::HTTP_10 {
            scope.set_item(intern!(py, "http_version"), intern!(py, "1.0"))?;
        }
        if request.method != Method::GET {
            scope.set_item(intern!(py, "method"), method(py, request.method.as_str()))?;
        }
        let raw_path = request.uri.path();
        scope.set_item(intern!(py, "path"), path(raw_path, root_path).as_ref())?;
        let raw = PyBytes::new(py, joined(root_path, raw_path).as_bytes());
        scope.set_item(intern!(py, "raw_path"), raw)?;
        if let Some(query) = request.uri.query().filter(|query| !query.is_empty()) {
            scope.set_item(
                intern!(py, "query_string"),
                PyBytes::new(py, query.as_bytes()),
            )?;
        }
        scope.set_item(intern!(py, "headers"), headers(py, request)?)?;
        let state = state.bind(py);
        let state = if state.is_empty() {
            PyDict::new(py)
        } else {
            state.copy()?
        };
        scope.set_item(intern!(py, "state"), state)?;
        Ok(scope)
    }
}

/// Makes the scope of a request that of a WebSocket.
pub(super) fn upgrade(scope: &Bound<'_, PyDict>, request: &Parts) -> PyResult<()> {
    let py = scope.py();
    scope.set_item(intern!(py, "type"), intern!(py, "websocket"))?;
    if let Some(asgi) = scope.get_item(intern!(py, "asgi"))? {
        // uvicorn's: from 2.4 on `send` raises once the peer has left, and here it does.
        asgi.set_item(intern!(py, "spec_version"), intern!(py, "2.4"))?;
    }
    let key = intern!(py, "scheme");
    let scheme = match scope.get_item(key)? {
        Some(scheme) if scheme.eq("https")? || scheme.eq("wss")? => intern!(py, "wss"),
        _ => intern!(py, "ws"),
    };
    scope.set_item(key, scheme)?;
    scope.del_item(intern!(py, "method"))?;
    scope.set_item(intern!(py, "subprotocols"), subprotocols(py, request)?)?;
    let extensions = PyDict::new(py);
    extensions.set_item(intern!(py, "websocket.http.response"), PyDict::new(py))?;
    scope.set_item(intern!(py, "extensions"), extensions)
}

/// What the peer offers, in its order (ASGI-72). Bytes that are not UTF-8 do not make a name: they become U+FFFD.
fn subprotocols<'py>(py: Python<'py>, request: &Parts) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for value in request.headers.get_all(SEC_WEBSOCKET_PROTOCOL) {
        for name in value.as_bytes().split(|byte| *byte == b',') {
            let name = name.trim_ascii();
            if !name.is_empty() {
                list.append(String::from_utf8_lossy(name))?;
            }
        }
    }
    Ok(list)
}

/// Whether the peer has offered this protocol, as far as the scope knows.
pub(super) fn offers(scope: &Bound<'_, PyDict>, protocol: &str) -> PyResult<bool> {
    match scope.get_item(intern!(scope.py(), "subprotocols"))? {
        Some(offered) => offered.contains(protocol),
        None => Ok(false),
    }
}

/// What trusted proxies say of a request takes the place of what the connection says.
#[cold]
pub(super) fn forward(scope: &Bound<'_, PyDict>, forwarded: &Forwarded) -> PyResult<()> {
    let py = scope.py();
    if let Some(client) = &forwarded.client {
        scope.set_item(intern!(py, "client"), (&client.host, client.port))?;
    }
    if let Some(scheme) = forwarded.scheme {
        scope.set_item(intern!(py, "scheme"), scheme)?;
    }
    if let Some(authority) = &forwarded.authority {
        let port = match authority.port {
            Some(port) => port,
            None => default_port(scope.get_item(intern!(py, "scheme"))?)?,
        };
        scope.set_item(intern!(py, "server"), (&authority.host, port))?;
    }
    if let Some(prefix) = &forwarded.prefix {
        let decoded = path(prefix, "");
        for key in [intern!(py, "root_path"), intern!(py, "path")] {
            let rest = scope.get_item(key)?;
            scope.set_item(key, PyString::new(py, &decoded).add(rest)?)?;
        }
        let key = intern!(py, "raw_path");
        let rest = scope.get_item(key)?;
        scope.set_item(key, PyBytes::new(py, prefix.as_bytes()).add(rest)?)?;
    }
    Ok(())
}

fn default_port(scheme: Option<Bound<'_, PyAny>>) -> PyResult<u16> {
    let scheme: Option<String> = scheme.map(|scheme| scheme.extract()).transpose()?;
    Ok(match scheme.as_deref() {
        Some("https" | "wss") => 443,
        _ => 80,
    })
}

/// The keys in uvicorn's order, with what most requests have; those that each request sets hold their place.
fn fill(
    py: Python<'_>,
    template: &Bound<'_, PyDict>,
    asgi: &Bound<'_, PyDict>,
    peer: &Peer,
    root_path: &str,
) -> PyResult<()> {
    asgi.set_item("version", py.None())?;
    // uvicorn's: 2.4 would promise an OSError from `send` after a disconnect (O1).
    asgi.set_item("spec_version", "2.3")?;
    template.set_item("type", "http")?;
    template.set_item("asgi", py.None())?;
    template.set_item("http_version", "1.1")?;
    match &peer.server {
        ServerAddress::Internet(address) => {
            template.set_item("server", (address.ip().to_string(), address.port()))?;
        }
        ServerAddress::Unix(path) => template.set_item("server", (&**path, py.None()))?,
        ServerAddress::Unknown => template.set_item("server", py.None())?,
    }
    match peer.client {
        Some(address) => template.set_item("client", (address.ip().to_string(), address.port()))?,
        None => template.set_item("client", py.None())?,
    }
    template.set_item("scheme", "http")?;
    template.set_item("root_path", root_path)?;
    template.set_item("headers", py.None())?;
    template.set_item("state", py.None())?;
    template.set_item("method", "GET")?;
    template.set_item("path", py.None())?;
    template.set_item("raw_path", py.None())?;
    template.set_item("query_string", PyBytes::new(py, b""))?;
    Ok(())
}

fn method<'py>(py: Python<'py>, name: &str) -> Bound<'py, PyString> {
    match name {
        "POST" => intern!(py, "POST").clone(),
        "PUT" => intern!(py, "PUT").clone(),
        "DELETE" => intern!(py, "DELETE").clone(),
        "HEAD" => intern!(py, "HEAD").clone(),
        "OPTIONS" => intern!(py, "OPTIONS").clone(),
        "PATCH" => intern!(py, "PATCH").clone(),
        other => PyString::new(py, other),
    }
}

/// Percent-decoded once; what is not UTF-8 becomes U+FFFD, a `%` that begins no escape stays (ASGI-25, ASGI-N6).
fn path<'a>(raw_path: &'a str, root_path: &str) -> Cow<'a, str> {
    let decoded = percent_decode_str(raw_path).decode_utf8_lossy();
    if root_path.is_empty() {
        decoded
    } else {
        Cow::Owned(format!("{root_path}{decoded}"))
    }
}

fn joined<'a>(root_path: &str, raw_path: &'a str) -> Cow<'a, str> {
    if root_path.is_empty() {
        Cow::Borrowed(raw_path)
    } else {
        Cow::Owned(format!("{root_path}{raw_path}"))
    }
}

/// Names are lower-case by the map's nature; equal names stand together (O35).
fn headers<'py>(py: Python<'py>, request: &Parts) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for (name, value) in &request.headers {
        let name = if *name == HOST {
            intern_bytes(py)
        } else {
            PyBytes::new(py, name.as_str().as_bytes())
        };
        list.append(PyTuple::new(
            py,
            [name, PyBytes::new(py, value.as_bytes())],
        )?)?;
    }
    Ok(list)
}

fn intern_bytes(py: Python<'_>) -> Bound<'_, PyBytes> {
    static HOST_NAME: pyo3::sync::PyOnceLock<Py<PyBytes>> = pyo3::sync::PyOnceLock::new();
    HOST_NAME
        .get_or_init(py, || PyBytes::new(py, b"host").unbind())
        .bind(py)
        .clone()
}
