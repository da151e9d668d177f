"""sockets.py: real sockets, real files; every way to claim an address and to give it back."""

from __future__ import annotations

import errno
import os
import re
import socket
import stat
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import pytest

from rsgi_bridge.sockets import LONGEST_UNIX_PATH, Listener, UnixListener, bind_tcp

BACKLOG = 16


def connects(address, family=socket.AF_INET):
    with socket.socket(family, socket.SOCK_STREAM) as peer:
        peer.settimeout(5)
        return peer.connect_ex(address) == 0


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


@pytest.fixture
def directory():
    """A directory with a short name: pytest's own may leave no room for a Unix socket's path."""
    with tempfile.TemporaryDirectory(prefix="rsgi-", dir="/tmp") as name:
        yield Path(name)


@pytest.fixture
def path(directory):
    return str(directory / "server.sock")


@pytest.fixture
def dead_socket(path):
    """A socket file whose server is gone."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
    return path


@pytest.fixture
def live_socket(path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
        sock.listen()
        yield path


# --- TCP ---


def test_bound_address_refuses_until_it_listens():
    # O24, ASGI-93
    with closing(bind_tcp("127.0.0.1", 0)) as listener:
        address = listener.sockets[0].getsockname()
        assert not connects(address)
        listener.listen(BACKLOG)
        assert connects(address)


def test_listening_socket_does_not_block_and_is_not_inherited():
    with closing(bind_tcp("127.0.0.1", 0)) as listener:
        listener.listen(BACKLOG)
        (sock,) = listener.sockets
        assert sock.gettimeout() == 0
        assert not sock.get_inheritable()


def test_taken_port_is_told_in_uvicorns_words():
    # FLT-D10
    with closing(bind_tcp("127.0.0.1", 0)) as first:
        first.listen(BACKLOG)
        address = first.sockets[0].getsockname()
        with pytest.raises(OSError, match="bind") as caught:
            bind_tcp(*address)
    assert str(caught.value) == (
        f"[Errno {errno.EADDRINUSE}] error while attempting to bind on address {address}: "
        "address already in use"
    )


def test_second_of_two_bound_sockets_cannot_listen():
    with closing(bind_tcp("127.0.0.1", 0)) as first:
        address = first.sockets[0].getsockname()
        with closing(bind_tcp(*address)) as second:
            first.listen(BACKLOG)
            with pytest.raises(OSError, match=re.escape(str(address))) as caught:
                second.listen(BACKLOG)
            assert caught.value.errno == errno.EADDRINUSE


def test_name_that_does_not_resolve_is_an_os_error():
    with pytest.raises(socket.gaierror):
        bind_tcp("no-such-host.invalid", 0)


def test_address_of_another_machine_is_refused():
    with pytest.raises(OSError, match=r"\('192.0.2.1', 0\)") as caught:
        bind_tcp("192.0.2.1", 0)
    assert caught.value.errno == errno.EADDRNOTAVAIL


@pytest.mark.parametrize("port", [-1, 65536, 70000])
def test_port_out_of_range_is_refused(port):
    with pytest.raises(OSError, match=f"port must be 0-65535, not {port}"):
        bind_tcp("127.0.0.1", port)


@pytest.mark.parametrize("host", [None, ""])
def test_no_host_means_every_interface(host):
    with closing(bind_tcp(host, 0)) as listener:
        hosts = [sock.getsockname()[0] for sock in listener.sockets]
    assert hosts == (["0.0.0.0", "::"] if has_ipv6() else ["0.0.0.0"])


@needs_ipv6
def test_wildcard_of_ipv6_takes_ipv4_as_well():
    with closing(bind_tcp("::", 0)) as listener:
        listener.listen(BACKLOG)
        port = listener.sockets[0].getsockname()[1]
        assert connects(("127.0.0.1", port))
        assert connects(("::1", port), socket.AF_INET6)


@needs_ipv6
def test_address_of_ipv6_takes_ipv6_only():
    with closing(bind_tcp("::1", 0)) as listener:
        (sock,) = listener.sockets
        assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)


def addresses(*hosts):
    def getaddrinfo(host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in hosts]

    return getaddrinfo


def test_every_address_of_a_name_is_bound_once(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", addresses("127.0.0.1", "127.0.0.2", "127.0.0.1"))
    with closing(bind_tcp("name", 0)) as listener:
        hosts = [sock.getsockname()[0] for sock in listener.sockets]
    assert hosts == ["127.0.0.1", "127.0.0.2"]


def test_address_that_no_interface_has_is_left_out(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", addresses("192.0.2.1", "127.0.0.1"))
    with closing(bind_tcp("localhost", 0)) as listener:
        (sock,) = listener.sockets
        assert sock.getsockname()[0] == "127.0.0.1"


def test_family_that_the_kernel_lacks_is_left_out(monkeypatch):
    def getaddrinfo(host, port, **_):
        unknown = 4711
        return [
            (unknown, socket.SOCK_STREAM, 6, "", (host, port)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with closing(bind_tcp("127.0.0.1", 0)) as listener:
        assert len(listener.sockets) == 1


def test_failure_at_one_address_gives_the_others_back(monkeypatch):
    with closing(bind_tcp("127.0.0.2", 0)) as taken:
        taken.listen(BACKLOG)
        port = taken.sockets[0].getsockname()[1]
        monkeypatch.setattr(socket, "getaddrinfo", addresses("127.0.0.1", "127.0.0.2"))
        with pytest.raises(OSError, match=r"127\.0\.0\.2"):
            bind_tcp("name", port)
        monkeypatch.undo()
        bind_tcp("127.0.0.1", port).close()


def test_close_is_idempotent_and_frees_the_port():
    listener = bind_tcp("127.0.0.1", 0)
    listener.listen(BACKLOG)
    address = listener.sockets[0].getsockname()
    listener.close()
    listener.close()
    bind_tcp(*address).close()


def test_listener_adopts_a_socket():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        listener = Listener([sock])
        listener.listen(BACKLOG)
        assert listener.sockets == (sock,)
        assert listener.path is None
        assert connects(sock.getsockname())


# --- Unix ---


def test_unix_socket_appears_when_it_listens(path):
    listener = UnixListener(path, 0o666)
    assert os.listdir(os.path.dirname(path)) == []
    listener.listen(BACKLOG)
    assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)]
    assert connects(path, socket.AF_UNIX)
    listener.close()
    assert os.listdir(os.path.dirname(path)) == []


def test_unix_socket_keeps_the_path_as_it_was_given(path, monkeypatch):
    monkeypatch.chdir(os.path.dirname(path))
    with closing(UnixListener("server.sock", 0o666)) as listener:
        listener.listen(BACKLOG)
        assert listener.path == "server.sock"
        assert connects("server.sock", socket.AF_UNIX)


@pytest.mark.parametrize("mode", [0o666, 0o600, 0o660])
def test_unix_socket_has_its_mode_whatever_the_umask_is(path, mode):
    before = os.umask(0o077)
    try:
        with closing(UnixListener(path, mode)) as listener:
            listener.listen(BACKLOG)
            assert stat.S_IMODE(os.stat(path).st_mode) == mode
    finally:
        os.umask(before)


def test_dead_unix_socket_is_replaced(dead_socket):
    # O27, FLT-D12
    with closing(UnixListener(dead_socket, 0o666)) as listener:
        listener.listen(BACKLOG)
        assert connects(dead_socket, socket.AF_UNIX)


def test_live_unix_socket_is_refused(live_socket):
    # O27, FLT-D12
    with pytest.raises(OSError, match="address already in use") as caught:
        UnixListener(live_socket, 0o666)
    assert caught.value.errno == errno.EADDRINUSE
    assert connects(live_socket, socket.AF_UNIX)


def test_live_unix_socket_with_a_full_backlog_is_refused(path):
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as peer:
        server.bind(path)
        server.listen(0)
        peer.connect(path)
        with pytest.raises(OSError, match="address already in use"):
            UnixListener(path, 0o666)


def test_unix_socket_that_came_alive_during_the_start_is_refused(path):
    listener = UnixListener(path, 0o666)
    with closing(UnixListener(path, 0o666)) as faster:
        faster.listen(BACKLOG)
        with pytest.raises(OSError, match="address already in use"):
            listener.listen(BACKLOG)
        listener.close()
        assert connects(path, socket.AF_UNIX)


def test_file_that_is_no_socket_is_refused_and_kept(path):
    # FLT-D12
    with open(path, "w") as file:
        file.write("precious")
    with pytest.raises(OSError, match="exists and is not a socket") as caught:
        UnixListener(path, 0o666)
    assert caught.value.errno == errno.ENOTSOCK
    with open(path) as file:
        assert file.read() == "precious"


def test_symbolic_link_to_a_socket_is_refused(dead_socket):
    link = dead_socket + ".link"
    os.symlink(dead_socket, link)
    with pytest.raises(OSError, match="exists and is not a socket"):
        UnixListener(link, 0o666)


def test_path_too_long_is_told(directory):
    # FLT-D12
    name = "s" * (LONGEST_UNIX_PATH - len(str(directory)))
    with pytest.raises(OSError, match="Unix socket path too long") as caught:
        UnixListener(str(directory / name), 0o666)
    length = LONGEST_UNIX_PATH + 1
    assert f"({length} bytes, at most {LONGEST_UNIX_PATH})" in str(caught.value)


@pytest.mark.parametrize("spare", [0, 1, 5])
def test_path_just_short_enough_is_used(directory, spare):
    # The temporary name must fit as well, however short the name itself is.
    length = LONGEST_UNIX_PATH - spare
    directory /= "d" * (length - len(f"{directory}//s"))
    directory.mkdir()
    path = str(directory / "s")
    assert len(path) == length
    with closing(UnixListener(path, 0o666)) as listener:
        listener.listen(BACKLOG)
        assert connects(path, socket.AF_UNIX)


@pytest.mark.parametrize(
    ("name", "error"), [("missing", FileNotFoundError), ("file", NotADirectoryError)]
)
def test_directory_that_cannot_hold_a_socket_is_told(directory, name, error):
    (directory / "file").touch()
    with pytest.raises(error):
        UnixListener(str(directory / name / "server.sock"), 0o666)


def test_directory_without_permission_is_told(path, monkeypatch):
    # Not by chmod: the superuser may write everywhere.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PermissionError):
        UnixListener(path, 0o666)


def test_failure_while_listening_leaves_no_file(path, monkeypatch):
    def rename(source, target):
        raise OSError(errno.EIO, "broken disk")

    listener = UnixListener(path, 0o666)
    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(OSError, match="broken disk"):
        listener.listen(BACKLOG)
    listener.close()
    assert os.listdir(os.path.dirname(path)) == []


def test_close_leaves_the_socket_of_a_successor(path):
    # A successor may replace the file while this server is still draining.
    with closing(UnixListener(path, 0o666)) as first:
        first.listen(BACKLOG)
        os.unlink(path)
        with closing(UnixListener(path, 0o666)) as second:
            second.listen(BACKLOG)
            first.close()
            assert connects(path, socket.AF_UNIX)


def test_close_tolerates_a_file_that_is_gone(path):
    listener = UnixListener(path, 0o666)
    listener.listen(BACKLOG)
    os.unlink(path)
    listener.close()
    listener.close()


def test_peers_never_find_a_unix_socket_that_refuses(path):
    seen: set[int] = set()
    knocked = threading.Event()

    def knock_until_let_in():
        while 0 not in seen:
            with socket.socket(socket.AF_UNIX) as peer:
                seen.add(peer.connect_ex(path))
            knocked.set()

    knocking = threading.Thread(target=knock_until_let_in)
    knocking.start()
    knocked.wait()
    with closing(UnixListener(path, 0o666)) as listener:
        listener.listen(BACKLOG)
        knocking.join()
    assert seen == {0, errno.ENOENT}
