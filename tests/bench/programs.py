# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""The programs that are compared. Each runs on the same core with the same ports and packets, stopped by a signal while
another has its turn."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

import frames
from meter import Meter

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "tests/packet"))
from gateway import Control, libconfig  # noqa: E402  pylint: disable=wrong-import-position

PATIENCE = 120  # seconds until a program that does not start is given up
BATCH = 2000


class Broken(Exception):
    """A program did not do its work."""


class Program:
    """One that is measured, in a directory of its own. A subclass says what to run."""

    name = ""

    def __init__(self, rig, case, directory):
        self.rig, self.case, self.directory = rig, case, directory
        self.process = None
        directory.mkdir(parents=True)
        self.meter = Meter(directory / "meter")
        self.stopped = False
        self.lost = 0

    def environment(self):
        """Of a program that links DPDK: the source stands before its ports."""
        return {"LD_PRELOAD": str(self.rig.build / "tests/bench/libbench_source.so"),
                "BENCH_METER": str(self.meter.path),
                "BENCH_PORT": "0" if self.case.direction == "out" else "1",
                "BENCH_FRAMES": str(self.frames_path())}

    def frames_path(self):
        path = self.directory / "frames"
        if not path.exists():
            frames.write(path, self.case.direction, self.case.algorithm, self.case.sizes, self.case.flows,
                         self.case.sas, self.esn())
        return path

    def esn(self):
        return False

    def command(self):
        raise NotImplementedError

    def start(self):
        with open(self.directory / "log", "wb") as log:
            self.process = subprocess.Popen([str(word) for word in self.command()], stdin=subprocess.PIPE, stdout=log,
                                            stderr=log, cwd=self.directory, env=os.environ | self.environment())
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self.process.pid, -20)
        self.wait("traffic", self.is_running)

    def is_running(self):
        """testpmd throws away what comes before it starts, so that packets have to leave."""
        return self.meter.head(0)[0] >= 2 and self.meter.totals()[1]

    def wait(self, what, condition):
        until = time.monotonic() + PATIENCE
        while not condition():
            if self.process.poll() is not None:
                raise Broken(f"{self.name} ended with {self.process.returncode} before {what}:\n{self.log()}")
            if time.monotonic() > until:
                raise Broken(f"{self.name}: waited {PATIENCE} seconds for {what}:\n{self.log()}")
            time.sleep(0.01)

    def log(self):
        return (self.directory / "log").read_text(errors="replace")[-3000:]

    def resume(self):
        if self.stopped:
            self.process.send_signal(signal.SIGCONT)
            self.stopped = False

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)
        self.stopped = True

    def check(self):
        """What was taken in has to have left."""
        taken, sent = self.meter.totals()
        if self.process.poll() is not None:
            raise Broken(f"{self.name} ended with {self.process.returncode}:\n{self.log()}")
        if taken - sent - self.lost > taken * 0.001 + 20000:
            raise Broken(f"{self.name} took {taken} packets and lost {taken - sent - self.lost}\n{self.trouble()}")

    def ready(self):
        """What came before this was dropped, and does not count."""
        taken, sent = self.meter.totals()
        self.lost = taken - sent

    def trouble(self):
        return self.log()

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.meter.close()


