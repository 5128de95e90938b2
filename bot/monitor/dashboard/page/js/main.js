// The page put together: panels that draw when what they need is new, those in sight at once.

import { byId, fill, h } from "./dom.js";
import { bind } from "./keys.js";
import { ready } from "./plot.js";
import { store } from "./store.js";
import { listen } from "./stream.js";
import { alive, restart, strip } from "./strip.js";
import { attribution } from "./panels/attribution.js";
import { book } from "./panels/book.js";
import { expiry } from "./panels/expiry.js";
import { exposure } from "./panels/exposure.js";
import { health } from "./panels/health.js";
import { hedges } from "./panels/hedges.js";
import { map } from "./panels/map.js";
import { margin } from "./panels/margin.js";
import { orders } from "./panels/orders.js";
import { smile } from "./panels/smile.js";

const PANELS = [exposure, hedges, map, smile, book, attribution, orders, expiry, margin, health];
// Out of sight a panel is drawn every ten seconds: a print of the whole page is never long behind.
const SLOW_MS = 900, QUICK_MS = 180, UNSEEN_MS = 10_000;
const STRIP = ["now", "coins", "plan", "equity", "attribution", "feeds", "lost", "instances", "connection"];

for (const panel of PANELS) {
  panel.dirty = true;
  panel.drawn = -Infinity;
  panel.about_ = h("span", { class: "quiet" });
  panel.tools_ = h("span", { class: "tools" });
  panel.body_ = h("div", { class: "body" });
  panel.node = h("section", { class: "panel", id: panel.id, tabindex: "-1", "aria-labelledby": `${panel.id}-title` },
    h("header", {}, h("h2", { id: `${panel.id}-title` }, panel.title), panel.tools_, panel.about_, h("kbd", { title: "key" }, panel.key)),
    panel.body_);
  byId("panels").append(panel.node);
}

const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const panel = PANELS.find((p) => p.node === target);
    if (isIntersecting && !panel.seen) panel.drawn = -Infinity;
    panel.seen = isIntersecting;
  }
  soon();
}, { rootMargin: "300px" });
PANELS.forEach((panel) => seen.observe(panel.node));

let stripDirty = true, planned = 0;

function news(changed) {
  if (changed.has("*")) restart();
  const all = changed.has("*");
  stripDirty ||= all || STRIP.some((name) => changed.has(name));
  for (const panel of PANELS) panel.dirty ||= all || panel.needs.some((name) => changed.has(name));
  soon();
}

function soon() {
  if (!planned && !document.hidden) planned = setTimeout(() => requestAnimationFrame(paint), QUICK_MS / 3);
}

function paint() {
  planned = 0;
  const now = performance.now();
  let left = false;
  if (stripDirty) {
    stripDirty = false;
    strip(chooseCoin, chooseInstance);
  }
  let unseen = 0;
  for (const panel of PANELS) {
    if (!panel.dirty || (!panel.seen && now - panel.drawn < UNSEEN_MS)) continue;
    // What takes long to draw is drawn less often, and out of sight one at a time, so that the page
    // always answers.
    const early = now - panel.drawn < Math.max(SLOW_MS, 10 * (panel.took ?? 0));
    if (panel.slow && (!ready() || early || (!panel.seen && unseen++))) {
      left = true;
      continue;
    }
    render(panel, performance.now());
  }
  if (left) setTimeout(soon, QUICK_MS);
}

function render(panel, now) {
  panel.dirty = false;
  panel.drawn = now;
  const again = () => { panel.dirty = true; panel.drawn = -Infinity; soon(); };
  if (panel.tools && !panel.tools_.contains(document.activeElement)) fill(panel.tools_, panel.tools(again));
  panel.about_.textContent = panel.about();
  panel.draw(panel.body_);
  panel.took = performance.now() - now;
}

function everything() {
  stripDirty = true;
  for (const panel of PANELS) { panel.dirty = true; panel.drawn = -Infinity; }
  if (document.activeElement?.closest?.(".tools")) document.activeElement.blur();
  soon();
}

function chooseCoin(coin) {
  store.coin = coin;
  everything();
}

function chooseInstance(name) {
  if (name === store.instance) return;
  restart();
  listen(name, news);
  const address = new URL(location.href);
  address.searchParams.set("instance", name);
  history.replaceState(null, "", address);
  everything();
}

addEventListener("theme", everything);
document.addEventListener("visibilitychange", () => { if (!document.hidden) everything(); });
window.addEventListener("load", everything);
setInterval(() => { if (!document.hidden) { alive(); soon(); } }, 1_000);
byId("theme").addEventListener("click", () => window.turnTheme());
bind({ panels: PANELS, chooseCoin, chooseInstance, everything });
listen(new URL(location.href).searchParams.get("instance"), news);
