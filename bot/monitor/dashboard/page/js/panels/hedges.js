// Every hedge: what it did, why, and what it cost. The newest first.

import { empty, fill, h } from "../dom.js";
import { because, places, reason, signed, time, usd } from "../format.js";
import { inputsOf, series, store } from "../store.js";

const SHOWN = 120, FOLDED = 4;
const opened = new Set();
const GLYPHS = { delta: "◆", gamma: "★", unwind: "●" };
let newest = { coin: null, t: 0 };

export const hedges = {
  id: "hedges", key: "g", title: "Hedges", needs: ["hedges", "coins"],
  about: () => {
    const all = series("hedges");
    if (!all?.t?.length) return "";
    const cost = all.t.reduce((sum, _, i) => sum + (all.fee[i] ?? 0) + (all.slip[i] ?? 0), 0);
    return `${all.t.length} · cost ${usd(cost)} in all`;
  },
  draw(body) {
    const all = series("hedges");
    if (!all?.t?.length) return fill(body, empty("No hedge yet: delta has not left the policy's band, or nothing may be sent. The status strip says which."));
    const inputs = inputsOf(), digits = inputs ? places(inputs.upper - inputs.lower) : 4;
    const same = newest.coin === `${store.instance} ${store.coin}`, had = newest.t;
    const list = h("div", { class: "scroll", tabindex: "0", "aria-label": "Hedges, newest first" });
    const last = Math.max(0, all.t.length - SHOWN);
    for (let i = all.t.length - 1; i >= last;) {
      const first = startOf(all, i, last);
      const rows = [];
      for (let n = i; n >= first; n -= 1) rows.push(one(all, n, digits, same && all.t[n] > had));
      list.append(...(rows.length >= FOLDED ? [folded(all, first, i, digits, rows)] : rows));
      i = first - 1;
    }
    const top = body.firstChild?.scrollTop ?? 0;
    newest = { coin: `${store.instance} ${store.coin}`, t: all.t.at(-1) };
    fill(body, list);
    list.scrollTop = top;
  },
};

// The first of the steps of one settlement unwind, which belong together.
function startOf(all, i, last) {
  let first = i;
  while (all.kind[i] === "unwind" && first > last && all.kind[first - 1] === "unwind") first -= 1;
  return first;
}

// Many steps as one line that opens; what was opened stays open.
function folded(all, first, i, digits, rows) {
  const name = `${store.instance} ${store.coin} ${all.t[first]}`;
  const cost = rows.reduce((sum, _, n) => sum + (all.fee[first + n] ?? 0) + (all.slip[first + n] ?? 0), 0);
  const node = h("details", { open: opened.has(name) },
    h("summary", { class: "hedge" }, h("span", { class: "quiet number" }, time(all.t[i])),
      h("span", { class: "number" }, h("span", { class: "near", "aria-hidden": "true" }, "●"), ` ${rows.length} steps, Δ ${signed(all.before[first], digits)} → ${signed(all.after[i], digits)} ${store.coin}`),
      h("span", { class: "number quiet" }, usd(cost)),
      h("span", { class: "why" }, `${reason(all.reason[i])} since ${time(all.t[first])}, last: ${because(all.why[i])}`)), rows);
  node.addEventListener("toggle", () => (node.open ? opened.add(name) : opened.delete(name)));
  return node;
}

function one(all, i, digits, fresh) {
  const gamma = all.kind[i] === "gamma";
  const was = gamma
    ? `Γ ${signed(all.gBefore[i], digits)} → ${signed(all.gAfter[i], digits)} per 1 %`
    : `Δ ${signed(all.before[i], digits)} → ${signed(all.after[i], digits)} ${store.coin}`;
  const cost = (all.fee[i] ?? 0) + (all.slip[i] ?? 0);
  return h("div", { class: `hedge${fresh ? " new" : ""}`, "data-t": all.t[i], title: all.why[i] },
    h("span", { class: "quiet number" }, time(all.t[i])),
    h("span", { class: "number" }, h("span", { class: "near", "aria-hidden": "true" }, GLYPHS[all.kind[i]] ?? "■"), " ", was),
    h("span", { class: "number quiet" }, usd(cost)),
    h("span", { class: "why" }, `${because(all.why[i]) || reason(all.reason[i])} · ${because(all.what[i]) || all.kind[i]}`));
}
