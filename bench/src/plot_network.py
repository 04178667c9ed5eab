"""Collects the figures of networks and nodes in a table, and plots the main ones.

Usage: plot_network.py RUNS ... FOLDER

Reads RUNS/SCENARIO/report.json, which scripts/zombienet leaves, and FOLDER/node.csv of
`scripts/bench node`, if it is there. Of a scenario the newest run that passed counts. Writes
network.csv and network.png into FOLDER. Names on standard error what is missing or left out.
"""

import csv
import json
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

# Validators, by scenario.
SIZES = {"four_validators": 4, "eight_validators": 8, "many_validators": 16}
FINALITY = "time to finality of 100 blocks, {}, seconds"
# Times of recovery: scenario, figure, what has happened before.
RECOVERIES = [
    ("restarts", "recovery of a restarted node, p50, seconds", "node killed, median"),
    ("restarts", "recovery of a restarted node, largest, seconds", "node killed, longest"),
    ("absent_validators", "recovery of finality, seconds", "2 of 4 validators away"),
    ("partitions", "recovery of finality after a partition, seconds", "network in two halves"),
    ("node_faults", "recovery, room-again, seconds", "disk full"),
    ("node_faults", "recovery, writable-again, seconds", "disk read-only"),
    ("node_faults", "recovery, purged, seconds", "database corrupt, purged"),
    ("node_faults", "recovery, right-clock, seconds", "clock wrong"),
]
# Of `soak`: figure, what it is about.
DISK = [
    ("disk of alice for each block, KiB", "block, validator"),
    ("disk of full for each block, KiB", "block, archive"),
    ("disk of alice for each request, KiB", "request, validator"),
    ("disk of full for each request, KiB", "request, archive"),
]
MEMORY = [
    ("memory, MiB, largest node, second quarter", "second quarter"),
    ("memory, MiB, largest node, last quarter", "last quarter"),
]
# Of node.csv.
SYNC = [("full sync, pruned, speed", "pruned"), ("full sync, archive, speed", "archive")]
JOINING = [
    ("full sync, pruned, from its start", "full sync, all blocks"),
    ("warp sync, state, from its start", "warp sync, state"),
    ("warp sync, all blocks, from its start", "warp sync, all blocks"),
]
RESIDENT = [
    ("author, memory at the end", "author, at the end"),
    ("full sync, pruned, memory, peak", "full sync, peak"),
]
STATE = [
    ("growth without index, author", "author, pruned"),
    ("growth without index, archive", "archive"),
    ("growth without index, pruned", "after full sync, pruned"),
    ("growth without index, warp sync", "after warp sync"),
]
UNITS = {"seconds": "s", "KiB": "KiB", "MiB": "MiB", "ASY": "ASY"}
SHADES = ["#2a6f97", "#c9772d"]


def say(text):
    print(text, file=sys.stderr)


def reports(folders):
    """The figures of each scenario."""
    found = {}
    files = [file for folder in folders for file in folder.glob("*/report.json")]
    for file in sorted(files, key=lambda file: file.stat().st_mtime):
        report = json.loads(file.read_text())
        if report["failure"] is None:
            found[report["scenario"]] = report["figures"]
        else:
            say(f"left out: {file}: {report['failure'].splitlines()[0]}")
    return found


def unit(figure):
    return next((UNITS[part] for part in figure.split(", ") if part in UNITS), "")


def values(figures, chosen):
    """The labels and values of those figures that are there."""
    return [(label, figures[name]) for name, label in chosen if name in figures]


def of_networks(found):
    """Panels: a title, and for each series its values by label."""
    finality = {
        name: [
            (str(count), found[scenario][FINALITY.format(name)])
            for scenario, count in SIZES.items()
            if FINALITY.format(name) in found.get(scenario, {})
        ]
        for name in ("p50", "p99")
    }
    recoveries = [
        (label, found[scenario][figure])
        for scenario, figure, label in RECOVERIES
        if figure in found.get(scenario, {})
    ]
    soak = found.get("soak", {})
    return [
        ("time to finality, s, by number of validators", finality),
        ("recovery, s, after", {"": recoveries}),
        ("growth of a node's data under load, KiB for each", {"": values(soak, DISK)}),
        ("memory under load, largest node, MiB", {"": values(soak, MEMORY)}),
    ]


def of_nodes(file):
    """The same of programs that were measured beside each other."""
    programs = {}
    with file.open(newline="") as table:
        for row in csv.DictReader(table):
            programs.setdefault(row["program"], {})[row["figure"]] = float(row["value"])

    def series(chosen):
        return {name: values(figures, chosen) for name, figures in programs.items()}

    return [
        ("full sync, empty blocks, blocks/s", series(SYNC)),
        ("from the start of a late node, empty blocks, s", series(JOINING)),
        ("growth of the database, empty blocks, KiB for each", series(STATE)),
        ("memory, empty blocks, MiB", series(RESIDENT)),
    ]


def draw(axis, title, series):
    """Bars from top to bottom, those of one label beside each other."""
    labels = list(dict.fromkeys(label for bars in series.values() for label, _ in bars))
    width = 0.8 / len(series)
    for index, (name, bars) in enumerate(series.items()):
        places = [labels.index(label) + (index + 0.5) * width - 0.4 for label, _ in bars]
        drawn = axis.barh(
            places,
            [value for _, value in bars],
            width,
            color=SHADES[index % len(SHADES)],
            label=name,
        )
        axis.bar_label(drawn, fmt="%.3g", padding=3)
    axis.set_yticks(range(len(labels)), labels)
    axis.invert_yaxis()
    axis.margins(x=0.15)
    axis.set_title(title)
    axis.grid(True, axis="x", alpha=0.3)
    if len(series) > 1:
        axis.legend()


def main(folders, folder):
    found = reports(folders)
    wanted = [*SIZES, *(scenario for scenario, _, _ in RECOVERIES), "soak"]
    for scenario in dict.fromkeys(wanted):
        if scenario not in found:
            say(f"no report of {scenario}: run scripts/zombienet, and name its folder")
    panels = of_networks(found)
    nodes = folder / "node.csv"
    if nodes.is_file():
        panels += of_nodes(nodes)
    else:
        say(f"no {nodes}: run scripts/bench node --csv {nodes}")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "network.csv").open("w", newline="") as table:
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(["scenario", "figure", "value", "unit"])
        for scenario, figures in sorted(found.items()):
            for figure, value in figures.items():
                writer.writerow([scenario, figure, round(value, 3), unit(figure)])
    panels = [(title, series) for title, series in panels if any(series.values())]
    if not panels:
        sys.exit("error: there is nothing to plot; name folders that have reports of scenarios")
    lines = (len(panels) + 1) // 2
    figure, axes = pyplot.subplots(
        lines, 2, figsize=(12, 3.2 * lines), squeeze=False, constrained_layout=True
    )
    for axis in axes.flat[len(panels) :]:
        axis.remove()
    for axis, (title, series) in zip(axes.flat, panels, strict=False):
        draw(axis, title, series)
    figure.savefig(folder / "network.png", dpi=110)


if __name__ == "__main__":
    *runs, out = [pathlib.Path(name) for name in sys.argv[1:]]
    for run in runs:
        if not run.is_dir():
            sys.exit(f"error: there is no folder {run}; name those that scripts/zombienet prints")
    main(runs, out)
