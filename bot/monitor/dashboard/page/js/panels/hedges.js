// Every hedge: what it did, why, and what it cost. The newest first.

import { empty, fill, h } from "../dom.js";
import { because, places, reason, signed, time, usd } from "../format.js";
import { inputsOf, series, store } from "../store.js";

const SHOWN = 120;
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
    for (let i = all.t.length - 1; i >= Math.max(0, all.t.length - SHOWN); i -= 1) {
      list.append(one(all, i, digits, same && all.t[i] > had));
    }
    const top = body.firstChild?.scrollTop ?? 0;
    newest = { coin: `${store.instance} ${store.coin}`, t: all.t.at(-1) };
    fill(body, list);
    list.scrollTop = top;
  },
};

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
    h("span", { class: "why" }, `${because(all.why[i]) || reason(all.reason[i])} · ${all.what[i] || all.kind[i]}`));
}
