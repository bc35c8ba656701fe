import assert from "node:assert/strict";
import test from "node:test";

import { makeDataLabel } from "@berth/spec";

import { CallLabel } from "../../src/labels/call-label.ts";
import { InstanceLabel } from "../../src/labels/instance-label.ts";
import { SINKS, verifySink } from "../../src/labels/sinks.ts";

const label = makeDataLabel(["a.com"]);
const denied = { code: "BROKER_LABEL_DENIED", kind: "denied", details: { mayLeaveTo: ["a.com"] } };

test("a method that nobody listed takes nothing labelled, and everything else", () => {
  for (const method of ["exec.run", "schedules.set", "files.write", "storage.puts", "__proto__", "constructor", ""]) {
    assert.throws(() => verifySink(method, label, true), denied, method);
    verifySink(method, undefined, false);
  }
});

test("what goes to the embedding program goes there only if it says so", () => {
  for (const [method, sink] of SINKS) {
    verifySink(method, label, true);
    if (sink === "owner") assert.throws(() => verifySink(method, label, false), denied, method);
    else verifySink(method, label, false);
  }
});

test("the label of an instance lasts as long as its memory; that of its log is not cleared", () => {
  for (const isFresh of [false, true]) {
    const instance = new InstanceLabel(isFresh);
    const first = new CallLabel();
    const beside = new CallLabel();
    first.enter(instance);
    first.add(label);
    beside.enter(instance);
    assert.deepEqual(beside.current, label, "calls of one instance share memory, also where they should not meet");
    first.leave();
    beside.leave();
    assert.deepEqual(first.current, label, "the answer keeps it");
    const next = new CallLabel();
    next.enter(instance);
    assert.deepEqual(next.current, isFresh ? undefined : label);
    assert.deepEqual(instance.ofLog, label);
    // An answer that was on its way when its call ended.
    first.add(makeDataLabel([]));
    assert.deepEqual(next.current, makeDataLabel([]));
    assert.deepEqual(first.current, label);
  }
});

test("the label of an input reaches the instance with the call, and not before", () => {
  const instance = new InstanceLabel(false);
  const call = new CallLabel(label);
  assert.equal(instance.current, undefined);
  call.enter(instance);
  assert.deepEqual(instance.current, label);
  assert.throws(() => new CallLabel().enter(undefined), TypeError);
});
