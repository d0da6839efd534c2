# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Two gateways on this machine, back to back, and shared memory in place of cables:

    generator ── lan  gateway a  wan ── ESP ── wan  gateway b  lan ── generator

Only to try the rig's script without network cards.
"""

import contextlib
import os
import subprocess
import time

import frames
from programs import Broken, Control, libconfig, text

PATIENCE = 60
SPI = 0x300000


def device(number, name, directory, server):
    role = "server" if server else "client"
    return f"net_memif{number},role={role},id=0,socket={directory}/{name}.sock,socket-abstract=no,rsize=10"


class Pair:
    """Both gateways, while it lasts."""

    def __init__(self, build, directory):
        self.build, self.directory = build, directory
        self.processes = []
        self.mac = text(frames.LAN_MAC)
        self.eal = " ".join(["--no-huge", "--no-shconf", "-m", "192", "--no-pci", "--no-telemetry", "-l",
                             str((os.cpu_count() or 1) - 1), "--log-level", "error", "--file-prefix", f"rig{os.getpid()}",
                             "--vdev", device(0, "a", directory, False), "--vdev", device(1, "b", directory, False)])

    def config(self, first):
        ours, theirs = (frames.OURS, frames.THEIRS) if first else (frames.THEIRS, frames.OURS)
        here, there = ("10.1.0.0/16", "10.16.0.0/12") if first else ("10.16.0.0/12", "10.1.0.0/16")
        host = frames.HOST if first else "10.16.0.5"
        name, algorithm = "a" if first else "b", frames.ALGORITHMS["aes-gcm-128"]
        wan, peer = (frames.WAN_MAC, frames.PEER_MAC) if first else (frames.PEER_MAC, frames.WAN_MAC)
        common = {"reqid": 1, "esn": True} | algorithm.sa()
        keys = {"out": SPI + first, "in": SPI + (not first)}
        sas = [common | {"direction": "out", "spi": keys["out"], "source": ours, "destination": theirs},
               common | {"direction": "in", "spi": keys["in"], "source": theirs, "destination": ours, "replay_window": 4096}]
        for sa in sas:  # each way a key of its own
            key = frames.secret(f"rig {sa['spi']}", len(algorithm.key))
            sa["encryption"] = {"algorithm": algorithm.encryption, "key": key.hex()}
        return {
            "log": {"level": "notice"},
            "control": {"socket": f"{self.directory}/{name}.control"},
            "memory": {"huge": False, "size_mb": 256, "buffers": 16384},
            "workers": {"cpus": (0,), "control_cpu": 0, "idle": "sleep"},
            "builtin_policies": False,
            "ports": [
                {"name": "lan", "device": device(0, name, self.directory, True), "side": "protected", "tap": False,
                 "mac": text(frames.LAN_MAC), "addresses": ("10.1.255.1/16" if first else "10.16.255.1/12",)},
                {"name": "wan", "device": device(1, "between", self.directory, first), "side": "unprotected", "tap": False,
                 "mac": text(wan), "addresses": (f"{ours}/24",)},
            ],
            "sas": sas,
            "policies": [
                {"direction": "out", "action": "protect", "priority": 1, "reqid": 1,
                 "selector": {"source": here, "destination": there}},
                {"direction": "in", "action": "protect", "priority": 1, "reqid": 1,
                 "selector": {"source": there, "destination": here}},
            ],
            "neighbours": [
                {"port": "lan", "address": host, "mac": text(frames.HOST_MAC)},
                {"port": "wan", "address": theirs, "mac": text(peer)},
            ],
        }

    def __enter__(self):
        try:
            for first in (True, False):
                self._start("a" if first else "b", self.config(first))
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self, name, config):
        path = self.directory / f"{name}.conf"
        path.write_text("".join(f"{key} = {libconfig(value)};\n" for key, value in config.items()))
        with open(self.directory / f"{name}.log", "wb") as log:
            process = subprocess.Popen([self.build / "app/esplanade/esplanade", "-c", path], stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log, cwd=self.directory)
        self.processes.append(process)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and process.poll() is None:
            with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
                Control(config["control"]["socket"]).close()
                return
            time.sleep(0.02)
        raise Broken(f"gateway {name} does not start:\n{(self.directory / f'{name}.log').read_text()[-2000:]}")

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
