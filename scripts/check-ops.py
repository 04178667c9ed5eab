#!/usr/bin/env python3
"""Checks the files in ops. Needs Python 3.11 and nothing else.

    scripts/check-ops.py                  the files by themselves
    scripts/check-ops.py --node PROGRAM   what they say of the node, against one that it runs
                                          (PROGRAM is an assay-node; `assay` is beside it)

By themselves: the dashboard is JSON with panels that do not overlap, the units name settings and
programs that exist, and the rules pass `promtool check` and `promtool test` if there is a promtool
(of Debian's package prometheus).

With a node: each metric and each value of a label that alerts and dashboard name is at /metrics of
a development node, which is validator and operator, or in the output of ops/prometheus/collect.py
for it. The flags in the units and in the image are those of the node. A node that logs JSON logs
only JSON.

Prints each fault, and exits with 1 if there is any.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

OPS = Path(__file__).resolve().parent.parent / "ops"
ALERTS = OPS / "prometheus/alerts.yml"
RULE_TESTS = OPS / "prometheus/alerts_test.yml"
DASHBOARD = OPS / "grafana/assay.json"
COLLECTOR = OPS / "prometheus/collect.py"
UNITS = sorted((OPS / "systemd").glob("*.service"))
CONTAINER = OPS / "container/Containerfile"

START_SECONDS = 120
"""A development node answers within this time, also on a busy machine."""

ALICE = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
"""The operator of the development chain."""

EXTERNAL = {
    "up": "Prometheus",
    "ALERTS": "Prometheus",
    "node_filesystem_avail_bytes": "node_exporter",
    "node_filesystem_readonly": "node_exporter",
}
"""Metrics that neither the node nor the collector makes."""

METRIC = re.compile(r"(?<![\w\"$])([a-zA-Z_:][\w:]*)(\{[^}]*\})?")
LABEL = re.compile(r"(\w+)\s*(=~|=)\s*\"([^\"]*)\"")
WORDS = {"and", "or", "unless", "offset", "bool"}

faults = []


def fault(where, text):
    faults.append(f"{where}: {text}")


# --- what the files name ----------------------------------------------------------------------


def expressions():
    """Pairs of a place and a PromQL expression."""
    rules = ALERTS.read_text()
    for match in re.finditer(r"- alert: (\w+)\n +expr: >-\n((?: {10}.*\n)+)", rules):
        yield f"{ALERTS.name}: {match[1]}", " ".join(match[2].split())
    dashboard = json.loads(DASHBOARD.read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield f"{DASHBOARD.name}: {panel['title']}", target["expr"]
    for annotation in dashboard["annotations"]["list"]:
        yield f"{DASHBOARD.name}: {annotation['name']}", annotation["expr"]


def metrics_of(expression):
    """Pairs of a metric that an expression names and its selectors: label, operator, value."""
    # The label lists of aggregations and of vector matching name no metrics.
    expression = re.sub(r"\b(by|on|ignoring|without)\s*\([^)]*\)", "", expression)
    expression = re.sub(r"\[[^\]]*\]", "", expression)
    for match in METRIC.finditer(expression):
        name, selector = match[1], match[2] or ""
        is_call = expression[match.end() :].lstrip().startswith("(")
        if name not in WORDS and not (is_call and not selector):
            yield name, LABEL.findall(selector)


# --- the files by themselves ------------------------------------------------------------------


def check_dashboard():
    dashboard = json.loads(DASHBOARD.read_text())
    taken, ids = {}, set()
    for panel in dashboard["panels"]:
        title, place = panel["title"], panel["gridPos"]
        if panel["id"] in ids:
            fault(DASHBOARD.name, f"two panels have the id {panel['id']}")
        ids.add(panel["id"])
        if panel["type"] != "row" and not panel.get("targets"):
            fault(DASHBOARD.name, f"{title} shows nothing")
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                other = taken.setdefault((x, y), title)
                if other != title:
                    fault(DASHBOARD.name, f"{title} overlaps {other}")
                    break


def check_rules():
    named = set(re.findall(r"- alert: (\w+)", ALERTS.read_text()))
    found = {where.split(": ")[1] for where, _ in expressions() if where.startswith(ALERTS.name)}
    for alert in sorted(named - found):
        fault(ALERTS.name, f"{alert} has no `expr: >-` that this script can read")
    for alert in sorted(named - set(re.findall(r"Assay\w+", RULE_TESTS.read_text()))):
        fault(RULE_TESTS.name, f"no test names {alert}")
    promtool = shutil.which("promtool")
    if not promtool:
        print("promtool is not here, so the rules were not run: apt-get install prometheus")
        return
    for arguments in ["check", "config", "prometheus.yml"], ["test", "rules", RULE_TESTS.name]:
        done = subprocess.run(
            [promtool, *arguments], check=False, cwd=ALERTS.parent, capture_output=True, text=True
        )
        if done.returncode:
            fault("promtool " + " ".join(arguments), (done.stdout + done.stderr).strip())


def check_units():
    analyze = shutil.which("systemd-analyze")
    for unit in UNITS:
        for name in re.findall(r"^EnvironmentFile=/etc/assay/(\S+)", unit.read_text(), re.M):
            if not list(unit.parent.glob(name.replace("%i", "*") + ".example")):
                fault(unit.name, f"there is no {name}.example")
        if not analyze:
            continue
        arguments = ["security", "--offline=true", "--threshold=20", "--no-pager", unit]
        done = subprocess.run([analyze, *arguments], check=False, capture_output=True, text=True)
        if done.returncode:
            last = (done.stdout + done.stderr).strip().split("\n")[-1]
            fault(unit.name, f"systemd-analyze security: {last}")
    if not analyze:
        print("systemd-analyze is not here, so the exposure of the units was not computed")


# --- the node -----------------------------------------------------------------------------------


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_for(what, node, attempt):
    """The first result of `attempt` that is not None."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if node.poll() is not None:
            raise RuntimeError(f"the node ended with {node.returncode} before {what}")
        with contextlib.suppress(OSError, KeyError):
            if (result := attempt()) is not None:
                return result
        time.sleep(0.2)
    raise TimeoutError(f"no {what} within {START_SECONDS} s")


