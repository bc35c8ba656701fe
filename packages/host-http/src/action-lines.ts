import type { Host, Progress } from "@berth/host";
import { formatDataLabel } from "@berth/spec";
import type { DataLabel } from "@berth/spec";
import type { FastifyReply } from "fastify";

import { DATA_LABEL_HEADER } from "./data-label-header.ts";
import { HostHttpError } from "./errors.ts";

/**
 * Lines of JSON, each of one object: `progress`, `item`, and last `output`, `end` or `error`. One that carries
 * labelled data begins with `label`: the header would come too late, since the label may change on the way.
 */
export const LINES_TYPE = "application/x-ndjson";

const SLICE_BYTES = 1_048_576;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;

/** One call of an action as the API was asked for it. */
export interface ActionRequest {
  readonly id: string;
  readonly action: string;
  readonly input: Uint8Array;
  readonly caller: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Answers a call line by line. A call that fails before there is anything to say is answered as any other, with a
 * status of its own; what fails later says so in its last line, since the status has been sent.
 */
export async function sendLines(
  reply: FastifyReply,
  host: Host<string>,
  { id, action, input, caller, idempotencyKey, signal }: ActionRequest,
  problemOf: (error: unknown) => object,
): Promise<void> {
  const lines = new Lines(reply);
  const options = {
    signal,
    onProgress: (progress: Progress) => lines.mention("progress", JSON.stringify(progress)),
    onLabel: (label: DataLabel) => lines.carry(label),
    ...(caller !== undefined && { caller }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  };
  try {
    const { [action]: declared } = await host.actions(id);
    if (declared?.streams === true) {
      for await (const item of host.stream(id, action, parseInput(input), options))
        await lines.write("item", formatItem(item));
      await lines.write("end", "true");
    } else {
      await lines.writeOutput(await host.callBytes(id, action, input, options));
    }
  } catch (error) {
    if (!lines.hasBegun) throw error;
    if (!signal.aborted) await lines.write("error", JSON.stringify(problemOf(error)));
  }
  lines.end();
}

class Lines {
  readonly #reply: FastifyReply;
  /** What a line begins with. */
  #opening = "{";
  hasBegun = false;

  constructor(reply: FastifyReply) {
    this.#reply = reply;
  }

  /** Every line from now on has this label, and so has an error in place of all lines. */
  carry(label: DataLabel): void {
    const text = formatDataLabel(label);
    this.#opening = `{"label":${text},`;
    if (!this.hasBegun) this.#reply.header(DATA_LABEL_HEADER, text);
  }

  /** A line of one member; `json`: its value. */
  write(name: string, json: string): Promise<void> {
    return this.#write(`${this.#opening}"${name}":${json}}\n`);
  }

  /** A line that may be left out: a later one says more. */
  mention(name: string, json: string): void {
    const { raw } = this.#reply;
    if (raw.destroyed || raw.writableEnded || raw.writableNeedDrain) return;
    this.#begin();
    raw.write(`${this.#opening}"${name}":${json}}\n`);
  }

  /** Piece by piece: it may be large. A line break between its parts, where JSON allows one, is no end of the line. */
  async writeOutput(json: Uint8Array): Promise<void> {
    await this.#write(`${this.#opening}"output":`);
    for (let start = 0; start < json.length; start += SLICE_BYTES)
      await this.#write(withoutBreaks(json.subarray(start, start + SLICE_BYTES)));
    await this.#write("}\n");
  }

  /** Waits until whoever reads has room for more: what is not taken is not asked for. */
  async #write(part: string | Uint8Array): Promise<void> {
    this.#begin();
    const { raw } = this.#reply;
    raw.write(part);
    if (!raw.writableNeedDrain || raw.destroyed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    raw.once("drain", resolve).once("close", resolve);
    await promise;
    raw.off("drain", resolve).off("close", resolve);
  }

  end(): void {
    this.#begin();
    this.#reply.raw.end();
  }

  #begin(): void {
    if (this.hasBegun) return;
    this.hasBegun = true;
    this.#reply.hijack();
    this.#reply.raw.writeHead(200, { "content-type": LINES_TYPE, "cache-control": "no-store" });
  }
}

function withoutBreaks(json: Uint8Array): Uint8Array {
  if (!json.includes(LINE_FEED) && !json.includes(CARRIAGE_RETURN)) return json;
  return json.map((byte) => (byte === LINE_FEED || byte === CARRIAGE_RETURN ? SPACE : byte));
}

/** @throws HostHttpError HOST_API_BODY_INVALID */
function parseInput(bytes: Uint8Array): unknown {
  // Larger ones no stream takes, and reading them would keep everybody waiting.
  if (bytes.length > SLICE_BYTES)
    throw new HostHttpError(
      "HOST_API_BODY_INVALID",
      `the input of a stream has ${bytes.length} bytes, at most ${SLICE_BYTES} are taken`,
    );
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new HostHttpError("HOST_API_BODY_INVALID", "the input of the action must be JSON");
  }
}

/** @throws HostHttpError HOST_API_ITEM_HAS_BYTES */
function formatItem(item: unknown): string {
  return JSON.stringify(item, (_name, value: unknown) => {
    if (value instanceof Uint8Array)
      throw new HostHttpError(
        "HOST_API_ITEM_HAS_BYTES",
        "an item of the stream holds bytes, which JSON text cannot carry",
      );
    return value;
  });
}
