"""Measures nodes that make blocks, join late and prune, by their RPC, processes and files.

Knows nothing of Assay: it measures every node of Substrate that knows --alice in the same way, one
after the other, with empty blocks. docs/benchmarks/network.md says what the figures mean.
"""

import argparse
import contextlib
import csv
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

# Seconds without any progress after which a node is given up.
PATIENCE = 180
# Seconds between two looks at a node that makes blocks, and at one that syncs.
SAMPLE = 1
LOOK = 0.02
# Seconds for a node to end after SIGTERM, and to answer over RPC.
END = 60
ANSWER = 30
# The code of the runtime, in each state.
CODE = "0x" + b":code".hex()
# The files of ParityDb that do not grow with each block.
INDEX = "index_"
# How many bytes of a log an error shows.
TAIL = 2000
KIB, MIB = 1 << 10, 1 << 20
COLUMNS = ["program", "figure", "value", "unit"]


class Failure(Exception):
    """What is wrong and how to mend it, for the user."""


def say(text):
    print(text, file=sys.stderr, flush=True)


class Node:
    """A process of a node, which listens on loopback. It answers within `with`, and then ends."""

    def __init__(self, program, spec, data, options, peers=()):
        self.program, self.data, self.log = program, data, data.with_suffix(".log")
        self.port, self.rpc_port = free_ports(2)
        self.command = [program, "--chain", spec, "--base-path", str(data), *options]
        self.command += ["--database", "paritydb"]
        self.command += ["--listen-addr", f"/ip4/127.0.0.1/tcp/{self.port}"]
        self.command += ["--rpc-port", str(self.rpc_port), "--unsafe-force-node-key-generation"]
        self.command += ["--no-prometheus", "--no-telemetry", "--no-mdns"]
        for peer in peers:
            self.command += ["--bootnodes", peer.address]

    def __enter__(self):
        self.began = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            identity = self.until("answered", lambda: self.ask("system_localPeerId"))
        except BaseException:
            self.end()
            raise
        self.address = f"/ip4/127.0.0.1/tcp/{self.port}/p2p/{identity}"
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(END)
        finally:
            # Does nothing to a process that has ended.
            self.process.kill()
            self.process.wait()

    def seconds(self):
        """Seconds since the start."""
        return time.monotonic() - self.began

    def ask(self, method, *params):
        """The result of a call. None if the node refuses it, or does not answer yet."""
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.rpc_port}",
            json.dumps(call).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER) as answer:
                return json.load(answer).get("result")
        except (OSError, http.client.HTTPException):
            return None

    def best(self):
        header = self.ask("chain_getHeader")
        return int(header["number"], 16) if header else 0

    def final(self):
        header = self.ask("chain_getHeader", self.ask("chain_getFinalizedHead"))
        return int(header["number"], 16) if header else 0

    def has_state(self):
        """Whether it has the state of its newest final block, which is not the genesis."""
        head = self.final() and self.ask("chain_getFinalizedHead")
        return head and self.ask("state_getStorageHash", CODE, head)

    def until(self, what, condition, progress=lambda: None, pause=LOOK):
        """Waits until the condition holds. Fails if the process ends or makes no progress."""
        state, since = None, time.monotonic()
        while not (value := condition()):
            if self.process.poll() is not None:
                raise self.failure(f"ended with status {self.process.returncode} before it {what}")
            if (now := progress()) != state:
                state, since = now, time.monotonic()
            if time.monotonic() - since > PATIENCE:
                raise self.failure(f"made no progress for {PATIENCE} s before it {what}")
            time.sleep(pause)
        return value

    def failure(self, what):
        tail = self.log.read_text(errors="replace")[-TAIL:]
        return Failure(f"{' '.join(self.command)}: {what}; the end of its log:\n{tail}")

    def memory(self):
        """Resident memory in bytes; 0 if it has ended."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return sum(
            int(line.split()[1]) * KIB for line in status.splitlines() if line.startswith("VmRSS:")
        )

    def processor(self):
        """Seconds of processor time since the start."""
        # The name of the program, in brackets, may have spaces.
        after = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2]
        return sum(int(ticks) for ticks in after.split()[11:13]) / os.sysconf("SC_CLK_TCK")

    def disk(self, without=None):
        """What the data take on the disk, in bytes.

        Exact when the node has just started on data from before: then what was in the log of the
        database is in its tables, and nothing else is written. Files whose names begin with
        `without` do not count.
        """
        size = 0
        for path in self.data.rglob("*"):
            if without and path.name.startswith(without):
                continue
            with contextlib.suppress(FileNotFoundError):
                size += path.lstat().st_blocks * 512
        return size


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Bench:
    """The figures of one program."""

    def __init__(self, name, program, spec, folder):
        self.name, self.program, self.spec, self.folder = name, program, spec, folder
        self.figures = []
        folder.mkdir()

    def figure(self, name, value, unit):
        self.figures.append([self.name, name, value, unit])

    def node(self, data, *options, peers=()):
        return Node(self.program, self.spec, self.folder / data, options, peers)

    def run(self, blocks):
        # Without a key it makes no blocks.
        with self.node("author") as node:
            self.figure("start on an empty database", node.seconds(), "s")
        self.make(blocks)
        # The author again, without its key: the chain stands still, and who syncs has the machine.
        with self.node("author") as source:
            self.height = source.best()
            kept = self.database("author", source)
            self.full_sync("pruned", source)
            self.full_sync("archive", source, "--state-pruning", "archive")
            with self.node("pruned") as pruned, self.node("archive") as archive:
                self.database("pruned", pruned)
                removed = self.database("archive", archive) - kept
                self.figure("state that pruning removes", removed, "KiB/block")
                # A node begins a warp sync when it has three peers.
                self.warp_sync(source, pruned, archive)
        with self.node("warp") as node:
            self.database("warp sync", node)

    def make(self, blocks):
        say(f"{self.name}: makes {blocks} blocks")
        memory = []
        with self.node("author", "--alice", "--force-authoring") as node:
            self.figure("database, genesis", node.disk() / MIB, "MiB")
            self.genesis = node.disk(without=INDEX)
            since, began, worked = node.best(), time.monotonic(), node.processor()

            def enough():
                memory.append(node.memory())
                return node.final() >= blocks

            node.until(f"had {blocks} final blocks", enough, node.final, SAMPLE)
            made = node.best() - since
            self.figure("author, time", (time.monotonic() - began) / made, "s/block")
            worked = node.processor() - worked
            self.figure("author, processor time", worked / made * 1000, "ms/block")
            self.figure("author, memory at the end", memory[-1] / MIB, "MiB")
            self.figure("author, memory, peak", max(memory) / MIB, "MiB")

    def full_sync(self, kind, source, *options):
        say(f"{self.name}: full sync of {self.height} blocks, {kind}")
        memory = []
        with self.node(kind, *options, peers=[source]) as node:
            first = node.until("had a block", node.best)
            since = node.seconds()

            def complete():
                memory.append(node.memory())
                return node.best() >= self.height

            node.until(f"had {self.height} blocks", complete, node.best)
            seconds = node.seconds()
            # It prunes what is final.
            final = source.final()
            node.until(f"had {final} final blocks", lambda: node.final() >= final, node.final)
            self.figure(f"full sync, {kind}, from its start", seconds, "s")
            if self.height > first:
                speed = (self.height - first) / (seconds - since)
                self.figure(f"full sync, {kind}, speed", speed, "blocks/s")
            self.figure(f"full sync, {kind}, memory, peak", max(memory) / MIB, "MiB")

    def warp_sync(self, *peers):
        say(f"{self.name}: warp sync to {self.height} blocks")
        with self.node("warp", "--sync", "warp", peers=peers) as node:
            node.until("had the state of a final block", node.has_state)
            self.figure("warp sync, state, from its start", node.seconds(), "s")
            node.until("had the newest block", lambda: node.best() >= self.height, node.best)
            self.figure("warp sync, newest block, from its start", node.seconds(), "s")

            def history():
                return "Block history download is complete" in node.log.read_text(errors="replace")

            node.until("had the blocks before that state", history, node.disk)
            self.figure("warp sync, all blocks, from its start", node.seconds(), "s")

    def database(self, of, node):
        """The figures of a database. Returns its growth for each block, without index."""
        self.figure(f"database, {of}", node.disk() / MIB, "MiB")
        grown = (node.disk(without=INDEX) - self.genesis) / self.height / KIB
        self.figure(f"growth without index, {of}", grown, "KiB/block")
        return grown


def machine():
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{len(os.sched_getaffinity(0))} cores of {model}, {round(memory / (1 << 30))} GiB"


def display(value):
    size = abs(value)
    return f"{value:.0f}" if size >= 1000 else f"{value:.1f}" if size >= 10 else f"{value:.3f}"


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench node", description=__doc__)
    parser.add_argument("--node", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--spec", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--blocks", type=int, default=10_000, help="final blocks (%(default)s)")
    parser.add_argument("--template", help="another program that is measured in the same way")
    parser.add_argument("--template-spec", help="its chain specification, with the same slots")
    parser.add_argument("--csv", type=pathlib.Path, help="file for the figures")
    chosen = parser.parse_args()
    if chosen.blocks < 1:
        parser.error("--blocks: at least one block has to be made")
    if bool(chosen.template) != bool(chosen.template_spec):
        parser.error("--template and --template-spec belong together: give both")
    return chosen


def check(program, spec):
    if not shutil.which(program):
        raise Failure(f"{program} is not a program: build it, or name another one")
    if spec.endswith(".json") and not os.path.isfile(spec):
        raise Failure(f"{spec} is missing: write it with `{program} export-chain-spec`")


def main():
    chosen = arguments()
    programs = [("assay", chosen.node, chosen.spec)]
    if chosen.template:
        programs.append(("template", chosen.template, chosen.template_spec))
    for _, program, spec in programs:
        check(program, spec)
    # Before the run: what takes half an hour is not to be lost for a folder.
    table = chosen.csv.open("w", newline="") if chosen.csv else None
    figures = []
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder:
        for name, program, spec in programs:
            bench = Bench(name, program, spec, pathlib.Path(folder) / name)
            bench.run(chosen.blocks)
            figures += bench.figures
    print(f"machine: {machine()}")
    width = max(len(figure) for _, figure, _, _ in figures)
    for name, figure, value, unit in figures:
        print(f"{name:8}  {figure:{width}}  {display(value):>12}  {unit}")
    if table:
        with table:
            writer = csv.writer(table, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(
                [name, figure, round(value, 3), unit] for name, figure, value, unit in figures
            )


if __name__ == "__main__":
    # Ends the nodes, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except (Failure, OSError) as failure:
        sys.exit(f"error: {failure}")
    except KeyboardInterrupt:
        sys.exit("interrupted; its nodes have ended")