class Gateway(Program):
    """Esplanade itself, the binary of the build directory."""

    name = "esplanade"

    def __init__(self, rig, case, directory):
        super().__init__(rig, case, directory)
        self.control = None
        self.installed = 0.0

    def esn(self):
        return self.case.replay and (self.case.algorithm.linear or self.case.direction == "out")

    def command(self):
        path = self.directory / "esplanade.conf"
        path.write_text("".join(f"{name} = {libconfig(value)};\n" for name, value in self.config().items()))
        return [self.rig.build / "app/esplanade/esplanade", "-c", path]

    def config(self):
        case, rig = self.case, self.rig
        workers = tuple(rig.core + i for i in range(case.workers))
        return {
            "log": {"level": "notice"},
            "control": {"socket": str(self.directory / "control.sock")},
            "memory": {"huge": rig.huge, "size_mb": rig.gateway_mb(case), "buffers": 16384 if case.workers == 1 else 32768},
            "limits": {"sas": max(1024, case.sas), "policies": max(1024, 2 * case.policies)},
            "workers": {"cpus": workers, "control_cpu": rig.control_core, "idle": "poll"},
            "builtin_policies": False,
            "ports": [
                {"name": "lan", "device": "net_null0,no-rx=1", "side": "protected", "tap": False,
                 "mac": text(frames.LAN_MAC), "addresses": ("10.1.255.1/16",)},
                {"name": "wan", "device": "net_null1,no-rx=1", "side": "unprotected", "tap": False,
                 "mac": text(frames.WAN_MAC), "addresses": (f"{frames.OURS}/24",)},
            ],
            "neighbours": [
                {"port": "lan", "address": frames.HOST, "mac": text(frames.HOST_MAC)},
                {"port": "wan", "address": frames.THEIRS, "mac": text(frames.PEER_MAC)},
            ],
        }

    def start(self):
        super().start()
        self.wait("its control socket", self._connect)
        began = time.monotonic()
        for method, list_of_params in (("sa.add", self.sas()), ("policy.add", self.policies())):
            batch = []
            for params in list_of_params:
                batch.append(params)
                if len(batch) == BATCH:
                    self.control.batch(method, batch)
                    batch = []
            if batch:
                self.control.batch(method, batch)
        self.installed = time.monotonic() - began

    def is_running(self):
        return self.meter.head(0)[0] >= 2  # without SAs nothing leaves

    def _connect(self):
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
            self.control = Client(self.directory / "control.sock")
            return True
        return False

    def sas(self):
        case = self.case
        ends = (frames.OURS, frames.THEIRS) if case.direction == "out" else (frames.THEIRS, frames.OURS)
        spi = frames.OUT_SPI if case.direction == "out" else frames.IN_SPI
        for i in range(case.sas):
            sa = {"direction": case.direction, "spi": spi + i, "source": ends[0], "destination": ends[1],
                  "reqid": i + 1} | case.algorithm.sa()
            if case.direction == "out" and i:  # no two outbound SAs may have one key
                sa["encryption"] = {"algorithm": case.algorithm.encryption,
                                    "key": frames.secret(f"key {i}", len(case.algorithm.key)).hex()}
            if self.esn():
                sa["esn"] = True
            if case.direction == "in":
                sa["replay_window"] = 4096 if self.esn() else 0
            yield sa

    def policies(self):
        case = self.case
        for i in range(case.policies):
            remote = remote_of(i, case.policies)
            selector = {"source": "10.1.0.0/16", "destination": remote}
            if case.direction == "in":
                selector = {"source": remote, "destination": "10.1.0.0/16"}
            yield {"direction": case.direction, "action": "protect", "priority": 1000,
                   "reqid": i % case.sas + 1, "selector": selector}

    def nodes(self):
        """{node: (packets, cycles)} so far."""
        return {node["name"]: (node["packets"], node["cycles"]) for node in self.control.call("node.list")["nodes"]}

    def trouble(self):
        with contextlib.suppress(Exception):
            drops = self.control.call("drop.list")["drops"]
            return "\n".join(f"{drop['name']}: {drop['packets']}" for drop in drops if drop["packets"])
        return self.log()


