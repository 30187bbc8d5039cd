"""Where etcd is: what an address and the environment say, and what is refused."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from reference_impl.etcd.certificates import BINARY as OPENSSL
from reference_impl.etcd.certificates import Authority
from trueup_reference.etcd import EtcdSettings


def test_an_address_names_endpoints_and_deployment() -> None:
    settings = EtcdSettings.read("etcd://a:1,[::1]:2,b/prod-1", {})
    assert settings.endpoints == ("http://a:1", "http://[::1]:2", "http://b:2379")
    assert (settings.prefix, settings.ttl_s) == ("/trueup/prod-1/workers/", 10)
    assert settings.worker_key("pool", "w1") == "/trueup/prod-1/workers/pool/w1"


def test_secrets_come_from_files_and_are_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("correct horse\n")
    environment = {"TRUEUP_ETCD_USER": "router", "TRUEUP_ETCD_PASSWORD_FILE": str(path), "TRUEUP_ETCD_TTL_S": "3"}
    settings = EtcdSettings.read("etcds://h:1/d", environment)
    assert (settings.user, settings.password, settings.ttl_s) == ("router", "correct horse", 3)
    assert settings.endpoints == ("https://h:1",)
    assert "horse" not in repr(settings)


WRONG = [
    ("http://h:1/d", {}, "'http://h:1/d' is no address of etcd: etcd://HOST:PORT"),
    ("etcd://h:1", {}, "the deployment is '': letters, digits"),
    ("etcd://h:1/a/b", {}, "the deployment is 'a/b'"),
    ("etcd://h:1/d?x", {}, "is no address of etcd"),
    ("etcd:///d", {}, "'' is no HOST:PORT of etcd"),
    ("etcd://h:x/d", {}, "'h:x' is no HOST:PORT of etcd"),
    ("etcd://h:1,/d", {}, "'' is no HOST:PORT of etcd"),
    ("etcd://u:p@h:1/d", {}, "do not belong in an address: set TRUEUP_ETCD_USER"),
    ("etcd://h:1/d", {"TRUEUP_ETCD_USER": "u"}, "etcd's user and password are given together"),
    ("etcd://h:1/d", {"TRUEUP_ETCD_USER": "u", "TRUEUP_ETCD_PASSWORD": "p"}, "would go to etcd in the clear"),
    ("etcd://h:1/d", {"TRUEUP_ETCD_CA": "ca.pem"}, "TRUEUP_ETCD_CA is set, and 'etcd://h:1/d' has no TLS"),
    ("etcds://h:1/d", {"TRUEUP_ETCD_CERT": "c.pem"}, "a certificate towards etcd and its key are given together"),
    ("etcd://h:1/d", {"TRUEUP_ETCD_TTL_S": "ten"}, "TRUEUP_ETCD_TTL_S is 'ten': whole seconds are due"),
    ("etcd://h:1/d", {"TRUEUP_ETCD_TTL_S": "0"}, "the TTL is 0 s: 1 to 3,600 are due"),
    ("etcds://h/d", {"TRUEUP_ETCD_PASSWORD_FILE": "/nowhere"}, "/nowhere: no password can be read"),
    ("etcds://h/d", {"TRUEUP_ETCD_PASSWORD_FILE": "f", "TRUEUP_ETCD_PASSWORD": "p"}, "are both set"),
]


@pytest.mark.parametrize(("address", "environment", "told"), WRONG)
def test_what_cannot_be_is_refused(address: str, environment: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        EtcdSettings.read(address, environment)


def test_a_key_with_a_password_is_refused_and_nobody_is_asked_for_it(tmp_path: Path) -> None:
    cert, key = Authority(tmp_path).issue("router")
    locked = tmp_path / "locked.key"
    argv = [str(OPENSSL), "pkey", "-in", str(key), "-aes256", "-passout", "pass:x", "-out", str(locked)]
    subprocess.run(argv, check=True, capture_output=True, timeout=60)
    settings = EtcdSettings.read("etcds://h/d", {"TRUEUP_ETCD_CERT": str(cert), "TRUEUP_ETCD_KEY": str(locked)})
    with pytest.raises(ValueError, match=re.escape(f"{cert}, {locked}: no pair")):
        settings.ssl_context()


def test_certificates_that_cannot_be_had_are_named(tmp_path: Path) -> None:
    for variables, told in (
        ({"TRUEUP_ETCD_CA": "/nowhere/ca.pem"}, "/nowhere/ca.pem: no certificates"),
        ({"TRUEUP_ETCD_CERT": "/nowhere/c", "TRUEUP_ETCD_KEY": "/nowhere/k"}, "/nowhere/c, /nowhere/k: no pair"),
    ):
        with pytest.raises(ValueError, match=told):
            EtcdSettings.read("etcds://h/d", variables).ssl_context()
