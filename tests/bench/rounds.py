# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""One case: its programs take turns, round after round, and each is charged its thread's CPU time."""

import collections
import shutil
import statistics
import time

import programs
from meter import quartiles, quiet

SETTLE = 0.01  # seconds of a turn that do not count: caches are another's
STRETCH = 0.003  # seconds in which nodes are watched at once
FEWEST = 5  # windows of a turn


def contenders(rig, case):
    """The programs that can do the case, ours first."""
    made = [programs.Gateway(rig, case, rig.scratch / "esplanade")]
    if case.peer and rig.secgw and case.algorithm.secgw:
        for mode in ("cpu-crypto", "no-offload"):
            made.append(programs.Secgw(rig, case, rig.scratch / f"secgw-{mode}", mode))
    if case.workers == 1:
        made.append(programs.Ports(rig, case, rig.scratch / "ports"))
        made.append(programs.Bare(rig, case, rig.scratch / "bare"))
    return made


def take_turn(program, case, seconds, nodes):
    """Windows that lie wholly inside the turn, of all workers. Where others have the core the turn takes longer. Of the
    gateway, samples of its nodes' counters go to nodes."""
    since = {queue: program.meter.head(queue)[0] for queue in range(case.workers)}
    program.resume()
    began = time.monotonic_ns()
    for _ in range(100):
        if isinstance(program, programs.Gateway):
            sample_nodes(program, seconds, nodes)
        else:
            time.sleep(seconds)
        ghz = program.meter.tsc_ghz()
        found = [window for queue in range(case.workers) for window in program.meter.windows(queue, since[queue])
                 if window.end_ns - window.wall_ns(ghz) > began + SETTLE * 1e9 and window.packets]
        watched = not isinstance(program, programs.Gateway) or any(map(is_whole, nodes))
        if len(found) >= FEWEST and watched:
            return found
    raise programs.Broken(f"{program.name} does not get to run:\n{program.trouble()}")


def run_case(rig, case, progress):
    """The case's results: a dictionary that goes into the JSON file."""
    shutil.rmtree(rig.scratch, ignore_errors=True)
    running, turns, nodes = [], collections.defaultdict(list), []
    try:
        for program in contenders(rig, case):
            running.append(program)
            progress(f"starting {program.name}")
            program.start()
            program.ready()
            program.pause()
        for number in range(rig.rounds):
            progress(f"round {number + 1} of {rig.rounds}")
            for program in running:
                turns[program.name].append(take_turn(program, case, rig.turn_seconds, nodes))
                program.pause()
        for program in running:
            program.resume()
            program.check()
            program.pause()
        installed = running[0].installed
    finally:
        for program in running:
            program.close()
    return results(case, turns, nodes) | {"install_seconds": round(installed, 3)}


def sample_nodes(gateway, seconds, nodes):
    """What each node did in short stretches: {node: (packets, cycles)}."""
    until = time.monotonic() + seconds
    time.sleep(SETTLE)
    before = gateway.nodes()
    while time.monotonic() < until:
        time.sleep(STRETCH)
        after = gateway.nodes()
        nodes.append({name: (packets - before[name][0], cycles - before[name][1])
                      for name, (packets, cycles) in after.items() if packets > before[name][0]})
        before = after


def tsc_ghz(turns):
    """The counter's frequency, from the first window of all to the last."""
    windows = sorted((window for many in turns.values() for turn in many for window in turn),
                     key=lambda window: window.end_ns)
    first, last = windows[0], windows[-1]
    return (last.end_tsc - first.end_tsc) / (last.end_ns - first.end_ns)


def results(case, turns, nodes):
    ghz = tsc_ghz(turns)
    reference = min(window.loop for many in turns.values() for turn in many for window in turn)
    inner = sum(case.sizes) / len(case.sizes)
    found = {}
    for name, many in turns.items():
        windows = [window for turn in many for window in turn]
        kept = quiet(windows, reference)
        first, median, third = quartiles(window.cycles(ghz) for window in kept)
        each = []
        for turn in many:
            if turn:
                each.append(quartiles(window.cycles(ghz) for window in quiet(turn, reference))[1])
        found[name] = {
            "cycles": round(median, 1), "cycles_q1": round(first, 1), "cycles_q3": round(third, 1),
            "mpps": round(ghz * 1000 / median * case.workers, 3),
            "gbps": round(ghz / median * inner * 8 * case.workers, 3),
            "windows": len(windows), "quiet": sum(window.loop <= reference * 1.04 for window in windows),
            "rounds": [round(value, 1) for value in each],
        }
    ours = found["esplanade"]
    result = {"case": case.name, "axes": case.axes(), "tsc_ghz": round(ghz, 4), "programs": found}
    peers = {name: value for name, value in found.items() if name.startswith("ipsec-secgw")}
    if peers:
        best = min(peers, key=lambda name: peers[name]["cycles"])
        result["peer"] = best
        ratios = [a / b for a, b in zip(ours["rounds"], peers[best]["rounds"])]
        result["ratio"] = [round(value, 3) for value in quartiles(ratios)]
    ports = found.get("ports alone")
    if ports:
        for name, value in found.items():
            if name not in ("ports alone", "bare crypto"):
                value["without_ports"] = round(value["cycles"] - ports["cycles"], 1)
        if peers:
            result["ratio_without_ports"] = round(
                ours["without_ports"] / found[result["peer"]]["without_ports"], 3)
    result["nodes"] = node_cycles(nodes, ours["cycles"])
    return result


def is_whole(stretch):
    """Whether packets have gone from end to end in it."""
    return "port_rx" in stretch and "port_tx" in stretch


def node_cycles(nodes, cycles):
    """Each node's part of the cycles of a packet. The graph's own counters also run while something else has the core: the
    stretches with the fewest cycles count, and of these the nodes' shares."""
    rates = [{name: spent / max(1, stretch["port_rx"][0]) for name, (_, spent) in stretch.items()}
             for stretch in filter(is_whole, nodes)]
    rates.sort(key=lambda rate: sum(rate.values()))
    clean = rates[:max(1, len(rates) // 4)]
    names = {name for rate in clean for name in rate}
    part = {name: statistics.median(rate.get(name, 0) for rate in clean) for name in names}
    total = sum(part.values())
    return {name: round(cycles * part[name] / total, 1) for name in sorted(names, key=lambda name: -part[name])} \
        if total else {}
