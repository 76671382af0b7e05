"""Proxies between aditd and a mint or a node that can lose, once and on purpose, what travels through them."""
import asyncio
import contextlib
import ssl
from enum import Enum, auto
from pathlib import Path

import httpx


class Fault(Enum):
    NONE = auto()
    LOSE_ANSWER = auto()   # the other side acts, its answer never arrives
    HOLD_REQUEST = auto()  # the other side has not heard of it; until release()
    HOLD_ANSWER = auto()   # the other side has acted, its answer is on the way; until release()


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


class NodeProxy:
    """Under a node's own certificate, before that node. It passes bytes on as they come, so that streams do too. A
    fault strikes the next request of one kind, once."""

    def __init__(self, port: int, certificate: Path, key: Path):
        self.port, self.certificate, self.key = port, certificate, key
        self.struck = asyncio.Event()
        self._fault, self._request = Fault.NONE, b""
        self._release = asyncio.Event()
        self._serving: set[asyncio.Task] = set()
        self._server = None

    async def start(self) -> str:
        ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ours.load_cert_chain(self.certificate, self.key)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=ours)
        return f"https://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        if self._server:
            self._server.close()
        for task in self._serving:
            task.cancel()

    def arm(self, fault: Fault, request: str) -> None:
        """`request`: how its first line begins."""
        self._fault, self._request = fault, request.encode()
        self.struck.clear()
        self._release.clear()

    def release(self) -> None:
        self._release.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._serving.add(task)
        try:
            trust = ssl.create_default_context(cafile=str(self.certificate))
            node_reader, node_writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=trust)
            try:
                await self._relay(reader, writer, node_reader, node_writer)
            finally:
                node_writer.close()
        except (OSError, asyncio.CancelledError):
            pass  # of either side: the other one is hung up on
        finally:
            writer.close()
            self._serving.discard(task)

    async def _relay(self, reader, writer, node_reader, node_writer) -> None:
        fault = Fault.NONE

        async def requests() -> None:
            nonlocal fault
            while data := await reader.read(65536):
                if self._fault is not Fault.NONE and data.startswith(self._request):
                    fault, self._fault = self._fault, Fault.NONE
                    if fault is Fault.HOLD_REQUEST:
                        self.struck.set()
                        await self._release.wait()
                        return
                node_writer.write(data)
                await node_writer.drain()

        async def answers() -> None:
            while data := await node_reader.read(65536):
                if fault in (Fault.LOSE_ANSWER, Fault.HOLD_ANSWER):
                    self.struck.set()
                    if fault is Fault.HOLD_ANSWER:
                        await self._release.wait()
                    return
                writer.write(data)
                await writer.drain()

        both = [asyncio.create_task(requests()), asyncio.create_task(answers())]
        try:
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
