"""Certificates for a test, by OpenSSL's own command: a root, and what it signs for loopback."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

BINARY = shutil.which("openssl")


class Authority:
    """A root of its own in a folder. `issue` gives certificate and key."""

    def __init__(self, folder: Path) -> None:
        if BINARY is None:
            pytest.skip("openssl is not installed")
        self._folder = folder
        self.ca = folder / "ca.pem"
        self._key = folder / "ca.key"
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")

    def _run(self, *words: str) -> None:
        argv = [str(BINARY), *words, "-subj", "/CN=root", "-keyout", str(self._key), "-out", str(self.ca)]
        subprocess.run(argv, check=True, capture_output=True, timeout=60)

    def issue(self, name: str) -> tuple[Path, Path]:
        cert, key, request, extensions = (self._folder / f"{name}.{end}" for end in ("pem", "key", "csr", "ext"))
        extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n")
        new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/O=test"]
        sign = ["x509", "-req", "-in", str(request), "-CA", str(self.ca), "-CAkey", str(self._key), "-CAcreateserial"]
        for words in (
            [*new, "-keyout", str(key), "-out", str(request)],
            [*sign, "-days", "2", "-extfile", str(extensions), "-out", str(cert)],
        ):
            subprocess.run([str(BINARY), *words], check=True, capture_output=True, timeout=60)
        return cert, key