class Secgw(Program):
    """DPDK's example ipsec-secgw, in library mode, replay protection off."""

    name = "ipsec-secgw"

    def __init__(self, rig, case, directory, mode):
        super().__init__(rig, case, directory)
        self.mode = mode  # of its SAs: cpu-crypto or no-offload
        self.name = f"ipsec-secgw {mode}"

    def command(self):
        case = self.case
        (self.directory / "ep.cfg").write_text("".join(self.rules()))
        driver = "crypto_aesni_gcm0" if case.algorithm.linear else "crypto_aesni_mb0"
        return [self.rig.secgw, *self.rig.eal(f"secgw{os.getpid()}"), "-l", self.rig.core, "--vdev", "net_null0,no-rx=1",
                "--vdev", "net_null1,no-rx=1", "--vdev", driver, "--", "-p", "0x3", "-P", "-u", "0x2", "-l", "-w", "0",
                "--config", f"(0,0,{self.rig.core}),(1,0,{self.rig.core})", "-f", self.directory / "ep.cfg"]

    def rules(self):
        case, algorithm = self.case, self.case.algorithm
        out = case.direction == "out"
        base = frames.OUT_SPI if out else frames.IN_SPI
        ends = f"src {frames.OURS} dst {frames.THEIRS}" if out else f"src {frames.THEIRS} dst {frames.OURS}"
        if len(algorithm.secgw) == 1:
            keys = f"aead_algo {algorithm.secgw[0]} aead_key {colons(algorithm.key)}"
        else:
            keys = (f"cipher_algo {algorithm.secgw[0]} cipher_key {colons(algorithm.key)} "
                    f"auth_algo {algorithm.secgw[1]} auth_key {colons(algorithm.integrity_key)}")
        # It wants both directions; nothing of the other one comes.
        other, spi = ("in", frames.IN_SPI) if out else ("out", frames.OUT_SPI)
        yield f"sp ipv4 {other} esp protect {spi} pri 1 dst 203.0.113.0/24 sport 0:65535 dport 0:65535\n"
        yield f"sa {other} {spi} {keys} mode ipv4-tunnel src 203.0.113.1 dst 203.0.113.2 type {self.mode}\n"
        for i in range(case.sas):
            remote = remote_of(i, case.sas)
            where = f"dst {remote}" if out else f"src {remote} dst 10.1.0.0/16"
            yield f"sp ipv4 {case.direction} esp protect {base + i} pri 1 {where} sport 0:65535 dport 0:65535\n"
        for i in range(case.sas):
            yield f"sa {case.direction} {base + i} {keys} mode ipv4-tunnel {ends} type {self.mode}\n"
        yield f"rt ipv4 dst {frames.THEIRS}/32 port 1\n"
        yield "rt ipv4 dst 10.1.0.0/16 port 0\n"
        yield f"neigh port 0 {text(frames.HOST_MAC)}\n"
        yield f"neigh port 1 {text(frames.PEER_MAC)}\n"


class Ports(Program):
    """testpmd, which passes packets from one port to the other: what source and ports cost."""

    name = "ports alone"

    def command(self):
        return ["dpdk-testpmd", *self.rig.eal(f"testpmd{os.getpid()}"), "-l",
                f"{self.rig.control_core},{self.rig.core}", "--main-lcore", self.rig.control_core, "--vdev",
                "net_null0,no-rx=1", "--vdev", "net_null1,no-rx=1", "--", "--forward-mode=io", "--auto-start",
                "--total-num-mbufs=16384", "--no-lsc-interrupt"]


class Bare(Program):
    """The cryptography and nothing else."""

    name = "bare crypto"

    def environment(self):
        return {}

    def command(self):
        case = self.case
        sizes = [frames.payload_bytes(case.algorithm, size) for size in frames.spread(case.sizes)]
        return ["taskset", "-c", self.rig.core, self.rig.build / "tests/bench/bench_crypto_bare", self.meter.path,
                "seal" if case.direction == "out" else "open", *case.algorithm.bare, *sizes]


class Client(Control):
    """Of the control socket, with batches."""

    def batch(self, method, list_of_params):
        import json  # pylint: disable=import-outside-toplevel
        calls = [{"jsonrpc": "2.0", "id": i, "method": method, "params": params}
                 for i, params in enumerate(list_of_params)]
        self.stream.write(json.dumps(calls).encode() + b"\n")
        self.stream.flush()
        for reply in json.loads(self.stream.readline()):
            if "error" in reply:
                raise Broken(f"{method}: {reply['error']}")


def text(mac):
    return ":".join(f"{byte:02x}" for byte in mac)


def colons(key):
    return ":".join(f"{byte:02x}" for byte in key)


def remote_of(number, count):
    """The part of the remote hosts that is number's when so many share them."""
    if count == 1:
        return f"{frames.REMOTE}/12"
    value = int.from_bytes(frames.address(frames.REMOTE), "big") + number
    return ".".join(str(byte) for byte in value.to_bytes(4, "big")) + "/32"
