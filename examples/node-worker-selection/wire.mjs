// The wire between `pytest --contracts` and an implementation in JavaScript: one JSON message a line,
// requests on stdin, replies on stdout. Nothing here knows what is asked.

import { writeSync } from "node:fs";
import { createInterface } from "node:readline";

/** A number that was written as a float: JavaScript alone cannot tell 2.0 from 2. */
export class Float {
  constructor(value) {
    this.value = value;
  }
}

/** Throw it to refuse a call. `code`: invalid, closed, unsupported, malformed, incomplete, too_large, timeout. */
export class Refusal extends Error {
  constructor(message, code = "invalid", data = undefined) {
    super(message);
    this.code = code;
    this.data = data; // with incomplete: what came
  }
}

const FLOATS = { NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity };
const TAGS = {
  float: (text) => new Float(text in FLOATS ? FLOATS[text] : Number(text)),
  int: (text) => BigInt(text),
  b64: (text) => Buffer.from(text, "base64"),
};

/** A value without the wire's tags: floats without a fraction become Float, large integers BigInt, bytes Buffer. */
export function decoded(value) {
  if (Array.isArray(value)) return value.map(decoded);
  if (value === null || typeof value !== "object") return value;
  const names = Object.keys(value);
  if (names.length === 1 && Object.hasOwn(TAGS, names[0])) return TAGS[names[0]](value[names[0]]);
  // A prototype of null: a key `__proto__` is a key like any other.
  const made = Object.create(null);
  for (const name of names) made[name] = decoded(value[name]);
  return made;
}

/** A value with its tags. */
export function encoded(value) {
  if (typeof value === "bigint") return { int: String(value) };
  if (value instanceof Float) return { float: String(value.value) };
  if (typeof value === "number" && !Number.isFinite(value)) return { float: String(value) };
  if (Buffer.isBuffer(value)) return { b64: value.toString("base64") };
  if (Array.isArray(value)) return value.map(encoded);
  if (value === null || typeof value !== "object") return value ?? null;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, encoded(item)]));
}

/**
 * Answers requests until stdin ends.
 * about: {name, version, capabilities}; open(args): an object whose methods are the suite's operations,
 * each called with one object of named arguments; factory: those that are asked without such an object.
 * All of them may be asynchronous. One is answered after the other, unless the capability concurrent_calls is claimed.
 */
export function serve(about, open, factory = {}) {
  console.log = console.info = console.error; // stdout is for messages, stderr for logs
  const handles = new Map();
  let opened = 0;

  async function result({ op, on, args }) {
    if (op === "hello") {
      const language = `JavaScript (Node ${process.versions.node})`;
      return { wire: 1, version: "", ...about, language };
    }
    if (op === "bye") return null;
    if (op === "open") {
      const made = await open(decoded(args));
      handles.set(`h${++opened}`, made);
      return `h${opened}`;
    }
    if (on === undefined) return called(factory, op, args);
    if (!handles.has(on)) throw new Refusal(`there is no open handle ${on}`, "closed");
    const subject = handles.get(on);
    if (op === "close") {
      handles.delete(on);
      if (typeof subject.close === "function") await subject.close(decoded(args));
      return null;
    }
    return called(subject, op, args);
  }

  async function called(subject, op, args) {
    if (typeof subject[op] !== "function") throw new Refusal(`there is no operation ${op}`, "unsupported");
    return encoded(await subject[op](decoded(args)));
  }

  async function answer(line) {
    const request = JSON.parse(line);
    try {
      return { id: request.id, ok: await result(request) };
    } catch (error) {
      const code = error instanceof Refusal ? error.code : "internal";
      const told = { code, message: code === "internal" ? error.stack : error.message };
      if (error.data !== undefined) told.data = encoded(error.data);
      return { id: request.id, error: told };
    }
  }

  function write(reply) {
    let left = Buffer.from(JSON.stringify(reply) + "\n");
    while (left.length > 0) {
      try {
        left = left.subarray(writeSync(1, left));
      } catch (error) {
        if (error.code !== "EAGAIN") throw error; // the pipe is full: once more
      }
    }
  }

  const isConcurrent = (about.capabilities ?? []).includes("concurrent_calls");
  let earlier = Promise.resolve();
  createInterface({ input: process.stdin, terminal: false }).on("line", (line) => {
    earlier = (isConcurrent ? Promise.resolve() : earlier).then(() => answer(line)).then(write);
  });
}
