import assert from "node:assert/strict";
import test from "node:test";

import { MAX_REQUESTS_UNDER_WAY, RequestWindow } from "../src/request-window.ts";

test("lets so many requests pass at a time, and the rest in their order as others leave", () => {
  const window = new RequestWindow();
  const sent: number[] = [];
  for (let request = 0; request < 200; request += 1) window.pass(() => sent.push(request) > 0);
  assert.equal(sent.length, MAX_REQUESTS_UNDER_WAY);
  for (let count = 0; count < 200; count += 1) window.leave();
  assert.deepEqual(
    sent,
    Array.from({ length: 200 }, (_, request) => request),
  );
});

test("requests that need not be sent any more take no place, however many there are", () => {
  const window = new RequestWindow();
  let sent = 0;
  for (let request = 0; request < MAX_REQUESTS_UNDER_WAY; request += 1) window.pass(() => true);
  for (let request = 0; request < 100_000; request += 1) window.pass(() => false);
  window.pass(() => (sent += 1) > 0);
  window.leave();
  assert.equal(sent, 1);
});
