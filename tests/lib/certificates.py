"""certificates: made on the spot by the program openssl, for tests of TLS."""

import subprocess
from pathlib import Path

import grpc


class Pair:
    """A certificate with its key, as files of PEM."""

    def __init__(self, cert, key):
        self.cert = Path(cert)
        self.key = Path(key)


class Authority:
    """Signs certificates; its files, and theirs, go to `folder`."""

    def __init__(self, folder, name="root"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.count = 0
        self.pair = self._make(name, ["basicConstraints=critical,CA:TRUE"])

    def _make(self, name, extensions, signer=None):
        stem = self.folder / f"{name}-{self.count}"
        self.count += 1
        pair = Pair(f"{stem}.crt", f"{stem}.key")
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                   "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", str(pair.key),
                   "-out", str(pair.cert)]
        for extension in extensions:
            command += ["-addext", extension]
        if signer is not None:
            command += ["-CA", str(signer.cert), "-CAkey", str(signer.key)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return pair

    @property
    def cert(self):
        return self.pair.cert

    def issue(self, name, alternatives="DNS:localhost,IP:127.0.0.1"):
        """A server's or a client's certificate."""
        return self._make(name, ["basicConstraints=critical,CA:FALSE",
                                 f"subjectAltName={alternatives}"], self.pair)

    def expire(self, pair):
        """Signs the certificate again, for a time that is over."""
        request = f"{pair.cert}.req"
        for arguments in (["-x509toreq", "-signkey", pair.key, "-in", pair.cert, "-out", request],
                          ["-req", "-in", request, "-CA", self.pair.cert, "-CAkey",
                           self.pair.key, "-set_serial", "7", "-days", "-1", "-out", pair.cert]):
            done = subprocess.run(["openssl", "x509", *map(str, arguments)], capture_output=True,
                                  text=True, check=False)
            assert done.returncode == 0, done.stderr
        return pair

    def credentials(self, own=None):
        """gRPC's credentials of a client that trusts this authority."""
        return grpc.ssl_channel_credentials(
            self.cert.read_bytes(), own and own.key.read_bytes(), own and own.cert.read_bytes())


def replace(path, source):
    """As programs that do it well: all at once."""
    new = Path(f"{path}.new")
    new.write_bytes(Path(source).read_bytes())
    new.rename(path)
