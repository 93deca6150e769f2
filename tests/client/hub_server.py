#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A small Hub on 127.0.0.1 for the tests of the real client.

It speaks the download half of the Hub's API: repository and tree listings,
resolve with HEAD, GET, Range and the redirect to large files, gated and
missing repositories, who-am-i; and, for hf_xet, the reconstruction API of
the content-addressed store, so that the client's own transfer code and its
shared blob store run unaltered.  Large files come from a second address,
127.0.0.2, as the Hub's come from another host: clients treat a redirect to
the Hub itself differently.  Paths below /control/ belong to the test: move
`main`, stall a download half-way, read the log of requests.

    hub_server.py ADDRESS-FILE

writes http://127.0.0.1:PORT to ADDRESS-FILE as soon as it listens.
"""

import json
import os
import re
import struct
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from hub_content import Content, GATE_OPENS_FOR, TOKENS

KINDS = r"(?P<kind>models|datasets)"
NAME = r"(?P<name>[\w.-]+/[\w.-]+)"
XORB_CHUNK = 64 << 10
STALLED = 1 << 20  # the bytes that a stalled download waits for


class Refusal(Exception):
    """An error answer: status, the Hub's error code, what it says."""

    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.commit = None


class Hub:
    """State shared by all requests."""

    def __init__(self, address, store):
        self.address = address
        self.store = store
        self.content = Content()
        self.stalled = set()
        self.released = threading.Event()
        self.log = []
        self.lock = threading.Lock()


def xorb_of(data):
    """DATA as the chunks of one xorb: uncompressed, each behind its header."""
    out = bytearray()
    for at in range(0, len(data), XORB_CHUNK):
        chunk = data[at:at + XORB_CHUNK]
        length = struct.pack("<I", len(chunk))[:3]
        out += b"\0" + length + b"\0" + length + chunk
    return bytes(out)


