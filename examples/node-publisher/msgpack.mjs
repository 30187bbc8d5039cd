// As much of MessagePack as KV events need: https://github.com/msgpack/msgpack/blob/master/spec.md

import { Float } from "./wire.mjs";

function head(fixed, most, codes, length) {
  if (fixed !== null && length <= most) return Buffer.from([fixed | length]);
  const [code8, code16, code32] = codes;
  if (code8 !== null && length < 256) return Buffer.from([code8, length]);
  const long = length >= 65536;
  const made = Buffer.alloc(long ? 5 : 3);
  made[0] = long ? code32 : code16;
  if (long) made.writeUInt32BE(length, 1);
  else made.writeUInt16BE(length, 1);
  return made;
}

function integer(value) {
  if (value >= 0n && value < 128n) return Buffer.from([Number(value)]);
  if (value >= 2n ** 64n || value < -(2n ** 63n)) throw new RangeError(`${value} has more than 64 bits`);
  const made = Buffer.alloc(9);
  made[0] = value < 0n ? 0xd3 : 0xcf;
  if (value < 0n) made.writeBigInt64BE(value, 1);
  else made.writeBigUInt64BE(value, 1);
  return made;
}

/** The bytes of a value: BigInt and whole numbers are integers, Float is a float. */
export function packed(value) {
  if (value === null) return Buffer.from([0xc0]);
  if (typeof value === "boolean") return Buffer.from([value ? 0xc3 : 0xc2]);
  if (typeof value === "bigint") return integer(value);
  if (typeof value === "number" && Number.isInteger(value)) return integer(BigInt(value));
  if (typeof value === "number" || value instanceof Float) {
    const made = Buffer.alloc(9);
    made[0] = 0xcb;
    made.writeDoubleBE(value instanceof Float ? value.value : value, 1);
    return made;
  }
  if (typeof value === "string") {
    const bytes = Buffer.from(value);
    return Buffer.concat([head(0xa0, 31, [0xd9, 0xda, 0xdb], bytes.length), bytes]);
  }
  if (Buffer.isBuffer(value)) return Buffer.concat([head(null, 0, [0xc4, 0xc5, 0xc6], value.length), value]);
  if (Array.isArray(value)) return Buffer.concat([head(0x90, 15, [null, 0xdc, 0xdd], value.length), ...value.map(packed)]);
  const names = Object.keys(value);
  const items = names.flatMap((name) => [packed(name), packed(value[name])]);
  return Buffer.concat([head(0x80, 15, [null, 0xde, 0xdf], names.length), ...items]);
}
