// The book by expiry and strike: what is held where, and what each expiry carries.

import { empty, fill, h, row } from "../dom.js";
import { num, signed, span, usdSigned } from "../format.js";
import { colour } from "../plot.js";
import { coinOf, market, store } from "../store.js";

const METRICS = [
  ["quantity", "coins", (x) => signed(x, 1).replace(/\.0$/, "")],
  ["delta", "Δ coin", (x) => signed(x, 3)], ["gamma", "Γ coin per 1 %", (x) => signed(x, 4)],
  ["vega", "ν USD per point", (x) => signed(x, 1)], ["theta", "Θ USD a day", (x) => usdSigned(x, 0)],
];
const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
let chosen = 0;

export const book = {
  id: "book", key: "b", title: "Book by expiry and strike", needs: ["legs", "map", "positions"],
  about: () => `${METRICS[chosen][1]} of each strike, calls C and puts P · dotted: where the index is`,
  turn() { chosen = (chosen + 1) % METRICS.length; },
  tools: (again) => METRICS.map(([name], i) => h("button", {
    type: "button", "aria-pressed": String(i === chosen), onclick: () => { chosen = i; again(); },
  }, name)),
  draw(body) {
    const legs = parsed();
    if (!legs.length) return fill(body, empty("Nothing is held, or the bot has not shown its Greeks yet."));
    const options = legs.filter((leg) => leg.strike !== null);
    const scrolled = body.querySelector(".scroll")?.scrollLeft ?? 0;
    const frame = h("div", { class: "scroll", tabindex: "0", "aria-label": "Book" }, options.length ? matrix(options) : null);
    fill(body, frame, others(legs));
    frame.scrollLeft = scrolled;
  },
};

function parsed() {
  return (store.parts.legs ?? []).filter((leg) => leg.instrument.split(/[-_]/)[0] === store.coin).map((leg) => {
    const [, code, strike, side] = leg.instrument.split("-");
    const at = /^(\d{1,2})([A-Z]{3})(\d{2})$/.exec(code ?? "");
    return {
      name: leg.instrument, code, quantity: leg.quantity, delta: leg.delta_coin, gamma: leg.gamma_coin_per_pct,
      vega: leg.vega_usd, theta: leg.theta_usd_day, side, strike: strike ? Number(strike.replace("d", ".")) : null,
      expiry: at ? Date.UTC(2000 + Number(at[3]), MONTHS.indexOf(at[2]), Number(at[1]), 8) : null,
    };
  });
}

function matrix(options) {
  const strikes = [...new Set(options.map((leg) => leg.strike))].sort((a, b) => a - b);
  const expiries = [...new Set(options.map((leg) => leg.expiry))].sort((a, b) => a - b);
  const [name, , say] = METRICS[chosen], index = coinOf()?.index ?? null;
  const most = Math.max(1e-12, ...options.map((leg) => Math.abs(leg[name])));
  const above = strikes.find((strike) => strike >= index);
  const heads = ["expiry", ...strikes.map((s) => num(s, s < 10 ? 3 : 0)), "Δ", "Γ", "ν", "Θ"];
  const body = expiries.map((expiry) => {
    const mine = options.filter((leg) => leg.expiry === expiry), left = (expiry - market()) / 1000;
    const cells = strikes.map((strike) => cell(mine.filter((leg) => leg.strike === strike), name, say, most, strike === above));
    return h("tr", {}, h("td", {}, mine[0].code, " ", h("small", {}, span(left))), cells, totals(mine));
  });
  return h("table", { class: "matrix" },
    h("thead", {}, h("tr", {}, heads.map((head, i) => h("th", { scope: "col", class: strikes[i - 1] === above && above ? "spot" : "" }, head)))),
    h("tbody", {}, body, h("tr", { class: "sum" }, h("td", {}, "options"), strikes.map((s) => h("td", { class: s === above ? "spot" : "" })), totals(options))));
}

function cell(legs, name, say, most, spot) {
  const td = h("td", { class: `${legs.length ? "filled" : ""}${spot ? " spot" : ""}`, title: legs.map(tell).join("\n") || undefined },
    legs.map((leg, i) => [i ? " " : null, say(leg[name]), h("small", {}, leg.side)]));
  const total = legs.reduce((sum, leg) => sum + leg[name], 0);
  if (legs.length) {
    const strength = Math.round(8 + 30 * Math.min(1, Math.abs(total) / most));
    td.style.setProperty("background", `color-mix(in srgb, ${colour(total < 0 ? "loss" : "gain")} ${strength}%, transparent)`);
  }
  return td;
}

// Whose an instrument's parts are, and what of it is parked.
const owners = (name) => (store.parts.positions ?? []).filter((one) => one.instrument === name)
  .map((one) => `${one.tag} ${signed(one.quantity, 2)}${one.parked ? `, parked ${signed(one.parked, 2)}` : ""}${one.hedged ? "" : ", not hedged"}`).join("; ");
const tell = (leg) => `${leg.name} ${signed(leg.quantity, 2)} (${owners(leg.name)}) · Δ ${signed(leg.delta, 4)} · Γ ${signed(leg.gamma, 4)} per 1 % · ν ${signed(leg.vega, 1)} USD · Θ ${usdSigned(leg.theta, 0)} a day`;
// Of what is not known nobody knows the sum.
const sum = (legs, name) => legs.reduce((total, leg) => (total === null || leg[name] == null ? null : total + leg[name]), 0);

function totals(legs) {
  return [["delta", (x) => signed(x, 3)], ["gamma", (x) => signed(x, 4)], ["vega", (x) => signed(x, 0)], ["theta", (x) => usdSigned(x, 0)]]
    .map(([name, say]) => h("td", { class: "total" }, say(sum(legs, name))));
}

// Futures, what counts of the collateral, and the whole: the sum of what stands above it.
function others(legs) {
  const futures = legs.filter((leg) => leg.strike === null);
  const found = store.parts.map?.[store.coin];
  const lines = futures.map((leg) => row([leg.name, `${num(leg.quantity, 0)} ${Math.abs(leg.quantity) > 50 ? "USD" : ""}`, signed(leg.delta, 4), signed(leg.gamma, 4)]));
  if (found && Math.abs(found.rest) > 5e-5) lines.push(row(["collateral, marks, bounds", "", signed(found.rest, 4), ""]));
  for (const one of store.parts.positions ?? []) {
    if (one.parked && one.instrument.split(/[-_]/)[0] === store.coin) lines.push(row([`parked: ${one.instrument}`, signed(one.parked, 2), "", ""]));
  }
  const own = sum(legs, "delta"), whole = found && own !== null ? own + found.rest : null;
  lines.push(row(["whole book", "", signed(whole, 4), signed(sum(legs, "gamma"), 4)], "sum"));
  return h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, ["future", "quantity", `Δ ${store.coin}`, "Γ per 1 %"].map((x) => h("th", { scope: "col" }, x)))), h("tbody", {}, lines)));
}
