"""`create_ssl_context`: a context of Python's ssl module from the TLS options.

For programs that make their own, as under uvicorn. Must not know of a `Config`.
"""

from __future__ import annotations

import os
import ssl


def create_ssl_context(
    certfile: str | os.PathLike[str],
    keyfile: str | os.PathLike[str] | None,
    password: str | None,
    ssl_version: int,
    cert_reqs: int,
    ca_certs: str | os.PathLike[str] | None,
    ciphers: str | None,
    alpn_protocols: list[str] | None = None,
) -> ssl.SSLContext:
    """A context that serves with a certificate.

    Args:
        certfile: PEM file of the certificate chain; it may hold the key as well.
        keyfile: PEM file of the private key.
        password: what the key is encrypted with.
        ssl_version: a protocol constant of the ssl module.
        cert_reqs: whether clients must have a certificate, as `ssl.VerifyMode`.
        ca_certs: file of the authorities that client certificates are checked against.
        ciphers: ciphers below TLS 1.3, in OpenSSL's syntax.
        alpn_protocols: protocols to offer, the best first.
    """
    context = ssl.SSLContext(ssl_version)
    # Without a function the ssl module would ask for a password at the terminal.
    context.load_cert_chain(certfile, keyfile, (lambda: password) if password else None)
    context.verify_mode = ssl.VerifyMode(cert_reqs)
    if ca_certs:
        context.load_verify_locations(ca_certs)
    if ciphers:
        context.set_ciphers(ciphers)
    if alpn_protocols:
        context.set_alpn_protocols(alpn_protocols)
    return context
