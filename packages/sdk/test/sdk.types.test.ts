// Compile-time assertions: the check "types of tests" refuses this file when one of them stops to hold.
import test from "node:test";

import { definePlugin } from "@berth/sdk";
import type { Context, PluginDefinition, Storage, Value } from "@berth/sdk";
import { expectTypeOf } from "expect-type";

interface Plugin {
  actions: {
    greet: { input: { name: string }; output: { text: string } };
    "count-words": { input: string; output: number };
  };
}

type Greet = PluginDefinition<Plugin>["actions"]["greet"];

test("a handler takes its action's input and the context, and answers at once or later", () => {
  expectTypeOf<Parameters<Greet>>().toEqualTypeOf<[input: { name: string }, context: Context]>();
  expectTypeOf<ReturnType<Greet>>().toEqualTypeOf<{ text: string } | Promise<{ text: string }>>();
  definePlugin<Plugin>({
    actions: {
      greet: ({ name }) => ({ text: name }),
      async "count-words"(text, { storage }) {
        expectTypeOf(text).toEqualTypeOf<string>();
        expectTypeOf(storage).toEqualTypeOf<Storage>();
        return text.length;
      },
    },
  });
});

test("a plugin without a handler, with one too many or with a wrong answer does not compile", () => {
  // @ts-expect-error the action count-words has no handler
  definePlugin<Plugin>({ actions: { greet: ({ name }) => ({ text: name }) } });
  definePlugin<Plugin>({
    actions: {
      // @ts-expect-error text is missing
      greet: () => ({}),
      "count-words": () => 1,
    },
  });
  definePlugin<Plugin>({
    actions: {
      greet: ({ name }) => ({ text: name }),
      "count-words": () => 1,
      // @ts-expect-error the manifest has no such action
      other: () => 1,
    },
  });
});

test("storage keeps what can cross, and nothing else", () => {
  expectTypeOf<Date>().not.toExtend<Value>();
  expectTypeOf<() => void>().not.toExtend<Value>();
  expectTypeOf<bigint>().not.toExtend<Value>();
  expectTypeOf<Map<string, string>>().not.toExtend<Value>();
  expectTypeOf<{ a: [number, null, { b: Uint8Array }]; c?: string }>().toExtend<Value>();
  // What comes back was written by an older release, perhaps: a plugin has to look before it believes.
  expectTypeOf<Storage["get"]>().returns.resolves.toBeUnknown();
});

test("the context can be read and not written", () => {
  const change = (context: Context): void => {
    // @ts-expect-error read-only
    context.action = "other";
    // @ts-expect-error read-only
    context.plugin.version = "2.0.0";
  };
  expectTypeOf(change).returns.toBeVoid();
});
