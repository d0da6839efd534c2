#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Reload: what differs is applied as a whole, what does not is not touched, and what cannot be changed is refused by
name."""

import copy
import signal

from control import Daemon, Report, base_config, enter_namespace, finish, wait_for

COUNTS = ("added", "deleted", "replaced", "unchanged", "skipped")


def sa(spi, direction="out", key=0, **more):
    outer = ("192.0.2.1", "192.0.2.2") if direction == "out" else ("192.0.2.2", "192.0.2.1")
    return {"direction": direction, "spi": spi, "source": outer[0], "destination": outer[1], "reqid": spi,
            "encryption": {"algorithm": "aes-gcm-16", "key": f"{spi:08x}{key:032x}"}} | more


def policy(number, priority=100, **more):
    return {"name": f"p{number}", "direction": "out", "priority": priority, "action": "discard",
            "selector": {"source": "10.1.0.0/24", "destination": f"10.{number}.0.0/16"}} | more


def first_config():
    return base_config() | {
        "sas": [sa(0x1001, sequence=1000), sa(0x1002, sequence=2000), sa(0x1003, sequence=3000),
                sa(0x1004, "in", sequence=70, replay_window=64, replay_bitmap="0f00000000000000")],
        "policies": [policy(20), policy(21), policy(22), policy(23)],
        "routes": [{"destination": "198.51.100.0/24", "gateway": "192.0.2.2", "port": "wan"}],
        "neighbours": [{"port": "wan", "address": "192.0.2.2", "mac": "02:00:00:00:00:02"}],
    }


class Running:
    """The daemon, its control connection, and what it should answer."""

    def __init__(self, report, daemon):
        self.report = report
        self.daemon = daemon
        self.line = daemon.line()
        self.config = daemon.config

    def reload(self, name, change, **counts):
        """Changes a copy of the configuration, reloads it and compares the counts (None: not compared)."""
        config = copy.deepcopy(self.config)
        change(config)
        self.daemon.write_config(config)
        result = self.line.call("config.reload")
        self.report.begin(name)
        if not self.report.check("is accepted", "added" in result, lambda: result):
            return
        self.config = config
        expected = {count: counts.get(count, 0) for count in COUNTS if count != "unchanged"}
        self.report.equal("counts", {count: result[count] for count in expected}, expected)

    def refused(self, name, change, where):
        """The same for a change that needs a restart."""
        config = copy.deepcopy(self.config)
        change(config)
        before = self.state()
        self.daemon.write_config(config)
        error = self.line.call("config.reload")
        self.report.check(f"{name} needs a restart", error.get("code") == 16 and error["data"]["where"] == where and
                          "restart" in error["message"], lambda: error)
        self.report.equal(f"{name}: nothing has changed", self.state(), before)
        self.daemon.write_config(self.config)

    def state(self):
        sas = self.line.call("sa.list")["sas"]
        return [[{name: value for name, value in one.items() if name != "age_seconds"} for one in sas],
                self.line.call("policy.list"), self.line.call("route.list"), self.line.call("neighbour.list")]

    def sa(self, entry):
        return self.line.call("sa.get", direction=entry["direction"], spi=entry["spi"], destination=entry["destination"])

    def policies(self):
        return [one["name"] for one in self.line.call("policy.list", direction="out")["policies"]
                if one["origin"] == "config"]

    def equal(self, *arguments):
        self.report.equal(*arguments)


def check_unchanged(run):
    before = run.state()
    run.reload("nothing changed", lambda config: None)
    run.equal("everything is as before", run.state(), before)


def check_restart(run):
    run.report.begin("what needs a restart")

    def port(**change):
        return lambda config: config["ports"][1].update(change)
    run.refused("an MTU", port(mtu=1400), "ports[1].mtu")
    run.refused("a device", port(device="net_null1,no-rx=1"), "ports[1].device")
    run.refused("a side", lambda config: config["ports"][0].update(side="unprotected"), "ports[0].side")
    run.refused("a MAC address", port(mac="02:00:00:00:00:99"), "ports[1].mac")
    run.refused("a queue size", port(rx_descriptors=512), "ports[1].rx_descriptors")
    run.refused("a new port", lambda config: config["ports"].append(
        {"name": "dmz", "device": "net_null7,no-rx=1", "side": "protected", "tap": False}), "ports")
    run.refused("memory", lambda config: config["memory"].update(size_mb=300), "memory.size_mb")
    run.refused("a limit", lambda config: config.update(limits={"sas": 77777}), "limits.sas")
    run.refused("idling", lambda config: config["workers"].update(idle="pause"), "workers.idle")
    run.refused("the built-in policies", lambda config: config.update(builtin_policies=False), "builtin_policies")
    run.refused("a port beside an SA", lambda config: (config["sas"].pop(), config["ports"][1].update(mtu=1400)),
                "ports[1].mtu")


def check_broken(run):
    run.report.begin("a broken configuration")
    before = run.state()
    for name, text in (("no grammar", "ports = ("), ("an unknown name", "colour = \"red\";\n")):
        whole = run.daemon.config_path.read_text()
        run.daemon.config_path.write_text(whole + text)
        error = run.line.call("config.reload")
        run.report.check(f"{name} is refused with file and line",
                         "code" in error and f"{run.daemon.config_path}:" in error["message"], lambda: error)
        run.daemon.config_path.write_text(whole)
    run.daemon.config_path.rename(run.daemon.directory / "away")
    run.report.check("a missing file is refused", "code" in run.line.call("config.reload"))
    (run.daemon.directory / "away").rename(run.daemon.config_path)
    run.equal("nothing has changed", run.state(), before)


def check_sas(run):
    entries = first_config()["sas"]
    window = run.sa(entries[3])["replay_bitmap"]
    run.reload("an SA comes, one goes, one changes under the same key",
               lambda config: config.update(sas=[entries[0], entries[1] | {"df": "set"}, entries[3], sa(0x1005)]),
               added=1, deleted=1, replaced=1)
    run.equal("the changed one goes on with its numbers", [run.sa(entries[1])[name] for name in ("df", "sequence")],
              ["set", 2000])
    run.equal("the unchanged ones are as they were", [run.sa(entries[0])["sequence"], run.sa(entries[3])["sequence"]],
              [1000, 70])
    run.equal("one is gone", run.sa(entries[2])["code"], 2)
    run.reload("an SA changes with a new key",
               lambda config: config["sas"].__setitem__(1, sa(0x1002, key=1)), replaced=1)
    run.equal("it starts again", run.sa(entries[1])["sequence"], 0)
    run.reload("an inbound SA changes under the same key",
               lambda config: config["sas"].__setitem__(2, entries[3] | {"name": "renamed", "sequence": 0}
                                                        | {"replay_bitmap": "00"}), replaced=1)
    after = run.sa(entries[3])
    run.equal("its window goes on", [after["name"], after["sequence"], after["replay_bitmap"]], ["renamed", 70, window])
    run.reload("and with another window",
               lambda config: config["sas"][2].update(replay_window=128), replaced=1)
    bits = int.from_bytes(bytes.fromhex(run.sa(entries[3])["replay_bitmap"]), "little")
    run.equal("what the old one remembered is there", bits & (1 << 64) - 1,
              int.from_bytes(bytes.fromhex(window), "little"))


def check_deleted_by_hand(run):
    entry = first_config()["sas"][0]
    run.line.call("sa.delete", direction="out", spi=entry["spi"], destination=entry["destination"])
    run.reload("an SA deleted by hand stays deleted", lambda config: None, skipped=1)
    run.equal("it is gone", run.sa(entry)["code"], 2)
    run.reload("until it has another key", lambda config: config["sas"].__setitem__(0, sa(0x1001, key=9)), added=1)
    run.equal("it is there", run.sa(entry)["sequence"], 0)


def check_changed_by_hand(run):
    entry = sa(0x1001)
    run.line.call("sa.update", direction="out", spi=entry["spi"], destination=entry["destination"],
                  new_destination="192.0.2.77")
    before = run.state()
    run.reload("an SA changed by hand stays as it is", lambda config: None, skipped=1)
    run.equal("it goes where it was sent", run.state(), before)
    run.report.check("the log says where", f"goes from {entry['source']} to 192.0.2.77 now" in run.daemon.log,
                     lambda: run.daemon.log[-800:])
    run.line.call("sa.delete", direction="out", spi=entry["spi"], destination="192.0.2.77")
    run.reload("until it is gone and has another key",
               lambda config: config["sas"].__setitem__(0, sa(0x1001, key=10)), added=1)


def check_control_stays(run):
    run.line.call("sa.add", **sa(0x7001))
    run.line.call("policy.add", **policy(70, 5))
    run.line.call("route.add", destination="203.0.113.0/24", gateway="192.0.2.2", port="wan")
    before = run.state()
    run.reload("what came over the control socket stays", lambda config: None)
    run.equal("all is as before", run.state(), before)


def check_policies(run):
    p = [policy(number) for number in range(20, 30)]
    run.reload("a policy comes, one goes, one changes",
               lambda config: config.update(policies=[p[0], p[1] | {"action": "bypass"}, p[3], p[4]]),
               added=1, deleted=1, replaced=2)
    run.equal("they decide in the order of the file", run.policies(), ["p20", "p21", "p23", "p24"])
    run.reload("another order", lambda config: config["policies"].reverse(), replaced=3)
    run.equal("is that of the file", run.policies(), ["p24", "p23", "p21", "p20"])
    run.reload("other priorities", lambda config: config.update(
        policies=[p[4], p[3] | {"priority": 1}, p[0]]), added=1, deleted=2)
    run.equal("come first", run.policies(), ["p23", "p24", "p20"])


def check_routes(run):
    def change(config):
        config["routes"] = [{"destination": "198.51.100.0/24", "gateway": "192.0.2.9", "port": "wan"},
                            {"destination": "10.9.0.0/16", "kind": "blackhole"}]
        config["neighbours"] = [{"port": "wan", "address": "192.0.2.2", "mac": "02:00:00:00:00:22"},
                                {"port": "wan", "address": "192.0.2.9", "mac": "02:00:00:00:00:09"}]
        config["ports"][1]["addresses"] = ("192.0.2.1/24", "192.0.2.77/24")
    run.reload("routes, neighbours and addresses", change, added=4, deleted=1, replaced=1)
    routes = {one["destination"]: one.get("gateway") for one in run.line.call("route.list")["routes"]
              if one["origin"] == "static"}
    run.equal("the route leads elsewhere", routes.get("198.51.100.0/24"), "192.0.2.9")
    run.report.check("the blackhole is there", "10.9.0.0/16" in routes)
    run.equal("the route from the control socket stays", routes.get("203.0.113.0/24"), "192.0.2.2")
    neighbours = {one["address"]: one["mac"] for one in run.line.call("neighbour.list")["neighbours"]}
    run.equal("neighbours", neighbours, {"192.0.2.2": "02:00:00:00:00:22", "192.0.2.9": "02:00:00:00:00:09"})
    run.equal("addresses", sorted(run.line.call("port.list")["ports"][1]["addresses"]), ["192.0.2.1/24", "192.0.2.77/24"])


def check_keepalives(run):
    run.reload("the time of NAT keepalives", lambda config: config.update(udp_encapsulation={"keepalive_seconds": 0}))
    run.equal("is what the configuration says", run.line.call("status.get")["nat_keepalives"]["seconds"], 0)


def check_all_or_nothing(run):
    run.report.begin("all or nothing")
    run.line.call("sa.add", **sa(0x7777))
    before = run.state()
    config = copy.deepcopy(run.config)
    config["policies"] = [policy(99)]
    config["sas"] = [sa(0x8001), sa(0x7777, key=5)]
    run.daemon.write_config(config)
    error = run.line.call("config.reload")
    run.report.check("an SA that exists by hand is in the way", error.get("code") == 17 and
                     error["data"]["where"] == "sas[1]", lambda: error)
    run.equal("nothing has changed", run.state(), before)
    run.daemon.write_config(run.config)


def check_signal(run):
    config = copy.deepcopy(run.config)
    config["sas"].append(sa(0x6001))
    config["log"] = {"level": "debug"}
    run.daemon.write_config(config)
    run.daemon.process.send_signal(signal.SIGHUP)
    run.report.begin("SIGHUP")
    run.report.check("reloads", wait_for("the SA", lambda: "name" in run.sa(sa(0x6001))))
    run.equal("the log level too", run.line.call("status.get")["log_level"], "debug")


def main():
    enter_namespace()
    report = Report()
    with Daemon(first_config()) as daemon:
        run = Running(report, daemon)
        check_unchanged(run)
        check_restart(run)
        check_broken(run)
        check_sas(run)
        check_deleted_by_hand(run)
        check_changed_by_hand(run)
        check_control_stays(run)
        check_policies(run)
        check_routes(run)
        check_keepalives(run)
        check_all_or_nothing(run)
        check_signal(run)
        report.begin("the end")
        daemon.end(report)
    finish(report)


if __name__ == "__main__":
    main()
