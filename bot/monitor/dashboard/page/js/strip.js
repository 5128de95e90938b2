// The strip at the top: who, when, and how each underlying stands against its bands.

import { byId, fill, h, unit } from "./dom.js";
import { known, num, pct, pctSigned, places, signed, span, time, date, usdShort, usdSigned } from "./format.js";
import { dayProfit, gammaVerdict, inputsOf, market, store, unwell, verdict, wall } from "./store.js";

const WORDS = { inside: "inside", near: "near the edge", outside: "OUTSIDE", "": "not measured" };
let beats = [];

export function strip(choose, chooseInstance) {
  const now = store.parts.now ?? {};
  fill(byId("instances"), store.instances.length > 1 || !now.instance
    ? store.instances.slice(0, 9).map((one, i) => h("button", {
        type: "button", "aria-pressed": String(one.name === store.instance), onclick: () => chooseInstance(one.name),
        title: `${one.running ? "runs" : "does not run"} (${i + 1})`,
      }, one.running ? "● " : "○ ", one.name))
    : h("b", {}, now.instance));
  const mode = byId("mode");
  mode.textContent = now.mode ?? "";
  mode.className = now.mode === "live" ? "tag real" : "tag";
  mode.hidden = !now.mode;
  byId("source").textContent = now.source ? `${now.source} · run ${now.run} · ${now.version}` : "";
  const coins = store.parts.coins ?? {};
  fill(byId("board"), Object.entries(coins).map(([coin, one]) => line(coin, one, choose)));
  alive();
  document.documentElement.style.setProperty("--strip", `${Math.min(byId("strip").offsetHeight, innerHeight / 2) + 8}px`);
}

// Ages run on while nothing comes: called every second as well.
export function alive() {
  const now = store.parts.now ?? {}, pulse = byId("pulse"), stale = byId("stale");
  const age = known(now.beat) ? Math.max(0, (wall() - now.beat) / 1000) : null;
  const quiet = !store.connected, old = now.stale || (known(age) && age > 6);
  const ill = Object.keys(store.parts.coins ?? {}).map(unwell).filter((one) => one.text);
  // That the bot runs is no comfort while a coin is off or outside.
  const stands = now.state === "RUNNING" && ill.length ? "" : now.state ?? "…";
  const most = ill.length > 3 ? [...ill.slice(0, 3), { text: `${ill.length - 3} more` }] : ill;
  const text = quiet ? "dashboard lost" : now.problem ? "no journal" : old ? "STALE"
    : [stands.replaceAll("_", " "), ...most.map((one) => one.text)].filter(Boolean).join(" · ");
  pulse.textContent = text;
  pulse.className = quiet || old || now.problem ? "lost near" : ill.some((one) => one.kind === "outside") ? "outside"
    : now.state === "RUNNING" && !ill.length ? "inside" : "near";
  const why = quiet ? "The dashboard does not answer; what is shown is what it last said. It is asked again."
    : now.problem ? now.problem
    : old ? `STALE: last heard ${span(age)} ago · ${now.why || "waiting for the bot"} · all figures are of market time ${time(now.market)} UTC`
    : "";
  const lost = Object.keys(store.parts.lost ?? {});
  const words = why || [now.untold, lost.length ? `DISCONNECTED from the exchange: ${lost.join(", ")}` : ""]
    .filter(Boolean).join(" · ");
  stale.hidden = !words;
  stale.textContent = words;
  document.body.classList.toggle("old", Boolean(why));
  const pace = speed(now);
  byId("clock").textContent = known(now.market) ? `${date(now.market)} ${time(now.market)} UTC${pace}` : "";
  document.title = `${old || quiet ? "STALE · " : ""}${now.instance ?? "deltaband"}${worst()}`;
}

function worst() {
  const out = Object.entries(store.parts.coins ?? {}).filter(([coin, one]) => verdict(one, inputsOf(coin)) === "outside");
  return out.length ? ` · ${out.map(([coin]) => coin).join(" ")} OUTSIDE` : "";
}

// How much faster than the clock a paper market runs.
function speed(now) {
  if (known(now.beat) && beats.at(-1)?.[0] !== now.beat) beats = [...beats.slice(-8), [now.beat, now.market]];
  if (beats.length < 4 || now.mode !== "paper" || now.source === "venue") return "";
  const [first, last] = [beats[0], beats.at(-1)];
  const times = (last[1] - first[1]) / Math.max(1, last[0] - first[0]);
  return times > 1.5 ? ` ×${Math.round(times)}` : "";
}

export const restart = () => { beats = []; };

