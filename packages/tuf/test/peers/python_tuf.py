"""The peer program around python-tuf: one JSON request a line on stdin, one JSON answer a line on stdout."""

import base64
import gc
import json
import sys
import tempfile
import time
from pathlib import Path
from urllib import parse

from tuf.api.exceptions import DownloadHTTPError
from tuf.api.metadata import Metadata, Root, Targets
from tuf.ngclient import FetcherInterface, Updater

BASE = "http://repository.test/"


class Served(FetcherInterface):
    """Serves a step's repository: what a web server would find under the decoded path."""

    def __init__(self, files):
        self.files = files

    def _fetch(self, url):
        name = parse.unquote(url.removeprefix(BASE))
        if name not in self.files:
            raise DownloadHTTPError(name, 404)
        yield base64.b64decode(self.files[name])


def described(error):
    return f"{type(error).__name__}: {error}"


def look_up(updater, path):
    try:
        found = updater.get_targetinfo(path)
    except Exception as error:  # whatever the library throws at a bad repository
        return {"refused": described(error)}
    return {} if found is None else {"length": found.length, "hashes": found.hashes}


def run_step(trusted, directory, step):
    try:
        updater = Updater(directory, BASE, fetcher=Served(step["files"]), bootstrap=trusted)
        updater.refresh()
    except Exception as error:
        return {"refused": described(error), "lookups": []}
    return {"lookups": [look_up(updater, path) for path in step["lookups"]]}


def run_case(asked):
    """Runs the client once for each step, on one cache, as a program that is started again and again would."""
    trusted = base64.b64decode(asked["trusted"])
    with tempfile.TemporaryDirectory(prefix="holdfast-python-tuf-") as directory:
        return {"steps": [run_step(trusted, directory, step) for step in asked["steps"]]}


def run_verify(asked):
    """Reads targets metadata and verifies it with the root's keys, as many times as asked."""
    root = Metadata[Root].from_bytes(Path(asked["rootFile"]).read_bytes())
    data = Path(asked["targetsFile"]).read_bytes()
    times = []
    for _ in range(asked["runs"]):
        gc.collect()
        began = time.perf_counter()
        targets = Metadata[Targets].from_bytes(data)
        root.verify_delegate(Targets.type, targets)
        times.append((time.perf_counter() - began) * 1000)
        del targets
    return {"ms": times}


def run_client(asked):
    """Refreshes and looks one target up, with an empty cache and then with the one that is there now."""
    trusted = Path(asked["rootFile"]).read_bytes()
    times = {"cold": [], "warm": []}
    for _ in range(asked["runs"]):
        with tempfile.TemporaryDirectory(prefix="holdfast-python-tuf-") as directory:
            for state in times:
                gc.collect()
                began = time.perf_counter()
                updater = Updater(directory, asked["metadataUrl"], bootstrap=trusted)
                found = updater.get_targetinfo(asked["target"])
                times[state].append((time.perf_counter() - began) * 1000)
                if found is None:
                    raise LookupError(asked["target"])
    return times


OPERATIONS = {"case": run_case, "verify": run_verify, "client": run_client}

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = OPERATIONS[request["op"]](request)
    except Exception as error:
        answer = {"failed": described(error)}
    print(json.dumps(answer), flush=True)
