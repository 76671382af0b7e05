"""An HTTP proxy between aditd and a mint that can lose, once and on purpose, what travels through it."""
import asyncio
import contextlib
from enum import Enum, auto

import httpx


class Fault(Enum):
    NONE = auto()
    LOSE_ANSWER = auto()   # the mint acts, its answer never arrives
    HOLD_REQUEST = auto()  # the mint has not heard of it; until release()
    HOLD_ANSWER = auto()   # the mint has acted, its answer is on the way; until release()


class Proxy:
    """Listens on a loopback port of its own. A fault strikes the next swap, once."""

    def __init__(self, upstream: str):
        self.upstream = upstream
        self.swaps = 0               # POST /v1/swap seen since the start
        self.struck = asyncio.Event()  # the fault has happened, or is happening
        self._fault = Fault.NONE
        self._release = asyncio.Event()
        self._client = httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_keepalive_connections=0))
        self._server = None

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self.url

    async def stop(self) -> None:
        self.release()
        self._server.close()
        await self._client.aclose()

    def arm(self, fault: Fault) -> None:
        self._fault = fault
        self.struck.clear()
        self._release.clear()

    def release(self) -> None:
        self._release.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, httpx.HTTPError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            request_line, *lines = head.split("\r\n")[:-2]
            method, path, _ = request_line.split(" ", 2)
            headers = {name.strip().lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
            if headers.get("expect", "").lower() == "100-continue":
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            answer = await self._forward(method, path, headers, body)
            if answer is not None:
                kind = answer.headers.get("content-type", "application/json")
                writer.write(f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}\r\ncontent-type: {kind}\r\n"
                             f"content-length: {len(answer.content)}\r\nconnection: close\r\n\r\n".encode())
                writer.write(answer.content)
                await writer.drain()
        writer.close()

    async def _forward(self, method: str, path: str, headers: dict, body: bytes) -> httpx.Response | None:
        fault = Fault.NONE
        if (method, path) == ("POST", "/v1/swap"):
            self.swaps += 1
            fault, self._fault = self._fault, Fault.NONE
        if fault is Fault.HOLD_REQUEST:
            self.struck.set()
            await self._release.wait()
            return None  # whoever asked is gone by now
        kept = {name: headers[name] for name in ("content-type", "accept") if name in headers}
        answer = await self._client.request(method, self.upstream + path, content=body, headers=kept)
        if fault in (Fault.LOSE_ANSWER, Fault.HOLD_ANSWER):
            self.struck.set()
            if fault is Fault.HOLD_ANSWER:
                await self._release.wait()
            return None
        return answer
