#!/usr/bin/env python3
"""Runs the docker client on stack files and records its answers.

The client runs against a small recording server that acts as a swarm manager: everything external
exists, nothing of the stack does, and everything posted is recorded. No engine is needed.

  tests/stack-cases.py                 all inputs -> tests/stack-cases/answers.jsonl
  tests/stack-cases.py --only REGEX    print the answers of some inputs
  tests/stack-cases.py --files F...    treat each file as one input; print JSON lines

An input file (tests/stack-cases/inputs/*.txt) holds cases:

  === name of the case
  env KEY=value          the client's variables (HOME is always @DIR@/home)
  args -c a.yml -c b.yml what follows `docker stack deploy` (default: -c stack.yml)
  stdin NAME             the file to pass as standard input
  each A | B | C         one case for each value, which replaces EACH
  encode NAME utf-16     an encoding other than UTF-8: a codec, or `crlf` for the line ends
  --- a.yml              the text of a file; without such lines, all of it is stack.yml
  ...

In inputs and answers, @DIR@ is the folder of the case.
"""
import argparse
import base64
import concurrent.futures
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent / "stack-cases"
STACK = "st"
BODIES = ("networks", "secrets", "configs", "services")


class Recorder(http.server.BaseHTTPRequestHandler):
    """A swarm manager that accepts everything. Answers by the path below `/caseN`."""

    protocol_version = "HTTP/1.1"
    recorded = {}

    def log_message(self, *_):
        pass

    def reply(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Api-Version", "1.50")
        self.send_header("Ostype", "linux")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def route(self):
        url = urllib.parse.urlsplit(self.path)
        case, _, rest = url.path.lstrip("/").partition("/")
        rest = re.sub(r"^v[0-9.]+/", "", rest)
        query = urllib.parse.parse_qs(url.query)
        filters = json.loads(query.get("filters", ["{}"])[0])
        return case, rest.split("/"), filters

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        _, path, filters = self.route()
        match path:
            case ["_ping"]:
                self.reply({})
            case ["version"]:
                self.reply({"Version": "28.2.2", "ApiVersion": "1.50", "MinAPIVersion": "1.24", "Os": "linux"})
            case ["info"]:
                self.reply({"Swarm": {"ControlAvailable": True, "LocalNodeState": "active"}})
            case ["secrets" | "configs" as kind]:
                names = filters.get("name", {})
                self.reply([{"ID": f"{kind[:-1]}:{name}", "Spec": {"Name": name}} for name in names])
            case ["networks", name]:
                self.reply({"Name": urllib.parse.unquote(name), "Scope": "swarm"})
            case ["networks" | "services"]:
                self.reply([])
            case _:
                self.reply({"message": f"not found: {'/'.join(path)}"}, 404)

    def do_POST(self):
        case, path, _ = self.route()
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length) if length else self.read_chunks()
        kind = path[0]
        self.recorded[case][kind].append(json.loads(raw))
        self.reply({"ID": "id", "Id": "id"}, 201)

    def read_chunks(self):
        data = b""
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data


def read_inputs(path):
    """The cases of an input file."""
    cases = []
    for block in re.split(r"(?m)^=== ", path.read_text())[1:]:
        name, _, rest = block.partition("\n")
        case = {"name": f"{path.stem}: {name.strip()}", "env": {}, "args": "-c stack.yml", "files": {}, "stdin": None}
        encodings, values = {}, [None]
        lines = rest.split("\n")
        while lines and (m := re.match(r"(env|args|stdin|encode|each) (.*)", lines[0])):
            lines.pop(0)
            match m.group(1):
                case "env":
                    key, _, value = m.group(2).partition("=")
                    case["env"][key] = value
                case "encode":
                    file, _, codec = m.group(2).partition(" ")
                    encodings[file] = codec
                case "each":
                    values = m.group(2).split(" | ")
                case word:
                    case[word] = m.group(2)
        if not any(line.startswith("--- ") and len(line) > 4 for line in lines):
            lines.insert(0, "--- stack.yml")
        text = "\n".join(lines)
        for part in re.split(r"(?m)^--- (?=\S)", text)[1:]:
            file, _, content = part.partition("\n")
            content = content.rstrip("\n") + "\n" if content.strip("\n") else ""
            codec = encodings.get(file.strip())
            if codec == "crlf":
                content = content.replace("\n", "\r\n")
            elif codec:
                content = {"base64": base64.b64encode(content.encode(codec)).decode()}
            case["files"][file.strip()] = content
        for value in values:
            one = case if value is None else json.loads(json.dumps(case).replace("EACH", json.dumps(value)[1:-1]))
            cases.append(one if value is None else one | {"name": f"{case['name']} {value}"})
    return cases


