// How a script talks with the test that runs it: JSON, a line each. It is told where the stand-in is, says
// where a person is to go, is told what the browser came back with, and says what it found.

import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export async function heard() {
  return JSON.parse((await lines.next()).value);
}

export function say(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

export async function answerTo(what) {
  say(what);
  return heard();
}
