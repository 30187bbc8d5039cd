// What a request must be. Integers come as numbers or, tagged on the wire, as BigInt; 1.0 comes as Float.

import { Float, Refusal } from "./wire.mjs";

export function refuse(message) {
  throw new Refusal(message);
}

/** A number of 0 or more, and finite. */
export function number(name, value) {
  const found = value instanceof Float ? value.value : typeof value === "bigint" ? Number(value) : value;
  if (typeof found !== "number" || !Number.isFinite(found) || found < 0) refuse(`${name}: 0 or more is due`);
  return found;
}

/** A count: an integer of `least` or more, up to where numbers are exact. */
export function count(name, value, least = 0) {
  if (typeof value !== "bigint" && !Number.isSafeInteger(value)) refuse(`${name}: an integer is due`);
  if (value < least || value > Number.MAX_SAFE_INTEGER) refuse(`${name} is ${value}: it is out of range`);
  return Number(value);
}

/** An id or a hash of so many bits, as BigInt. */
export function bits(name, value, width) {
  if (typeof value !== "bigint" && !Number.isSafeInteger(value)) refuse(`${name}: an integer is due`);
  const found = BigInt(value);
  return found >= 0n && found < 1n << BigInt(width) ? found : refuse(`${name} is ${value}: ${width} bits are due`);
}

export function list(name, value) {
  return Array.isArray(value) ? value : refuse(`${name}: a list is due`);
}

export function object(name, value) {
  const is = value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof Float);
  return is ? value : refuse(`${name}: an object is due`);
}

/** A worker as the key of a map, and as it is answered. */
export function worker(name, value) {
  if (list(name, value).length !== 2) refuse(`${name}: a worker is a pair of id and rank`);
  const id = bits(`${name}: an id`, value[0], 64);
  const rank = Number(bits(`${name}: a rank`, value[1], 32));
  return { key: `${id}/${rank}`, id, rank };
}