@contextlib.contextmanager
def running(program, base_path, log):
    """A development node on free ports: its process, its RPC port and its Prometheus port."""
    rpc, metrics, p2p = free_ports(3)
    command = [program, "--dev", "--base-path", base_path, "--log-json", "--no-mdns"]
    command += ["--no-telemetry", "--rpc-port", str(rpc), "--prometheus-port", str(metrics)]
    command += ["--listen-addr", f"/ip4/127.0.0.1/tcp/{p2p}"]
    with subprocess.Popen(command, stdout=log, stderr=log) as node:
        try:
            yield node, rpc, metrics
        finally:
            node.send_signal(signal.SIGTERM)
            try:
                node.wait(30)
            except subprocess.TimeoutExpired:
                node.kill()


def read_metrics(port):
    """The text at /metrics, once the node has made a block."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    made = re.search(r"^substrate_proposer_block_constructed_count\S* ([1-9]\d*)$", text, re.M)
    return text if made else None


def series(text):
    """The label values of each metric of a text in Prometheus' format."""
    found = {}
    for name, labels in re.findall(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+$", text, re.M):
        values = found.setdefault(name, {})
        for label, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels):
            values.setdefault(label, set()).add(value)
    return found


def check_metrics(text):
    known = series(text)
    names = 0
    for where, expression in expressions():
        for name, selectors in metrics_of(expression):
            names += 1
            if name in EXTERNAL:
                continue
            if name not in known:
                fault(where, f"neither the node nor the collector has the metric {name}")
                continue
            for label, operator, pattern in selectors:
                values = known[name].get(label, set())
                if label == "instance" or pattern.startswith("$"):
                    continue
                # Of alternatives each must be there.
                wanted = pattern.split("|") if operator == "=~" else [pattern]
                for value in sorted(set(wanted) - values):
                    shown = ", ".join(sorted(values)) or "none"
                    fault(where, f'{name} has no {label}="{value}"; it has {shown}')
    return names


def check_flags(program):
    text = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    flags = set(re.findall(r"--[a-z0-9][a-z0-9-]*", text))
    for path in [*UNITS, *sorted((OPS / "systemd").glob("*.example")), CONTAINER]:
        lines = path.read_text().split("\n")
        kept = ""
        for line in lines:
            if re.match(r"ExecStart=\S*assay-node|ASSAY_ARGS=|ENTRYPOINT|CMD| +--", line):
                kept += line + "\n"
        for flag in re.findall(r"(?<![\w-])--[a-z0-9][a-z0-9-]*", kept):
            if flag not in flags:
                fault(path.name, f"the node has no flag {flag}")


def check_log(path):
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            fault(f"log of the node, line {number}", f"is not JSON: {line[:200]}")
            return
        if missing := {"timestamp", "level", "target", "message"} - set(entry):
            fault(f"log of the node, line {number}", f"has no {', '.join(sorted(missing))}")
    if not any("Imported" in line or "Pre-sealed" in line for line in lines):
        fault("log of the node", "says nothing of blocks")


def check_node(program):
    check_flags(program)
    assay = str(Path(program).with_name("assay"))
    with tempfile.TemporaryDirectory() as folder:
        base_path, log_path = os.path.join(folder, "data"), Path(folder, "log")
        with open(log_path, "wb") as log, running(program, base_path, log) as (node, rpc, port):
            text = wait_for("a block", node, lambda: read_metrics(port))
            run = [assay, "--url", f"ws://127.0.0.1:{rpc}", "--json", "--suri", "//Alice"]
            run += ["operator", "register", "--bond", "2000"]
            subprocess.run(run, stdout=subprocess.DEVNULL, check=True)
            run = [sys.executable, COLLECTOR, "--base-path", base_path, "--assay", assay]
            run += ["--url", f"ws://127.0.0.1:{rpc}", "--operator", ALICE]
            text += subprocess.run(run, stdout=subprocess.PIPE, text=True, check=True).stdout
        check_log(log_path)
    names = check_metrics(text)
    print(f"the node has the metrics of {names} places in alerts and dashboard")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--node", metavar="PROGRAM", help="an assay-node to compare with")
    args = parser.parse_args()
    if args.node:
        check_node(str(Path(args.node).resolve()))
    else:
        check_dashboard()
        check_rules()
        check_units()
    for text in faults:
        print(text)
    if faults:
        print(f"faults in ops: {len(faults)}", file=sys.stderr)
        return 1
    print("the files in ops are in order")
    return 0


if __name__ == "__main__":
    sys.exit(main())
