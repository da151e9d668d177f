"""tls.py: what of the options reaches the context."""

from __future__ import annotations

import ssl

import pytest

from rsgi_bridge.config import SSL_PROTOCOL_VERSION, create_ssl_context

DEFAULTS = {
    "keyfile": None,
    "password": None,
    "ssl_version": SSL_PROTOCOL_VERSION,
    "cert_reqs": ssl.CERT_NONE,
    "ca_certs": None,
    "ciphers": None,
}


class Context:
    """Notes what it is told, in the place of `ssl.SSLContext`."""

    def __init__(self, version):
        self.told = [version]

    def load_cert_chain(self, certfile, keyfile, password):
        self.told.append((certfile, keyfile, password and password()))

    def load_verify_locations(self, cafile):
        self.told.append(cafile)

    def set_ciphers(self, ciphers):
        self.told.append(ciphers)

    def set_alpn_protocols(self, protocols):
        self.told.append(protocols)


def test_context_has_what_was_asked_for(monkeypatch):
    # U2.1
    monkeypatch.setattr(ssl, "SSLContext", Context)
    context = create_ssl_context(
        "cert",
        keyfile="key",
        password="secret",
        ssl_version=5,
        cert_reqs=2,
        ca_certs="ca",
        ciphers="HIGH",
        alpn_protocols=["http/1.1"],
    )
    assert context.told == [5, ("cert", "key", "secret"), "ca", "HIGH", ["http/1.1"]]
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_context_of_a_certificate_alone(monkeypatch):
    monkeypatch.setattr(ssl, "SSLContext", Context)
    context = create_ssl_context("cert", **DEFAULTS)
    assert context.told == [SSL_PROTOCOL_VERSION, ("cert", None, None)]
    assert context.verify_mode is ssl.CERT_NONE


def test_certificate_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        create_ssl_context(tmp_path / "none.pem", **DEFAULTS)
