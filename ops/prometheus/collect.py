#!/usr/bin/env python3
"""Prints what a node's own metrics lack, in Prometheus' text format. Needs Python and nothing else.

    ops/prometheus/collect.py --base-path FOLDER [--url URL] [--operator ACCOUNT] [--assay PROGRAM]

The size of the node's folder, the verdicts of `assay doctor`, and what the chain knows of an
operator: its bond, what is at stake, its open runs and whether it is live. For the textfile
collector of Prometheus' node_exporter: run it from a timer, and move its output over a file in the
collector's folder (ops/README.md). A part that fails is left out, is told on stderr, and makes it
exit with 1; the time of the last run, which is printed always, shows whether it runs.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time

PLANCKS = 10**12
VERDICTS = {"ok": 0, "skipped": 0, "warning": 1, "failed": 2}


def run(command):
    """The JSON that a command prints. It may fail, as doctor does if a check failed."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip() or 'no JSON'}") from None


def folder_bytes(folder):
    """What the files of a folder take on the disk. Files may vanish meanwhile."""

    def fail(error):
        if not isinstance(error, FileNotFoundError):
            raise error

    total = 0
    for parent, _, names in os.walk(folder, onerror=fail):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += os.lstat(os.path.join(parent, name)).st_blocks * 512
    return total


def quoted(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def metric(name, kind, text, samples):
    """The lines of a metric. `samples`: pairs of labels and value."""
    lines = [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
    for labels, value in samples:
        shown = ",".join(f"{key}={quoted(value)}" for key, value in labels.items())
        lines.append(f"{name}{{{shown}}} {value}" if shown else f"{name} {value}")
    return lines


def database(args):
    # A folder that cannot be read has no size, rather than the size 0.
    os.listdir(args.base_path)
    size = folder_bytes(args.base_path)
    labels = {"base_path": args.base_path}
    return metric("assay_database_bytes", "gauge", "Disk space of the base path", [(labels, size)])


def doctor(args):
    command = [args.assay, "--url", args.url, "--json", "doctor"]
    if args.operator:
        command += ["--operator", args.operator]
    worst = {}
    for check in run(command)["checks"]:
        verdict = VERDICTS[check["verdict"]]
        worst[check["check"]] = max(worst.get(check["check"], 0), verdict)
    samples = [({"check": check}, verdict) for check, verdict in worst.items()]
    text = "Verdict of assay doctor: 0 ok or skipped, 1 warning, 2 failed"
    return metric("assay_doctor_verdict", "gauge", text, samples)


def operator(args):
    if not args.operator:
        return []
    status = run([args.assay, "--url", args.url, "--json", "operator", "status", args.operator])
    labels = {"operator": args.operator}
    values = {
        "bond_asy": ("Bond of the operator, in ASY", int(status["bond"]) / PLANCKS),
        "at_stake_asy": ("Bond at stake for results, in ASY", int(status["at_stake"]) / PLANCKS),
        "open_runs": ("Runs that the operator has yet to answer", status["open_assignments"]),
        "live": ("1 while the operator's heartbeats arrive", int(status["live"])),
    }
    lines = []
    for name, (text, value) in values.items():
        lines += metric(f"assay_operator_{name}", "gauge", text, [(labels, value)])
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--base-path", required=True, help="the node's --base-path")
    parser.add_argument("--url", default="ws://127.0.0.1:9944", help="the node's RPC")
    parser.add_argument("--operator", help="account of the operator whose node this is")
    parser.add_argument("--assay", default="assay", help="the assay command")
    args = parser.parse_args()
    status = 0
    for part in database, doctor, operator:
        try:
            lines = part(args)
        except (OSError, KeyError, ValueError, TypeError, subprocess.TimeoutExpired) as error:
            print(f"{part.__name__}: {error!r}", file=sys.stderr)
            status = 1
        else:
            print("".join(line + "\n" for line in lines), end="")
    text = "Unix time at which the collector ended"
    print(
        "\n".join(metric("assay_collector_time_seconds", "gauge", text, [({}, int(time.time()))]))
    )
    return status


if __name__ == "__main__":
    sys.exit(main())
