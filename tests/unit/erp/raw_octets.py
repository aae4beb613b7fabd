"""A server that says exactly the octets it is told to, at the pace it is told to."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time


class RawServer:
    """`script` is a list of functions(connection, request), one per request; the last one stays."""

    def __init__(self, *script):
        self.script = list(script)
        self.requests: list[bytes] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def _serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        with connection, contextlib.suppress(OSError):
            while head := _request(connection):
                self.requests.append(head)
                answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                if answer(connection, head) is None:
                    return


def _request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def says(status=200, body=b"{}", kind="application/json", *, keep=True, length=None, **headers):
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}"]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    octets = "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def answer(connection, _):
        connection.sendall(octets)
        return keep or None

    return answer


def drips(octets, seconds_each):
    def answer(connection, _):
        for octet in octets:
            connection.sendall(bytes([octet]))
            time.sleep(seconds_each)

    return answer


def resets(connection, _):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hangs_up(_connection, _request):
    return None


def stays_silent(connection, _):
    connection.recv(1)
