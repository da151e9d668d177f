"""sockets/unix.py: every way to put a socket at a path, and to take it away again."""

from __future__ import annotations

import errno
import os
import socket
import stat
import threading
from contextlib import closing

import pytest

from rsgi_bridge.sockets.unix import LONGEST_UNIX_PATH, UnixListener
from tests.unit.sockets.peers import BACKLOG, connects


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


@pytest.mark.parametrize(("asked_for", "mode"), [(None, 0o640), (0o600, 0o600)])
def test_mode_of_a_dead_unix_socket_is_kept_unless_another_is_asked_for(
    dead_socket, asked_for, mode
):
    # U6.6
    os.chmod(dead_socket, 0o640)
    with closing(UnixListener(dead_socket, asked_for)) as listener:
        listener.listen(BACKLOG)
        assert stat.S_IMODE(os.stat(dead_socket).st_mode) == mode


def test_mode_of_a_new_unix_socket_is_for_everybody(path):
    # U6.6
    with closing(UnixListener(path)) as listener:
        listener.listen(BACKLOG)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o666


def test_socket_that_was_given_away_is_not_removed(path):
    listener = UnixListener(path)
    listener.listen(BACKLOG)
    with closing(listener.release()):
        listener.close()
        assert connects(path, socket.AF_UNIX)


@pytest.mark.parametrize("name", ["", "a\0b", "\0abstract"])
def test_path_that_cannot_be_a_file_is_told(name):
    with pytest.raises(OSError, match="not a path for a Unix socket") as caught:
        UnixListener(name)
    assert caught.value.errno == errno.EINVAL


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
    with pytest.raises(OSError, match=f"{path}.: input/output error"):
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
