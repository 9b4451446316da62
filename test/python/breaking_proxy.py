"""A proxy between clients and a server, which breaks their connections when it is told to."""

import socket
import threading
from collections.abc import Iterator

TIMEOUT_S = 30
HTTP2_PREFACE_BYTES = 24
FRAME_HEADER_BYTES = 9
HEADERS = 1
#: GOAWAY of a server that stops: it has looked at no stream, and there was no error.
GO_AWAY = bytes((0, 0, 8, 7, 0, 0, 0, 0, 0)) + bytes(8)


class Frames:
    """Cuts one direction of an HTTP/2 connection into frames."""

    def __init__(self, preface_bytes: int) -> None:
        self._preface_bytes = preface_bytes
        self._buffer = b""

    def cut(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Type and bytes of each frame that is whole now; the preface counts as a frame of type -1."""
        self._buffer += data
        while True:
            kind, size = -1, self._preface_bytes
            if not size and len(self._buffer) >= FRAME_HEADER_BYTES:
                kind = self._buffer[3]
                size = FRAME_HEADER_BYTES + int.from_bytes(self._buffer[:3], "big")
            if not size or len(self._buffer) < size:
                return
            frame, self._buffer = self._buffer[:size], self._buffer[size:]
            self._preface_bytes = 0
            yield kind, frame


class Proxy:
    """Passes frames between clients and a server, and breaks connections when it is told to."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._frozen: set[tuple[socket.socket, socket.socket]] = set()
        self._is_cut_off = False
        self._swallows = False
        self._turns_away = False
        self._request_seen = False
        self._client_gone = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_the_next_answer(self) -> None:
        """Let the next request through, and close the connection in the place of its answer."""
        self._request_seen = False
        self._swallows = True

    def turn_away_the_next_request(self) -> None:
        """Answer the next request as a server does that stops: it was not looked at."""
        self._turns_away = True

    def break_connections(self) -> None:
        """Close what is open, and wait until the client knows."""
        self._client_gone.clear()
        for client, _ in self._pairs:
            client.shutdown(socket.SHUT_WR)
        self.wait_for_client_to_leave()

    def freeze(self) -> None:
        """Pass nothing on any more through what is open, as if the network was gone: neither end hears of it."""
        self._client_gone.clear()
        self._frozen.update(self._pairs)

    def break_all(self) -> None:
        """Close what is open, as a router does that is restarted."""
        for pair in list(self._pairs):
            close(*pair)

    def cut_off(self) -> None:
        """Pass nothing on any more, also through connections that are opened from now on."""
        self._is_cut_off = True
        self._frozen.update(self._pairs)

    def mend(self) -> None:
        """Pass on what goes through connections that are opened from now on."""
        self._is_cut_off = False

    def wait_for_client_to_leave(self) -> None:
        """Wait until the client has given up a connection."""
        assert self._client_gone.wait(TIMEOUT_S)

    def stop(self) -> None:
        close(self._listener)
        for pair in list(self._pairs):
            close(*pair)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._server_port))
            except OSError:
                close(client)
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = (client, server)
            self._pairs.append(pair)
            if self._is_cut_off:
                self._frozen.add(pair)
            threading.Thread(target=self._to_server, args=pair, daemon=True).start()
            threading.Thread(target=self._to_client, args=pair, daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        frames = Frames(HTTP2_PREFACE_BYTES)
        try:
            while data := client.recv(1 << 16):
                if (client, server) in self._frozen:
                    continue
                for kind, frame in frames.cut(data):
                    if self._turns_away and kind == HEADERS:
                        self._turns_away = False
                        self._frozen.add((client, server))
                        client.sendall(GO_AWAY)
                        client.shutdown(socket.SHUT_WR)
                        break
                    self._request_seen |= self._swallows and kind == HEADERS
                    server.sendall(frame)
        except OSError:
            pass
        if (client, server) in self._pairs:
            self._pairs.remove((client, server))
        close(client, server)
        self._client_gone.set()

    def _to_client(self, client: socket.socket, server: socket.socket) -> None:
        frames = Frames(0)
        try:
            while data := server.recv(1 << 16):
                if (client, server) in self._frozen:
                    continue
                for kind, frame in frames.cut(data):
                    if self._request_seen and kind == HEADERS:
                        self._swallows = self._request_seen = False
                        return close(client, server)
                    client.sendall(frame)
        except OSError:
            pass
        close(client, server)


def close(*ends: socket.socket) -> None:
    for end in ends:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        end.close()
