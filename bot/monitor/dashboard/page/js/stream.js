// One stream of events, reopened for as long as the page is: the dashboard may come and go.

import { store, take, forget } from "./store.js";

const SILENT_MS = 9_000;
let source = null;
let tell = () => {};
let tries = 0;
let waiting = 0;

export function listen(instance, onNews) {
  tell = onNews ?? tell;
  store.instance = instance;
  forget();
  open();
}

function open() {
  source?.close();
  clearTimeout(waiting);
  const query = store.instance ? `?instance=${encodeURIComponent(store.instance)}` : "";
  source = new EventSource(`/stream${query}`);
  store.heard = performance.now();
  source.onmessage = (event) => {
    tries = 0;
    const before = store.connected;
    store.connected = true;
    const changed = take(JSON.parse(event.data));
    if (!before) changed.add("connection");
    store.instance ??= store.parts.now?.instance ?? null;
    tell(changed);
  };
  source.onerror = () => {
    store.connected = false;
    tell(new Set(["connection"]));
    if (source.readyState === EventSource.CLOSED) again();
  };
}

// A refusal (no instance yet, a cookie that has ended) closes a stream for good: ask anew, slower.
function again() {
  clearTimeout(waiting);
  tries += 1;
  fetch("/js/store.js", { cache: "no-store" }).then((r) => r.status === 401 && location.reload(), () => {});
  waiting = setTimeout(open, Math.min(8_000, 500 * tries));
}

setInterval(() => {
  if (performance.now() - store.heard > SILENT_MS) {
    store.connected = false;
    tell(new Set(["connection"]));
    open();
  }
}, 2_000);