def write_files(case, folder):
    for name, content in case["files"].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, dict):
            path.write_bytes(base64.b64decode(content["base64"]))
        else:
            path.write_bytes(content.replace("@DIR@", str(folder)).encode())


def ask(case, number, port):
    """The client's answer to a case."""
    with tempfile.TemporaryDirectory(prefix="stack-cases-") as temp:
        folder = pathlib.Path(temp).resolve()
        (folder / "home").mkdir()
        write_files(case, folder)
        key = f"case{number}"
        Recorder.recorded[key] = {kind: [] for kind in BODIES}
        env = {"PATH": os.environ["PATH"], "DOCKER_CONFIG": str(folder / ".docker")}
        env["HOME"] = str(folder / "home")
        env |= {name: value.replace("@DIR@", str(folder)) for name, value in case["env"].items()}
        args = case["args"].replace("@DIR@", str(folder)).split()

        def docker(*words):
            stdin = (folder / case["stdin"]).read_bytes() if case["stdin"] else b""
            done = subprocess.run(["docker", *words], cwd=folder, env=env, input=stdin, capture_output=True, timeout=60)
            return done.returncode, done.stdout.decode(), done.stderr.decode()

        host = f"tcp://127.0.0.1:{port}/{key}"
        code, _, stderr = docker(
            "-H", host, "stack", "deploy", "--resolve-image", "never", "--detach=true", *args, STACK)
        bodies = Recorder.recorded.pop(key)
        for kind in BODIES:
            bodies[kind].sort(key=lambda body: body["Name"])
        answer = case | {"accepted": code == 0, "stderr": stderr.strip()}
        if code == 0:
            answer |= bodies
        code, stdout, _ = docker("stack", "config", *args)
        answer["config"] = stdout if code == 0 else None
        return json.loads(json.dumps(answer).replace(str(folder), "@DIR@"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="a regular expression of case names")
    parser.add_argument("--files", nargs="*", help="stack files instead of the inputs")
    options = parser.parse_args()
    if options.files is not None:
        cases = [{"name": name, "env": {}, "args": "-c stack.yml", "stdin": None,
                  "files": {"stack.yml": {"base64": base64.b64encode(open(name, "rb").read()).decode()}}}
                 for name in options.files]
    else:
        cases = [case for path in sorted((HERE / "inputs").glob("*.txt")) for case in read_inputs(path)]
    names = [case["name"] for case in cases]
    assert len(names) == len(set(names)), [n for n in names if names.count(n) > 1]
    if options.only:
        cases = [case for case in cases if re.search(options.only, case["name"])]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda pair: ask(pair[1], pair[0], server.server_port), enumerate(cases)))
    lines = [json.dumps(answer, ensure_ascii=False, sort_keys=True) for answer in answers]
    if options.only or options.files is not None:
        print("\n".join(lines))
    else:
        (HERE / "answers.jsonl").write_text("\n".join(lines) + "\n")
        accepted = sum(answer["accepted"] for answer in answers)
        print(f"{len(answers)} cases, {accepted} accepted", file=sys.stderr)


if __name__ == "__main__":
    main()
