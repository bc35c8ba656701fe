import assert from "node:assert/strict";
import test from "node:test";

import fc from "fast-check";

import { fillTemplate } from "../../src/broker/exec-template.ts";

const refuses = (run: readonly string[], values: unknown): void =>
  assert.throws(() => fillTemplate(run, values), { code: "BROKER_REQUEST_INVALID" }, JSON.stringify([run, values]));
const argsOf = (run: readonly string[], values?: unknown): readonly string[] => fillTemplate(run, values).args;

test("a template gets its values, each within its argument", () => {
  assert.deepEqual(
    fillTemplate(["/bin/tool", "log", "--name={name}", "{a}:{b}", "{}", "{ x }"], { name: "n", a: "1", b: "" }),
    {
      program: "/bin/tool",
      args: ["log", "--name=n", "1:", "{}", "{ x }"],
    },
  );
  assert.deepEqual(argsOf(["/bin/tool", "{a}"], { a: "two words; $(id) `id` {b} $& $1" }), [
    "two words; $(id) `id` {b} $& $1",
  ]);
  assert.deepEqual(argsOf(["/bin/tool", "{a}"], { a: "" }), [""]);
});

test("no value becomes an option", () => {
  for (const value of ["-", "-x", "--", "--output=/etc/x", "+x", "+cmd", "@file"]) {
    refuses(["/bin/tool", "{a}"], { a: value });
    refuses(["/bin/tool", "{a}rest"], { a: value });
    refuses(["/bin/tool", "-n", "{a}"], { a: value });
    // What stands before it may be nothing.
    refuses(["/bin/tool", "{b}{a}"], { a: value, b: "" });
    // The ending of options stands behind it.
    refuses(["/bin/tool", "{a}", "--", "x"], { a: value });
    assert.deepEqual(argsOf(["/bin/tool", "--name={a}"], { a: value }), [`--name=${value}`]);
    assert.deepEqual(argsOf(["/bin/tool", "./{a}"], { a: value }), [`./${value}`]);
    assert.deepEqual(argsOf(["/bin/tool", "{b}{a}"], { a: value, b: "x" }), [`x${value}`]);
  }
  refuses(["/bin/tool", "{a}{b}"], { a: "", b: "-x" });
  refuses(["/bin/tool", "{a}-x"], { a: "" });
});

test("behind the end of options a value may begin with a dash, and still names no file of options", () => {
  for (const value of ["-x", "--output=/etc/x", "+x"])
    assert.deepEqual(argsOf(["/bin/tool", "--", "{a}"], { a: value }), ["--", value]);
  refuses(["/bin/tool", "--", "{a}"], { a: "@file" });
  // What a value makes of an argument ends nothing.
  refuses(["/bin/tool", "{a}", "{b}"], { a: "--", b: "-x" });
  refuses(["/bin/tool", "--{a}", "{b}"], { a: "", b: "-x" });
  refuses(["/bin/tool", "x={a}", "{b}"], { a: "--", b: "-x" });
});

test("a template in which a value could choose the option is refused, whatever the value", () => {
  for (const argument of ["-{a}", "--{a}", "-n{a}", "--{a}=x", "-{b}={a}"])
    refuses(["/bin/tool", argument], { a: "v", b: "w" });
  assert.deepEqual(argsOf(["/bin/tool", "-Dname={a}"], { a: "-v" }), ["-Dname=-v"]);
});

test("the program is no value's", () => {
  refuses(["{a}"], { a: "/bin/sh" });
  refuses(["/usr/bin/{a}", "x"], { a: "sh" });
  refuses(["/usr/bin/a\0b"], {});
});

test("values are texts for the places that there are, each and no more", () => {
  const run = ["/bin/tool", "{a}"];
  for (const values of [
    undefined,
    null,
    {},
    { b: "x" },
    { a: "x", b: "x" },
    { a: 7 },
    { a: null },
    { a: ["x"] },
    { a: new Uint8Array([1]) },
    { a: "a\0b" },
    { a: "\ud800" },
    { a: "x".repeat(8_193) },
    ["x"],
    "x",
    new Uint8Array(10),
    Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`v${at}`, "x"])),
  ])
    refuses(run, values);
  refuses(["/bin/tool", "{__proto__}"], JSON.parse('{"a":"x"}'));
  refuses(["/bin/tool", "{toString}"], {});
  refuses(["/bin/tool", "a\0b"], {});
  // 17 values of 8,192 characters are too much together.
  const many = Array.from({ length: 17 }, (_, at) => `{v${at}}`);
  const long = Object.fromEntries(many.map((each) => [each.slice(1, -1), "x".repeat(8_192)]));
  refuses(["/bin/tool", ...many], long);
});

test("whatever the values: as many arguments as the template has, and none that a value made begin like an option", () => {
  const text = fc.oneof(fc.string(), fc.constantFrom("-", "--", "-x", "+", "@", ""));
  fc.assert(
    fc.property(text, text, (a, b) => {
      const run = ["/bin/tool", "{a}", "x{b}", "--k={a}{b}", "{b}{a}"];
      let args: readonly string[];
      try {
        ({ args } = fillTemplate(run, { a, b }));
      } catch (error) {
        return assert.equal((error as { code?: string }).code, "BROKER_REQUEST_INVALID");
      }
      assert.deepEqual(args, [a, `x${b}`, `--k=${a}${b}`, b + a]);
      assert.ok(!/^[-+@]/.test(a) && !/^[-+@]/.test(b + a));
    }),
  );
});
