// The keyboard: a letter for each panel, for coin, instance and theme; `?` says which.

import { byId, fill, h } from "./dom.js";
import { store } from "./store.js";

export function bind({ panels, chooseCoin, chooseInstance, everything }) {
  const dialog = byId("keys");
  const go = (panel) => { panel.node.scrollIntoView({ block: "start" }); panel.node.focus({ preventScroll: true }); };
  const here = () => panels.findIndex((panel) => panel.node.contains(document.activeElement));
  const step = (by) => go(panels[(here() + by + panels.length) % panels.length]);
  const turn = (list, current, by = 1) => list[(list.indexOf(current) + by + list.length) % list.length];
  const nextCoin = () => { const all = Object.keys(store.parts.coins ?? {}); if (all.length) chooseCoin(turn(all, store.coin)); };
  const names = () => store.instances.map((one) => one.name);
  const nextInstance = () => { if (names().length > 1) chooseInstance(turn(names(), store.instance)); };
  const option = () => { const panel = panels[here()] ?? panels[0]; panel.turn?.(); everything(); };
  const help = () => (dialog.open ? dialog.close() : show());

  const keys = new Map([
    ["?", ["these keys", help]], ["c", ["the next underlying", nextCoin]], ["i", ["the next instance; 1 to 9 choose one", nextInstance]],
    ["j", ["the next panel", () => step(1)]], ["k", ["the panel before", () => step(here() < 0 ? 0 : -1)]],
    ["w", ["the panel's next choice: span of time, expiry, figure", option]],
    ["t", ["light or dark", () => window.turnTheme()]], ["0", ["the top", () => scrollTo({ top: 0 })]],
    ...panels.map((panel) => [panel.key, [panel.title, () => go(panel)]]),
  ]);

  function show() {
    fill(dialog, h("h2", {}, "Keys"), h("dl", {}, [...keys].map(([key, [text]]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, text)])),
      h("p", { class: "quiet" }, "Charts: drag to zoom, double click to zoom out. Nothing on this page steers a bot; ", h("code", {}, "deltaband pause"), " does."));
    dialog.showModal();
  }

  byId("help").addEventListener("click", help);
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches?.("input, textarea, select")) return;
    const digit = Number(event.key);
    if (event.key >= "1" && event.key <= "9") {
      if (names()[digit - 1]) chooseInstance(names()[digit - 1]);
      return;
    }
    const found = keys.get(event.key);
    if (!found || (dialog.open && event.key !== "?")) return;
    event.preventDefault();
    found[1]();
  });
}
