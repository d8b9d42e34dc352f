"""Share a GPU with mana-stt: take memory before you load a model, give it back when you are done.

One file, Python 3.8 or newer, standard library only: copy it into your service. See docs/how-to/share-the-gpu.md.

    from mana_gpu_lease import GpuLedger, NoMemory

    ledger = GpuLedger("http://127.0.0.1:3020", key="INTERNAL_API_KEY", owner="mana-tts")

    with ledger.lease("f5", mib=6000, wait=60) as lease:
        model = load(device="cuda:%d" % ledger.device_index(lease.device))
        lease.loaded()
        speak(model)
    # released here; unload before you leave the block

A service that keeps its model loaded says when it is idle, and lets go when somebody else needs the room:

    lease = ledger.lease("f5", mib=6000, wait=60, on_release=unload_and_release).acquire()
    lease.loaded()
    lease.idle()
    with lease.use():      # never asked to go in here
        speak(model)

A heartbeat in a thread of its own keeps the lease alive; a process that dies loses it after `ttl` seconds.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import weakref
from typing import Any, Callable, Dict, Iterator, Optional

__all__ = ["GpuLedger", "GpuLease", "LedgerError", "LeaseLost", "LedgerUnreachable", "NoMemory"]

# The server waits 120 s at most; longer waits ask again.
_MAX_WAIT_SECONDS = 100.0
_MAX_HEARTBEAT_SECONDS = 10.0
_MAX_ANSWER_BYTES = 4 * 1024 * 1024
_RETRY_SECONDS = 2.0


class LedgerError(Exception):
    """The ledger refused. `code` is for programs, the text for people, `request_id` for the log of mana-stt."""

    def __init__(self, status: int, code: str, detail: str, body: Optional[Dict[str, Any]] = None) -> None:
        super().__init__("%s (%s)" % (detail, code))
        self.status = status
        self.code = code
        self.detail = detail
        self.body = body or {}
        self.request_id = self.body.get("request_id")


class NoMemory(LedgerError):
    """There is no room, and it did not come within the wait. `blockers`: who would have to go."""

    @property
    def room(self) -> Dict[str, Any]:
        room = self.body.get("room")
        return room if isinstance(room, dict) else {}

    @property
    def blockers(self) -> list:
        blockers = self.room.get("blockers")
        return blockers if isinstance(blockers, list) else []


class LeaseLost(LedgerError):
    """The lease is no more: it expired, was released, or went with its device. Give the memory back."""


class LedgerUnreachable(LedgerError):
    """mana-stt does not answer, or answers nonsense."""

    def __init__(self, detail: str) -> None:
        super().__init__(0, "unreachable", detail)


class GpuLedger:
    """The ledger of one machine.

    url: of mana-stt; default $MANA_GPU_URL or http://127.0.0.1:3020.
    key: its INTERNAL_API_KEY; default $MANA_GPU_KEY.
    owner: name of your service, as others see it.
    timeout: seconds for one request, besides the time it is asked to wait.
    """

    def __init__(
        self,
        url: Optional[str] = None,
        key: Optional[str] = None,
        owner: str = "unnamed",
        timeout: float = 10.0,
    ) -> None:
        self.url = (url or os.environ.get("MANA_GPU_URL") or "http://127.0.0.1:3020").rstrip("/")
        if urllib.parse.urlsplit(self.url).scheme not in ("http", "https"):
            raise ValueError("url: write an http address, found %r" % self.url)
        self.owner = owner
        self._key = key or os.environ.get("MANA_GPU_KEY") or ""
        self._timeout = timeout
        # Neither proxies nor redirects: the key goes to this address only.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())

    def lease(self, model: str, mib: int, **options: Any) -> "GpuLease":
        """A lease that is not taken yet: enter it with `with`, or call `acquire`. Options as of `GpuLease`."""
        return GpuLease(self, model, mib, **options)

    def status(self) -> Dict[str, Any]:
        """Devices, leases and who waits, as GET /v1/gpu answers."""
        return self.request("GET", "/v1/gpu")

    def device_index(self, device: str) -> int:
        """Index of a device as nvidia-smi counts, for "cuda:N". CUDA counts alike with CUDA_DEVICE_ORDER=PCI_BUS_ID."""
        for found in self.status().get("devices", []):
            if found.get("id") == device:
                return int(found["index"])
        raise LedgerError(404, "unknown_device", "There is no device %r." % device)

    def request(
        self, method: str, path: str, body: Optional[Dict[str, Any]] = None, wait: float = 0.0
    ) -> Dict[str, Any]:
        """One request. Raises NoMemory, LeaseLost, LedgerUnreachable or LedgerError."""
        data = None if body is None else json.dumps(body).encode("utf-8")
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["X-API-Key"] = self._key
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with self._opener.open(request, timeout=self._timeout + wait) as response:
                return _parse(response.read(_MAX_ANSWER_BYTES), response.status)
        except urllib.error.HTTPError as error:
            with error:
                raise _to_error(error.code, error.read(_MAX_ANSWER_BYTES)) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise LedgerUnreachable("mana-stt at %s cannot be reached: %s" % (self.url, reason)) from error
        except Exception as error:  # http.client has exceptions that are none of the above
            raise LedgerUnreachable("mana-stt at %s broke off: %r" % (self.url, error)) from error


class GpuLease:
    """Memory of a device, from `acquire` (or `with`) to `release`.

    mib: the most that the model ever takes, working memory included.
    target: how it runs, e.g. "cuda/float16"; measured sizes are kept by model and target.
    device: id or index; None: wherever it fits.
    priority: 0 to 9; the higher is served first and asked to go last.
    ttl: seconds without a heartbeat after which the lease ends.
    wait: seconds to wait for room; 0: at once or not at all.
    pid: process that holds the memory; default this one, None: unknown.
    release_url: gets a POST when the room is wanted; needed by nobody who passes on_release.
    on_release: called with this lease, in a thread, when the room is wanted while it is idle: unload, then release().
        No `use` begins before it has returned.
    on_lost: called with this lease, in a thread, when it is no more.
    """

    def __init__(
        self,
        ledger: GpuLedger,
        model: str,
        mib: int,
        *,
        target: str = "default",
        device: Optional[str] = None,
        priority: int = 5,
        ttl: float = 60.0,
        wait: float = 0.0,
        pid: Optional[int] = -1,
        release_url: Optional[str] = None,
        on_release: Optional[Callable[["GpuLease"], None]] = None,
        on_lost: Optional[Callable[["GpuLease"], None]] = None
    ) -> None:
        self.ledger = ledger
        self.model = model
        self.mib = mib
        self.id: Optional[str] = None
        self.device: Optional[str] = None
        self._ttl = ttl
        self._wait = wait
        self._on_release = on_release
        self._on_lost = on_lost
        self._demand = _without_none(
            owner=ledger.owner,
            model=model,
            mib=mib,
            target=target,
            device=device,
            priority=priority,
            ttl_seconds=ttl,
            release_url=release_url,
            pid=os.getpid() if pid == -1 else pid,
        )
        self._lock = threading.RLock()
        self._users = 0
        self._is_busy = False
        self._stop = threading.Event()
        self._lost: Optional[LeaseLost] = None
        self._is_asked = False
        self._thread: Optional[threading.Thread] = None

    def acquire(self) -> "GpuLease":
        """Takes the memory; in use until `idle` or the end of a `use`. Raises NoMemory, LedgerUnreachable, LedgerError."""
        with self._lock:
            if self.id is not None:
                raise RuntimeError("this lease is taken already")
            answer = self._ask()
            self.id = str(answer["id"])
            self.device = str(answer["device"])
            self.mib = int(answer["mib"])
            self._users, self._lost, self._is_asked, self._is_busy = 0, None, False, True
            self._stop = threading.Event()
            self._thread = threading.Thread(
                target=_beat, args=(weakref.ref(self), self._stop, self._period()), daemon=True
            )
            self._thread.start()
        _open_leases.add(self)
        return self

    def release(self) -> None:
        """Gives the memory back: call it after you have unloaded. A second call does nothing."""
        with self._lock:
            lease_id, self.id = self.id, None
            self._stop.set()
        _open_leases.discard(self)
        if lease_id is None or self._lost is not None:
            return
        try:
            self.ledger.request("DELETE", _path(lease_id))
        except LeaseLost:
            pass
        except LedgerUnreachable:
            # It expires by itself; a service that ends must not fail for that.
            pass

    def loaded(self, used_mib: Optional[int] = None) -> None:
        """Says that everything is in memory, and what it takes where no pid can tell."""
        self._tell(loaded=True, used_mib=used_mib)

    def idle(self) -> None:
        """Says that the model is loaded and not used: it may be asked to go."""
        with self._lock:
            self._is_busy = False
            self._tell(in_use=False)

    def busy(self) -> None:
        """Says that the model is used. Raises LeaseLost when the lease is no more: then load anew."""
        with self._lock:
            self._tell(in_use=True)
            self._is_busy = True

    @contextlib.contextmanager
    def use(self) -> Iterator["GpuLease"]:
        """In use inside the block, idle afterwards. Blocks may overlap, from several threads."""
        with self._lock:
            if self._users == 0:
                self.busy()
            self._users += 1
        try:
            yield self
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0 and self.id is not None and self._lost is None:
                    with contextlib.suppress(LedgerError):
                        self.idle()

    @property
    def is_lost(self) -> bool:
        """The lease is no more although nobody released it."""
        return self._lost is not None

    def check(self) -> None:
        """Raises LeaseLost when the lease is no more."""
        if self._lost is not None:
            raise self._lost

    def __enter__(self) -> "GpuLease":
        return self.acquire()

    def __exit__(self, *_error: object) -> None:
        self.release()

    def _ask(self) -> Dict[str, Any]:
        deadline = time.monotonic() + self._wait
        while True:
            wait = min(max(0.0, deadline - time.monotonic()), _MAX_WAIT_SECONDS)
            try:
                return self.ledger.request("POST", "/v1/gpu/leases", dict(self._demand, wait=wait), wait)
            except (NoMemory, LedgerUnreachable):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise
                time.sleep(min(left, _RETRY_SECONDS))

    def _tell(self, **news: Any) -> None:
        with self._lock:
            self.check()
            if self.id is None:
                raise LeaseLost(410, "lease_ended", "This lease is not taken, or was released.")
            try:
                answer = self.ledger.request("PUT", _path(self.id), _without_none(**news))
            except LeaseLost as error:
                self._lose(error)
                raise
        self._heed(answer)

    def _heed(self, answer: Dict[str, Any]) -> None:
        is_asked = answer.get("state") == "releasing"
        with self._lock:
            is_new = is_asked and not self._is_asked and self.id is not None
            self._is_asked = is_asked
        if is_new and self._on_release is not None:
            threading.Thread(target=self._let_go, daemon=True).start()

    def _let_go(self) -> None:
        # With the lock: a use that begins now waits, and finds the lease gone.
        with self._lock:
            if not self._is_busy and self.id is not None and self._on_release is not None:
                self._on_release(self)

    def _lose(self, error: LeaseLost) -> None:
        with self._lock:
            if self._lost is not None or self.id is None:
                return
            self._lost = error
            self._stop.set()
        _open_leases.discard(self)
        if self._on_lost is not None:
            threading.Thread(target=self._on_lost, args=(self,), daemon=True).start()

    def _period(self) -> float:
        return min(self._ttl / 3.0, _MAX_HEARTBEAT_SECONDS)


def _beat(lease_ref: "weakref.ReferenceType[GpuLease]", stop: threading.Event, period: float) -> None:
    while not stop.wait(period):
        lease = lease_ref()
        if lease is None:
            return
        lease_id = lease.id
        if lease_id is None:
            return
        try:
            answer = lease.ledger.request("PUT", _path(lease_id), {})
        except LeaseLost as error:
            lease._lose(error)
            return
        except LedgerError:
            # It is down or restarts: the next heartbeat may find it again.
            pass
        else:
            lease._heed(answer)
        del lease


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any, **_options: Any) -> None:
        return None


def _parse(raw: bytes, status: int) -> Dict[str, Any]:
    if not raw and status == 204:
        return {}
    body = json.loads(raw.decode("utf-8"))
    if not isinstance(body, dict):
        raise ValueError("the answer is no object")
    return body


def _to_error(status: int, raw: bytes) -> LedgerError:
    try:
        body = _parse(raw, status)
    except ValueError:
        return LedgerUnreachable("no answer of mana-stt, but status %d" % status)
    code, detail = str(body.get("code", "unknown")), body.get("detail", "")
    if not isinstance(detail, str):
        detail = json.dumps(detail)
    if code == "no_gpu_memory":
        return NoMemory(status, code, detail, body)
    if code in ("unknown_lease", "lease_ended"):
        return LeaseLost(status, code, detail, body)
    return LedgerError(status, code, detail, body)


def _path(lease_id: str) -> str:
    return "/v1/gpu/leases/" + urllib.parse.quote(lease_id, safe="")


def _without_none(**members: Any) -> Dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


_open_leases: "weakref.WeakSet[GpuLease]" = weakref.WeakSet()


@atexit.register
def _release_all() -> None:
    for lease in list(_open_leases):
        with contextlib.suppress(Exception):
            lease.release()