def reconstruction(hub, file, version, start):
    """How hf_xet is told to put FILE together from one xorb."""
    skip = start // XORB_CHUNK
    total = (file.size + XORB_CHUNK - 1) // XORB_CHUNK
    body = xorb_of(file.data)
    first = skip * (XORB_CHUNK + 8)
    chunks = {"start": skip, "end": total}
    span = {"start": first, "end": len(body) - 1}
    url = f"{hub.store}/xorb/{file.xet}"
    answer = {
        "offset_into_first_range": start - skip * XORB_CHUNK,
        "terms": [{"hash": file.xet, "range": chunks,
                   "unpacked_length": file.size - skip * XORB_CHUNK}],
    }
    if version == "1":
        answer["fetch_info"] = {file.xet: [
            {"range": chunks, "url": url, "url_range": span}]}
    else:
        answer["xorbs"] = {file.xet: [
            {"url": url, "ranges": [{"chunks": chunks, "bytes": span}]}]}
    return answer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub = None

    # -- answers ----------------------------------------------------------

    def log_message(self, *_args):
        pass

    def user(self):
        """Whose token the request carries: a name, None, or "?"."""
        value = self.headers.get("Authorization", "")
        if not value.startswith("Bearer "):
            return None
        return TOKENS.get(value[len("Bearer "):].strip(), "?")

    def send(self, status, body=b"", headers=()):
        self.send_response(status)
        named = {key.lower() for key, _ in headers}
        if "content-length" not in named:
            self.send_header("Content-Length", str(len(body)))
        for key, value in headers:
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_json(self, value, headers=()):
        self.send(200, json.dumps(value).encode(),
                  [("Content-Type", "application/json"), *headers])

    def send_bytes(self, data, headers=(), stall=False):
        """DATA or the range of it that was asked for."""
        first, last, status = 0, len(data) - 1, 200
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)",
                              self.headers.get("Range", ""))
        if wanted:
            first = int(wanted[1])
            last = min(int(wanted[2] or last), last)
            if first > last:
                self.send(416, b"", [("Content-Range",
                                      f"bytes */{len(data)}")])
                return
            status = 206
            headers = [*headers, ("Content-Range",
                                  f"bytes {first}-{last}/{len(data)}")]
        part = memoryview(data)[first:last + 1]
        self.send_response(status)
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Accept-Ranges", "bytes")
        for key, value in headers:
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if stall:
            self.wfile.write(part[:-STALLED])
            self.wfile.flush()
            self.hub.released.wait(60)
            part = part[-STALLED:]
        self.wfile.write(part)

    def refuse(self, refusal):
        body = json.dumps({"error": refusal.message}).encode()
        headers = [("Content-Type", "application/json"),
                   ("X-Error-Message", refusal.message)]
        if refusal.code:
            headers.append(("X-Error-Code", refusal.code))
        if refusal.commit:
            headers.append(("X-Repo-Commit", refusal.commit))
        self.send(refusal.status, body, headers)

    # -- who may see what -------------------------------------------------

    def admit(self, name):
        """Refuse what the Hub would refuse the caller."""
        user = self.user()
        if user == "?":
            raise Refusal(401, None,
                          "Invalid credentials in Authorization header")
        if not self.hub.content.exists(name):
            status = 404 if user else 401
            raise Refusal(status, "RepoNotFound", "Repository not found")

    def admit_file(self, name):
        self.admit(name)
        user = self.user()
        if name.startswith("gated/") and user not in GATE_OPENS_FOR:
            raise Refusal(403 if user else 401, "GatedRepo",
                          f"Access to {name} is restricted")

    def commit_of(self, kind, name, revision):
        revision = urllib.parse.unquote(revision)
        commit = self.hub.content.commit(kind, name, revision)
        if commit is None:
            raise Refusal(404, "RevisionNotFound",
                          f"Invalid rev id: {revision}")
        return commit

    # -- the API ----------------------------------------------------------

    def api_whoami(self):
        user = self.user()
        if user in (None, "?"):
            raise Refusal(401, None,
                          "Invalid username or password.")
        self.send_json({
            "type": "user", "id": user, "name": user, "fullname": user,
            "email": f"{user}@example.org", "emailVerified": True,
            "isPro": False, "orgs": [], "canPay": False,
            "auth": {"type": "access_token", "accessToken": {
                "displayName": f"{user}-token", "role": "read",
                "createdAt": "2026-01-01T00:00:00.000Z"}}})

    def api_info(self, kind, name, revision="main"):
        self.admit(name)
        commit = self.commit_of(kind, name, revision)
        files = self.hub.content.files(commit)
        self.send_json({
            "id": name, "modelId": name, "_id": commit[:24], "sha": commit,
            "author": name.split("/")[0], "private": False,
            "gated": "auto" if name.startswith("gated/") else False,
            "disabled": False, "downloads": 0, "likes": 0, "tags": [],
            "lastModified": "2026-01-01T00:00:00.000Z",
            "createdAt": "2026-01-01T00:00:00.000Z",
            "siblings": [{"rfilename": path} for path in files]})

    def entry(self, path, file):
        value = {"type": "file", "oid": file.blob_id, "size": file.size,
                 "path": path}
        if file.kind != "git":
            value["lfs"] = {"oid": file.sha256, "size": file.size,
                            "pointerSize": 132}
        if file.kind == "xet":
            value["xetHash"] = file.xet
        return value

    def entries(self, files, below=""):
        folders = {"/".join(parts[:i]) for parts in
                   (path.split("/") for path in files)
                   for i in range(1, len(parts))}
        listed = [self.entry(path, file) for path, file in files.items()]
        listed += [{"type": "directory", "oid": "0" * 40, "size": 0,
                    "path": path} for path in folders]
        prefix = below + "/" if below else ""
        return [e for e in listed if e["path"].startswith(prefix)]

    def api_tree(self, kind, name, revision, below=""):
        self.admit(name)
        commit = self.commit_of(kind, name, revision)
        below = urllib.parse.unquote(below or "").strip("/")
        listed = self.entries(self.hub.content.files(commit), below)
        if self.query.get("recursive", ["false"])[0].lower() == "false":
            depth = below.count("/") + 1 if below else 0
            listed = [e for e in listed if e["path"].count("/") == depth]
        if below and not listed:
            raise Refusal(404, "EntryNotFound", f"{below} does not exist")
        self.send_json(sorted(listed, key=lambda e: e["path"]),
                       [("X-Repo-Commit", commit)])

    def api_paths(self, kind, name, revision):
        self.admit(name)
        commit = self.commit_of(kind, name, revision)
        body = self.body.decode()
        if self.headers.get("Content-Type", "").startswith(
                "application/json"):
            paths = json.loads(body)["paths"]
        else:
            paths = urllib.parse.parse_qs(body).get("paths", [])
        known = self.entries(self.hub.content.files(commit))
        self.send_json([e for e in known if e["path"] in paths])

    def api_refs(self, kind, name):
        self.admit(name)
        commit = self.commit_of(kind, name, "main")
        self.send_json({"branches": [{"name": "main", "targetCommit": commit,
                                      "ref": "refs/heads/main"}],
                        "converts": [], "tags": [], "pullRequests": []})

    def api_xet_token(self, kind, name, revision):
        self.admit_file(name)
        self.commit_of(kind, name, revision)
        expires = int(time.time()) + 3600
        self.send_json(
            {"casUrl": self.hub.store, "exp": expires, "accessToken": "x"},
            [("X-Xet-Cas-Url", self.hub.store),
             ("X-Xet-Access-Token", "x"),
             ("X-Xet-Token-Expiration", str(expires))])

    def api_harnesses(self):
        self.send_json({"standardEnvVars": [], "harnesses": {}})

    def telemetry(self):
        self.send_json({})

    # -- files ------------------------------------------------------------

    def resolve(self, name, revision, path, kind=None):
        kind = kind or "models"
        self.admit_file(name)
        commit = self.commit_of(kind, name, revision)
        path = urllib.parse.unquote(path)
        file = self.hub.content.files(commit).get(path)
        if file is None:
            refusal = Refusal(404, "EntryNotFound", "Entry not found")
            refusal.commit = commit
            raise refusal
        headers = [("X-Repo-Commit", commit), ("ETag", f'"{file.etag}"'),
                   ("Content-Disposition", f'inline; filename="{path}"')]
        if file.kind == "git":
            self.send_bytes(file.data, headers)
            return
        stall = "?stall" if f"{name}/{path}" in self.hub.stalled else ""
        headers += [("X-Linked-Etag", f'"{file.sha256}"'),
                    ("X-Linked-Size", str(file.size)),
                    ("Location",
                     f"{self.hub.store}/lfs/{file.sha256}{stall}")]
        if file.kind == "xet":
            refresh = (f"{self.hub.address}/api/{kind}/{name}"
                       f"/xet-read-token/{commit}")
            headers += [("X-Xet-Hash", file.xet),
                        ("X-Xet-Refresh-Route", refresh),
                        ("Link", f'<{refresh}>; rel="xet-auth"')]
        self.send(302, b"", headers)

    def lfs(self, sha256):
        file = self.payload(sha256)
        self.send_bytes(file.data, [("ETag", f'"{sha256}"')],
                        stall="stall" in self.raw_query)

    def payload(self, key):
        file = self.hub.content.payload(key)
        if file is None:
            raise Refusal(404, None, "no such payload")
        return file

    def xet_plan(self, version, xet):
        file = self.payload(xet)
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)",
                              self.headers.get("Range", ""))
        start = int(wanted[1]) if wanted else 0
        if start >= file.size:
            raise Refusal(416, None, "beyond the end of the file")
        self.send_json(reconstruction(self.hub, file, version, start))

    def xorb(self, xet):
        self.send_bytes(xorb_of(self.payload(xet).data))

    # -- the test's own ---------------------------------------------------

    def control_move(self, kind, name):
        self.send(200, self.hub.content.move_main(kind, name).encode())

    def control_stall(self, target):
        self.hub.released.clear()
        self.hub.stalled.add(target)
        self.send(200)

    def control_release(self):
        self.hub.stalled.clear()
        self.hub.released.set()
        self.send(200)

    def control_log(self):
        with self.hub.lock:
            lines = list(self.hub.log)
        self.send(200, "".join(line + "\n" for line in lines).encode())

    ROUTES = [(re.compile(pattern + r"\Z"), handler) for pattern, handler in (
        (r"/api/whoami-v2", api_whoami),
        (r"/api/agent-harnesses", api_harnesses),
        (r"/v1/telemetry", telemetry),
        (rf"/api/{KINDS}/{NAME}", api_info),
        (rf"/api/{KINDS}/{NAME}/revision/(?P<revision>[^/]+)", api_info),
        (rf"/api/{KINDS}/{NAME}/tree/(?P<revision>[^/]+)(?P<below>/.*)?",
         api_tree),
        (rf"/api/{KINDS}/{NAME}/paths-info/(?P<revision>[^/]+)", api_paths),
        (rf"/api/{KINDS}/{NAME}/refs", api_refs),
        (rf"/api/{KINDS}/{NAME}/xet-read-token/(?P<revision>[^/]+)",
         api_xet_token),
        (rf"/(?:(?P<kind>datasets)/)?{NAME}/resolve/(?P<revision>[^/]+)"
         r"/(?P<path>.+)", resolve),
        (r"/lfs/(?P<sha256>[0-9a-f]{64})", lfs),
        (r"/v(?P<version>[12])/reconstructions/(?P<xet>[0-9a-f]{64})",
         xet_plan),
        (r"/xorb/(?P<xet>[0-9a-f]{64})", xorb),
        (rf"/control/move/{KINDS}/{NAME}", control_move),
        (r"/control/stall/(?P<target>.+)", control_stall),
        (r"/control/release", control_release),
        (r"/control/log", control_log),
    )]

    def serve(self):
        split = urllib.parse.urlsplit(self.path)
        self.raw_query = split.query
        self.query = urllib.parse.parse_qs(split.query)
        self.body = self.rfile.read(
            int(self.headers.get("Content-Length") or 0))
        with self.hub.lock:
            self.hub.log.append(f"{self.user() or '-'} {self.command} "
                                f"{self.path}")
        for pattern, handler in self.ROUTES:
            match = pattern.match(split.path)
            if match:
                try:
                    handler(self, **match.groupdict())
                except Refusal as refusal:
                    self.refuse(refusal)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True
                return
        with self.hub.lock:
            self.hub.log.append(f"- UNKNOWN {self.command} {self.path}")
        self.refuse(Refusal(404, None, f"no such path: {split.path}"))

    do_GET = do_HEAD = do_POST = serve


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: hub_server.py ADDRESS-FILE")
    server = Server(("127.0.0.1", 0), Handler)
    store = Server(("127.0.0.2", 0), Handler)
    Handler.hub = Hub(f"http://127.0.0.1:{server.server_port}",
                      f"http://127.0.0.2:{store.server_port}")
    threading.Thread(target=store.serve_forever, daemon=True).start()
    scratch = sys.argv[1] + ".new"
    with open(scratch, "w", encoding="ascii") as out:
        out.write(Handler.hub.address + "\n")
    os.rename(scratch, sys.argv[1])
    server.serve_forever()


if __name__ == "__main__":
    main()
