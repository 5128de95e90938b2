// What the page knows: parts that are replaced and series that grow, of one instance at a time.

const SERIES = new Set(["points", "hedges", "equity", "margins", "attribution", "done"]);
const MOST = 6_000;

export const store = {
  parts: {}, series: {}, instances: [], coin: null, instance: null, ahead: 0, heard: 0, connected: false,
};

export function forget() {
  store.parts = {};
  store.series = {};
}

// Take a message in and return the names of what it changed.
export function take(message) {
  store.ahead = message.at - Date.now();
  store.heard = performance.now();
  const changed = new Set();
  const { reset, instances, ...rest } = message.parts;
  if (reset) {
    forget();
    changed.add("*");
  }
  if (instances) {
    store.instances = instances;
    changed.add("instances");
  }
  for (const [name, body] of Object.entries(rest)) {
    if (SERIES.has(name)) grow(name, body);
    else store.parts[name] = body;
    changed.add(name);
  }
  const coins = Object.keys(store.parts.coins ?? {});
  if (coins.length && !coins.includes(store.coin)) store.coin = coins[0];
  return changed;
}

function grow(name, body) {
  if (body.full) {
    store.series[name] = body.coins;
    return;
  }
  const mine = (store.series[name] ??= {});
  for (const [coin, columns] of Object.entries(body.coins)) {
    const had = mine[coin];
    if (!had) {
      mine[coin] = columns;
      continue;
    }
    for (const column of Object.keys(columns)) {
      const list = had[column] ?? (had[column] = []);
      for (const value of columns[column]) list.push(value);
      if (list.length > MOST) list.splice(0, list.length - Math.floor(MOST * 0.8));
    }
  }
}

export const series = (name, coin = store.coin) => store.series[name]?.[coin] ?? null;
export const coinOf = (coin = store.coin) => store.parts.coins?.[coin] ?? null;
export const planOf = (coin = store.coin) => store.parts.plan?.[coin] ?? null;
export const inputsOf = (coin = store.coin) => planOf(coin)?.band_inputs ?? null;
export const wall = () => Date.now() + store.ahead;
export const market = () => store.parts.now?.market ?? null;

// The trading day is cut at 08:00 UTC.
export function dayStart(ms) {
  const day = 86_400_000, cut = 8 * 3_600_000;
  return ms - ((((ms - cut) % day) + day) % day);
}

// Where delta stands: inside the policy's band, between it and the owner's, or outside.
export function verdict(one, inputs) {
  if (!one || one.delta_coin === null) return "";
  const low = one.delta_low_coin ?? one.delta_coin, high = one.delta_high_coin ?? one.delta_coin;
  if (high > one.upper || low < one.lower) return "outside";
  if (inputs && (high > inputs.policy_upper || low < inputs.policy_lower)) return "near";
  return "inside";
}

export function gammaVerdict(one, inputs) {
  const gamma = one?.gamma_coin_per_pct, lower = inputs?.gamma_lower, upper = inputs?.gamma_upper;
  if (gamma === null || gamma === undefined) return "";
  if ((lower ?? -Infinity) > gamma || (upper ?? Infinity) < gamma) return "outside";
  const near = (limit) => limit !== null && limit !== undefined && limit !== 0 && gamma / limit > 0.85;
  return near(lower) || near(upper) ? "near" : lower === null && upper === null ? "" : "inside";
}

const STANDS = {
  REDUCE_DELTA_ONLY: "only reduces delta", PAUSED: "is paused", HALTED: "is halted", READY: "is ready, not running",
  RECONCILING: "is reconciling", BOOT: "starts",
};

// Why an underlying sends nothing, or less than it would; empty where it may send everything.
export function restrained(one) {
  if (one?.off) return "is off";
  return one && one.state !== "RUNNING" ? STANDS[one.state] ?? `is ${one.state}` : "";
}

// What is not well with an underlying: the words for it, and the colour of the worst.
export function unwell(coin) {
  const one = coinOf(coin), inputs = inputsOf(coin);
  const out = [["delta", verdict(one, inputs)], ["gamma", gammaVerdict(one, inputs)]].filter(([, stands]) => stands === "outside").map(([name]) => name);
  // What stands for the whole bot is said once.
  const state = !one?.off && one?.state === store.parts.now?.state ? "" : restrained(one);
  const words = [state, one && !one.measured ? "is not measured" : "", out.length ? `has ${out.join(" and ")} outside` : ""].filter(Boolean);
  return { text: words.length ? `${coin} ${words.join(", ")}` : "", kind: out.length ? "outside" : words.length ? "near" : "" };
}

// What the day made and by what, from the steps that the journal explains, over all runs of the
// account. A step belongs to the day that it began in: what settles at 08:00 to the day that ends.
export function dayExplained(coin = store.coin) {
  const rows = series("attribution", coin);
  if (!rows?.t?.length) return null;
  const since = rows.t.map((t, i) => t - rows.span[i]);
  const start = dayStart(since.at(-1)), from = since.findIndex((t) => t >= start);
  const sum = (name) => rows[name].slice(from).reduce((all, x) => all + (x ?? 0), 0);
  const translation = sum("translation");
  return { since: since[from], until: rows.t.at(-1), total: sum("total") - translation, translation, sum };
}

// Profit of the day and since when: what is explained, the cascade's own total. A coin without
// steps of its own (an older journal, what settles in dollars) has its hedged twin's; else null.
export function dayProfit(coin) {
  const day = dayExplained(coin);
  if (day) return { usd: day.total, since: day.since };
  const equity = series("equity", coin);
  if (!equity?.t?.length) return null;
  const start = dayStart(equity.t.at(-1)), first = equity.t.findIndex((t) => t >= start);
  return { usd: equity.hedged.at(-1) - (first > 0 ? equity.hedged[first - 1] : 0), since: Math.max(start, equity.t[0]) };
}