function line(coin, one, choose) {
  const inputs = inputsOf(coin), digits = places((one.upper ?? 0) - (one.lower ?? 0));
  const stands = verdict(one, inputs), bends = gammaVerdict(one, inputs);
  const margin = one.margin, funds = margin?.funds;
  const day = dayProfit(coin), doubts = one.doubts?.length ?? 0;
  const old = store.parts.now?.stale;
  const state = one.off ? "OFF" : one.state;
  return h("button", {
      type: "button", class: `coin${old ? " dim" : ""}`, "aria-pressed": String(coin === store.coin), "data-coin": coin,
      onclick: () => choose(coin), title: (one.doubts ?? []).map((d) => `${d.reason} ${d.subject}`).join("\n") || undefined,
    },
    cell("name", known(one.index) ? `${num(one.index, one.index < 1000 ? 2 : 0)} USD` : "no index", coin),
    cell("state", one.why?.length ? one.why[0].reasons.map((r) => r.reason).join(", ").replaceAll("_", " ") : old ? "last state" : "state",
      state.replaceAll("_", " "), state === "RUNNING" ? "" : "near"),
    gauge("delta", `Δ ${coin} · ${WORDS[stands]}`, signed(one.delta_coin, digits), stands, deltaTrack(one, inputs)),
    gauge("gamma", `Γ ${coin} per 1 %${bends ? ` · ${WORDS[bends]}` : " · no limit set"}`,
      signed(one.gamma_coin_per_pct, digits), bends, gammaTrack(one, inputs)),
    cell("", "ν USD per point", signed(one.vega_usd, 1)),
    cell("", "Θ USD a day", usdSigned(one.theta_usd_day, 0)),
    cell("", day ? `P&L since ${time(day.since).slice(0, 5)}` : "equity USD", day ? usdSigned(day.usd, 0) : usdShort(one.equity_usd)),
    cell("", "margin used", funds ? pct(margin.maintenance_margin / funds, 0) : "–",
      share(margin, "maintenance"), margin ? "maint." : ""),
    cell("", "liquidation", liquidation(margin), room(margin)),
    cell("", `${doubts === 1 ? "doubt" : "doubts"} · feed age`, [h("span", { class: doubts ? "near" : "" }, doubts), " · ", age(coin)]),
  );
}

function cell(kind, label, value, stands = "", note = "") {
  return h("span", { class: `cell ${kind}` },
    h("span", { class: "label" }, label), h("span", { class: `value number ${stands}` }, value, note ? unit(note) : null));
}

function gauge(kind, label, value, stands, track) {
  return h("span", { class: `cell ${kind} ${stands}` },
    h("span", { class: "label" }, label),
    h("span", { class: "gauge" }, h("span", { class: "value number" }, value), track));
}

function share(margin, kind) {
  const limit = store.parts.now?.limits?.[kind];
  if (!margin?.funds || !known(limit)) return "";
  const used = margin[`${kind}_margin`] / margin.funds;
  return used > limit ? "outside" : used > 0.85 * limit ? "near" : "";
}

// How near the account is to liquidation: amber within 20 % of the index, vermilion within 10 %.
export function room(margin) {
  const near = Math.min(...[margin?.down, margin?.up].filter(known).map(Math.abs), Infinity);
  return near < 0.1 ? "outside" : near < 0.2 ? "near" : "";
}

function liquidation(margin) {
  if (!margin) return "–";
  const side = (x) => (known(x) ? pctSigned(x, 0) : "never");
  return `${side(margin.down)} / ${side(margin.up)}`;
}

export function feedAge(coin) {
  const feed = store.parts.feeds?.[coin], now = market();
  if (!feed || !known(now)) return null;
  const oldest = Math.min(feed.index_ns, ...Object.values(feed.quotes_ns ?? {}));
  const shown = store.parts.shown ?? now;
  return Math.max(0, (shown - oldest / 1e6) / 1000);
}

function age(coin) {
  const s = feedAge(coin);
  return h("span", { class: s === null || s > 10 ? "near" : "" }, s === null ? "–" : span(s));
}

const bar = (kind, at) => h("i", { class: kind, at });
const span2 = (low, high) => ({ left: `${low}%`, width: `${Math.max(0, high - low)}%` });

// The owner's band takes the middle 70 %; what is outside has room to be seen outside.
function deltaTrack(one, inputs) {
  if (!known(one.delta_coin)) return h("span", { class: "track" });
  const at = scale(one.lower, one.upper);
  const parts = [bar("owner low high", span2(at(one.lower), at(one.upper)))];
  if (inputs) parts.push(bar("policy", span2(at(inputs.policy_lower), at(inputs.policy_upper))));
  parts.push(bar("zero", { left: `${at(one.target ?? 0)}%` }));
  if (known(one.delta_low_coin) && one.delta_high_coin - one.delta_low_coin > 1e-9) {
    parts.push(bar("sure", span2(edge(at(one.delta_low_coin)), edge(at(one.delta_high_coin)))));
  }
  parts.push(mark(at(one.delta_coin)));
  return h("span", { class: "track", "aria-hidden": "true" }, parts);
}

function gammaTrack(one, inputs) {
  const gamma = one.gamma_coin_per_pct, lower = inputs?.gamma_lower, upper = inputs?.gamma_upper;
  if (!known(gamma) || (!known(lower) && !known(upper))) return h("span", { class: "track" });
  const low = known(lower) ? lower : -Math.abs(upper), high = known(upper) ? upper : Math.abs(lower) * 0.5;
  const at = scale(low, high);
  return h("span", { class: "track", "aria-hidden": "true" },
    bar(`owner${known(lower) ? " low" : ""}${known(upper) ? " high" : ""}`,
      span2(known(lower) ? at(lower) : 0, known(upper) ? at(upper) : 100)),
    bar("zero", { left: `${at(0)}%` }), mark(at(gamma)));
}

const scale = (low, high) => (x) => 15 + (70 * (x - low)) / Math.max(1e-12, high - low);
const edge = (place) => Math.min(99, Math.max(1, place));

function mark(place) {
  const beyond = place < 1 || place > 99;
  return bar(`mark${beyond ? ` beyond${place > 99 ? " right" : ""}` : ""}`, { left: `${edge(place)}%` });
}
