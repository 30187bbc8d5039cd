// SplitMix64 (Steele, Lea and Flood 2014): Math.random cannot be seeded.

const MASK = (1n << 64n) - 1n;

/** A function that answers numbers from 0 to below 1. */
export function generator(seed) {
  let state = BigInt.asUintN(64, seed);
  return () => {
    state = (state + 0x9e3779b97f4a7c15n) & MASK;
    let word = ((state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    word = ((word ^ (word >> 27n)) * 0x94d049bb133111ebn) & MASK;
    word ^= word >> 31n;
    return Number(word >> 11n) / 2 ** 53;
  };
}
