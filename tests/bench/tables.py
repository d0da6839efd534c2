# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Results as lines, markdown tables and plots."""

import shutil
import subprocess

SHORT = {"esplanade": "esplanade", "ports alone": "ports", "bare crypto": "bare"}


def line(result):
    found = result["programs"]
    parts = [f"{SHORT.get(name, name)} {value['cycles']:.0f} [{value['cycles_q1']:.0f} {value['cycles_q3']:.0f}]"
             for name, value in found.items()]
    ratio = f", ratio {result['ratio'][1]:.2f}" if "ratio" in result else ""
    without = f" ({result['ratio_without_ports']:.2f} without ports)" if "ratio_without_ports" in result else ""
    ours = found["esplanade"]
    return f"    cycles: {', '.join(parts)}{ratio}{without}; {ours['mpps']:.2f} Mpps {ours['gbps']:.1f} Gb/s"


def _cell(value, name="cycles"):
    if value is None or name not in value:
        return "—"
    if name == "cycles":
        return f"{value['cycles']:.0f} ({value['cycles_q1']:.0f}–{value['cycles_q3']:.0f})"
    return f"{value[name]:.0f}"


def comparison(results):
    """The table of all cases."""
    lines = ["| case | esplanade | ipsec-secgw | ratio | without ports: esplanade | ipsec-secgw | ratio | bare crypto | ports "
             "| Mpps | Gb/s |", "|---|---|---|---|---|---|---|---|---|---|---|"]
    for result in results:
        found = result["programs"]
        ours, peer = found["esplanade"], found.get(result.get("peer"))
        ratio = "{1:.2f} ({0:.2f}–{2:.2f})".format(*result["ratio"]) if peer else "—"
        without = f"{result['ratio_without_ports']:.2f}" if "ratio_without_ports" in result else "—"
        lines.append(f"| {result['case']} | {_cell(ours)} | {_cell(peer)} | {ratio} | {_cell(ours, 'without_ports')} | "
                     f"{_cell(peer, 'without_ports')} | {without} | {_cell(found.get('bare crypto'))} | "
                     f"{_cell(found.get('ports alone'))} | {ours['mpps']:.2f} | {ours['gbps']:.2f} |")
    return "\n".join(lines)


def nodes(results):
    """Where the cycles go, node by node; nodes that cost next to nothing are left out."""
    names = []
    results = [result for result in results if result["nodes"]]
    for result in results:
        names += [name for name, cycles in result["nodes"].items() if cycles >= 0.5 and name not in names]
    lines = ["| case | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for result in results:
        cells = [f"{result['nodes'][name]:.0f}" if name in result["nodes"] else "" for name in names]
        lines.append(f"| {result['case']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def machine_text(machine):
    pages = "hugepages" if machine.get("hugepages") else "no hugepages"
    return (f"{machine['date']}, {machine['cpu']} ({' '.join(machine['features'])}), {machine['cpus']} CPUs, load "
            f"{machine['load']:.1f} at the start, Linux {machine['kernel']}, DPDK {machine['dpdk']}, IPsec-MB "
            f"{machine['ipsec_mb']}, {pages}, commit {machine['commit']}.")


def markdown(results):
    text = f"{machine_text(results['machine'])}\n\nTSC cycles of CPU time a packet: median (quartiles).\n\n"
    text += comparison(results["results"]) + "\n\nCycles of each node of the graph:\n\n"
    text += nodes(results["results"]) + "\n"
    for failed in results["failed"]:
        text += f"\n{failed['case']} failed: {failed['why'].splitlines()[0]}\n"
    return text


PLOT = """set terminal {terminal}
set output '{output}'
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.8
set boxwidth 0.9
set grid ytics
set key top left
set ylabel 'TSC cycles a packet'
set xtics rotate by -30
set title '{title}' noenhanced
plot {plots}
"""


def plot(results, out):
    """plot.svg and plot.png, where there is a gnuplot; the script and its data stay beside them."""
    columns = ("ports alone", "bare crypto", "esplanade", "ipsec-secgw")
    rows = []
    for result in results["results"]:
        found = dict(result["programs"])
        found["ipsec-secgw"] = found.get(result.get("peer"))
        cells = [f"{found[name]['cycles']:.1f}" if found.get(name) else "?" for name in columns]
        rows.append(f"\"{result['case']}\" " + " ".join(cells))
    (out / "plot.dat").write_text("\n".join(rows) + "\n")
    plots = ", ".join(f"'plot.dat' using {i + 2}:xtic(1) title '{name}'" for i, name in enumerate(columns))
    width = 400 + 90 * len(rows)
    for kind, terminal in (("svg", f"svg size {width},600"), ("png", f"png size {width},600")):
        script = PLOT.format(terminal=terminal, output=f"plot.{kind}", title=results["machine"]["cpu"], plots=plots)
        (out / f"plot-{kind}.gp").write_text(script)
        if shutil.which("gnuplot"):
            subprocess.run(["gnuplot", f"plot-{kind}.gp"], cwd=out, check=False)


def write(results, out):
    (out / "results.md").write_text(markdown(results))
    plot(results, out)


def write_doc(name, text, path):
    """Puts text between the page's two marks of that name."""
    head, _, rest = path.read_text().partition(f"<!-- {name}:")
    mark, _, rest = rest.partition("\n")
    _, end, tail = rest.partition(f"<!-- end of {name} -->")
    path.write_text(f"{head}<!-- {name}:{mark}\n\n{text.strip()}\n\n{end}{tail}")
