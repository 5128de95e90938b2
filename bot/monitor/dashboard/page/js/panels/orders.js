// Orders at work, what a day's came to, and the last that are done.

import { empty, fill, h, row, table } from "../dom.js";
import { date, known, num, pct, signed, span, time, usd, usdShort } from "../format.js";
import { market, series, store } from "../store.js";

const LAST = 8;

export const orders = {
  id: "orders", key: "o", title: "Orders and slippage", needs: ["orders", "done", "now"],
  about: () => "slippage against the mid of the decision, USD and basis points; positive is paid",
  draw(body) {
    const found = store.parts.orders;
    if (!found) return fill(body, empty("No orders have been read yet."));
    fill(body,
      h("h3", {}, "working"), working(found.open.filter((one) => one.coin === store.coin)),
      h("h3", {}, found.since ? `since ${date(found.since)} 08:00 UTC` : "today"), totals(found.totals.filter((one) => one.coin === store.coin)),
      h("h3", {}, "last done"), last());
  },
};

function working(open) {
  if (!open.length) return h("p", { class: "quiet", at: { margin: "0 0 2px" } }, "none: nothing rests, nothing is unknown");
  return h("div", { class: "scroll" }, table([{ text: "order", left: true }, { text: "instrument", left: true }, "quantity", "price", "kind", "state", "age"],
    open.map((one) => row([
      one.label, h("td", { class: "left" }, one.instrument), `${signed(one.quantity, one.unit === "usd" ? 0 : 1)} ${one.unit}`, num(one.price, one.price < 1 ? 4 : 1),
      one.post ? "maker" : one.force, h("td", { class: one.state === "unknown" ? "outside" : "" }, one.state), span((market() - one.t) / 1000),
    ]))));
}

function totals(all) {
  if (!all.length) return h("p", { class: "quiet", at: { margin: "0 0 2px" } }, "no order is done yet");
  const bps = (cost, traded) => (traded > 0 ? num((cost / traded) * 1e4, 2) : "–");
  return h("div", { class: "scroll" }, table([{ text: "for", left: true }, "orders", "filled", "traded", "as maker", "slippage", "bps", "shown bps", "fees"],
    all.map((one) => row([
      one.purpose, one.orders, one.filled, one.usd ? usdShort(one.usd) : "options", one.usd ? pct(one.maker_usd / one.usd, 0) : "–",
      usd(one.slip), bps(one.slip, one.usd), bps(one.shown, one.usd), usd(one.fee),
    ]))));
}

function last() {
  const done = series("done");
  if (!done?.t?.length) return empty("No order is done yet.");
  const lines = [];
  for (let i = done.t.length - 1; i >= Math.max(0, done.t.length - LAST); i -= 1) {
    const places = done.unit[i] === "usd" ? 0 : 2;
    lines.push(row([
      time(done.t[i]), h("td", { class: "left" }, done.instrument[i]), done.purpose[i],
      `${signed(done.filled[i], places)} of ${signed(done.quantity[i], places)} ${done.unit[i]}`,
      done.post[i] ? "maker" : "taker", known(done.bps[i]) ? signed(done.bps[i], 2) : "–", usd(done.slip[i]), usd(done.fee[i]), span(done.s[i]),
    ]));
  }
  return h("div", { class: "scroll" }, table([{ text: "UTC", left: true }, { text: "instrument", left: true }, "for", "filled", "as", "bps", "slippage", "fee", "took"], lines));
}
