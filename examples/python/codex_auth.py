#!/usr/bin/env python3
"""A client of codex-authd in another language, written from what the daemon says of itself (`rpc.discover`).

    token = CodexAuth().call("token/get", minValidityMs=60_000)["accessToken"]

Python 3.9 or newer, standard library only. Run it to see who is logged in.
"""
import http.client
import json
import os
import socket
import sys


class AuthError(Exception):
    """The daemon said no. `code` never changes its meaning; `retryable`: asking again later may help."""

    def __init__(self, error):
        super().__init__(error["message"])
        data = error.get("data") or {}
        self.code, self.retryable = data.get("code"), data.get("retryable", False)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class CodexAuth:
    def __init__(self, path=None, timeout_seconds=70):
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        folder = f"{runtime}/codex-authd" if runtime else os.path.expanduser("~/.codex-authd/run")
        self.path = path or os.environ.get("CODEX_AUTHD_SOCKET") or f"{folder}/codex-authd.sock"
        self.timeout_seconds = timeout_seconds

    def call(self, method, **params):
        """Calls a method by its name. Raises AuthError, or OSError when there is no daemon."""
        connection = UnixConnection(self.path, self.timeout_seconds)
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        connection.request("POST", "/v1/rpc", body, {"content-type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        if "error" in answer:
            raise AuthError(answer["error"])
        return answer["result"]


if __name__ == "__main__":
    try:
        status = CodexAuth().call("session/status")
        print(status["email"] if status["state"] == "active" else f"not logged in: {status['reason']}")
    except (AuthError, OSError) as failure:
        sys.exit(f"codex-authd: {failure}")
