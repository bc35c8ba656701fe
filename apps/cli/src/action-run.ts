import type { Host, KeyedCallOptions } from "@berth/host";

/** What comes of an action that is run: its answer, or its items one by one. */
export type ActionNews =
  | { readonly kind: "output"; readonly value: unknown }
  | { readonly kind: "item"; readonly value: unknown };

/** Runs an action of a host that this process opened, whichever way it answers. `input`: JSON. */
export async function* runHere(
  host: Host<string>,
  id: string,
  action: string,
  input: Uint8Array,
  options: KeyedCallOptions<string>,
): AsyncGenerator<ActionNews, undefined> {
  const { [action]: declared } = await host.actions(id);
  if (declared?.streams !== true) {
    const output = await host.callBytes(id, action, input, options);
    yield { kind: "output", value: JSON.parse(new TextDecoder().decode(output)) };
    return;
  }
  const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(input));
  for await (const item of host.stream(id, action, value, options)) yield { kind: "item", value: item };
}
