// A grid configuration, checked: every fault refuses it. Bounds of lengths are tokens, of latencies milliseconds.

import { Float, Refusal } from "./wire.mjs";

const PHASES = { disagg: ["prefill", "decode"], agg: ["agg"] };
const AXES = {
  prefill: [["isl", ""], ["ttft", "_ms"]],
  decode: [["context_length", ""], ["itl", "_ms"]],
  agg: [["ttft", "_ms"], ["itl", "_ms"]],
};
const LARGEST_LATENCY_MS = 1e300;

export function refuse(message) {
  throw new Refusal(message);
}

const isObject = (value) => value !== null && typeof value === "object" && Object.getPrototypeOf(value) === null;
const isWhole = (value) => typeof value === "number" && Number.isInteger(value);

function whole(value, name, least = -Infinity) {
  if (typeof value === "bigint") refuse(`${name} is beyond 2^53`);
  if (!isWhole(value)) refuse(`${name} is ${show(value)}: a whole number is due`);
  if (!Number.isSafeInteger(value)) refuse(`${name} is beyond 2^53 - 1`);
  return value >= least ? value : refuse(`${name} is ${value}: ${least} is the least`);
}

function latency(value, name) {
  const number = value instanceof Float ? value.value : typeof value === "bigint" ? Number(value) : value;
  if (typeof number !== "number") refuse(`${name} is ${show(value)}: a number is due`);
  if (!Number.isFinite(number)) refuse(`${name} is not finite`);
  return number >= 0 && number <= LARGEST_LATENCY_MS ? number : refuse(`${name} is ${number}: 0 to 1e300 is due`);
}

const show = (value) => (value instanceof Float ? `the float ${value.value}` : typeof value);

/** {retries, phases: Map of phase to {axes, mapping, overrides, priorities}}, frozen by being a copy. */
export function configuration(config) {
  if (!isObject(config)) refuse("an object is due");
  const mode = "mode" in config ? config.mode : "disagg";
  if (typeof mode !== "string" || !Object.hasOwn(PHASES, mode)) refuse("the mode is disagg or agg");
  const known = new Set(["mode", "enable_priority_retry"]);
  const phases = new Map();
  for (const phase of PHASES[mode]) {
    const names = [`num_${phase}_pools`, `${phase}_pool_dynamo_namespaces`, `${phase}_pool_selection_strategy`];
    for (const name of names) if (!(name in config)) refuse(`${name} is missing`);
    for (const name of [...names, `${phase}_pool_priorities`]) known.add(name);
    const pools = whole(config[names[0]], names[0], 1);
    checkNamespaces(config[names[1]], names[1], pools);
    const priorities = pool_priorities(config, `${phase}_pool_priorities`, pools);
    phases.set(phase, { ...grid(config[names[2]], phase, pools), priorities });
  }
  for (const name of Object.keys(config)) if (!known.has(name)) refuse(`${name} is no field of the mode ${mode}`);
  const retries = "enable_priority_retry" in config ? config.enable_priority_retry : false;
  if (typeof retries !== "boolean") refuse("enable_priority_retry is true or false");
  return { retries, phases };
}

function checkNamespaces(namespaces, name, pools) {
  if (!Array.isArray(namespaces)) refuse(`${name} is a list`);
  if (namespaces.length !== pools) refuse(`${name} has ${namespaces.length} entries for ${pools} pools`);
  for (const one of namespaces) {
    if (typeof one !== "string") refuse(`${name} holds ${show(one)}`);
    if (one === "" || one !== one.trim()) refuse(`${name} holds an empty name, or white space at an end`);
  }
  if (new Set(namespaces).size !== pools) refuse(`${name} holds a name twice`);
}

function pool_priorities(config, name, pools) {
  if (!(name in config)) return Array.from({ length: pools }, (_, pool) => pool);
  const priorities = config[name];
  if (!Array.isArray(priorities) || priorities.length !== pools) refuse(`${name} is a list of ${pools} numbers`);
  return priorities.map((one) => whole(one, name));
}

function grid(strategy, phase, pools) {
  if (!isObject(strategy)) refuse(`${phase}_pool_selection_strategy is an object`);
  const fields = { ...strategy };
  const names = [...AXES[phase]];
  if (phase === "agg" && Object.keys(fields).some((name) => name.startsWith("isl_"))) names.unshift(["isl", ""]);
  const axes = names.map(([name, unit]) => axis(fields, name, unit));
  const mapping = copied(taken(fields, `${phase}_pool_mapping`), axes, pools);
  const overrides = "priority_overrides" in fields ? rules(taken(fields, "priority_overrides"), pools) : [];
  for (const name of Object.keys(fields)) refuse(`${name} is no field of the grid ${phase}`);
  return { axes, mapping, overrides };
}

function taken(fields, name) {
  if (!(name in fields)) refuse(`${name} is missing`);
  const value = fields[name];
  delete fields[name];
  return value;
}

function axis(fields, name, unit) {
  const [low, high] = ["min", "max"].map((end) => {
    const old = unit !== "" && `${name}_${end}` in fields; // the first release's name
    if (old && `${name}_${end}${unit}` in fields) refuse(`${name}_${end} stands there under two names`);
    const full = `${name}_${end}${old ? "" : unit}`;
    const value = taken(fields, full);
    return unit === "" ? whole(value, full, 0) : latency(value, full);
  });
  const resolution = whole(taken(fields, `${name}_resolution`), `${name}_resolution`, 1);
  if (!(low < high)) refuse(`${name}: the minimum is not below the maximum`);
  if (low + (high - low) / resolution === low) refuse(`${name}: its bands have no width`);
  return { low, high, resolution };
}

function copied(cells, axes, pools) {
  if (axes.length === 0) {
    const pool = whole(cells, "a pool");
    return pool >= 0 && pool < pools ? pool : refuse(`there is no pool ${pool}`);
  }
  if (!Array.isArray(cells)) refuse(`the mapping holds ${show(cells)} where a list is due`);
  if (cells.length !== axes[0].resolution) refuse(`the mapping has ${cells.length} in place of ${axes[0].resolution}`);
  return cells.map((part) => copied(part, axes.slice(1), pools));
}

function rules(overrides, pools) {
  if (!Array.isArray(overrides)) refuse("priority_overrides is a list");
  return overrides.map((given) => {
    if (!isObject(given)) refuse("an override is an object");
    const fields = { ...given };
    const names = ["min_priority", "max_priority", "target_pool"];
    const [min, max, pool] = names.map((name) => whole(taken(fields, name), name));
    for (const name of Object.keys(fields)) refuse(`${name} is no field of an override`);
    if (min > max) refuse("an override's minimum is above its maximum");
    if (pool < 0 || pool >= pools) refuse(`there is no pool ${pool}`);
    return { min, max, pool };
  });
}
