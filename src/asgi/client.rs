//! `Client`: what is kept for a connection that has sent a request, and the scopes of its requests.

use std::rc::Rc;

use http::{header::HOST, request::Parts};
use pyo3::{prelude::*, types::PyDict};

use super::{
    Asgi,
    scope::{self, ClientScope},
};
use crate::{protocol::Proxies, transport::Peer};

/// What is kept for a connection that has sent a request.
pub(crate) struct Client {
    scope: ClientScope,
    /// Where the peer is one of them.
    proxies: Option<Rc<Proxies>>,
}

impl Client {
    pub(super) fn new(py: Python<'_>, asgi: &Asgi, peer: &Peer) -> Self {
        Self {
            scope: ClientScope::new(py, peer, &asgi.root_path, &asgi.version),
            proxies: asgi.proxies.clone().filter(|proxies| proxies.trust(peer)),
        }
    }

    /// The scope of a request. What trusted proxies say of it takes the place of what the connection says: of its Host
    /// there is only theirs afterwards.
    pub(super) fn scope_of<'py>(
        &self,
        py: Python<'py>,
        asgi: &Asgi,
        request: &mut Parts,
    ) -> PyResult<Bound<'py, PyDict>> {
        let forwarded = self
            .proxies
            .as_ref()
            .and_then(|proxies| proxies.read(&request.headers));
        if let Some(authority) = forwarded
            .as_ref()
            .and_then(|found| found.authority.as_ref())
        {
            request.headers.insert(HOST, authority.field.clone());
        }
        let scope = self
            .scope
            .of_request(py, request, &asgi.root_path, &asgi.state)?;
        if let Some(forwarded) = &forwarded {
            scope::forward(&scope, forwarded)?;
        }
        Ok(scope)
    }
}

/// What a line about a connection begins with: the peer as it connected, whoever it may speak for.
pub(super) fn prefix(peer: &Peer) -> String {
    peer.client.map_or_else(String::new, |address| {
        format!("{}:{} - ", address.ip(), address.port())
    })
}
