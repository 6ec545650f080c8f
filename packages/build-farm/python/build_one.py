"""Unpacks one sdist and builds one wheel of it: what runs inside the sandbox.

Called as `python -I build_one.py REQUEST`; REQUEST is JSON:
  sdist         path of the .tar.gz, which was verified and looked through before
  wheels        directory with the wheels of everything that the build needs, and nothing else
  requirements  the requirements that these wheels are for
  work          an empty directory to work in
  latest        seconds since 1970: SOURCE_DATE_EPOCH is not later
  limits        cpuSeconds, memoryBytes (of data, each process), fileBytes, openFiles, processes (null: not limited)

Writes one line of JSON to standard output:
  {"need": [requirement…]}                 build requirements without wheels so far
  {"wheel": filename, "size": bytes, "epoch": seconds}   followed by the wheel itself
  {"failed": step, "message": text}
Everything that the build says goes to standard error.
"""

import json
import os
import resource
import shutil
import stat
import subprocess
import sys
import tarfile
import venv

EARLIEST = 315532800  # 1980-01-01: ZIP archives know nothing earlier.


class Failed(Exception):
    def __init__(self, step, message):
        super().__init__(message)
        self.step = step


def limit_resources(limits):
    # Hard limits, before any code of others runs; what it starts inherits them.
    wanted = {
        "RLIMIT_CPU": limits["cpuSeconds"],
        "RLIMIT_DATA": limits["memoryBytes"],
        "RLIMIT_FSIZE": limits["fileBytes"],
        "RLIMIT_NOFILE": limits["openFiles"],
        "RLIMIT_NPROC": limits["processes"],
        "RLIMIT_CORE": 0,
    }
    for name, value in wanted.items():
        if value is None or not hasattr(resource, name):
            continue
        which = getattr(resource, name)
        _, hard = resource.getrlimit(which)
        least = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (least, least))
    # Where memory runs out for the machine or for a service, the build goes and not the farm.
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
    except OSError:
        pass  # not Linux


def unpack(sdist, work):
    """The directory with the sources, and the newest time that the archive holds."""
    into = os.path.join(work, "src")
    os.mkdir(into)
    with tarfile.open(sdist, "r:gz") as archive:
        members = archive.getmembers()
        archive.extractall(into, members=members, filter="data")
    tops = os.listdir(into)
    if len(tops) != 1:
        raise Failed("unpack", "the sdist does not hold exactly one directory")
    newest = max((int(member.mtime) for member in members if member.isfile()), default=0)
    return os.path.join(into, tops[0]), newest


def make_environment(work, wheels):
    directory = os.path.join(work, "env")
    venv.EnvBuilder(with_pip=False, symlinks=True).create(directory)
    python = os.path.join(directory, "bin", "python")
    files = sorted(os.path.join(wheels, name) for name in os.listdir(wheels))
    if files:
        install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--isolated"]
        install += ["--no-index", "--no-deps", "--no-cache-dir", "--no-compile", "--disable-pip-version-check"]
        if subprocess.run([*install, *files], check=False).returncode != 0:
            raise Failed("install", "the build requirements could not be installed")
    os.environ["PATH"] = os.path.join(directory, "bin") + os.pathsep + os.environ["PATH"]
    return python


def one_wheel(out):
    names = os.listdir(out)
    if len(names) != 1 or not names[0].endswith(".whl"):
        raise Failed("result", "the build left %d files instead of one wheel" % len(names))
    path = os.path.join(out, names[0])
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise Failed("result", "the wheel is not a regular file")
    return path


def run(request):
    import build  # the real one, of this Python

    work = request["work"]
    given = set(request["requirements"])
    for name in ("home", "tmp", "out"):
        os.makedirs(os.path.join(work, name), exist_ok=True)
    source, newest = unpack(request["sdist"], work)
    epoch = max(EARLIEST, min(newest, request["latest"]))
    os.environ["SOURCE_DATE_EPOCH"] = str(epoch)
    requires = build.ProjectBuilder(source).build_system_requires
    if not requires <= given:
        return {"need": sorted(requires | given)}, None
    builder = build.ProjectBuilder(source, python_executable=make_environment(work, request["wheels"]))
    try:
        # The backend may name more, now that it runs (PEP 517).
        more = builder.get_requires_for_build("wheel")
        if not more <= given:
            return {"need": sorted(more | given)}, None
        out = os.path.join(work, "out")
        builder.build("wheel", out)
    except (build.BuildException, build.BuildBackendException) as error:
        raise Failed("build", str(error)) from error
    wheel = one_wheel(out)
    return {"wheel": os.path.basename(wheel), "size": os.path.getsize(wheel), "epoch": epoch}, wheel


def main():
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with open(sys.argv[1], encoding="utf-8") as file:
        request = json.load(file)
    os.umask(0o022)
    limit_resources(request["limits"])
    try:
        answer, wheel = run(request)
    except Failed as error:
        answer, wheel = {"failed": error.step, "message": str(error)}, None
    except (OSError, tarfile.TarError, MemoryError, ImportError) as error:
        answer, wheel = {"failed": "setup", "message": "%s: %s" % (type(error).__name__, error)}, None
    except Exception as error:  # such as a pyproject.toml that build refuses
        answer, wheel = {"failed": "read", "message": str(error)}, None
    answers.write(json.dumps(answer).encode() + b"\n")
    if wheel is not None:
        with open(wheel, "rb") as file:
            shutil.copyfileobj(file, answers)
    answers.close()


main()
