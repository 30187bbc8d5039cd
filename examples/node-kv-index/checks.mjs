// What is refused before anything has changed. Over the wire every hash and worker id is tagged: here it is a BigInt.

import { Refusal } from "./wire.mjs";

const U64 = 1n << 64n;
const U32 = 2 ** 32;

function hash(value, what) {
  if (typeof value !== "bigint" || value < 0n || value >= U64) {
    throw new Refusal(`${what} is ${shown(value)}: an unsigned integer of 64 bits is due`);
  }
  return value;
}

function shown(value) {
  return JSON.stringify(value, (_, one) => (typeof one === "bigint" ? String(one) : one));
}

function object(value, what, ...due) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Refusal(`${what} is no object`);
  for (const name of due) if (!(name in value)) throw new Refusal(`${what} has no ${name}`);
  return value;
}

function list(value, what) {
  if (!Array.isArray(value)) throw new Refusal(`${what} is no list`);
  return value;
}

export function checkedBlockSize(value) {
  if (!Number.isInteger(value) || value < 1) throw new Refusal(`no block size: ${shown(value)}`);
  return value;
}

export function checkedHashes(value) {
  return list(value, "a request").map((one) => hash(one, "a local hash"));
}

export function checkedEvent(event) {
  object(event, "the event", "worker_id", "event");
  hash(event.worker_id, "worker_id");
  const inner = object(event.event, "the event", "event_id", "dp_rank", "data");
  if (!Number.isInteger(inner.dp_rank) || inner.dp_rank < 0 || inner.dp_rank >= U32) {
    throw new Refusal(`dp_rank is ${shown(inner.dp_rank)}: an unsigned integer of 32 bits is due`);
  }
  if (inner.data === "cleared") return event;
  const kinds = Object.keys(object(inner.data, "the data"));
  if (kinds.length !== 1) throw new Refusal(`the data has ${kinds.length} kinds: stored or removed is due`);
  if (kinds[0] === "removed") {
    const { block_hashes } = object(inner.data.removed, "removed", "block_hashes");
    for (const one of list(block_hashes, "block_hashes")) hash(one, "a block hash");
  } else if (kinds[0] === "stored") {
    checkStore(object(inner.data.stored, "stored", "parent_hash", "blocks"));
  } else throw new Refusal(`the data ${kinds[0]} is unknown`);
  return event;
}

function checkStore({ parent_hash, blocks }) {
  if (parent_hash !== null) hash(parent_hash, "parent_hash");
  if (list(blocks, "blocks").length === 0) throw new Refusal("a store without blocks");
  const seen = new Set([parent_hash]);
  for (const block of blocks) {
    object(block, "a block", "block_hash", "tokens_hash");
    hash(block.tokens_hash, "tokens_hash");
    if (seen.has(hash(block.block_hash, "block_hash"))) throw new Refusal("a block twice in one chain");
    seen.add(block.block_hash);
  }
}
