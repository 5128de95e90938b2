// What margin uses of the funds, and how far the index is from liquidation.

import { empty, fact, fill, h } from "../dom.js";
import { known, num, pct, pctSigned, usd } from "../format.js";
import { axis, chart, colour, draw, timeAxis, utc } from "../plot.js";
import { coinOf, series, store } from "../store.js";

const node = chart(120, "Margin used over time");
const FARTHEST = 0.6;

export const margin = {
  id: "margin", key: "l", title: "Margin and liquidation", needs: ["coins", "margins"], slow: true,
  about: () => "shares of the funds that margin is held against; relative moves of the index",
  draw(body) {
    const found = coinOf()?.margin, index = coinOf()?.index, limits = store.parts.now?.limits ?? {};
    if (!found) return fill(body, empty("The exchange has not told this account's margin yet."));
    const used = (kind) => (found.funds ? found[`${kind}_margin`] / found.funds : null);
    fill(body,
      meter("initial margin", used("initial"), limits.initial), meter("maintenance margin", used("maintenance"), limits.maintenance),
      ladder(found, index),
      h("div", { class: "facts" },
        fact("liquidation below", known(found.down) ? usd(index * (1 + found.down), 0) : "at no price", known(found.down) ? pctSigned(found.down) : ""),
        fact("liquidation above", known(found.up) ? usd(index * (1 + found.up), 0) : "at no price", known(found.up) ? pctSigned(found.up) : ""),
        fact("equity", num(found.equity, 4), store.coin), fact("funds", num(found.funds, 4), store.coin),
        fact("model", found.model.replaceAll("_", " "))),
      node);
    history(limits);
  },
};

function meter(name, used, limit) {
  const stands = !known(used) ? "" : known(limit) && used > limit ? "outside" : known(limit) && used > 0.85 * limit ? "near" : "inside";
  return h("div", { class: `meter ${stands}` }, h("span", { class: "quiet" }, name),
    h("span", { class: "lane" }, h("i", { class: "used", at: { width: `${Math.min(100, (used ?? 0) * 100)}%` } }),
      known(limit) ? h("i", { class: "limit", at: { left: `${limit * 100}%` }, title: `limit ${pct(limit, 0)}` }) : null),
    h("span", { class: "amount number" }, pct(used)));
}

// Liquidation on a line from -60 % to +60 % of the index.
function ladder(found) {
  const at = (x) => 50 + (50 * Math.max(-FARTHEST, Math.min(FARTHEST, x))) / FARTHEST;
  const near = Math.min(...[found.down, found.up].filter(known).map(Math.abs), Infinity);
  const stands = near < 0.1 ? "outside" : near < 0.2 ? "near" : "inside";
  const end = (x) => (known(x) && Math.abs(x) < FARTHEST ? h("i", { class: "mark", at: { left: `${at(x)}%` } }) : null);
  return h("div", { class: `meter ${stands}` }, h("span", { class: "quiet" }, "room to move"),
    h("span", { class: "track", "aria-hidden": "true" },
      h("i", { class: "policy", at: { left: `${at(found.down ?? -FARTHEST)}%`, width: `${at(found.up ?? FARTHEST) - at(found.down ?? -FARTHEST)}%` } }),
      h("i", { class: "zero", at: { left: "50%" } }), end(found.down), end(found.up)),
    h("span", { class: "amount number" }, Number.isFinite(near) ? pct(near, 0) : "any"));
}

function history(limits) {
  const rows = series("margins");
  if (!rows?.t?.length) return;
  const t = rows.t.map(utc), share = (name) => rows[name].map((x) => (known(x) ? x * 100 : null));
  const limit = (y) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: y * 100, y1: y * 100, line: { color: colour("ink3"), width: 1, dash: "dot" } });
  draw(node, [
    { x: t, y: share("im"), mode: "lines", name: "initial", line: { color: colour("ink2"), width: 1.2 }, hovertemplate: "initial %{y:.1f} %<extra></extra>" },
    { x: t, y: share("mm"), mode: "lines", name: "maintenance", line: { color: colour("ink"), width: 1.5 }, hovertemplate: "maintenance %{y:.1f} %<extra></extra>" },
  ], {
    uirevision: store.coin, shapes: [limits.maintenance].filter(known).map(limit),
    xaxis: timeAxis({ nticks: 5 }), yaxis: axis({ rangemode: "tozero", ticksuffix: " %", nticks: 4 }),
  });
}
