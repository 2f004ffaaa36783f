"""Fills a registry by ORAS, installs out of it by tag and by digest, and asks a server for what came.

    check.py BELLJAR DIRECTORY REGISTRY MODULE
"""

import json
import pathlib
import subprocess
import sys
import time
import urllib.request

import oras.client

belljar, directory, registry, module = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], pathlib.Path(sys.argv[4])
reference = f"{registry}/tools/from-registry"


def cli(*arguments):
    return subprocess.run([belljar, *arguments], check=True, capture_output=True, text=True).stdout


def ask(url, body=None, **fields):
    request = urllib.request.Request(url, body, {name.replace("_", "-"): value for name, value in fields.items()})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def when(there, what):
    for _ in range(300):
        try:
            return there()
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{what} does not come")


def packed(version):
    descriptor = json.loads(cli("inspect", "--json", str(module)))["descriptor"]
    (directory / "d.json").write_text(json.dumps(descriptor | {"name": "from-registry", "version": version}))
    path = directory / f"{version}.wasm"
    cli("pack", str(module), "--descriptor", str(directory / "d.json"), "--output", str(path))
    return path


def push(version):
    """As the CNCF has it: a config of its own type, one layer of `application/wasm`."""
    path = packed(version)
    config = directory / "config.json"
    config.write_text(json.dumps({"created": "2026-01-01T00:00:00Z", "architecture": "wasm", "os": "wasip1"}))
    client = oras.client.OrasClient(insecure=True)
    pushed = client.push(
        target=f"{reference}:{version}",
        files=[f"{path}:application/wasm"],
        manifest_config=f"{config}:application/vnd.wasm.config.v0+json",
        disable_path_validation=True,
    )
    return path.read_bytes(), pushed.headers["Docker-Content-Digest"]


when(lambda: urllib.request.urlopen(f"http://{registry}/v2/", timeout=5), "the registry")
first, first_digest = push("1.0.0")
second, _ = push("2.0.0")
analyses = directory / "analyses"
analyses.mkdir()
server = subprocess.Popen(
    [belljar, "serve", "--listen", "127.0.0.1:0", "--data", str(directory / "data"), "--analyses", str(analyses)],
    stdout=subprocess.PIPE,
    stderr=(directory / "server.log").open("w"),
    text=True,
)
try:
    url = server.stdout.readline().split()[-1]
    installed = analyses / "from-registry.wasm"

    def version(wanted):
        found = ask(f"{url}/analyses/from-registry")["version"]
        if found != wanted:
            raise OSError(found)

    cli("install", f"oci://{reference}:2.0.0", "--to", str(analyses))
    assert installed.read_bytes() == second
    when(lambda: version("2.0.0"), "2.0.0")
    cli("install", f"oci://{reference}@{first_digest}", "--to", str(analyses))
    assert installed.read_bytes() == first
    when(lambda: version("1.0.0"), "1.0.0")
    file = ask(f"{url}/upload", module.read_bytes(), content_type="application/wasm")["file_id"]
    question = json.dumps({"file_id": file, "analysis": "from-registry"}).encode()
    status = ask(f"{url}/analyse", question, content_type="application/json", prefer="wait=30")
    assert status["status"] == "successful", status
    missing = subprocess.run([belljar, "install", f"oci://{reference}:3", "--to", analyses], capture_output=True, text=True)
    assert missing.returncode != 0 and "404" in missing.stderr, missing.stderr
finally:
    server.terminate()
    server.wait(30)
print("oci: two versions pushed by ORAS to docker-registry, installed by tag and by digest, and asked: as they should")
