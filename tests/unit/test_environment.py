"""environment.py: `WEB_CONCURRENCY`, `FORWARDED_ALLOW_IPS` and env files."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import pytest

from rsgi_bridge import Config
from rsgi_bridge.environment import load_env_file, web_concurrency
from rsgi_bridge.exceptions import ConfigError, UnreadableError


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for variable in ("WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS"):
        monkeypatch.delenv(variable, raising=False)
    return monkeypatch


@pytest.fixture
def dotenv(environment):
    """A stand-in that sets what a test says."""
    values = {}

    def load_dotenv(dotenv_path):
        for name, value in values.items():
            environment.setenv(name, value)

    environment.setitem(sys.modules, "dotenv", SimpleNamespace(load_dotenv=load_dotenv))
    return values


def config(**options):
    return Config("main:app", log_config=None, **options)


@pytest.mark.parametrize("text", [None, "", "1"])
def test_one_worker_is_no_news(environment, log, text):
    if text is not None:
        environment.setenv("WEB_CONCURRENCY", text)
    assert web_concurrency() == 1
    assert log.messages == []


def test_more_workers_are_warned_of_and_one_serves(environment, log):
    # U1.1
    environment.setenv("WEB_CONCURRENCY", "4")
    made = config()
    assert made.workers == 1
    assert made.use_subprocess is False
    assert log.messages == [
        "WEB_CONCURRENCY=4 has no effect yet: one process serves, rsgi has no worker processes."
    ]


def test_number_of_workers_that_is_given_is_not_looked_for(environment, log):
    # U1.1
    environment.setenv("WEB_CONCURRENCY", "many")
    assert config(workers=2).workers == 2


def test_web_concurrency_that_is_no_number_is_refused(environment):
    # U1.1, U1.4
    environment.setenv("WEB_CONCURRENCY", "many")
    with pytest.raises(UnreadableError, match="WEB_CONCURRENCY must be an integer: 'many'"):
        config()


@pytest.mark.parametrize(
    ("variable", "argument", "expected"),
    [
        (None, None, ["127.0.0.1", "::1"]),
        ("10.0.0.1, 10.1.0.0/16", None, ["10.0.0.1", "10.1.0.0/16"]),
        ("10.0.0.1", "unix:, *", ["unix:", "*"]),
        ("10.0.0.1", "*", ["*"]),
        (None, ["a", " ::1 "], ["a", "::1"]),
        ("", None, []),
        (None, "", []),
    ],
)
def test_trusted_proxies(environment, variable, argument, expected):
    # U1.1, U2.5
    if variable is not None:
        environment.setenv("FORWARDED_ALLOW_IPS", variable)
    assert config(forwarded_allow_ips=argument).trusted_hosts == expected


def test_env_file_is_loaded_before_the_variables_are_read(dotenv, log):
    # U1.1, U2.3
    dotenv["FORWARDED_ALLOW_IPS"] = "10.9.9.9"
    dotenv["WEB_CONCURRENCY"] = "3"
    made = config(env_file="some.env")
    assert made.trusted_hosts == ["10.9.9.9"]
    assert log.messages[0] == "Loading environment from 'some.env'"
    assert log.messages[1].startswith("WEB_CONCURRENCY=3 ")


def test_env_file_without_the_package_names_what_to_install(environment):
    environment.setitem(sys.modules, "dotenv", None)
    with pytest.raises(ImportError, match=r"python-dotenv package or rsgi-bridge\[standard\]") as e:
        load_env_file("some.env")
    assert isinstance(e.value, ConfigError)


def test_env_file_sets_what_is_not_set(environment, tmp_path):
    # U1.2
    pytest.importorskip("dotenv")
    environment.setenv("RSGI_TEST_SET", "before")
    environment.setenv("RSGI_TEST_NEW", "to be removed again")
    environment.delenv("RSGI_TEST_NEW")
    (tmp_path / "env").write_text("RSGI_TEST_SET=after\nRSGI_TEST_NEW=new\n")
    load_env_file(tmp_path / "env")
    assert (os.environ["RSGI_TEST_SET"], os.environ["RSGI_TEST_NEW"]) == ("before", "new")
