// A JSON reader that sees what JSON.parse hides: a key that stands there twice, a byte-order mark,
// 2.0 in place of 2, and nesting without an end.

import { Float } from "./wire.mjs";

const MOST_DEPTH = 64;
const TOKEN = /\s*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\.)*")|(-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)|(true|false|null))/y;
const WORDS = { true: true, false: false, null: null };

/** The value of a JSON text in UTF-8. Throws SyntaxError. */
export function parse(bytes) {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  if (text.startsWith("\ufeff")) throw new SyntaxError("the text begins with a byte-order mark");
  if (/[^\S \t\r\n]/.test(text.replace(/"(?:[^"\\]|\\.)*"/g, ""))) throw new SyntaxError("white space that JSON lacks");
  let at = 0;

  function next() {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (found === null) throw new SyntaxError(`no JSON at character ${at}`);
    at = TOKEN.lastIndex;
    return found;
  }

  function value(found, depth) {
    const [, mark, string, number, fraction, exponent, word] = found;
    if (depth > MOST_DEPTH) throw new SyntaxError(`nested more than ${MOST_DEPTH} deep`);
    if (string !== undefined) return JSON.parse(string);
    if (number !== undefined) return fraction || exponent ? new Float(Number(number)) : whole(number);
    if (word !== undefined) return WORDS[word];
    if (mark === "[") return list(depth);
    if (mark === "{") return object(depth);
    throw new SyntaxError(`${mark} at character ${at - 1}`);
  }

  function list(depth) {
    const made = [];
    let found = next();
    if (found[1] === "]") return made;
    for (;;) {
      made.push(value(found, depth + 1));
      const mark = next()[1];
      if (mark === "]") return made;
      if (mark !== ",") throw new SyntaxError(`a comma or ] is due before character ${at}`);
      found = next();
    }
  }

  function object(depth) {
    const made = Object.create(null);
    let found = next();
    if (found[1] === "}") return made;
    for (;;) {
      if (found[2] === undefined) throw new SyntaxError(`a key is due before character ${at}`);
      const key = JSON.parse(found[2]);
      if (key in made) throw new SyntaxError(`the key ${found[2]} stands there twice`);
      if (next()[1] !== ":") throw new SyntaxError(`a colon is due before character ${at}`);
      made[key] = value(next(), depth + 1);
      const mark = next()[1];
      if (mark === "}") return made;
      if (mark !== ",") throw new SyntaxError(`a comma or } is due before character ${at}`);
      found = next();
    }
  }

  const made = value(next(), 0);
  if (text.slice(at).trim() !== "") throw new SyntaxError(`more than one value: character ${at}`);
  return made;
}

function whole(digits) {
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : BigInt(digits);
}
