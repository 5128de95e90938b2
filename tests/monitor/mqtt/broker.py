"""A real mosquitto on a port of loopback, and certificates of an authority that a test makes."""

import datetime as dt
import ipaddress
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PROGRAM = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/sbin")
PASSWORDS = shutil.which("mosquitto_passwd")


def free_port():
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mosquitto:
    """One broker: what it is told in its file, and the process, while there is one."""

    def __init__(self, folder, lines=("allow_anonymous true",), port=None):
        """Write its file; `start` starts it."""
        self.folder, self.port, self.host = folder, port or free_port(), "127.0.0.1"
        self.file = folder / "mosquitto.conf"
        self.configure(lines)
        self.process: Any = None

    def configure(self, lines, *, listener=True):
        """Say how it is to be at its next start."""
        head = [f"listener {self.port} 127.0.0.1"] if listener else []
        if os.geteuid() == 0:  # else it becomes a user who cannot read what a test wrote
            head.append("user root")
        self.file.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")

    def start(self):
        """Start, and wait until it takes connections."""
        log = (self.folder / "mosquitto.log").open("ab")
        self.process = subprocess.Popen(
            [str(PROGRAM), "-c", str(self.file)], stdout=log, stderr=subprocess.STDOUT
        )
        log.close()
        for _ in range(500):
            try:
                socket.create_connection((self.host, self.port), 1).close()
            except OSError:
                assert self.process.poll() is None, (self.folder / "mosquitto.log").read_text()
                time.sleep(0.02)
            else:
                return self
        raise AssertionError("expected a broker, found none")

    def freeze(self):
        """Let it hang: it answers nothing, and its connections stand."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        """End it, however it stands; harmless when repeated."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def passwords(self, **known):
        """Write the file of passwords and return its path."""
        path = self.folder / "passwords"
        path.touch(mode=0o600)
        for user, password in known.items():
            name = user.replace("_", "-")
            command = [str(PASSWORDS), "-b", str(path), name, password]
            subprocess.run(command, check=True, capture_output=True)
        return path

    @asynccontextmanager
    async def client(self, topics="deltaband/#", **how):
        """Connect a client of a test; it hears some topics."""
        made = {"identifier": None, "protocol": aiomqtt.ProtocolVersion.V5, "timeout": 10} | how
        async with aiomqtt.Client("127.0.0.1", self.port, **made) as client:
            if topics:
                await client.subscribe(topics, qos=1)
            yield client


class Authority:
    """Signs certificates for hosts and clients; everything lies in one folder."""

    def __init__(self, folder: Path, name="ca"):
        """Make it."""
        self.folder, self._name = folder, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = _name(f"authority {name}")
        made = self._builder(self._subject, self._key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        usage = dict.fromkeys(
            (
                *("digital_signature", "content_commitment", "key_encipherment"),
                *("data_encipherment", "key_agreement", "encipher_only", "decipher_only"),
            ),
            False,
        )
        made = made.add_extension(
            x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True), critical=True
        ).add_extension(
            x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False
        )
        self.file = folder / f"{name}.crt"
        self.file.write_bytes(_pem(made.sign(self._key, hashes.SHA256())))

    def sign(self, common_name, *hosts):
        """Return the files of a certificate and of its key (0600)."""
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [
            x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
            for host in hosts
        ]
        made = self._builder(_name(common_name), key.public_key())
        if names:
            made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        made = made.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
            critical=False,
        )
        certificate = self.folder / f"{common_name}.crt"
        private = self.folder / f"{common_name}.key"
        certificate.write_bytes(_pem(made.sign(self._key, hashes.SHA256())))
        private.touch(mode=0o600)
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, private

    def context(self, pair=None):
        """Return what a client of a test trusts, and shows where it has a pair of files."""
        context = ssl.create_default_context(cafile=str(self.file))
        if pair is not None:
            context.load_cert_chain(*pair)
        return context

    def _builder(self, subject, public_key):
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(hours=1))
        )


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)
