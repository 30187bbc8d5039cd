// Which pool a request gets: a pure function of the configuration and the request.

import { configuration, refuse } from "./config.mjs";
import { Float } from "./wire.mjs";

/** The band of a value. In this order of operations: another one answers differently at some edges. */
function band({ low, high, resolution }, value) {
  if (value < low) return 0;
  if (value >= high) return resolution - 1;
  return Math.min(Math.trunc((value - low) / ((high - low) / resolution)), resolution - 1);
}

function length(name, value) {
  if (typeof value !== "bigint" && !Number.isInteger(value)) refuse(`${name}: a whole number of tokens is due`);
  return value >= 0 ? Number(value) : refuse(`${name} is ${value}: a length is 0 or more`);
}

function target(name, value) {
  if (value === undefined || value === null) return undefined;
  const number = value instanceof Float ? value.value : typeof value === "bigint" ? Number(value) : value;
  if (typeof number !== "number" || Number.isNaN(number)) refuse(`${name}: a number of milliseconds is due`);
  return number >= 0 && number < Infinity ? number : refuse(`${name} is ${number}: 0 or more is due`);
}

export class Router {
  #retries;
  #phases;
  #defaults;

  /** config: as JSON has it, floats without a fraction as Float; defaults: targets for requests without one. */
  constructor(config, defaults = {}) {
    ({ retries: this.#retries, phases: this.#phases } = configuration(config));
    this.#defaults = {
      ttft: target("ttft_target_ms", defaults.ttft_target_ms),
      itl: target("itl_target_ms", defaults.itl_target_ms),
    };
  }

  select_prefill({ isl, ttft_target_ms, priority }) {
    const { axes } = this.#phase("prefill");
    return this.#select("prefill", [length("isl", isl), this.#target("ttft", ttft_target_ms, axes[1])], priority);
  }

  select_decode({ context_length, itl_target_ms, priority }) {
    const { axes } = this.#phase("decode");
    const context = length("context_length", context_length);
    return this.#select("decode", [context, this.#target("itl", itl_target_ms, axes[1])], priority);
  }

  select_agg({ ttft_target_ms, itl_target_ms, priority, isl }) {
    const { axes } = this.#phase("agg");
    const [ttft, itl] = axes.slice(-2);
    const lengths = axes.length === 3 ? [length("isl", isl)] : [];
    const targets = [this.#target("ttft", ttft_target_ms, ttft), this.#target("itl", itl_target_ms, itl)];
    return this.#select("agg", [...lengths, ...targets], priority);
  }

  /** The pools to try: `pool` itself, then strictly faster ones, the slowest of those first. */
  retry_order({ phase, pool }) {
    const { priorities } = this.#phase(phase);
    if (!Number.isInteger(pool) || pool < 0 || pool >= priorities.length) refuse(`there is no ${phase} pool ${pool}`);
    if (!this.#retries) return [pool];
    const faster = [...priorities.keys()].filter((other) => priorities[other] < priorities[pool]);
    return [pool, ...faster.sort((one, other) => priorities[other] - priorities[one])]; // stable: ties in pool order
  }

  #phase(name) {
    return this.#phases.get(name) ?? refuse(`this configuration has no phase ${name}`);
  }

  #target(name, value, axis) {
    return target(name, value) ?? this.#defaults[name] ?? (axis.low + axis.high) / 2;
  }

  #select(phase, values, priority) {
    const { axes, mapping, overrides } = this.#phase(phase);
    if (priority !== undefined && priority !== null) {
      if (typeof priority !== "bigint" && !Number.isInteger(priority)) refuse("a priority is a whole number");
      const rule = overrides.find(({ min, max }) => min <= priority && priority <= max);
      if (rule !== undefined) return rule.pool;
    }
    return axes.reduce((cells, axis, number) => cells[band(axis, values[number])], mapping);
  }
}
