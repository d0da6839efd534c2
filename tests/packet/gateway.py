# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""One run of the daemon on capture files: configuration, frames in, frames out, counters.

Nothing of it needs hugepages or a network card: the ports are net_pcap devices, neighbours and routes are static.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / os.environ.get("BUILD", "build")
PATIENCE = 120  # seconds until a daemon that does nothing is given up: never reached where all is well


class Broken(Exception):
    """The daemon did not do what every test relies on."""


def libconfig(value, level=0):
    """A Python value in libconfig's grammar."""
    pad = "  " * (level + 1)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}L" if abs(value) > 0x7FFFFFFF else str(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, dict):
        members = "".join(f"{pad}{name} = {libconfig(member, level + 1)};\n" for name, member in value.items())
        return "{\n" + members + "  " * level + "}"
    if isinstance(value, tuple):  # an array: scalars of one kind
        return "[" + ", ".join(libconfig(item) for item in value) + "]"
    return "(" + ",\n".join(pad + libconfig(item, level + 1) for item in value) + ")"


def write_pcap(path, frames):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for number, frame in enumerate(frames):
            file.write(struct.pack("<IIII", number // 1000000, number % 1000000, len(frame), len(frame)) + frame)


def read_pcap(path):
    """The frames of a capture file; an incomplete file is an error."""
    data = pathlib.Path(path).read_bytes()
    if len(data) < 24:
        raise Broken(f"{path} has {len(data)} bytes: not even a capture file's header")
    magic = struct.unpack_from("<I", data)[0]
    if magic not in (0xA1B2C3D4, 0xA1B23C4D):
        raise Broken(f"{path} is no capture file: magic {magic:#x}")
    frames, at = [], 24
    while at < len(data):
        if at + 16 > len(data):
            raise Broken(f"{path} ends within the header of frame {len(frames)}")
        stored, length = struct.unpack_from("<II", data, at + 8)
        if stored != length or at + 16 + stored > len(data):
            raise Broken(f"{path} ends within frame {len(frames)}, or it was cut: {stored} of {length} bytes")
        frames.append(data[at + 16:at + 16 + stored])
        at += 16 + stored
    return frames


class Control:
    """A client of the control socket: JSON-RPC 2.0, one message a line."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(path))
        self.stream = self.socket.makefile("rwb")
        self.number = 0

    def call(self, method, **params):
        self.number += 1
        request = {"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}
        self.stream.write(json.dumps(request).encode() + b"\n")
        self.stream.flush()
        reply = json.loads(self.stream.readline())
        if "error" in reply:
            raise Broken(f"{method}: {reply['error']}")
        return reply["result"]

    def close(self):
        self.stream.close()
        self.socket.close()


# A network of its own, in which Linux has nothing to say by IPv6 when an interface comes up.
ALONE = ("unshare", "--net", "sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6; exec \"$@\"", "sh")


class Gateway:
    """Configured by its constructor, fed by feed(), run once by run(); then outputs, drops, ports, log are there."""

    def __init__(self, name, config, alone=False):
        self.name = name
        self.before = ALONE if alone else ()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"esplanade-{name}-"))
        self.config = config
        self.frames = {port["name"]: [] for port in config["ports"]}
        self.outputs = {}
        self.drops = {}
        self.ports = {}
        self.sas = {}
        self.workers = []
        self.leaked = None
        self.exit_code = None
        self.log = ""
        self.process = None
        self.control = None

    def feed(self, port, frame):
        self.frames[port].append(bytes(frame))

    def _write_config(self):
        config = dict(self.config)
        config["control"] = {"socket": str(self.directory / "control.sock")}
        config["ports"] = []
        for port in self.config["ports"]:
            name = port["name"]
            write_pcap(self.directory / f"{name}.in", self.frames[name])
            device = f"net_pcap_{name},rx_pcap={self.directory}/{name}.in,tx_pcap={self.directory}/{name}.out"
            config["ports"].append(port | {"device": device})
        path = self.directory / "esplanade.conf"
        path.write_text("".join(f"{name} = {libconfig(value)};\n" for name, value in config.items()))
        return path

    def start(self):
        path = self._write_config()
        log = open(self.directory / "log", "wb")
        with log:
            self.process = subprocess.Popen([*self.before, BUILD / "app/esplanade/esplanade", "-c", path], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, cwd=self.directory)
        self._wait("its control socket", self._connect)

    def _connect(self):
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
            self.control = Control(self.directory / "control.sock")
            return True
        return False

    def _wait(self, what, condition):
        until = time.monotonic() + PATIENCE
        while not condition():
            if self.process.poll() is not None:
                raise Broken(f"the daemon ended with {self.process.returncode} before {what}:\n{self._read_log()}")
            if time.monotonic() > until:
                raise Broken(f"waited {PATIENCE} seconds for {what}:\n{self._state()}\n{self._read_log()}")
            time.sleep(0.01)

    def _read_log(self):
        return (self.directory / "log").read_text(errors="replace")

    def _state(self):
        with contextlib.suppress(Exception):
            return json.dumps([self.control.call("port.list"), self.control.call("drop.list")], indent=1)
        return "(no answer on the control socket)"

    def settle(self):
        """Waits until every frame was taken in and every packet buffer is back."""
        def done():
            ports = self.port_counters()
            return (all(ports[name]["rx_packets"] >= len(frames) for name, frames in self.frames.items())
                    and self.buffers_in_use() == 0)
        self._wait("all frames to pass through", done)

    def port_counters(self):
        return {port["name"]: port for port in self.control.call("port.list")["ports"]}

    def buffers_in_use(self):
        status = self.control.call("status.get")
        return sum(status[pool]["in_use"] for pool in ("buffers", "linear_buffers") if pool in status)

    def drop_counters(self):
        drops = self.control.call("drop.list")["drops"]
        return {drop["name"]: drop["packets"] for drop in drops if drop["packets"]}

    def sa_state(self, sa):
        return self.control.call("sa.get", direction=sa.direction, spi=sa.spi, protocol=sa.protocol,
                                 destination=sa.destination)

    def stop(self, sig=signal.SIGTERM):
        self.control.close()
        self.process.send_signal(sig)
        try:
            self.exit_code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired as error:
            raise Broken(f"the daemon goes on after signal {sig}") from error
        self.log = self._read_log()
        self.outputs = {name: read_pcap(self.directory / f"{name}.out") for name in self.frames}

    def run(self, sas=(), sig=signal.SIGTERM):
        """Start, all frames, counters and the state of these SAs, stop."""
        try:
            self.start()
            self.settle()
            self.ports = self.port_counters()
            self.drops = self.drop_counters()
            self.sas = {sa.name: self.sa_state(sa) for sa in sas}
            self.workers = self.control.call("worker.list")["workers"]
            self.stop(sig)
        finally:
            self.close()

    def close(self):
        """Ends the daemon where that has not happened, and removes the files unless INTERACTIVE=1 wants to see them."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if os.environ.get("INTERACTIVE") == "1":
            print(f"    {self.name}: see {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)
